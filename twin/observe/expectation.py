"""An observation held against the twin's prediction of any state of the network: residuals of the links."""

from functools import cached_property
from typing import NamedTuple

import numpy as np

from twin.model import Floats, Link, Network, Node, Tunnel

from .observation import Observation, arrivals
from .prediction import ExportNoise, Prediction, export_noise, hashing_variance, predict
from .samples import mean

GAP = 0.12
"""How much a rate moves between samples, relative: the error of a mean that lacks some of them."""

_EARLIER, _TELLING = 4, 12  # samples, and links mostly moved by hashing, that tell how far it moves loads
_MOSTLY, _SAFETY, _LEAST_HASHING = 0.5, 1.5, 0.4


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

    @cached_property
    def _hashing(self) -> float:
        """How far hashing moved the loads before, as a multiple of its bound; 1 where too few links can tell."""
        seen = self._observation
        earlier = seen.past.rows(slice(-_EARLIER, None))
        if len(earlier.time) < _EARLIER:
            return 1.0
        measured = mean(earlier.demands)
        then = seen.network.with_demands(np.where(np.isfinite(measured), measured, seen.network.demands))
        stated = predict(then, np.zeros(len(then.links)), self._noise)
        hashed = hashing_variance(stated.network) > _MOSTLY * stated.sigma**2
        score = ((mean(arrivals(earlier)) - stated.arrived) / stated.sigma)[hashed]
        score = score[np.isfinite(score)]
        if score.size < _TELLING:
            return 1.0
        return float(np.clip(_SAFETY * 1.4826 * np.median(np.abs(score)), _LEAST_HASHING, 1.0))

    def _prediction(self, network: Network) -> Prediction:
        """Simulate every state once: many faults lead to the same one."""
        key = network.nodes, network.links, network.tunnels
        if key not in self._predicted:
            self._predicted[key] = predict(network, self._observation.removed, self._noise, hashing=self._hashing)
        return self._predicted[key]
