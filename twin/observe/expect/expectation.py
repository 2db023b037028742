"""An observation held against the twin's prediction of any state of the network: residuals of the links."""

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np

from twin.model import Astray, Floats, Link, Network, Node, Tunnel
from twin.observe.readings.link_rates import arrivals
from twin.observe.readings.observation import Observation
from twin.observe.readings.turning import turned_samples
from twin.observe.readings.with_gaps import mean

from .prediction import ExportNoise, Prediction, export_noise, predict

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


class Calibration(NamedTuple):
    """How far measurements strayed from predictions, as multiples of the stated errors."""

    noise: float
    hashing: float  # of what hashing flows to equal paths moves


class Expectation:
    """The twin's predictions for the traffic and the losses of one observation.

    `calibration` says how noisy the network is; by default the observation tells by itself, which it must not do where
    it may be of a network that is not as predicted.
    """

    def __init__(self, observation: Observation, calibration: Calibration | None = None) -> None:
        self._observation, self._given = observation, calibration
        self._measured = mean(observation.arrived_mbps)
        self._coverage = np.isfinite(observation.arrived_mbps).mean(axis=0)
        self._noise: ExportNoise = export_noise(
            observation.network,
            observation.removed,
            observation.declared,
            samples=observation.samples,
            interval_s=observation.interval_s,
        )
        self._predicted: dict[
            tuple[tuple[Node, ...], tuple[Link, ...], tuple[Tunnel, ...], tuple[Astray, ...]], Prediction
        ] = {}

    def residuals(self, network: Network) -> Residuals:
        """Hold the measured arrivals against a state of the network; it must carry the measured matrix."""
        if network is self._observation.network:
            return self._of_inventory
        return self._residuals(network)

    def unheard(self, network: Network, links: Sequence[int]) -> Prediction:
        """Predict a state while `links` are dark and their routers still send over them: all of that is lost."""
        removed = self._observation.removed.copy()
        removed[list(links)] = 1.0
        window = self._observation.window
        return predict(network, removed, self._noise, pairs=(window.probe_source, window.probe_target))

    @cached_property
    def _of_inventory(self) -> Residuals:
        """Of the inventory itself: the state that most hypotheses leave as it is."""
        return self._residuals(self._observation.network)

    def _residuals(self, network: Network) -> Residuals:
        prediction = self._prediction(network)
        rate = np.fmax(np.nan_to_num(self._measured), prediction.arrived)
        gaps = self._observation.swing * (1 - self._coverage) * rate
        reading = np.nan_to_num(self._observation.reading_error)
        sigma = np.hypot(prediction.sigma * self.calibration.noise, np.hypot(gaps, reading))
        return Residuals(self._measured, prediction.arrived, sigma, prediction)

    def shared_variance(self, residuals: Residuals) -> Floats:
        """Variance of each link's residual that comes of the demands on it, (Mbit/s)^2 [m]: exported, hashed whole."""
        prediction = residuals.prediction
        shared = self._noise.per_mbps * prediction.arrived + prediction.hashed**2
        return np.asarray(self.calibration.noise**2 * shared)

    @cached_property
    def calibration(self) -> Calibration:
        """How noisy the network is taken to be."""
        return self._given or Calibration(self._observation.quality.noise, self._hashing)

    @cached_property
    def _hashing(self) -> float:
        """How far hashing moved the loads before, as a multiple of its bound; 1 where too few links can tell."""
        seen = self._observation
        mixed = turned_samples(seen.inventory, seen.events, seen.past.time, seen.interval_s)
        earlier = seen.past.rows(np.flatnonzero(~mixed)[-_EARLIER:])
        if len(earlier.time) < _EARLIER:
            return 1.0
        measured = earlier.demands.mean()
        then = seen.network.with_demands(np.where(np.isfinite(measured), measured, seen.network.demands))
        stated = predict(then, np.zeros(len(then.links)), self._noise)
        hashed = stated.hashed**2 > _MOSTLY * stated.sigma**2
        score = ((mean(arrivals(earlier)) - stated.arrived) / stated.sigma)[hashed]
        score = score[np.isfinite(score)]
        if score.size < _TELLING:
            return 1.0
        return float(np.clip(_SAFETY * 1.4826 * np.median(np.abs(score)), _LEAST_HASHING, 1.0))

    def _prediction(self, network: Network) -> Prediction:
        """Simulate every state once: many faults lead to the same one."""
        key = network.nodes, network.links, network.tunnels, network.astray
        if key not in self._predicted:
            hashing = self._given.hashing if self._given else self._hashing
            seen = self._observation
            pairs = seen.window.probe_source, seen.window.probe_target
            # what counters are too coarse to show, a state that loses takes off all the same
            removed = np.where(seen.removed > 0, seen.removed, [link.loss for link in network.links])
            self._predicted[key] = predict(
                network, removed, self._noise, pairs=pairs, hashing=hashing, carried=seen.arrived_mbps
            )
        return self._predicted[key]
