"""The readings that speak for a hypothesis, as typed facts."""

from collections.abc import Sequence
from typing import NamedTuple, get_args

import numpy as np

from twin.model import Floats

from .balance import excess
from .configured import expected_items
from .diagnosis import Fact, Quantity
from .likelihood import predicted_drops
from .lost import Place
from .peered import routes
from .simulated_hypothesis import SimulatedHypothesis

_SHOWN = 6
_LEAST_GAIN = 1.0
_UNEXPLAINED = 6.0  # standard errors
_QUANTITIES: tuple[Quantity, ...] = get_args(Quantity)


def evidence(judged: SimulatedHypothesis, healthy: SimulatedHypothesis) -> tuple[Fact, ...]:
    """Readings that the hypothesis explains better than a healthy network does, the most telling first."""
    gains = [mine - theirs for mine, theirs in zip(judged.likelihood, healthy.likelihood, strict=True)]
    ranked = [
        (float(gain), number, int(position))
        for number, term in enumerate(gains)
        for position, gain in enumerate(term)
        if gain > _LEAST_GAIN
    ]
    ranked.sort(key=lambda entry: (-entry[0], entry[1], entry[2]))
    tables = _tables(judged), _tables(healthy)
    return tuple(_fact(tables, entry) for entry in ranked[:_SHOWN])


def unexplained(judged: SimulatedHypothesis, healthy: SimulatedHypothesis) -> tuple[Fact, ...]:
    """Loads that are far from what the hypothesis predicts, the farthest first."""
    score = np.abs(judged.residuals.score)
    worst = [int(i) for i in np.argsort(-score, kind="stable")[:_SHOWN] if score[i] > _UNEXPLAINED]
    tables = _tables(judged), _tables(healthy)
    gain = judged.likelihood.load - healthy.likelihood.load
    return tuple(_fact(tables, (float(gain[i]), 0, i)) for i in worst)


def facts_at(places: Sequence[Place], judged: SimulatedHypothesis, healthy: SimulatedHypothesis) -> tuple[Fact, ...]:
    """Return the readings at some places, the first few."""
    tables = _tables(judged), _tables(healthy)
    return tuple(_fact(tables, (0.0, _QUANTITIES.index(x), position)) for x, position in places[:_SHOWN])


class _Table(NamedTuple):
    """Measured and predicted values of one quantity, and the element ids they belong to."""

    elements: Sequence[str]
    measured: Floats
    predicted: Floats


_Tables = dict[Quantity, _Table]


def _fact(tables: tuple[_Tables, _Tables], entry: tuple[float, int, int]) -> Fact:
    gain, number, position = entry
    quantity = _QUANTITIES[number]
    mine, healthy = tables[0][quantity], tables[1][quantity]
    return Fact(
        element=mine.elements[position],
        quantity=quantity,
        measured=float(np.nan_to_num(mine.measured[position])),
        predicted=float(mine.predicted[position]),
        healthy=float(healthy.predicted[position]),
        gain=gain,
    )


def _tables(judged: SimulatedHypothesis) -> _Tables:
    seen, readings, probes = judged.observation, judged.readings, judged.observation.probes
    interfaces, nodes = tuple(judged.state.interface_index), [node.id for node in judged.state.nodes]
    pairs = _pairs(judged)
    asked, missing = seen.unread
    balance = excess(seen, readings.arrived)
    return {
        "load": _Table(interfaces, judged.residuals.measured, readings.arrived),
        "drops": _Table(interfaces, seen.dropped_mbps, predicted_drops(seen, readings)),
        "wire_loss": _Table(interfaces, seen.wire_loss, readings.wire_loss),
        "errors": _Table(interfaces, seen.broken, readings.broken),
        "oper_up": _Table(interfaces, seen.up.astype(float), readings.up),
        "adjacent": _Table(interfaces, seen.adjacent, readings.adjacent),
        "counted": _Table(interfaces, 1 - missing / np.maximum(asked, 1), 1 - readings.missing),
        "answers": _Table(nodes, seen.answered.astype(float), readings.answers.astype(float)),
        "probe_delay": _Table(pairs, probes.delay_ms, np.nan_to_num(readings.delay_ms, posinf=0.0)),
        "probe_loss": _Table(pairs, probes.loss, np.nan_to_num(1 - readings.through)),
        "demand_factor": _Table(nodes, np.exp(seen.growth.log_factor), np.exp(readings.log_factor)),
        "packet_factor": _Table(nodes, np.exp(seen.log_packets), np.exp(readings.log_packets)),
        "balance": _Table(nodes, balance.measured, balance.predicted),
        "configured": _Table(nodes, *_lines(judged)),
        "peering": _Table(interfaces, *routes(judged.observation, judged.faults)),
    }


def _lines(judged: SimulatedHypothesis) -> tuple[Floats, Floats]:
    """Lines of configuration that the inventory does not have, as read back and as the hypothesis has them [n]."""
    network, expected = judged.observation.network, expected_items(judged.observation.network, judged.faults)
    said = {x.router: float(len(x.items)) for x in judged.observation.readbacks}
    names = [node.name for node in network.nodes]
    written = [float(sum(router == name for router, _ in expected)) for name in names]
    return np.array([said.get(name, 0.0) for name in names]), np.array(written)


def _pairs(judged: SimulatedHypothesis) -> list[str]:
    probes, names = judged.observation.probes, [node.name for node in judged.state.nodes]
    return [f"probe/{names[s]}/{names[t]}" for s, t in zip(probes.source, probes.target, strict=True)]
