"""What changed since a moment: states that flipped, and loads that moved by more than traffic and errors explain."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, NamedTuple, TypeVar

import numpy as np

from twin.live.network import (
    FlowSamples,
    InterfaceSamples,
    LinkSamples,
    NodeSamples,
    ProbeSamples,
    Telemetry,
    TrafficSamples,
)
from twin.live.peerings import PeeringSamples
from twin.model import Floats, Ints, Network
from twin.observe.readings.exported import Exported
from twin.observe.readings.link_rates import arrivals, removed_share
from twin.observe.readings.observation import Observation
from twin.observe.readings.peerings import ways_out
from twin.observe.readings.samples import Samples, read_samples
from twin.observe.readings.with_gaps import mean

from .prediction import export_noise, predict

BEYOND = 4.0
"""Standard errors by which a load must have moved to count: at a thousand links, one false row in 16 looks."""

_FOLLOWS = 0.4  # share of what was unexplained that may come and go with the traffic

_Table = TypeVar("_Table", LinkSamples, TrafficSamples)

StateName = Literal["interface", "neighbour", "node", "routes"]


class StateFlip(NamedTuple):
    """An element that was in another state since; `began` is the end of the first sample that shows it, epoch s."""

    element: str  # a circuit, a node, or the interface of an exit
    state: StateName
    began: float
    last: float  # end of the sample that shows the latest change
    times: int  # samples that show a change
    now: bool  # up, adjacent, answering, with routes


class LoadMove(NamedTuple):
    """A link that carries other than it did, Mbit/s; `due` is the load before, changed as its traffic has."""

    link: int
    before: float
    due: float
    now: float
    score: float  # standard errors between `due` and `now`


class LoadChanges(NamedTuple):
    """Loads before a moment against now, the furthest off first."""

    baseline: float | None  # end of the newest sample up to the moment, epoch s; None: nothing was measured by then
    traffic: float | None  # what all demands together are times what they were; None where nothing is compared
    moved: tuple[LoadMove, ...]


def state_flips(network: Network, telemetry: Telemetry, since: float) -> tuple[StateFlip, ...]:
    """Return whose state changed after `since`, epoch seconds, the latest first; a poll that got lost is no change.

    Both directions of a circuit are one. Where nobody said anything of a state before `since`, its first reading counts
    for it.
    """
    links, nodes, more = telemetry.links, telemetry.nodes, telemetry.interfaces
    circuits, interfaces = [x.circuit for x in network.links], [x.interface for x in network.links]
    up, adjacent = np.asarray(links.up, dtype=np.float64), np.asarray(more.adjacent, dtype=np.float64)
    said = telemetry.peerings
    found = [
        *_flips("node", [x.id for x in network.nodes], (nodes.node, nodes.time, _without_lost_polls(nodes)), since),
        *_flips("interface", circuits, (links.link, links.time, up), since),
        *_flips("neighbour", circuits, (more.link, more.time, adjacent), since),
        *_flips("routes", interfaces, (said.link, said.time, _ways_out(said)), since),
    ]
    return tuple(sorted(found, key=lambda x: (-x.last, x.state, x.element)))


def load_changes(telemetry: Telemetry, observation: Observation, since: float) -> LoadChanges:
    """Compare the loads of the last sample before `since`, epoch seconds, with those now, of links that are up.

    What is due now is the load before, changed as the twin's prediction has: a load that follows its traffic on the
    configured paths is no news. What is left is held against the errors of both predictions, and against a share of
    what was unexplained then, which comes and goes with the traffic.
    """
    times = np.unique(telemetry.links.time)
    history, window = times[times <= since][-1:], observation.window.time[observation.window.time > since]
    if not history.size or not window.size:
        return LoadChanges(float(history[-1]) if history.size else None, None, ())
    then, now = (read_samples(observation.inventory, _only(telemetry, x), x.size) for x in (history, window))
    present = _known(now.demands, observation.network.demands)
    past = _known(then.demands, present)
    (before, predicted, error), (after, expected, other) = (
        _held(observation, x, matrix) for x, matrix in ((then, past), (now, present))
    )
    due = np.maximum(before + expected - predicted, 0.0)
    off, compared = after - due, observation.up & np.isfinite(before) & np.isfinite(after)
    unexplained = _FOLLOWS * np.abs(before - predicted)
    score = np.where(compared, off / np.hypot(error, other), 0.0)
    beyond = np.nan_to_num(np.abs(off)) > BEYOND * np.hypot(error, other) + unexplained
    order = np.argsort(-np.abs(score), kind="stable")
    moved = [
        LoadMove(i, float(before[i]), float(due[i]), float(after[i]), float(score[i]))
        for i in order.tolist()
        if compared[i] and beyond[i]
    ]
    return LoadChanges(float(history[-1]), float(present.sum() / past.sum()) if past.any() else None, tuple(moved))


def _only(telemetry: Telemetry, times: Floats) -> Telemetry:
    """Loads and traffic of some samples that follow each other."""

    def within(table: _Table) -> _Table:
        kept = (table.time >= times[0]) & (table.time <= times[-1])
        return table._make(column[kept] for column in table)

    none = np.zeros(0, np.int64)
    return replace(
        telemetry,
        links=within(telemetry.links),
        traffic=within(telemetry.traffic),
        nodes=NodeSamples(np.zeros(0), none, np.zeros(0, np.bool_)),
        probes=ProbeSamples(np.zeros(0), none, none, np.zeros(0), np.zeros(0)),
        interfaces=InterfaceSamples(np.zeros(0), none, np.zeros(0), np.zeros(0, np.bool_)),
        flows=FlowSamples(np.zeros(0), none, none, np.zeros(0), np.zeros(0)),
        events=(),
    )


def _known(demands: Exported, otherwise: Floats) -> Floats:
    measured = demands.mean()
    return np.where(np.isfinite(measured), measured, otherwise)


def _held(observation: Observation, samples: Samples, demands: Floats) -> tuple[Floats, Floats, Floats]:
    """What is measured to arrive at each link, what the configured paths predict, and its standard error [m]."""
    declared, interval_s = observation.declared, observation.interval_s
    state = observation.inventory.with_demands(demands)
    removed = np.nan_to_num(removed_share(samples, declared.read_s / interval_s))
    noise = export_noise(state, removed, declared, samples=len(samples.time), interval_s=interval_s)
    prediction = predict(state, removed, noise)
    return mean(arrivals(samples)), prediction.arrived, prediction.sigma


def _flips(
    state: StateName, names: Sequence[str], column: tuple[Ints, Floats, Floats], since: float
) -> list[StateFlip]:
    at, time, value = _told_in_order(*column)
    changed = np.flatnonzero((at[1:] == at[:-1]) & (value[1:] != value[:-1]) & (time[1:] > since)) + 1
    last: Ints = np.searchsorted(at, np.arange(len(names)), side="right") - 1
    moments, down = defaultdict[str, set[float]](set), set[str]()
    for row in changed.tolist():
        moments[names[int(at[row])]].add(float(time[row]))
        if not value[last[at[row]]]:
            down.add(names[int(at[row])])
    return [
        StateFlip(name, state, min(times), max(times), len(times), name not in down) for name, times in moments.items()
    ]


def _told_in_order(at: Ints, time: Floats, value: Floats) -> tuple[Ints, Floats, Floats]:
    """Leave out rows that tell nothing, and put the others in order of element and time."""
    known = np.isfinite(value)
    order = np.lexsort((time[known], at[known]))
    return at[known][order], time[known][order], value[known][order]


def _without_lost_polls(nodes: NodeSamples) -> Floats:
    """Whether each node answered its poll, or this one alone was lost, in the order of the rows."""
    order = np.lexsort((nodes.time, nodes.node))
    node, answered = nodes.node[order], np.asarray(nodes.answered, dtype=np.bool_)[order]
    missed = ~answered
    follows = np.zeros(missed.size, dtype=np.bool_)
    follows[1:] = missed[1:] & missed[:-1] & (node[1:] == node[:-1])
    running = follows.copy()
    running[:-1] |= follows[1:]
    value = np.empty(missed.size)
    value[order] = ~running
    return value


def _ways_out(said: PeeringSamples) -> Floats:
    return ways_out(said.established, said.received, said.accepted, said.reachable, said.discards)
