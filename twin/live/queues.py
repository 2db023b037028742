"""What the links of the emulated network do to traffic: full queues drop, bad links lose, busy links delay."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from twin.model import Floats, Ints

from .forwarding import Paths

PACKET_BITS = 8000.0
"""Mean packet, 1,000 bytes."""
MANY = 200_000
"""Paths from which those that meet no full and no lossy link are walked once: some 300 nodes."""
BUFFER_MS = 50.0
"""Depth of an interface's queue: what a packet waits when it is full."""
_TOLERANCE = 1e-9
_STEPS = ((30, 1.0), (300, 0.5), (1500, 0.04))
"""Up to which round how far to go towards the wanted shares; a full link in a routing loop needs the smallest step."""


class CarriedLoads(NamedTuple):
    """What happened to traffic, Mbit/s. m links, g paths."""

    arrived: Floats  # [m] wanted to leave by the link
    passed: Floats  # [m] share that the queue let through
    sent: Floats  # [m] left the tail's interface
    received: Floats  # [m] came in at the head's interface
    discarded: Floats  # [m] of it, dropped by the head without being counted again
    leaving: Floats  # [g] left over at the end of each path


def carry(
    paths: Paths,
    rate: Floats,
    capacity: Floats,
    loss: Floats,
    discard: Floats | None = None,
    *,
    many: int = MANY,
) -> CarriedLoads:
    """Send `rate` [g] along the paths; a link drops what exceeds its capacity, evenly, and loses the share `loss`.

    Of what arrives, the router at the head drops the share `discard`, none by default.

    Losses upstream relieve the links downstream, so the shares that the queues let through are a fixed point. It is
    iterated to 1e-9 in the share, with smaller steps when larger ones go back and forth. From `many` paths on, those
    that meet no loss anywhere are walked once.
    """
    if paths.pair.size >= many:
        return _carry_many(paths, rate, capacity, loss, discard)
    return _carry(paths, rate, capacity, loss, discard)


def _carry_many(paths: Paths, rate: Floats, capacity: Floats, loss: Floats, discard: Floats | None) -> CarriedLoads:
    """Walk the paths over links that may drop or lose something again and again, all the others once.

    A link that would not drop were nothing lost before it does not drop at all: losses only relieve it.
    """
    gone = np.zeros(capacity.size) if discard is None else discard
    everything, leaving = _walk(paths, rate, np.ones(capacity.size))
    harms = np.append((everything > capacity) | (loss > 0) | (gone > 0), False)
    if not harms.any():
        none = np.zeros(capacity.size)
        return CarriedLoads(everything, np.ones(capacity.size), everything, everything * (1 - loss), none, leaving)
    met = np.zeros(paths.pair.size, dtype=np.bool_)
    for column in paths.hops.T:
        met |= harms[column]
    few = np.flatnonzero(met)
    others, _ = _walk(_some(paths, np.flatnonzero(~met)), rate[~met], np.ones(capacity.size))
    found = _carry(_some(paths, few), rate[few], capacity, loss, discard, others)
    leaving[few] = found.leaving
    return found._replace(leaving=leaving)


def _some(paths: Paths, rows: Ints) -> Paths:
    hops = np.asfortranarray(paths.hops[rows])
    return paths._replace(
        pair=paths.pair[rows], share=paths.share[rows], hops=hops, delivered=paths.delivered[rows], end=paths.end[rows]
    )


def _carry(
    paths: Paths, rate: Floats, capacity: Floats, loss: Floats, discard: Floats | None, others: Floats | float = 0.0
) -> CarriedLoads:
    """Find the fixed point; `others` is what arrives at each link besides, Mbit/s [m], and meets no loss before it."""
    passed, gone = np.ones(capacity.size), np.zeros(capacity.size) if discard is None else discard
    survive = (1 - loss) * (1 - gone)
    for step in (size for (begin, _), (end, size) in pairwise(((0, 0.0), *_STEPS)) for _ in range(begin, end)):
        arrived, leaving = _walk(paths, rate, passed * survive)
        arrived = arrived + others
        wanted = np.minimum(1.0, capacity / np.maximum(arrived, capacity))
        if np.abs(wanted - passed).max(initial=0.0) < _TOLERANCE:
            break
        passed = passed + step * (wanted - passed)
    else:
        arrived, leaving = _walk(paths, rate, passed * survive)
        arrived = arrived + others
    sent = arrived * passed
    received = sent * (1 - loss)
    return CarriedLoads(arrived, passed, sent, received, received * gone, leaving)


class CarriedByClass(NamedTuple):
    """What happened to traffic class by class, Mbit/s. C classes, m links, g paths."""

    whole: CarriedLoads
    arrived: Floats  # [m, C] wanted to leave by the link
    sent: Floats  # [m, C]
    leaving: Floats  # [g, C] left over at the end of each path


def carry_classes(
    paths: Paths,
    rate: Floats,
    schedulers: Sequence[tuple[int, float]],
    capacity: Floats,
    loss: Floats,
    discard: Floats,
) -> CarriedByClass:
    """Send `rate` [g, C] along the paths, through links that schedule classes by (priority, weight), 1 before 2.

    The fixed point is that of `carry`, with one share of what the queues let through for each class.
    """
    number = len(schedulers)
    passed, survive = np.ones((capacity.size, number)), ((1 - loss) * (1 - discard))[:, None]
    for step in (size for (begin, _), (end, size) in pairwise(((0, 0.0), *_STEPS)) for _ in range(begin, end)):
        arrived, leaving = _walk_classes(paths, rate, passed * survive)
        got = _scheduled(arrived, schedulers, capacity)
        wanted = np.where(arrived > 0, got / np.maximum(arrived, _TOLERANCE), 1.0).clip(0.0, 1.0)
        if np.abs(wanted - passed).max(initial=0.0) < _TOLERANCE:
            break
        passed = passed + step * (wanted - passed)
    else:
        arrived, leaving = _walk_classes(paths, rate, passed * survive)
    sent = arrived * passed
    came, went = arrived.sum(axis=1), sent.sum(axis=1)
    received = went * (1 - loss)
    through = np.where(came > 0, went / np.maximum(came, _TOLERANCE), 1.0)
    whole = CarriedLoads(came, through, went, received, received * discard, leaving.sum(axis=1))
    return CarriedByClass(whole, arrived, sent, leaving)


def _walk_classes(paths: Paths, rate: Floats, survive: Floats) -> tuple[Floats, Floats]:
    parts = [_walk(paths, rate[:, c], survive[:, c]) for c in range(rate.shape[1])]
    return np.column_stack([x for x, _ in parts]), np.column_stack([x for _, x in parts])


def _scheduled(arrived: Floats, schedulers: Sequence[tuple[int, float]], capacity: Floats) -> Floats:
    """What each link sends of each class [m, C]: queue by queue of a priority, who wants least by weight goes first."""
    sent = np.zeros_like(arrived)
    for link in np.flatnonzero(arrived.sum(axis=1) > 0).tolist():
        room = float(capacity[link])
        for priority in sorted({first for first, _ in schedulers}):
            queues = [c for c, (first, _) in enumerate(schedulers) if first == priority]
            queues.sort(key=lambda c: arrived[link, c] / schedulers[c][1])
            for position, c in enumerate(queues):
                weights = sum(schedulers[d][1] for d in queues[position:])
                sent[link, c] = min(float(arrived[link, c]), room * schedulers[c][1] / weights)
                room -= sent[link, c]
    return sent


def queueing_ms(carried: CarriedLoads, capacity: Floats) -> Floats:
    """Mean wait in each link's queue, ms [m]: M/D/1 waiting time, a full buffer when the link drops."""
    busy = np.minimum(carried.arrived / capacity, 1.0)
    service = PACKET_BITS / (capacity * 1e3)
    with np.errstate(divide="ignore"):
        wait = np.minimum(service * busy / (2 * (1 - busy)), BUFFER_MS)
    return np.where(busy > 0, wait, 0.0)


def _walk(paths: Paths, rate: Floats, survive: Floats) -> tuple[Floats, Floats]:
    """Arrivals on every link, and what is left of each path's rate at its end, when links pass the share `survive`."""
    m = survive.size
    share = np.append(survive, 1.0)
    arrived, alive, rows = np.zeros(m + 1), rate.copy(), np.arange(rate.size)
    for whole in paths.hops.T:
        column = whole if rows.size == rate.size else whole[rows]
        going = np.count_nonzero(column < m)
        if going < column.size / 2:  # most have arrived: only the others go on
            rows, column = rows[column < m], column[column < m]
        every = rows.size == rate.size
        there = alive if every else alive[rows]
        arrived += np.bincount(column, there, minlength=m + 1)
        if every:
            alive *= share[column]
        else:
            alive[rows] = there * share[column]
    return arrived[:m], alive
