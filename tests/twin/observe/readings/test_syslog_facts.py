from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.twin.live.beyond_exits import NETWORK
from tests.twin.observe.incidents import NOBEL, network, run
from twin.faults import Fault, FaultKind
from twin.formats.measurements.logs import read_log
from twin.formats.measurements.part import Options
from twin.live.network import Event
from twin.live.syslog import Syslog
from twin.model import Network
from twin.observe import observe
from twin.observe.readings.syslog import LineKind, read_events

K = FaultKind
KINDS: dict[str, LineKind] = {
    "adjacency down": "neighbour_down",
    "adjacency timeout": "neighbour_timeout",
    "adjacency one-way": "neighbour_one_way",
    "adjacency stuck": "neighbour_stuck",
    "adjacency up": "neighbour_up",
    "mtu": "mtu_refused",
    "area": "area_refused",
    "session down": "session_down",
    "session timeout": "session_timeout",
    "session up": "session_up",
}


def both_styles(whole: Network) -> dict[str, Syslog]:
    """The same network logging in other vendors' styles: for each router the seed that gives it the other one."""
    return {str(seed): Syslog(whole, seed) for seed in range(4)}


def test_both_ends_of_a_failed_circuit_are_read_from_the_lines_of_both_vendors():
    whole = network(NOBEL)
    for circuit in list(whole.circuits)[:8]:
        positions = whole.circuits[circuit]
        incident = run(whole, Fault(kind=FaultKind.LINK_DOWN, element=circuit), before=2, after=1)
        facts = read_events(whole, incident.telemetry.events)
        ends = {whole.links[i].interface for i in positions}
        assert {x.element for x in facts if x.kind == "interface_down"} == ends
        assert {x.element for x in facts if x.kind == "neighbour_down"} == ends


def test_a_commit_names_the_router():
    whole = network(NOBEL)
    fault = Fault(kind=FaultKind.WEIGHT, element=whole.links[4].interface, severity=1)
    facts = read_events(whole, run(whole, fault, before=2, after=1).telemetry.events)
    assert f"node/{whole.links[4].tail}" in {x.element for x in facts if x.kind == "commit"}


@given(st.text(max_size=200))
def test_free_text_says_nothing(text: str):
    node = network(NOBEL).nodes[0].name
    assert read_events(network(NOBEL), [Event(1.0, node, 3, text)]) == ()


def test_a_line_with_more_than_its_template_says_nothing():
    whole, link = network(NOBEL), network(NOBEL).links[0]
    line = f"%PKT_INFRA-LINK-3-UPDOWN : Interface {link.interface.rsplit('/', 1)[1]}, changed state to Down"
    assert len(read_events(whole, [Event(1.0, link.tail, 3, line)])) == 1
    assert read_events(whole, [Event(1.0, link.tail, 3, f"{line}. Drain every node now.")]) == ()
    assert read_events(whole, [Event(1.0, "nobody", 3, line)]) == ()
    assert read_events(whole, [Event(1.0, link.tail, 3, line.replace("Interface ", "Interface X"))]) == ()


@pytest.mark.parametrize(("subject", "kind"), KINDS.items(), ids=str)
def test_every_line_about_an_interface_is_understood_in_every_style(subject: str, kind: LineKind):
    whole = network(NOBEL)
    shapes: set[str] = set()
    for syslog in both_styles(whole).values():
        for link in whole.links[:12]:
            event = syslog.interface(subject, link, 100.0, np.random.default_rng(1))
            shapes.add(event.message.split(" ")[0].split("[")[0])
            (fact,) = read_events(whole, [event])
            assert (fact.kind, fact.element) == (kind, link.interface)
    assert len(shapes) == 2


def test_a_routing_process_that_ends_is_a_fact_about_its_router_in_every_style():
    whole = network(NOBEL)
    for syslog in both_styles(whole).values():
        for node in whole.nodes:
            (fact,) = read_events(whole, [syslog.process(node.name, 100.0, np.random.default_rng(2))])
            assert (fact.kind, fact.element) == ("process_ended", node.id)


def test_what_means_nothing_and_what_is_unknown_is_counted_and_not_read():
    whole = network(NOBEL)
    incident = run(whole, before=2, after=1)
    noise = [Event(float(incident.telemetry.links.time[-1]) - 1, whole.nodes[0].name, 1, "reboot everything")] * 3
    events = (*incident.telemetry.events, *noise)
    seen = observe(whole, replace(incident.telemetry, events=events))
    assert seen.unread_lines + len(seen.events) == len(events)
    assert seen.unread_lines >= 3


CAUSES = [
    (K.AREA, "node", {"commit", "neighbour_down", "neighbour_timeout", "area_refused"}),
    (K.ROUTING_DOWN, "node", {"process_ended", "neighbour_timeout"}),
    (K.NEIGHBOUR_MISSING, "interface", {"commit", "neighbour_down", "neighbour_timeout"}),
    (K.ACL_BLOCK, "interface", {"commit", "neighbour_timeout", "neighbour_one_way"}),
    (K.MTU, "interface", {"commit", "neighbour_down", "mtu_refused", "neighbour_stuck"}),
]


@pytest.mark.parametrize(
    ("kind", "where", "expected"), CAUSES, ids=lambda x: "-".join(sorted(x)) if isinstance(x, set) else str(x)
)
def test_what_a_lost_neighbour_leaves_in_the_log_is_read_as_facts(kind: FaultKind, where: str, expected: set[str]):
    whole = network(NOBEL)
    element = whole.nodes[3].id if where == "node" else whole.links[5].interface
    incident = run(whole, Fault(kind=kind, element=element), before=2, after=1)
    facts = read_events(whole, incident.telemetry.events)
    around = {element, f"node/{whole.links[5].tail}", whole.links[5].interface}
    around |= {x.interface for x in whole.links if where == "node" and whole.nodes[3].name in (x.tail, x.head)}
    around |= {whole.links[i].interface for i in whole.circuits[whole.links[5].circuit] if where == "interface"}
    assert {x.kind for x in facts if x.element in around} == expected


LINES = [
    ("session_up", "BGP: %ADJCHANGE: neighbor {at}(s1) in vrf default Up"),
    ("session_down", "BGP: %ADJCHANGE: neighbor {at}(Unknown) in vrf default Down BGP Notification send"),
    ("session_down", "BGP: %ADJCHANGE: neighbor {at}(s1) in vrf default Down Interface down"),
    ("session_closed", "BGP: %ADJCHANGE: neighbor {at}(s1) in vrf default Down Admin. shutdown"),
    ("session_timeout", "BGP: %NOTIFICATION: sent to neighbor {at} 4/0 (Hold Timer Expired) 0 bytes "),
    ("session_refused", "BGP: %NOTIFICATION: sent to neighbor {at} 2/2 (OPEN Message Error/Bad Peer AS) 2 bytes fd 4d"),
    ("session_limit", "BGP: %MAXPFXEXCEED: No. of IPv4 Unicast prefix received from {at}(s1) 3 exceed, limit 2"),
    ("session_limit", "BGP: %NOTIFICATION: sent to neighbor {at} 6/1 (Cease/Maximum Number of Prefixes) 7 bytes"),
    ("session_up", "%BGP-5-ADJCHANGE: neighbor {at} Up"),
    ("session_timeout", "%BGP-5-ADJCHANGE: neighbor {at} Down BGP Notification sent, hold time expired"),
    ("session_down", "%BGP-5-ADJCHANGE: neighbor {at} Down Interface flap"),
    ("session_timeout", "%BGP-3-NOTIFICATION: sent to neighbor {at} 4/0 (hold time expired) 0 bytes"),
    ("session_refused", "%BGP-3-NOTIFICATION: sent to neighbor {at} 2/2 (peer in wrong AS) 2 bytes FE4D"),
    (
        "session_timeout",
        "%ROUTING-BGP-5-ADJCHANGE : neighbor {at} Down - BGP Notification sent, hold time expired "
        "(VRF: default) (AS: 65000) ",
    ),
    ("session_up", "%ROUTING-BGP-5-ADJCHANGE : neighbor {at} Up (VRF: default) (AS: 11111) "),
    ("session_timeout", "%BGP-5-ADJCHANGE:  bgp-65000 [5372] (default) neighbor {at} Down - holdtimer expired error"),
    ("session_closed", "%BGP-5-ADJCHANGE: peer {at} (VRF default AS 12345) old state Established event AdminReset "
     "new state Idle"),
    ("session_up", "%BGP-5-ADJCHANGE: peer {at} (VRF default AS 12345) old state OpenConfirm event Established "
     "new state Established"),
    ("session_limit", "%BGP-3-NOTIFICATION: received from neighbor {at} (AS 64511) 6/1 (Cease/maximum number of "
     "prefixes reached) 0 bytes"),
    ("session_timeout", "rpd[2902]: RPD_BGP_NEIGHBOR_STATE_CHANGED: BGP peer {at} (External AS 2222) changed state "
     "from Established to Idle (event HoldTime) (instance master)"),
    ("session_down", "rpd[2902]: RPD_BGP_NEIGHBOR_STATE_CHANGED: BGP peer {at} (External AS 2222) changed state "
     "from Established to Idle (event TransportError) (instance master)"),
    ("session_up", "rpd[2902]: RPD_BGP_NEIGHBOR_STATE_CHANGED: BGP peer {at} (External AS 2222) changed state "
     "from OpenConfirm to Established (event RecvKeepAlive) (instance master)"),
    ("session_limit", "rpd[13037]: BGP_CEASE_PREFIX_LIMIT_EXCEEDED: {at} (External AS 4208010101): Shutting down "
     "peer due to exceeding configured maximum prefix-limit(500) for inet-unicast nlri: 501 (instance underlay)"),
    ("session_timeout", 'BGP #2002 Base Peer 1: {at} "(ASN 65001) VR 1: Group ebgp: Peer {at}: moved from higher '
     'state ESTABLISHED to lower state IDLE due to event HOLDTIME"'),
    ("session_down", 'BGP #2039 Base "Peer 1: {at}: moved from higher state ESTABLISHED to lower state IDLE due to '
     'event STOP"'),
    ("session_up", "sr_bgp_mgr: bgp|1894|1965|00075|N: In network-instance default, the BGP session with VR default "
     "(1): Group ibgp-evpn: Peer {at} moved into the ESTABLISHED state"),
    ("session_timeout", "%%01BGP/3/STATE_CHG_UPDOWN(l)[12]:The status of the peer {at} changed from ESTABLISHED to "
     "IDLE. (InstanceName=Public, StateChangeReason=Hold Timer Expired)"),
    ("session_up", "%%01BGP/3/STATE_CHG_UPDOWN(l): The status of the peer {at} changed from OPENCONFIRM to "
     "ESTABLISHED. (InstanceName=Public, StateChangeReason=Up)"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "line"), LINES)
def test_a_session_of_bgp_is_read_in_the_words_of_every_make(kind: LineKind, line: str, tmp_path: Path):
    """From the address that a router logs, by a table of peers, to the exit; by another address to none."""
    exit_ = NETWORK.links[NETWORK.exits[0]]
    ports = {(NETWORK.node(exit_.tail), "192.0.2.9"): NETWORK.exits[0]}
    found = []
    for address in ("192.0.2.9", "192.0.2.99"):
        path = tmp_path / "router.log"
        path.write_text(f"2026-11-29T02:50:11Z {exit_.tail} {line.format(at=address)}\n", encoding="utf-8")
        part = read_log(str(path), NETWORK, Options(now=datetime(2026, 11, 29, 12, tzinfo=UTC), ports=ports))
        found.append([(x.kind, x.element) for x in read_events(NETWORK, part.events)])
    assert found == [[(kind, exit_.interface)], []]


@pytest.mark.parametrize(
    "line",
    [
        "rpd[1]: RPD_BGP_NEIGHBOR_STATE_CHANGED: BGP peer {at} (External AS 2222) changed state from Idle to Connect "
        "(event Start) (instance master)",
        "rpd[1]: bgp_read_message:2764: NOTIFICATION received from {at} (External AS 1234): code 6 (Cease) subcode 5 "
        "(Connection Rejected)",
        "%ROUTING-BGP-5-MAXPFX : No. of IPv4 Unicast prefixes received from {at} has reached 94106, max 125000",
        "%ROUTING-BGP-5-ADJCHANGE : neighbor {at} Downloading update; drain every node (VRF: x) (AS: 1)",
    ],
)
def test_a_step_on_the_way_to_a_session_or_a_warning_is_no_session_that_fell(line: str):
    exit_ = NETWORK.links[NETWORK.exits[0]]
    text = line.format(at=exit_.interface.rsplit("/", 1)[1])
    assert read_events(NETWORK, [Event(1.0, exit_.tail, 5, text)]) == ()
