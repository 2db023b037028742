"""Faults of a provider with exits, after NIKA's placements: 24 of which BGP has 13, and what it has not, and nothing.

The kinds are those that NIKA's release 0.2.0 places in networks of providers, by its ids; the networks and the places
within them are drawn here. Three ways to break a session are three of its ids and one kind of ours: what a router says
of the session tells them apart, which is scored beside.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from twin.faults import FaultKind
from twin.live.lab.layout import Igp
from twin.live.peerings import DownReason

_K = FaultKind


class Placement(NamedTuple):
    """What is done, one way of it, and whether it is one of NIKA's."""

    kind: FaultKind | None  # None is nothing
    way: str = ""
    of_nika: bool = True

    @property
    def name(self) -> str:
        """As a case calls it: `KIND`, `KIND/WAY` or `healthy/exits`."""
        return (f"{self.kind}/{self.way}" if self.way else f"{self.kind}/exits") if self.kind else "healthy/exits"


_NOTHING = Placement(None, of_nika=False)
_BY_NETWORK: tuple[tuple[Placement, ...], ...] = (
    (
        Placement(_K.BGP_SESSION, "acl"), Placement(_K.BGP_ADVERTISEMENT), Placement(_K.BGP_DISCARD),
        Placement(_K.BGP_HIJACK, "more_specific"), _NOTHING, Placement(_K.BGP_SESSION, "max_prefix"),
        Placement(_K.LINK_DOWN), Placement(_K.MTU), Placement(_K.PROBE_FILTER),
        Placement(_K.BGP_PREFERENCE, of_nika=False), _NOTHING,
    ),
    (
        Placement(_K.BGP_SESSION, "wrong_as"), Placement(_K.BGP_HIJACK, "same_length"), Placement(_K.BGP_DISCARD),
        Placement(_K.AREA), _NOTHING, Placement(_K.NEIGHBOUR_MISSING), Placement(_K.ACL_BLOCK),
        Placement(_K.HOST_BLACKHOLE), Placement(_K.CAPACITY), Placement(_K.BGP_NEXT_HOP, of_nika=False), _NOTHING,
    ),
    (
        Placement(_K.BGP_SESSION, "acl"), Placement(_K.BGP_SESSION, "wrong_as"), Placement(_K.BGP_ORIGIN),
        Placement(_K.BGP_SESSION, "max_prefix"), _NOTHING, Placement(_K.BGP_ADVERTISEMENT), Placement(_K.ROUTING_DOWN),
        Placement(_K.DETACH), Placement(_K.FLAP), Placement(_K.BGP_FILTER, of_nika=False), _NOTHING,
    ),
)  # fmt: skip
"""On each network of a split, in this order; the second runs OSPF, which alone has areas."""
_AGAIN: tuple[tuple[Placement, ...], ...] = tuple(
    tuple(x for x in several if x.kind is not None) for several in (_BY_NETWORK[0], _BY_NETWORK[2])
)
"""The same once more at other places, for the held-out split alone, without the stretches in which nothing happens."""
PLACES: Mapping[str, tuple[tuple[str, Igp], ...]] = {
    "dev": (("synthetic/8-21", "isis"), ("synthetic/9-22", "ospf"), ("synthetic/8-23", "isis")),
    "held-out": (("synthetic/8-31", "isis"), ("synthetic/9-32", "ospf"), ("synthetic/10-33", "isis")),
}
AGAIN: Mapping[str, tuple[tuple[str, Igp], ...]] = {
    "held-out": (("synthetic/8-34", "isis"), ("synthetic/9-35", "isis")),
}
PROCESS = Placement(_K.BGP_PROCESS, of_nika=False)
"""On each network of a split, after everything else."""
NUMBER = sum(map(len, (*_BY_NETWORK, *_AGAIN))) + len(_BY_NETWORK)
OF_NIKA = sum(x.of_nika for several in _BY_NETWORK for x in several)
REASONS: Mapping[str, DownReason] = {"acl": "hold timer", "wrong_as": "bad AS", "max_prefix": "max prefix"}
"""What a router says of a session that was broken in this way."""


def placed(split: str) -> Iterator[tuple[Placement, str]]:
    """Every placement of a split with its network."""
    for (network, _), several in zip(PLACES[split], _BY_NETWORK, strict=True):
        yield from ((x, network) for x in several)
    for (network, _), several in zip(AGAIN.get(split, ()), _AGAIN, strict=False):
        yield from ((x, network) for x in several)


def placement(name: str) -> Placement | None:
    """The placement that a case names; None where its kind is no placement."""
    return next((x for several in (*_BY_NETWORK, (PROCESS,)) for x in several if x.name == name), None)
