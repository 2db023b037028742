"""What is wrong with the measurement or the inventory while the network is well."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations
from typing import NamedTuple

import numpy as np

from twin.diagnose.balance import excess
from twin.diagnose.effects import Candidate, Effect
from twin.diagnose.rereading import CounterColumns, columns, true_exports, unscaled, unswapped, without_stuck
from twin.diagnose.simulated_hypothesis import SimulatedHypothesis
from twin.faults import Fault, FaultKind, unchanged
from twin.live.network import Flags
from twin.model import Floats
from twin.observe.expect.balance import link_ends
from twin.observe.expect.prediction import conditioned
from twin.observe.readings.observation import Observation
from twin.sim.simulate import simulate

from .control import committed

_K = FaultKind
_DARK, _TOLERANCE = 0.01, 4.0
_APART = 0.03  # effect: a counter that is off by a smaller share misleads nobody
_SAME_FACTOR = 0.1  # log units by which the two counters of one interface may be off differently, beyond their noise
_LEAST_MISSING = 2
_LEAST_APART, _SHARE_DROPPED = 0.01, 0.0005
_BUILT = (1_000.0, 10_000.0, 40_000.0, 100_000.0, 400_000.0)
_LEAST_OFF, _MOST_SOURCES = 0.02, 4


EFFECTS: dict[FaultKind, Effect] = {
    _K.STUCK_COUNTER: Effect(state=unchanged, reread=without_stuck),
    _K.SCALED_COUNTER: Effect(state=unchanged, reread=unscaled),
    _K.SWAPPED_COUNTERS: Effect(state=unchanged, reread=unswapped),
    _K.DEMAND_INPUT: Effect(state=unchanged, reread=true_exports),
}


def candidates(observation: Observation, judged: SimulatedHypothesis) -> Iterator[Candidate]:
    """Counters that other readings contradict, circuits and capacities not as recorded, exports that are off."""
    del observation
    seen = judged.observation
    ends = [_ends(seen, link.interface) for link in seen.inventory.links]
    yield from map(Candidate, _stuck(ends, seen.declared.unexported_mbps))
    yield from map(Candidate, _scaled(seen, ends))
    yield from map(Candidate, _swapped(seen, ends))
    yield from map(Candidate, _unread(seen))
    yield from _drained(judged)
    yield from map(Candidate, _other_capacity(seen))
    yield from map(Candidate, _off_exports(judged))


class _Ends(NamedTuple):
    """Mean rates at both ends of what an interface sends and receives, Mbit/s; NaN where they were not read."""

    interface: str
    back: str  # the interface at the other end
    at: CounterColumns
    sent: float
    sent_there: float  # as the other end received it
    received: float
    received_there: float  # as the other end sent it


def _ends(seen: Observation, interface: str) -> _Ends:
    at, out, come_in = columns(seen.inventory, interface), seen.out_mbps, seen.in_mbps
    link = seen.inventory.links[at.sends]
    back = link._replace(tail=link.head, head=link.tail).interface
    known = at.receives >= 0
    return _Ends(
        interface,
        back,
        at,
        float(out[at.sends]),
        float(come_in[at.sends]),
        float(come_in[at.receives]) if known else np.nan,
        float(out[at.receives]) if known else np.nan,
    )


def _stuck(ends: list[_Ends], floor: float) -> Iterator[Fault]:
    """Interfaces that count nothing, both ways, of what the other end counts."""
    for x in ends:
        ways = [(here, there) for here, there in _ways(x) if there > floor]
        if ways and all(here == 0 for here, _ in ways):
            yield Fault(kind=_K.STUCK_COUNTER, element=x.interface)


def _scaled(seen: Observation, ends: list[_Ends]) -> Iterator[Fault]:
    """Interfaces that are off by one factor both ways; which end is off, the loads tell."""
    apart, floor = _ends_apart(seen), seen.declared.unexported_mbps
    for x in ends:
        logs = [float(np.log(here / there)) for here, there in _ways(x) if min(here, there) > floor]
        if logs and min(map(abs, logs)) > apart and max(logs) - min(logs) < max(_SAME_FACTOR, 2 * apart):
            yield Fault(kind=_K.SCALED_COUNTER, element=x.interface, severity=float(np.exp(np.mean(logs))))


def _ways(x: _Ends) -> list[tuple[float, float]]:
    """What an interface counts and what the other end does, for what it sends and what it receives, if both do."""
    both = ((x.sent, x.sent_there), (x.received, x.received_there))
    return [pair for pair in both if np.isfinite(pair).all()]


def _swapped(seen: Observation, ends: list[_Ends]) -> Iterator[Fault]:
    """Pairs of interfaces of one router of which each counts what the other's neighbour does."""
    doubted: dict[str, list[_Ends]] = {}
    apart, floor = _ends_apart(seen), seen.declared.unexported_mbps
    for x in ends:
        if any(not _close(here, there, apart, floor) for here, there in _ways(x)):
            doubted.setdefault(seen.inventory.links[x.at.sends].tail, []).append(x)
    for router in doubted.values():
        for a, b in combinations(router, 2):
            crossed = [(a.sent, b.sent_there), (b.sent, a.sent_there)]
            crossed += [(a.received, b.received_there), (b.received, a.received_there)]
            known = [pair for pair in crossed if np.isfinite(pair).all()]
            if known and all(_close(here, there, apart, floor) for here, there in known):
                yield Fault(kind=_K.SWAPPED_COUNTERS, element=a.interface, target=b.interface)


def _ends_apart(seen: Observation) -> float:
    """Share by which the mean rates of two ends of a wire may differ: each has two readings, read early or late."""
    return max(_APART, _TOLERANCE * 2 * seen.declared.read_s / (seen.interval_s * seen.samples))


def _close(here: float, there: float, apart: float, floor: float) -> bool:
    return abs(here - there) <= apart * max(here, there) + 2 * floor


def _unread(seen: Observation) -> Iterator[Fault]:
    """Interfaces that missed several polls; one that is missed leaves two rates out, and happens to the best."""
    asked, missing = seen.unread
    for position in np.flatnonzero(missing >= _LEAST_MISSING):
        if _missed_polls(seen, columns(seen.inventory, seen.inventory.links[int(position)].interface)) < _LEAST_MISSING:
            continue
        share = float(missing[position] / max(asked[position], 1.0))
        polls = 1 - float(np.sqrt(1 - min(share, 1.0)))
        yield Fault(kind=_K.MISSING_COUNTERS, element=seen.inventory.links[int(position)].interface, severity=polls)


def _missed_polls(seen: Observation, at: CounterColumns) -> int:
    """Fewest polls that an interface can have missed: each leaves out the rate before and the rate after."""
    read = [seen.window.out_mbps[:, at.sends]]
    read += [seen.window.in_mbps[:, at.receives]] if at.receives >= 0 else []
    return sum(_polls(np.isnan(column)) for column in read)


def _polls(gap: Flags) -> int:
    """What is missing, less one for each gap of two or more."""
    before = np.concatenate(([False], gap[:-1]))
    after = np.concatenate((gap[1:], [False]))
    return int(gap.sum() - (gap & after & ~before).sum())


def _drained(judged: SimulatedHypothesis) -> Iterator[Candidate]:
    """Circuits that carry nothing either way though both ends have light and neighbours."""
    seen, residuals = judged.observation, judged.residuals
    dark = np.nan_to_num(residuals.measured, nan=np.inf) < np.maximum(
        _DARK * residuals.predicted, seen.declared.unexported_mbps
    )
    missed = residuals.predicted > _TOLERANCE * residuals.sigma
    well = seen.up & (np.nan_to_num(seen.adjacent, nan=1.0) > 0)
    for circuit, positions in seen.inventory.circuits.items():
        links = list(positions)
        if dark[links].all() and missed[links].any() and well[links].all():
            hint = committed(seen, [seen.inventory.links[i].tail for i in links])
            yield Candidate(Fault(kind=_K.STALE_TOPOLOGY, element=circuit), hint=hint)


def _other_capacity(seen: Observation) -> Iterator[Fault]:
    """Circuits that carry more than they were built for, or drop at less, and have never carried more than that."""
    window, past = seen.window, seen.past
    apart = max(_LEAST_APART, seen.declared.mistimed(seen.interval_s))
    dropping = np.nan_to_num(window.dropped_mbps) > 1 + _SHARE_DROPPED * np.nan_to_num(window.out_mbps)
    for circuit, positions in seen.inventory.circuits.items():
        links = list(positions)
        built = min(seen.inventory.links[i].capacity for i in links)
        most = float(np.nan_to_num(np.fmin(window.out_mbps, window.in_mbps)[:, links]).max(initial=0.0))
        plateaus = [float(window.out_mbps[dropping[:, i], i].mean()) for i in links if dropping[:, i].any()]
        if most > (1 + apart) * built:
            true = max(plateaus) if plateaus else min((x for x in _BUILT if x >= most), default=most)
            yield Fault(kind=_K.WRONG_CAPACITY, element=circuit, severity=built / true)
        elif plateaus and max(plateaus) < (1 - apart) * built:
            earlier = float(np.nan_to_num(past.out_mbps[:, links]).max(initial=0.0))
            if earlier < (1 + apart) * max(plateaus):
                yield Fault(kind=_K.WRONG_CAPACITY, element=circuit, severity=built / max(plateaus))


def _off_exports(judged: SimulatedHypothesis) -> Iterator[Fault]:
    """Nodes whose balance their exports miss, and the whole matrix, with the factor that the loads ask for."""
    network, readings = judged.observation.network, judged.readings
    found = excess(judged.observation, readings.arrived)
    entering = network.offered.sum(axis=1)
    score = np.where(entering > 0, np.abs(found.difference) / found.sigma, 0.0)
    asked = [x for x in np.argsort(-score, kind="stable")[:_MOST_SOURCES] if score[x] > _TOLERANCE]
    rows = [(network.nodes[int(x)].id, np.arange(len(network.nodes)) == x) for x in asked]
    for element, sources in [*rows, (f"network/{network.name}", np.ones(len(network.nodes), dtype=bool))]:
        factor = 1 / _carried_share(
            judged, np.where(sources[:, None], network.offered, 0.0), found.difference, found.sigma
        )
        if np.isfinite(factor) and factor > 0 and abs(np.log(factor)) > _LEAST_OFF:
            yield Fault(kind=_K.DEMAND_INPUT, element=element, severity=float(factor))


def _carried_share(judged: SimulatedHypothesis, demands: Floats, difference: Floats, sigma: Floats) -> float:
    """How many times these exported demands [n, n] the network carries: least squares over links and balances."""
    seen, residuals = judged.observation, judged.residuals
    part = replace(residuals.prediction.network, demands=demands, limits=())
    load, ends, n = simulate(conditioned(part, seen.removed)).load, link_ends(seen.network), len(seen.network.nodes)
    net = np.bincount(ends.tail, load, n) - np.bincount(ends.head, load * (1 - seen.removed), n)
    loose = np.hypot(residuals.sigma, residuals.difference / 6)
    above = np.dot(load, residuals.difference / loose**2) + np.dot(net, difference / sigma**2)
    below = np.dot(load, load / loose**2) + np.dot(net, net / sigma**2)
    return 1 + float(above / below) if below > 0 else 1.0
