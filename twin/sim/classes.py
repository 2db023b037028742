"""What classes of traffic put on the links, what full links make of it, and how long it waits.

Routing does not look at classes, so that each one's loads are those of its part of the demands. A link serves classes
of the first priority first, then those of the next; classes of one priority share what is left in proportion to their
weights, and what one does not need goes to the others (strict priority, weighted fair queueing within it). Waiting is
that of a queue with priorities that interrupts nobody [Cobham, Operations Research 2(1), 1954], under the assumptions
of `delay`: for the priority k it is R / ((1 - s(k-1)) (1 - s(k))), where s(k) is the utilisation by priorities up to k
and R what is left of the packet on the wire. Classes of one priority count as one queue there.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from twin.model import Floats, Network
from twin.traffic_classes import TrafficClass

from .arrays import Arrays, compile_network
from .delay import VALID_UTILISATION
from .failure_sweep import failed_in, flatten, shrunk
from .kernels import shortest_paths, spread
from .route import DemandDelays, demand_delays, steered, without
from .simulate import Failure
from .superposed import Superposition

PACKET_BYTES = 800.0
_ROUNDS, _SETTLED, _NOTHING = 80, 1e-9, 1e-12


class ClassLoads(NamedTuple):
    """What each class puts on the links, whatever they can take. C classes in the order of service, F failures."""

    classes: tuple[TrafficClass, ...]
    intact: Floats  # [C, m] Mbit/s
    failing: Floats  # [C, F, m]
    lost: Floats  # [C] Mbit/s without a way
    lost_failing: Floats  # [C, F]
    offered: Floats  # [C] Mbit/s between nodes that are up
    severed: Floats  # [C, F] Mbit/s from or to a failed node
    capacity: Floats  # [m]
    capacity_failing: Floats  # [F, m] less where a member of a bundle has failed


def class_loads(network: Network, failures: Sequence[Failure] = ()) -> ClassLoads:
    """Route each class on its own, intact and under each failure. The network must have classes."""
    found = [_alone(network, share, failures) for share in network.class_share]
    arrays = compile_network(network)
    capacity = arrays.capacity[arrays.arc_of]
    failing = np.repeat(capacity[None], len(failures), axis=0)
    for row, failure in enumerate(failures):
        if failure.members:
            failing[row] = shrunk(network, failure).capacity[arrays.arc_of]
    intact, under, lost, lost_under, offered, severed = (np.array(x) for x in zip(*found, strict=True))
    return ClassLoads(network.served, intact, under, lost, lost_under, offered, severed, capacity, failing)


def _alone(
    network: Network, share: Floats, failures: Sequence[Failure]
) -> tuple[Floats, Floats, float, Floats, float, Floats]:
    part = replace(network, demands=network.offered * share, limits=(), classes=(), class_shares=())
    demands = Superposition(part, failures)
    swept, links = demands.total(), demands.arrays.arc_of
    routing = demands.routing
    lost = routing.lost + routing.blackholed + routing.discarded
    offered = float(demands.arrays.offered.sum())
    return swept.intact[links], swept.load[:, links], lost, swept.lost, offered, swept.severed


class ClassLosses(NamedTuple):
    """What does not arrive of each class, intact first and then under each failure. C classes, F failures."""

    missing: Floats  # [C, F + 1] Mbit/s between nodes that are up
    dropped: Floats  # [C, F + 1, m] of it, by the full link that drops it


def class_losses(network: Network, failures: Sequence[Failure], loads: ClassLoads) -> ClassLosses:
    """Find what full links take of each class: what one drops does not load those after it (a fixed point)."""
    arrays, rows = compile_network(network), len(failures) + 1
    missing = np.concatenate([loads.lost[:, None], loads.lost_failing], axis=1)
    dropped = np.zeros((len(loads.classes), rows, len(network.links)))
    wanted = np.concatenate([loads.intact[:, None], loads.failing], axis=1).sum(axis=0)
    room = np.concatenate([loads.capacity[None], loads.capacity_failing])
    for row in map(int, np.flatnonzero((wanted > room * (1 + 1e-12)).any(axis=1))):
        state = arrays
        if row:
            failure = failures[row - 1]
            state = shrunk(network, failure) if failure.members else arrays
            state = without(state, *failed_in(flatten(state, (failure,)), 0))
        gone = _settled(network, state, loads.classes)
        missing[:, row] += gone.sum(axis=1)
        dropped[:, row] = gone[:, arrays.arc_of]
    return ClassLosses(missing, dropped)


def _settled(network: Network, state: Arrays, classes: Sequence[TrafficClass]) -> Floats:
    """Mbit/s of each class that each arc drops once losses upstream have relieved what is downstream [C, m]."""
    paths, parts = shortest_paths(state), [state.offered * share.T for share in network.class_share]
    passed, load = np.ones((len(classes), len(state.head))), np.zeros((len(classes), len(state.head)))
    for number in range(_ROUNDS):
        for c, part in enumerate(parts):
            here = state._replace(offered=part, keep=state.keep * passed[c])
            load[c], _ = spread(here, paths, steered(here, paths).volume)
        taken = served(classes, load, state.capacity)
        wanted = np.divide(taken, load, out=np.ones_like(load), where=load > _NOTHING)
        if float(np.abs(wanted - passed).max(initial=0.0)) < _SETTLED:
            break
        passed += (wanted - passed) * (1.0 if number < _ROUNDS // 2 else 0.5)
    return np.maximum(load - served(classes, load, state.capacity), 0.0)


def served(classes: Sequence[TrafficClass], load: Floats, capacity: Floats) -> Floats:
    """Return what each link takes of the load of each class [C, ..., m]; `capacity` [..., m]."""
    room, taken = np.broadcast_to(capacity, load.shape[1:]).astype(np.float64), np.zeros_like(load)
    for priority in sorted({x.priority for x in classes}):
        here = [c for c, x in enumerate(classes) if x.priority == priority]
        weight = np.array([classes[c].weight for c in here]).reshape(-1, *[1] * room.ndim)
        taken[here] = _shared(load[here], weight, room)
        room = np.maximum(room - taken[here].sum(axis=0), 0.0)
    return taken


def _shared(wanted: Floats, weight: Floats, room: Floats) -> Floats:
    """Share room [..., m] among those who want some [k, ..., m] by weight: in each round one has all that it wants."""
    given = np.zeros_like(wanted)
    for _ in range(len(wanted)):
        open_ = np.where(wanted - given > 1e-12 * np.maximum(wanted, 1.0), weight, 0.0)
        total = open_.sum(axis=0)
        fair = np.divide(open_ * (room - given.sum(axis=0)), total, out=np.zeros_like(given), where=total > 0)
        given = given + np.minimum(wanted - given, np.maximum(fair, 0.0))
    return given


def cumulative(classes: Sequence[TrafficClass], load: Floats) -> Floats:
    """Return the load of each class and all that is served before it [C, ..., m]; its equals do not count."""
    before = [sum((load[d] for d, y in enumerate(classes) if y.priority < x.priority), start=0.0) for x in classes]
    return np.stack([load[c] + np.asarray(before[c]) for c in range(len(classes))])


def waiting_ms(classes: Sequence[TrafficClass], load: Floats, capacity: Floats, packet_bytes: float) -> Floats:
    """Mean time on each link, sending and waiting, of each class, ms [C, m], for packets of this mean size."""
    sending = packet_bytes * 8 / (capacity * 1000)
    use = load / capacity
    rest = np.minimum(use.sum(axis=0), 1.0) * sending
    found = np.empty_like(load)
    for c, entry in enumerate(classes):
        above = sum((use[d] for d, y in enumerate(classes) if y.priority < entry.priority), start=0.0)
        level = above + sum((use[d] for d, y in enumerate(classes) if y.priority == entry.priority), start=0.0)
        first, last = (1 - np.minimum(x, VALID_UTILISATION) for x in (above, level))
        found[c] = sending + rest / (first * last)
    return found


def class_delays(
    network: Network,
    failure: Failure | None = None,
    *,
    loads: ClassLoads | None = None,
    row: int = 0,
) -> DemandDelays:
    """One-way delay of each class's part of each demand, ms by source first [C, n, n]; inf without a path.

    Propagation, sending and waiting; `row` is the failure's in `loads`, which are computed where they are not known.
    """
    loads = loads or class_loads(network, () if failure is None else (failure,))
    arrays, capacity, load = compile_network(network), loads.capacity, loads.intact
    if failure is not None:
        capacity, load = loads.capacity_failing[row], loads.failing[:, row]
        arrays = shrunk(network, failure) if failure.members else arrays
        arrays = without(arrays, *failed_in(flatten(arrays, (failure,)), 0))
    waits = waiting_ms(loads.classes, load, capacity, PACKET_BYTES)
    return _of_demands(arrays, waits[:, arrays.link_of])


def _of_demands(arrays: Arrays, waits: Floats) -> DemandDelays:
    paths = shortest_paths(arrays)
    used = steered(arrays, paths).used
    found = [demand_delays(arrays._replace(delay=arrays.delay + x), paths, used) for x in waits]
    return DemandDelays(*(np.stack(x) for x in zip(*found, strict=True)))
