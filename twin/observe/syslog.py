"""Syslog as typed facts: a line counts only if it is, as a whole, one of the templates, and names a known interface.

Nothing of the text survives but the kind of the line and the element; everything else is dropped unread.
"""

import re
from collections.abc import Iterable
from typing import Literal, NamedTuple

from twin.live.network import Event
from twin.model import Network

LineKind = Literal["interface_down", "interface_up", "neighbour_down", "neighbour_up", "commit"]

_IF = r"(?P<interface>[\w.&+-]{1,70})"
_OSPF = r"%ROUTING-OSPF-5-ADJCHG : Process \d+, Nbr \S+ on " + _IF + r" in area \S+ from "
_TRAP = r": ifIndex \d+, [\w (),]{1,80}, ifName " + _IF
_NEIGHBOUR = r": OSPF neighbor \S+ \(realm ospf-v2 " + _IF + r" area \S+\) .*"
_TEMPLATES: dict[LineKind, tuple[str, ...]] = {
    "interface_down": (
        rf"%PKT_INFRA-LINK-3-UPDOWN : Interface {_IF}, changed state to Down",
        rf"mib2d\[\d+\]: SNMP_TRAP_LINK_DOWN{_TRAP}",
    ),
    "interface_up": (
        rf"%PKT_INFRA-LINK-3-UPDOWN : Interface {_IF}, changed state to Up",
        rf"mib2d\[\d+\]: SNMP_TRAP_LINK_UP{_TRAP}",
    ),
    "neighbour_down": (rf"{_OSPF}FULL to DOWN, .*", rf"rpd\[\d+\]: RPD_OSPF_NBRDOWN{_NEIGHBOUR}"),
    "neighbour_up": (rf"{_OSPF}LOADING to FULL, .*", rf"rpd\[\d+\]: RPD_OSPF_NBRUP{_NEIGHBOUR}"),
    "commit": (
        r"%MGBL-CONFIG-6-DB_COMMIT : Configuration committed by user '[\w.-]{1,32}'\. .*",
        r"mgd\[\d+\]: UI_COMMIT: User '[\w.-]{1,32}' requested 'commit' operation .*",
    ),
}
_COMPILED: list[tuple[LineKind, re.Pattern[str]]] = [
    (kind, re.compile(pattern, re.ASCII)) for kind, patterns in _TEMPLATES.items() for pattern in patterns
]


class LogFact(NamedTuple):
    """One syslog line that was understood. `element` is an interface id, of a commit the node's id."""

    time: float  # epoch seconds
    kind: LineKind
    element: str


def read_events(network: Network, events: Iterable[Event]) -> tuple[LogFact, ...]:
    """Turn syslog lines into facts, in time order; lines of unknown shape, node or interface are left out."""
    facts = (_fact(network, event) for event in events)
    return tuple(sorted(fact for fact in facts if fact is not None))


def _fact(network: Network, event: Event) -> LogFact | None:
    if event.node not in network.node_index:
        return None
    for kind, template in _COMPILED:
        match = template.fullmatch(event.message)
        if match is None:
            continue
        if kind == "commit":
            return LogFact(event.time, kind, f"node/{event.node}")
        interface = f"interface/{event.node}/{match['interface']}"
        return LogFact(event.time, kind, interface) if interface in network.interface_index else None
    return None
