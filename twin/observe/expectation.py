"""An observation held against the twin's prediction of any state of the network: residuals of the links."""

from functools import cached_property
from typing import NamedTuple

import numpy as np

from twin.model import Floats, Link, Network, Node, Tunnel

from .observation import Observation
from .prediction import ExportNoise, Prediction, export_noise, predict
from .samples import mean

GAP = 0.12
"""How much a rate moves between samples, relative: the error of a mean that lacks some of them."""


class Residuals(NamedTuple):
    """Measured and predicted arrivals of each link [m], Mbit/s; `score` is their difference in standard errors."""

    measured: Floats  # NaN where it was not measured
    predicted: Floats
    sigma: Floats
    prediction: Prediction

    @property
    def difference(self) -> Floats:
        """Measured minus predicted, Mbit/s [m]; 0 where it was not measured."""
        return np.nan_to_num(self.measured - self.predicted)

    @property
    def score(self) -> Floats:
        """Difference in standard errors [m]; 0 where it was not measured."""
        return self.difference / self.sigma


class Expectation:
    """The twin's predictions for the traffic and the losses of one observation."""

    def __init__(self, observation: Observation) -> None:
        self._observation = observation
        self._measured = mean(observation.arrived_mbps)
        self._coverage = np.isfinite(observation.arrived_mbps).mean(axis=0)
        self._noise: ExportNoise = export_noise(
            observation.network,
            observation.removed,
            samples=observation.samples,
            interval_s=observation.interval_s,
        )
        self._predicted: dict[tuple[tuple[Node, ...], tuple[Link, ...], tuple[Tunnel, ...]], Prediction] = {}

    def residuals(self, network: Network) -> Residuals:
        """Hold the measured arrivals against a state of the network; it must carry the measured matrix."""
        if network is self._observation.network:
            return self._of_inventory
        return self._residuals(network)

    @cached_property
    def _of_inventory(self) -> Residuals:
        """Of the inventory itself: the state that most hypotheses leave as it is."""
        return self._residuals(self._observation.network)

    def _residuals(self, network: Network) -> Residuals:
        prediction = self._prediction(network)
        gaps = GAP * (1 - self._coverage) * np.fmax(np.nan_to_num(self._measured), prediction.arrived)
        reading = np.nan_to_num(self._observation.reading_error)
        sigma = np.hypot(prediction.sigma * self._observation.quality.noise, np.hypot(gaps, reading))
        return Residuals(self._measured, prediction.arrived, sigma, prediction)

    def _prediction(self, network: Network) -> Prediction:
        """Simulate every state once: many faults lead to the same one."""
        key = network.nodes, network.links, network.tunnels
        if key not in self._predicted:
            self._predicted[key] = predict(network, self._observation.removed, self._noise)
        return self._predicted[key]
