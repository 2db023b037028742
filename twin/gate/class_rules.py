"""When a state keeps what classes of traffic are promised, or no less than the network before the plan does."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from twin.model import Bools, Floats, Network
from twin.policy import ClassLimits, Policy
from twin.printed import mbps, percent, percents, short
from twin.sim.classes import class_delays, cumulative

from .checks.finding import Violation
from .checks.stressed import Stressed
from .demand_delays import OF_WAYS
from .no_worse import SHARE_SLACK, Where, found_at


class _Promise(NamedTuple):
    """One class and what it is promised; `c` is its place among the classes."""

    name: str
    c: int
    limits: ClassLimits


def unknown_class(network: Network, policy: Policy) -> str:
    """Return a class that the policy promises something and the network does not have; empty where there is none."""
    known = {x.name for x in network.served}
    return next((name for name in policy.classes if name not in known), "")


def worse_for_classes(before: Stressed, after: Stressed, policy: Policy, where: Where) -> Violation | None:
    """Return what a class is promised and does not get any more, intact or under a failure; None where all is kept.

    What is broken before the plan may stay so, and get no worse.
    """
    names = {x.name: c for c, x in enumerate(after.network.served)}
    promised = [_Promise(name, names[name], limits) for name, limits in policy.classes.items() if name in names]
    promised = [x for x in promised if x.limits != ClassLimits()]
    if not promised:
        return None
    rows = _suspects(after, promised)
    return next((x for p in promised for x in _broken(p, before, after, rows, where) if x), None)


def _suspects(after: Stressed, promised: list[_Promise]) -> tuple[int, ...]:
    """Failures in which some promise may be broken: no class fills a link more than all classes do together."""
    if after.sweep is None:
        return ()
    if any(x.limits.max_failure_delay_ms is not None for x in promised):
        return tuple(range(len(after.failures)))
    limits = [x.limits.max_failure_utilisation for x in promised if x.limits.max_failure_utilisation is not None]
    found = set(map(int, np.flatnonzero(after.sweep.max_utilisation > min(limits)))) if limits else set[int]()
    if any(x.limits.max_loss is not None for x in promised):
        found |= set(after.lossy_rows())
    return tuple(sorted(found))


def _broken(
    promise: _Promise, before: Stressed, after: Stressed, rows: tuple[int, ...], where: Where
) -> Iterator[Violation | None]:
    limits = promise.limits
    if limits.max_utilisation is not None:
        yield _too_full(promise, (before, after), (), limits.max_utilisation, where)
    if limits.max_failure_utilisation is not None and rows:
        yield _too_full(promise, (before, after), rows, limits.max_failure_utilisation, where)
    if limits.max_loss is not None:
        yield _too_lossy(promise, before, after, rows, where)
    if limits.max_delay_ms is not None:
        yield _too_late(promise, (before, after), (rows, None), limits.max_delay_ms, where)
    for place in range(len(rows) if limits.max_failure_delay_ms is not None else 0):
        yield _too_late(promise, (before, after), (rows, place), limits.max_failure_delay_ms or 0.0, where)


def _filled(state: Stressed, rows: tuple[int, ...], c: int) -> Floats:
    """Share of each link that a class and all served before it fill in these failures; intact where none is given."""
    loads = state.classes(rows)
    load, room = (loads.failing, loads.capacity_failing) if rows else (loads.intact[:, None], loads.capacity[None])
    return cumulative(loads.classes, load)[c] / room


def _too_full(
    promise: _Promise, states: tuple[Stressed, Stressed], rows: tuple[int, ...], limit: float, where: Where
) -> Violation | None:
    """The busiest link by the class and all that is served before it."""
    before, after = states
    now = _filled(after, rows, promise.c)
    if float(now.max(initial=0.0)) <= limit + SHARE_SLACK:
        return None
    allowed = np.maximum(limit, _filled(before, rows, promise.c).max(axis=1, keepdims=True, initial=0.0))
    over = now - allowed
    if float(over.max(initial=-1.0)) <= SHARE_SLACK:
        return None
    row, link = (int(x) for x in np.unravel_index(int(over.argmax()), over.shape))
    at = where._replace(failure=after.failures[rows[row]].name) if rows else where
    name, share, most = after.network.links[link].name, float(now[row, link]), float(allowed[row, 0])
    told, promised = percents(share, most)
    detail = f"class {promise.name} and what is served before it fill {name} to {told} {at}, {promised} is promised"
    return Violation(detail, found_at(name, at, share, most, "share"))


def _too_lossy(
    promise: _Promise, before: Stressed, after: Stressed, rows: tuple[int, ...], where: Where
) -> Violation | None:
    """Most of the class that full links drop or that has no way, intact and under each failure."""
    limit, c, now = promise.limits.max_loss or 0.0, promise.c, after.classes(rows)
    lost = after.class_losses(rows)
    here, offered = lost.missing[c], np.maximum(now.offered[c] - np.append(0.0, now.severed[c]), 0.0)
    slack = max(1e-6, 1e-9 * float(now.offered.sum()))
    if float((here - limit * offered).max(initial=-1.0)) <= slack:
        return None
    allowed = np.maximum(limit * offered, before.class_losses(rows).missing[c])
    over = here - allowed
    if float(over.max(initial=-1.0)) <= slack:
        return None
    row = int(over.argmax())
    at = where._replace(failure=after.failures[rows[row - 1]].name) if row else where
    dropped = lost.dropped[c, row]
    name = after.network.links[int(dropped.argmax())].name if dropped.max() > 0 else f"class/{promise.name}"
    share, most = (float(x[row] / offered[row]) if offered[row] else 1.0 for x in (here, allowed))
    detail = f"class {promise.name} loses {mbps(here[row])}, {percent(share)} of it, {at}, most of it at {short(name)}"
    return Violation(f"{detail}; at most {percent(most)} is promised", found_at(name, at, share, most, "share"))


def _too_late(
    promise: _Promise,
    states: tuple[Stressed, Stressed],
    at_row: tuple[tuple[int, ...], int | None],
    limit: float,
    where: Where,
) -> Violation | None:
    (rows, place), after = at_row, states[1]
    failure = None if place is None else after.failures[rows[place]]
    at = where if failure is None else where._replace(failure=failure.name)
    both = [class_delays(x.network, failure, loads=x.classes(rows), row=place or 0) for x in states]
    some = after.network.offered * after.network.class_share[promise.c] > 0
    for was, now, told in zip(*both, OF_WAYS, strict=True):
        if found := _latest(some, was[promise.c], now[promise.c], limit):
            nodes, (source, target), ms, most = after.network.nodes, *found
            name = f"demand/{nodes[source].name}->{nodes[target].name}"
            detail = f"class {promise.name} of {short(name)} takes {ms:.3f} ms {told} {at}, queues included"
            return Violation(f"{detail}; {most:.3f} ms is promised", found_at(name, at, ms, most, "ms"))
    return None


def _latest(some: Bools, was: Floats, now: Floats, limit: float) -> tuple[tuple[int, int], float, float] | None:
    """Return who is beyond the limit, and what it took before, by most, with what it takes and may take, ms."""
    allowed = np.maximum(limit, np.where(np.isfinite(was), was, 0.0))
    over = np.where(some & np.isfinite(now), now - allowed, -np.inf)
    if float(over.max(initial=-1.0)) <= SHARE_SLACK:
        return None
    source, target = (int(x) for x in np.unravel_index(int(over.argmax()), over.shape))
    return (source, target), float(now[source, target]), float(allowed[source, target])
