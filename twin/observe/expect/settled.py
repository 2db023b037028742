"""The demands of now without their usual swing: what a plan is judged under while it is under way."""

from typing import NamedTuple

import numpy as np

from twin.live.network import Flags
from twin.model import Floats
from twin.observe.readings.exported import Exported
from twin.observe.readings.growth import RECENT
from twin.observe.readings.observation import Observation
from twin.observe.readings.with_gaps import middle

_SURE = 3.0  # standard errors beyond which demands have moved and not only swung
_LEAST = 4  # samples that tell how far demands swing
_MAD = 1.4826
_OF_A_MEDIAN = np.pi / 2
"""Variance of the median of many samples, as a multiple of that of their mean."""


class Settled(NamedTuple):
    """The demands of now, Mbit/s [n, n], with the variance of their error, (Mbit/s)^2 [n, n]."""

    demands: Floats
    variance: Floats  # by instruments, and by how far demands swing
    declared: Floats  # by instruments alone


def settled(observation: Observation) -> Settled:
    """Return the demands of now with how far they may be off.

    A single sample is off by what the network declares of its flow export and of packets sampled, and by how far
    demands swing, which their own past shows: the larger of the two counts. The spread of the past is taken from
    differences of neighbouring samples, so that a step in it is no spread.
    """
    declared, now = observation.declared, observation.network.demands
    stated = (declared.export_error * now) ** 2 + declared.sampled_mbit / observation.interval_s * now
    pairs, known = _recent(observation)
    if len(known) < _LEAST:
        return Settled(now, stated / observation.samples, stated / observation.samples)
    swing = pairs.placed(_MAD * np.median(np.abs(np.diff(known, axis=0)), axis=0) / np.sqrt(2))
    demands = settled_demands(observation)
    taken = np.where(demands == now, 1 / observation.samples, _OF_A_MEDIAN / len(known))
    return Settled(demands, np.maximum(stated, swing**2) * taken, stated * taken)


def settled_demands(observation: Observation) -> Floats:
    """Return the matrix [n, n], Mbit/s, that demands keep to now.

    It is the median of the recent past, and the newest mean where that is further from it than the past strays by
    itself: of a pair, of all pairs towards a node, or of everything. How far demands swing is so taken from the
    network's own history.
    """
    now = observation.network.demands
    pairs, known = _recent(observation)
    if len(known) < _LEAST:
        return now
    samples, pair = observation.samples, pairs.of(now)
    towards = _moved(now.sum(axis=0), np.array([pairs.arriving(x) for x in known]), samples)
    everything = _moved(now.sum(), np.array([pairs.placed(x).sum() for x in known]), samples)
    anew = _moved(pair, known, samples) | towards[pairs.target] | everything
    return pairs.placed(np.where(anew, pair, middle(known)))


def _recent(observation: Observation) -> tuple[Exported, Floats]:
    """Whose demands they are, and Mbit/s of each in the newest samples [K, q]: those of now where none was measured."""
    pairs = observation.window.demands
    recent = np.concatenate([observation.past.rates(RECENT // 2), observation.window.rates()])
    return pairs, np.where(np.isfinite(recent), recent, pairs.of(observation.network.demands))


def _moved(now: Floats | np.float64, recent: Floats, samples: int) -> Flags:
    """Whether means over the newest samples are off what they were, by the robust spread of single samples [K, ...]."""
    usual = np.median(recent, axis=0)
    spread = _MAD * np.median(np.abs(recent - usual), axis=0)
    return np.asarray(np.abs(now - usual) > _SURE * spread * np.sqrt(1 / samples + 1 / len(recent)))
