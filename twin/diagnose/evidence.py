"""The readings that speak for a hypothesis, as typed facts."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from twin.model import Floats, Network
from twin.observe.observation import Observation

from .diagnosis import Fact, Quantity
from .likelihood import Judged, predicted_drops, predicted_up

_SHOWN = 6
_LEAST_GAIN = 1.0
_UNEXPLAINED = 6.0  # standard errors


def evidence(observation: Observation, judged: Judged, healthy: Judged) -> tuple[Fact, ...]:
    """Readings that the hypothesis explains better than a healthy network does, the most telling first."""
    gains = [mine - theirs for mine, theirs in zip(judged.likelihood, healthy.likelihood, strict=True)]
    ranked = [
        (float(gain), number, int(position))
        for number, term in enumerate(gains)
        for position, gain in enumerate(term)
        if gain > _LEAST_GAIN
    ]
    ranked.sort(key=lambda entry: (-entry[0], entry[1], entry[2]))
    tables = _tables(observation, judged), _tables(observation, healthy)
    return tuple(_fact(tables, entry) for entry in ranked[:_SHOWN])


def unexplained(observation: Observation, judged: Judged, healthy: Judged) -> tuple[Fact, ...]:
    """Loads that are far from what the hypothesis predicts, the farthest first."""
    score = np.abs(judged.residuals.score)
    worst = [int(i) for i in np.argsort(-score, kind="stable")[:_SHOWN] if score[i] > _UNEXPLAINED]
    tables = _tables(observation, judged), _tables(observation, healthy)
    gain = judged.likelihood.load - healthy.likelihood.load
    return tuple(_fact(tables, (float(gain[i]), 0, i)) for i in worst)


class _Table(NamedTuple):
    """Measured and predicted values of one quantity, and the element ids they belong to."""

    elements: Sequence[str]
    measured: Floats
    predicted: Floats


_Tables = dict[Quantity, _Table]


def _fact(tables: tuple[_Tables, _Tables], entry: tuple[float, int, int]) -> Fact:
    gain, number, position = entry
    quantity: Quantity = _QUANTITIES[number]
    mine, healthy = tables[0][quantity], tables[1][quantity]
    return Fact(
        element=mine.elements[position],
        quantity=quantity,
        measured=float(np.nan_to_num(mine.measured[position])),
        predicted=float(mine.predicted[position]),
        healthy=float(healthy.predicted[position]),
        gain=gain,
    )


_QUANTITIES: tuple[Quantity, ...] = (
    "load", "drops", "wire_loss", "oper_up", "answers", "probe_delay", "reachable", "demand_factor",
)  # fmt: skip


def _tables(observation: Observation, judged: Judged) -> _Tables:
    network, probes = judged.state, observation.probes
    interfaces, nodes = [link.interface for link in network.links], [node.id for node in network.nodes]
    delay = judged.residuals.prediction.delay_ms[probes.source, probes.target]
    pairs = _pairs(network, observation)
    return {
        "load": _Table(interfaces, judged.residuals.measured, judged.residuals.predicted),
        "drops": _Table(interfaces, observation.dropped_mbps, predicted_drops(observation, network)),
        "wire_loss": _Table(interfaces, observation.wire_loss, np.array([link.loss for link in network.links])),
        "oper_up": _Table(interfaces, observation.up.astype(float), predicted_up(network).astype(float)),
        "answers": _Table(nodes, observation.answered.astype(float), np.array([float(x.up) for x in network.nodes])),
        "probe_delay": _Table(pairs, probes.delay_ms, np.where(np.isfinite(delay), delay, 0.0)),
        "reachable": _Table(pairs, (probes.loss < 1).astype(float), np.isfinite(delay).astype(float)),
        "demand_factor": _Table(nodes, np.exp(observation.growth.log_factor), np.exp(judged.log_factor)),
    }


def _pairs(network: Network, observation: Observation) -> list[str]:
    probes, names = observation.probes, [node.name for node in network.nodes]
    return [f"probe/{names[s]}/{names[t]}" for s, t in zip(probes.source, probes.target, strict=True)]
