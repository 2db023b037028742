"""How likely a hypothesis makes what routers say of their peerings; nothing where nobody says anything."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np

from twin.faults import TRAITS, USUAL_PREFERENCE, Fault, FaultKind, with_faults
from twin.model import Floats
from twin.observe.readings.observation import Observation
from twin.observe.readings.peerings import Peering

from .density import FLIP
from .effects import operational


class _Said(NamedTuple):
    """What the router of an exit says of it, or should; None is that nobody says, or that nothing is to be said."""

    established: bool | None
    received: bool | None
    accepted: bool | None
    reachable: bool | None
    discards: bool | None
    local_pref: float | None
    path_length: float | None
    claimed: str | None
    speaks: bool | None

    def against(self, expected: "_Said") -> int:
        """How many readings are otherwise than expected."""
        return sum(x is not None and y is not None and x != y for x, y in zip(self, expected, strict=True))


_K = FaultKind


class _ByPlace(NamedTuple):
    """What faults do to exits, by interface, group or router."""

    faulty: set[tuple[FaultKind, str]]
    given: dict[str, float]  # local preference
    longer: dict[str, float]  # by how much a path is
    claims: dict[str, str]  # by group: who claims to lead there
    dead: set[str]  # routers whose BGP is down
    unrouted: set[str]  # and those of which all of routing is


def _by_place(faults: tuple[Fault, ...]) -> _ByPlace:
    routers = {
        kind: {x.element.removeprefix("node/") for x in faults if x.kind is kind}
        for kind in (_K.BGP_PROCESS, _K.ROUTING_DOWN)
    }
    claiming = (x for x in faults if x.kind in (_K.BGP_HIJACK, _K.BGP_ORIGIN))
    return _ByPlace(
        {(x.kind, x.element) for x in faults},
        {x.element: x.severity for x in faults if x.kind is _K.BGP_PREFERENCE},
        {x.element: x.severity for x in faults if x.kind is _K.BGP_LONGER_PATH},
        {(x.target or "").removeprefix("node/"): x.element for x in claiming},
        routers[_K.BGP_PROCESS],
        routers[_K.ROUTING_DOWN],
    )


def peered(seen: Observation, faults: tuple[Fault, ...]) -> Floats:
    """Log likelihood of what the router of each exit says of it [m]; 0 where nobody says."""
    found = np.zeros(len(seen.network.links))
    for peering, expected in _expected(seen, faults):
        found[peering.link] = float(np.log(FLIP)) * _said(seen, peering).against(expected)
    return found


def routes(seen: Observation, faults: tuple[Fault, ...]) -> tuple[Floats, Floats]:
    """Whether the router of each exit says of it what it should, and whether it would under these faults [m]."""
    measured, predicted = np.full(len(seen.network.links), np.nan), np.full(len(seen.network.links), np.nan)
    for (peering, healthy), (_, expected) in zip(_expected(seen, ()), _expected(seen, faults), strict=True):
        measured[peering.link] = float(not _said(seen, peering).against(healthy))
        predicted[peering.link] = float(expected == healthy)
    return measured, predicted


def usual_preferences(seen: Observation) -> Mapping[int, float]:
    """The local preference that most exits of one preference in the inventory are given, by that preference.

    Of several that are as frequent, the one nearest to what routers give by themselves.
    """
    given: dict[int, Counter[float]] = {}
    for peering in seen.peerings:
        if peering.local_pref is not None:
            given.setdefault(seen.network.links[peering.link].weight, Counter())[peering.local_pref] += 1
    return {
        weight: min(counts, key=lambda x: (-counts[x], abs(x - USUAL_PREFERENCE), x))
        for weight, counts in given.items()
    }


def usual_lengths(seen: Observation) -> Mapping[tuple[str, int], float]:
    """How long the paths are that most exits of a group and of one preference in the inventory have, by both.

    Of several that are as frequent, the shortest: who is as good as another, and shares its traffic, has no longer one.
    """
    told: dict[tuple[str, int], Counter[float]] = {}
    for peering in seen.peerings:
        if peering.path_length is not None:
            link = seen.network.links[peering.link]
            told.setdefault((link.head, link.weight), Counter())[peering.path_length] += 1
    return {key: min(counts, key=lambda x: (-counts[x], x)) for key, counts in told.items()}


def _said(seen: Observation, peering: Peering) -> _Said:
    """What is said; that nobody speaks means something only where the router answers otherwise."""
    answers = seen.answered[seen.ends[0][peering.link]]
    return _Said(
        peering.established,
        peering.received,
        peering.accepted,
        peering.reachable,
        peering.discards,
        peering.local_pref,
        peering.path_length,
        peering.claimed,
        False if peering.silenced and answers else None if peering.established is None else True,
    )


def _expected(seen: Observation, faults: tuple[Fault, ...]) -> Iterator[tuple[Peering, _Said]]:
    """What each router should say of its exit.

    Without a session it hears nothing, and policy has nothing to let in; of what is not let in there is no path. Of one
    that is drained nothing is to be said: its session may be closed or not. Where all of routing is down, BGP may be.
    """
    if not seen.peerings:
        return
    at = _by_place(faults)
    usual, lengths = usual_preferences(seen), usual_lengths(seen)
    light = operational(with_faults(seen.network, [x for x in faults if TRAITS[x.kind].layer in ("physical", "exits")]))
    for peering in seen.peerings:
        link = seen.network.links[peering.link]
        speaks = None if link.tail in at.unrouted else link.tail not in at.dead
        if link.drained:
            yield peering, _Said(None, None, None, None, None, None, None, at.claims.get(link.head, ""), speaks)
            continue
        stands = (
            bool(light[peering.link]) and (_K.BGP_SESSION, link.interface) not in at.faulty and link.tail not in at.dead
        )
        heard = stands and (_K.BGP_ADVERTISEMENT, link.interface) not in at.faulty
        let_in = heard and (_K.BGP_FILTER, link.interface) not in at.faulty
        length = lengths.get((link.head, link.weight))
        yield (
            peering,
            _Said(
                stands,
                heard,
                let_in if heard else None,
                (_K.BGP_NEXT_HOP, link.interface) not in at.faulty if let_in else None,
                (_K.BGP_DISCARD, link.interface) in at.faulty if let_in else None,
                at.given.get(link.interface, usual.get(link.weight)) if let_in else None,
                length + at.longer.get(link.interface, 0.0) if let_in and length is not None else None,
                at.claims.get(link.head, ""),
                speaks,
            ),
        )
