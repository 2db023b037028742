"""The kinds of faults that are known, and what is asked of all of them at once.

Each is declared in a file of `families/`, with a table of what it means, what a flow-level IP network shows of it, and
what it does not. Ids are those of the public vocabularies where these have the fault (NIKA, NetOpsBench); the others
are ours.

Some mistakes have several forms, by the sort of element (`Declaration.forms`): a filter on routing packets, an
interface that is not in OSPF (no network statement, or passive) and a wrong weight also at a node, which is all of its
interfaces, or at a circuit, which is both of its ends; a wrong MTU and a filter on data at a node; a wrong area at one
interface. Both ends of a circuit with one MTU, or in one area, are no fault. A circuit that is down or an interface
that is gone also at a risk group: a conduit, or a line card, whose interfaces are those of the router that all its
circuits share.

Of BGP there is what takes an exit out of use: its session, what its neighbour announces, what policy lets in.
"""

import re
from types import MappingProxyType

from twin.printed import place

from . import families as _families  # noqa: F401 # pyright: ignore[reportUnusedImport] - declares every kind
from .declaration import Declaration, all_declared
from .fault import FaultKind
from .link_effects import unrouted
from .remedies import Remedy

FLAP_PERIOD_S = 97.0
"""From one loss of light to the next; no divisor of a usual polling interval, so that polls meet both states."""

TRAITS: MappingProxyType[FaultKind, Declaration] = MappingProxyType(all_declared())
"""What is declared of each kind."""

REMEDIES: MappingProxyType[FaultKind, Remedy] = MappingProxyType({kind: x.remedy for kind, x in TRAITS.items()})
"""By kind of fault; every kind has one."""


def label(kind: FaultKind) -> str:
    """Name a kind in words, as it is printed and may be typed: `circuit down`."""
    return TRAITS[kind].label or kind.replace("_", " ")


_AND = re.compile(r" and (?=\w+ at [\w-]+/)")  # between the faults of a hypothesis that is given by name


def named_in_words(name: str) -> str:
    """Say a hypothesis that is given by its name, `link_down at link/A:B--B:A`: `circuit down, A--B`."""
    return " and ".join(map(_named_in_words, _AND.split(name))) if " at " in name else "nothing is wrong"


def _named_in_words(name: str) -> str:
    kind, _, element = name.partition(" at ")
    element, _, target = element.partition(" towards ")
    return f"{label(FaultKind(kind))}, {place(element)}{f' towards {place(target)}' if target else ''}"


ADJACENCY_KINDS: tuple[FaultKind, ...] = tuple(kind for kind, x in TRAITS.items() if x.links is unrouted)
"""Routing neighbours are lost while the interfaces stay as they are."""

TELEMETRY_KINDS: tuple[FaultKind, ...] = tuple(kind for kind, x in TRAITS.items() if x.layer == "telemetry")
"""The network is well, the measurement lies."""

EXIT_KINDS: tuple[FaultKind, ...] = tuple(kind for kind, x in TRAITS.items() if x.layer == "exits")
"""Only networks with exits have a place for them."""

DRAWN_KINDS: tuple[FaultKind, ...] = tuple(FaultKind)[:6]
"""The kinds that are drawn when none are asked for."""

ALIASES: dict[str, FaultKind] = {alias: kind for kind, x in TRAITS.items() for alias in x.aliases}
"""Other published ids of the same faults."""
