"""Faults that are said to be indistinguishable give the same telemetry, to the last bit and log line."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.twin.live.ladder import ladder, last, live, same
from twin.faults import INDISTINGUISHABLE, Fault, FaultKind, indistinguishable
from twin.live.emulated import EmulatedNetwork
from twin.live.network import Telemetry
from twin.model import Network
from twin.plan import SetWeight

K = FaultKind
CIRCUIT, INTERFACE = "link/a1:a2--a2:a1", "interface/a1/a2"


def seen(fault: Fault, network: Network | None = None, *, skipped: int = 0) -> tuple[EmulatedNetwork, Telemetry]:
    """What is measured, with all the noise, after the fault and after some skipped samples."""
    struck = live(network)
    struck.inject(fault)
    struck.wait(skipped)
    return struck, last(struck, 5)


def without_a_choice() -> Network:
    """The ladder with weights of which no two sums are equal, and with room for everything."""
    network = ladder(capacity=1e6)
    return replace(network, links=tuple(x._replace(weight=2**i) for i, x in enumerate(network.links)))


def edge() -> Network:
    """The ladder with a node that nothing goes through."""
    network = ladder()
    drained = tuple(node._replace(drained=node.name == "a0") for node in network.nodes)
    return replace(network, nodes=drained)


def test_an_attack_of_requests_is_a_surge():
    one, two = (seen(Fault(kind=kind, element="node/b3", severity=2.5))[1] for kind in (K.SURGE, K.WEB_DOS))
    assert same(one, two)


def test_a_missing_member_is_a_stale_group_once_the_flap_has_scrolled_by():
    one, two = (seen(Fault(kind=kind, element=INTERFACE), skipped=1)[1] for kind in (K.ECMP_MISSING, K.ECMP_STALE))
    assert same(one, two)
    one, two = (seen(Fault(kind=kind, element=INTERFACE))[1] for kind in (K.ECMP_MISSING, K.ECMP_STALE))
    assert one.events != two.events


def test_a_host_s_blackhole_is_its_router_s_where_there_is_no_transit():
    faults = [Fault(kind=kind, element="node/a0", target="node/b2") for kind in (K.HOST_BLACKHOLE, K.BLACKHOLE)]
    one, two = (seen(fault, edge())[1] for fault in faults)
    assert same(one, two)
    one, two = (seen(fault.model_copy(update={"element": "node/a1"}))[1] for fault in faults)
    assert not same(one, two)


def test_lost_capacity_is_capacity_that_was_never_there_without_a_look_at_before():
    narrow = ladder()
    both = narrow.circuit(CIRCUIT)
    links = [x._replace(capacity=x.capacity / 4) if i in both else x for i, x in enumerate(narrow.links)]
    lost, one = seen(Fault(kind=K.CAPACITY, element=CIRCUIT, severity=0.75))
    never, two = seen(Fault(kind=K.WRONG_CAPACITY, element=CIRCUIT, severity=4.0), replace(narrow, links=tuple(links)))
    assert same(one, two)
    assert lost.read_topology() == never.read_topology()
    assert one.links.dropped_mbps.max() > 0


def test_a_filter_at_the_only_next_hop_is_a_blackhole_but_for_its_commit_and_its_line():
    faults = [
        Fault(kind=K.BLACKHOLE, element="node/a1", target="node/a3"),
        Fault(kind=K.DATA_ACL, element=INTERFACE, target="node/a3"),
    ]
    (one, early), (two, late) = (seen(fault, skipped=1) for fault in faults)
    assert same(early, late)
    assert not one.read_router("a1").filters
    assert [x.target for x in two.read_router("a1").filters] == ["a3"]
    first, second = (seen(fault)[1] for fault in faults)
    assert first.events != second.events
    assert same(replace(first, events=()), replace(second, events=()))


def test_a_filter_at_all_of_a_router_is_one_at_its_only_next_hop():
    one, two = (
        seen(Fault(kind=K.DATA_ACL, element=element, target="node/a3"), skipped=1)[1]
        for element in ("node/a1", INTERFACE)
    )
    assert same(one, two)


def test_what_is_lost_on_an_idle_wire_is_lost_behind_it_too():
    network = ladder()
    idle = tuple(x._replace(weight=60_000) if x.interface == INTERFACE else x for x in network.links)
    for links, alike in ((idle, True), (network.links, False)):
        one, two = (
            seen(Fault(kind=kind, element=INTERFACE, severity=0.3), replace(network, links=links))[1]
            for kind in (K.ONE_WAY, K.SILENT_LOSS)
        )
        assert same(one, two) == alike


def test_weights_that_nothing_takes_are_a_drain_that_nobody_recorded():
    drained, one = seen(Fault(kind=K.STALE_TOPOLOGY, element=CIRCUIT))
    heavy, two = seen(Fault(kind=K.WEIGHT, element=CIRCUIT, severity=65_535.0))
    assert same(one, two)
    assert drained.read_router("a1").network != heavy.read_router("a1").network


ROUTER_WIDE = (K.ROUTING_DOWN, K.AREA, K.NEIGHBOUR_MISSING, K.ACL_BLOCK, K.MTU)


@pytest.mark.parametrize("kind", ROUTER_WIDE[1:], ids=str)
def test_what_takes_all_neighbours_of_a_router_is_told_by_lines_alone(kind: FaultKind):
    one, two = (seen(Fault(kind=x, element="node/a1"))[1] for x in (K.ROUTING_DOWN, kind))
    assert one.events != two.events
    assert same(replace(one, events=()), replace(two, events=()))


UNSEEN_FAULTS = [
    Fault(kind=K.STALE_CONFIGURATION, element="node/a1"),
    Fault(kind=K.WRONG_CAPACITY, element=CIRCUIT, severity=1.5),
    Fault(kind=K.ECMP_MISSING, element="interface/a2/a3"),
]


@pytest.mark.parametrize("fault", UNSEEN_FAULTS, ids=lambda x: str(x.kind))
def test_some_faults_are_a_healthy_network_to_every_reading(fault: Fault):
    struck, got = seen(fault, without_a_choice())
    healthy = live(without_a_choice())
    assert same(got, last(healthy, 5))
    assert struck.read_configuration() == healthy.read_configuration()


def test_a_stale_configuration_shows_once_the_router_is_configured():
    struck, well = live(), live()
    struck.inject(UNSEEN_FAULTS[0])
    for network in (struck, well):
        network.apply(SetWeight(link="a1->a2", weight=20))
        network.wait(5)
    assert struck.read_topology() == well.read_topology()
    assert struck.read_router("a1").network != well.read_router("a1").network


def test_each_pair_says_when_and_why():
    pairs = [{entry.one, entry.other} for entry in INDISTINGUISHABLE]
    expected = [(K.SURGE, K.WEB_DOS), (K.ECMP_MISSING, K.ECMP_STALE), (K.HOST_BLACKHOLE, K.BLACKHOLE)]
    expected += [(K.CAPACITY, K.WRONG_CAPACITY), (K.BLACKHOLE, K.DATA_ACL)]
    expected += [(K.DATA_ACL, K.DATA_ACL), (K.ONE_WAY, K.SILENT_LOSS), (K.STALE_TOPOLOGY, K.WEIGHT)]
    assert pairs == [set(pair) for pair in expected]
    assert all(entry.when and entry.reason for entry in INDISTINGUISHABLE)
    assert indistinguishable(K.WEB_DOS, K.SURGE) is INDISTINGUISHABLE[0]
    assert indistinguishable(K.LINK_DOWN, K.SURGE) is None


CONTROL = [
    Fault(kind=K.NEIGHBOUR_MISSING, element=INTERFACE),
    Fault(kind=K.ACL_BLOCK, element=INTERFACE),
    Fault(kind=K.MTU, element=INTERFACE),
]


@pytest.mark.parametrize("fault", CONTROL, ids=lambda x: str(x.kind))
def test_lost_neighbours_differ_from_each_other_in_the_log_alone(fault: Fault):
    reference, got = (seen(x, skipped=1)[1] for x in (CONTROL[0], fault))
    assert same(replace(reference, events=()), replace(got, events=()))
    onset = seen(fault)[1]
    if fault is not CONTROL[0]:
        assert onset.events != seen(CONTROL[0])[1].events


OTHER_END = "interface/a2/a1"
ROUTING = [Fault(kind=kind, element="node/a1") for kind in (K.ROUTING_DOWN, K.AREA)]


@pytest.mark.parametrize("faults", [(CONTROL[0], CONTROL[2]), (CONTROL[0], CONTROL[1]), ROUTING], ids=str)
def test_what_only_lines_tell_apart_is_alike_once_they_are_older_than_what_is_read(faults: tuple[Fault, Fault]):
    one, two = (seen(fault, skipped=1)[1] for fault in faults)
    assert same(one, two)
    assert not any("OSPF" in event.message for event in one.events)
    if faults[0].element == INTERFACE:
        end = faults[1].model_copy(update={"element": OTHER_END})
        assert same(one, seen(end, skipped=1)[1])


def test_what_is_skipped_is_older_than_what_is_read():
    struck, got = seen(Fault(kind=K.ECMP_STALE, element=INTERFACE), skipped=1)
    assert all(event.time > (struck.now - timedelta(seconds=1500)).timestamp() for event in got.events)
