"""Syslog as typed facts: a line counts only if it is, as a whole, one of the templates, and names a known interface.

Nothing of the text survives but the kind of the line and the element; everything else is dropped unread.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from twin.formats.measurements.turns import COUNTED_TURN
from twin.live.declared import LogKind
from twin.live.network import Event
from twin.model import Network

from .session_lines import SESSION_LINES

LineKind = LogKind

_IF = r"(?P<interface>[\w.&+-]{1,70})"
_OSPF = r"%ROUTING-OSPF-5-ADJCHG : Process \d+, Nbr \S{1,70} on " + _IF + r" in area \S{1,15} from "
_REFUSED = r"%ROUTING-OSPF-4-ERRRCV : Received invalid packet: "
_FROM = r", from \S{1,70}, " + _IF
_TRAP = r": ifIndex \d+, [\w (),]{1,80}, ifName " + _IF
_NEIGHBOUR = r": OSPF neighbor \S{1,70} \(realm ospf-v2 " + _IF + r" area \S{1,15}\) state changed from "
_IGNORED = r"rpd\[\d+\]: OSPF packet ignored: "
_INTF = r" from \S{1,70} on intf " + _IF + r" area \S{1,15}"
_REASON = r" \(event reason: [\w -]{1,60}\)"
_FRR_ISIS = r"ISIS: %ADJCHANGE: Adjacency to \S{1,70} \(" + _IF + r"\) for level-[12] changed from "
_FRR_OSPF = r"OSPF: AdjChg: Nbr \S{1,40}, NbrIP \S{1,40} \(\S{1,40}\) on " + _IF + r":\S{1,40}: "
_IOS_OSPF = r"%OSPF-5-ADJCHG: Process \d+, Nbr \S{1,70} on " + _IF + r" from "
_ISIS = (
    r"%(?:ROUTING-ISIS|CLNS|ISIS)-5-ADJCHANGE ?: (?:ISIS: )?Adjacency to [\w.-]{1,64} \(" + _IF + r"\)(?: \(L[12]+\))? "
)
_JUNOS_ISIS = r"rpd\[\d+\]: RPD_ISIS_ADJ"
_LINEPROTO = r"%(?:PKT_INFRA-)?LINEPROTO-5-UPDOWN ?: Line protocol on Interface " + _IF + r"(?: \([\w .-]{0,80}\))?, "
_END = r"[\w ().,:/-]{0,160}"
_TEMPLATES: dict[LineKind, tuple[str, ...]] = {
    "interface_down": (
        rf"%LINK-3-UPDOWN ?: Interface {_IF}, changed state to [dD]own",
        rf"{_LINEPROTO}changed state to [dD]own",
        rf"%LINK-5-CHANGED ?: Interface {_IF}, changed state to administratively down{_END}",
        rf"%ETHPORT-5-IF_DOWN_[A-Z_]{{1,40}}: Interface {_IF} is down{_END}",
        rf"%PKT_INFRA-LINK-3-UPDOWN : Interface {_IF}, changed state to Down",
        rf"mib2d\[\d+\]: SNMP_TRAP_LINK_DOWN{_TRAP}",
        COUNTED_TURN.format(_IF, "down"),
    ),
    "interface_up": (
        rf"%LINK-3-UPDOWN ?: Interface {_IF}, changed state to [uU]p",
        rf"{_LINEPROTO}changed state to [uU]p",
        rf"%ETHPORT-5-IF_UP: Interface {_IF} is up{_END}",
        rf"%PKT_INFRA-LINK-3-UPDOWN : Interface {_IF}, changed state to Up",
        rf"mib2d\[\d+\]: SNMP_TRAP_LINK_UP{_TRAP}",
        COUNTED_TURN.format(_IF, "up"),
    ),
    "neighbour_down": (
        rf"{_IOS_OSPF}FULL to DOWN, Neighbor Down: [iI]nterface {_END}",
        rf"{_ISIS}Down, (?!hold|Hold){_END}",
        rf"{_JUNOS_ISIS}DOWN: IS-IS lost L[12] adjacency to [\w.-]{{1,64}} on {_IF}, reason: (?!Aged){_END}",
        rf"%ISIS-4-ISIS_ADJCHG: L[12] Neighbor State Change for SystemID \S{{1,64}} on {_IF} to DOWN",
        rf"{_OSPF}FULL to DOWN, Neighbor Down: interface down or detached",
        rf"rpd\[\d+\]: RPD_OSPF_NBRDOWN{_NEIGHBOUR}Full to Down due to KillNbr{_REASON}",
        rf"{_FRR_ISIS}Up to Down, circuit is being brought down",
        rf"{_FRR_OSPF}Full -> Deleted \(KillNbr\)",
    ),
    "neighbour_timeout": (
        rf"{_IOS_OSPF}FULL to DOWN, Neighbor Down: [dD]ead timer expired",
        rf"{_ISIS}Down, [hH]old(?:ing)? ?time expired{_END}",
        rf"{_JUNOS_ISIS}DOWN: IS-IS lost L[12] adjacency to [\w.-]{{1,64}} on {_IF}, reason: Aged Out{_END}",
        rf"{_OSPF}FULL to DOWN, Neighbor Down: dead timer expired",
        rf"rpd\[\d+\]: RPD_OSPF_NBRDOWN{_NEIGHBOUR}Full to Down due to InActiveTimer{_REASON}",
        rf"{_FRR_ISIS}Up to Down, holding time expired",
        rf"{_FRR_OSPF}Full -> Deleted \(InactivityTimer\)",
    ),
    "neighbour_one_way": (
        rf"{_OSPF}FULL to INIT, 1-Way",
        rf"rpd\[\d+\]: RPD_OSPF_NBRDOWN{_NEIGHBOUR}Full to Init due to 1WayRcvd{_REASON}",
        rf"{_FRR_ISIS}Up to Initializing, [\w ]{{1,60}}",
        rf"{_FRR_OSPF}Full -> Init \(1-WayReceived\)",
    ),
    "neighbour_stuck": (
        rf"{_OSPF}EXSTART to DOWN, Neighbor Down: Too many retransmissions",
        rf"rpd\[\d+\]: RPD_OSPF_NBRDOWN{_NEIGHBOUR}ExStart to Down due to KillNbr{_REASON}",
        rf"{_FRR_OSPF}ExStart -> Deleted \(\w{{1,30}}\)",
    ),
    "neighbour_up": (
        rf"{_IOS_OSPF}LOADING to FULL, Loading Done",
        rf"{_ISIS}Up, {_END}",
        rf"{_JUNOS_ISIS}UP: IS-IS new L[12] adjacency to [\w.-]{{1,64}} on {_IF}{_END}",
        rf"%ISIS-4-ISIS_ADJCHG: L[12] Neighbor State Change for SystemID \S{{1,64}} on {_IF} to UP",
        rf"{_OSPF}LOADING to FULL, Loading Done",
        rf"rpd\[\d+\]: RPD_OSPF_NBRUP{_NEIGHBOUR}Loading to Full due to LoadingDone{_REASON}",
        rf"{_FRR_ISIS}Initializing to Up, [\w ]{{1,60}}",
        rf"{_FRR_OSPF}(?:Loading|Exchange) -> Full \((?:Loading|Exchange)Done\)",
    ),
    "mtu_refused": (
        rf"{_REFUSED}DBD with larger MTU{_FROM}",
        rf"{_IGNORED}MTU mismatch{_INTF}",
        rf"OSPF: Packet\[DD\]: Neighbor \S{{1,40}} MTU \d{{1,5}} is larger than \[{_IF}:\S{{1,40}}\]'s MTU \d{{1,5}}",
    ),
    "area_refused": (
        rf"OSPF: interface {_IF}:\S{{1,40}}: ospf_read invalid Area ID \S{{1,15}}",
        rf"{_REFUSED}mismatched area ID{_FROM}",
        rf"{_IGNORED}area mismatch{_INTF}",
    ),
    "process_ended": (
        r"%OS-SYSMGR-3-ERROR : ospf\(\d+\) \(jid \d+\) exited, will be respawned with a delay",
        r"init: routing \(PID \d+\) terminated by signal number \d+\. Core dumped!",
        r"ZEBRA: client \d{1,6} disconnected \d{1,8} (?:isis|ospf) routes removed from the rib",
    ),
    "bgp_ended": (
        r"%OS-SYSMGR-3-ERROR : bgp\(\d+\) \(jid \d+\) exited, will be respawned with a delay",
        r"ZEBRA: client \d{1,6} disconnected \d{1,8} bgp routes removed from the rib",
    ),
    "commit": (
        rf"%(?:MGBL-)?SYS-5-CONFIG_I ?: Configured from {_END}",
        r"mgd\[\d+\]: UI_COMMIT_COMPLETED: commit complete",
        r"%MGBL-CONFIG-6-DB_COMMIT : Configuration committed by user '[\w.-]{1,32}'\. "
        r"Use 'show configuration commit changes \d{1,12}' to view the changes\.",
        r"mgd\[\d+\]: UI_COMMIT: User '[\w.-]{1,32}' requested 'commit' operation \(comment: [\w .-]{1,60}\)",
    ),
}
_COMPILED: list[tuple[LineKind, re.Pattern[str]]] = [
    (kind, re.compile(pattern, re.ASCII))
    for kind, patterns in (*_TEMPLATES.items(), *SESSION_LINES.items())
    for pattern in patterns
]
_OF_NODES: frozenset[LineKind] = frozenset(("bgp_ended", "commit", "process_ended"))


class LogFact(NamedTuple):
    """One syslog line that was understood. `element` is an interface id; of a commit or a process, the node's id."""

    time: float  # epoch seconds, by the router's own clock
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
        if kind in _OF_NODES:
            return LogFact(event.time, kind, f"node/{event.node}")
        interface = f"interface/{event.node}/{match['interface']}"
        return LogFact(event.time, kind, interface) if interface in network.interface_index else None
    return None
