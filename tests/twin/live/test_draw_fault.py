"""Drawing of every kind of fault, and what it makes of a network."""

import numpy as np
import pytest
from pydantic import ValidationError

from twin.errors import TopologyError
from twin.faults import (
    DRAWN_KINDS,
    EXIT_KINDS,
    TELEMETRY_KINDS,
    TRAITS,
    Fault,
    FaultKind,
    check,
    struck_links,
    with_fault,
)
from twin.faults.kinds import ADJACENCY_KINDS
from twin.formats import load_network
from twin.live.draw_fault import draw_fault
from twin.model import Network
from twin.sim.simulate import simulate

K = FaultKind
NOBEL = load_network("sndlib/nobel-eu")


def even() -> Network:
    """With equal weights there are equal paths to choose from."""
    links = tuple(link._replace(weight=10) for link in NOBEL.links)
    return Network("even", NOBEL.nodes, links, NOBEL.demands)


EVEN = even()


def test_the_first_kinds_are_drawn_when_none_are_asked_for():
    published = ("link_down", "device_down", "link_capacity_bottleneck", "demand_surge", "wrong_igp_weight")
    assert (*published, "silent_egress_packet_loss") == DRAWN_KINDS
    assert {draw_fault(NOBEL, seed).kind for seed in range(40)} <= set(DRAWN_KINDS)


def test_every_kind_has_a_trait_and_the_measurement_has_eight():
    assert set(TRAITS) == set(FaultKind)
    assert len(TELEMETRY_KINDS) == 8


@pytest.mark.parametrize("kind", [kind for kind in FaultKind if kind not in EXIT_KINDS])
def test_every_kind_can_be_drawn_and_strikes(kind: FaultKind):
    faults = [draw_fault(EVEN, seed, kinds=(kind,)) for seed in range(12)]
    assert faults == [draw_fault(EVEN, seed, kinds=(kind,)) for seed in range(12)]
    assert len({(fault.element, fault.target) for fault in faults}) > 1
    for fault in faults:
        check(EVEN, fault)
        assert Fault.model_validate_json(fault.model_dump_json()) == fault


def test_missing_members_are_drawn_at_forks():
    outcome = simulate(EVEN)
    for seed in range(12):
        fault = draw_fault(EVEN, seed, kinds=(K.ECMP_MISSING,))
        link = EVEN.link(fault.element)
        assert outcome.load[link] > 0
        tail = EVEN.links[link].tail
        assert sum(x.tail == tail for x in EVEN.links) > 1


def test_where_there_are_no_equal_paths_no_member_can_be_missing():
    weights = np.random.default_rng(1).integers(10_000, 10_000_000, len(NOBEL.circuits)).tolist()
    of = dict(zip(NOBEL.circuits, weights, strict=True))
    unique = Network("unique", NOBEL.nodes, tuple(x._replace(weight=of[x.circuit]) for x in NOBEL.links), NOBEL.demands)
    with pytest.raises(TopologyError, match="no place"):
        draw_fault(unique, 1, kinds=(K.ECMP_MISSING,))


@pytest.mark.parametrize("kind", [K.BLACKHOLE, K.DATA_ACL, K.HOST_BLACKHOLE])
def test_what_drops_towards_a_target_is_drawn_where_there_is_traffic_for_it(kind: FaultKind):
    for seed in range(12):
        fault = draw_fault(EVEN, seed, kinds=(kind,))
        assert EVEN.offered[:, EVEN.node(fault.target or "")].sum() > 0


LOST = (K.DETACH, K.FLAP, K.NEIGHBOUR_MISSING, K.ACL_BLOCK, K.MTU)


@pytest.mark.parametrize("kind", LOST)
def test_what_takes_a_circuit_down_or_its_neighbours_away_takes_it_from_routing(kind: FaultKind):
    link = NOBEL.links[0]
    circuit = TRAITS[kind].element == "circuit"
    severity = 0.4 if kind is K.FLAP else 1.0
    ill = with_fault(NOBEL, Fault(kind=kind, element=link.circuit if circuit else link.interface, severity=severity))
    down = with_fault(NOBEL, Fault(kind=K.LINK_DOWN, element=link.circuit))
    assert [x.usable for x in ill.links] == [x.usable for x in down.links]
    assert (ill == down) is (kind not in ADJACENCY_KINDS)
    assert all(x.up for x in ill.links) is (kind in ADJACENCY_KINDS)


@pytest.mark.parametrize("kind", [K.ROUTING_DOWN, K.AREA])
def test_a_router_without_neighbours_is_alive_and_cut_off(kind: FaultKind):
    node = NOBEL.nodes[0]
    ill = with_fault(NOBEL, Fault(kind=kind, element=node.id))
    assert ill.nodes == NOBEL.nodes
    alone = [link for link in ill.links if not link.adjacent]
    assert alone == [link._replace(adjacent=False) for link in NOBEL.links if node.name in (link.tail, link.head)]


def test_an_incast_grows_the_total_by_its_factor_in_equal_parts():
    node = max(range(len(NOBEL.nodes)), key=lambda i: NOBEL.demands[:, i].sum())
    ill = with_fault(NOBEL, Fault(kind=K.INCAST, element=NOBEL.nodes[node].id, severity=3))
    added = (ill.demands - NOBEL.demands)[:, node]
    assert ill.demands[:, node].sum() == pytest.approx(3 * NOBEL.demands[:, node].sum())
    sources = NOBEL.demands[:, node] > 0
    assert np.allclose(added[sources], added[sources][0])
    assert not added[~sources].any()


def test_losses_on_one_link_multiply():
    link = NOBEL.links[0]
    once = with_fault(NOBEL, Fault(kind=K.SILENT_LOSS, element=link.interface, severity=0.5))
    twice = with_fault(once, Fault(kind=K.CORRUPTION, element=link.circuit, severity=0.5))
    assert [twice.links[i].loss for i in NOBEL.circuit(link.circuit)] == [0.75, 0.5]


@pytest.mark.parametrize("kind", [x for x in TELEMETRY_KINDS if x is not K.STALE_TOPOLOGY])
def test_a_lie_does_not_change_the_network(kind: FaultKind):
    assert with_fault(EVEN, draw_fault(EVEN, 1, kinds=(kind,))) is EVEN


def test_the_struck_links_of_a_node_are_all_that_touch_it():
    name = NOBEL.nodes[3].name
    found = struck_links(NOBEL, Fault(kind=K.AREA, element=f"node/{name}"))
    assert found == tuple(i for i, x in enumerate(NOBEL.links) if name in (x.tail, x.head))
    sent = struck_links(NOBEL, Fault(kind=K.DEVICE_CORRUPTION, element=f"node/{name}", severity=0.1))
    assert sent == tuple(i for i, x in enumerate(NOBEL.links) if x.tail == name)


def test_a_fault_writes_no_blanks_and_an_onset_needs_a_zone():
    fault = Fault(kind=K.LINK_DOWN, element="link/a:b--b:a")
    assert fault.model_dump(mode="json") == {"kind": "link_down", "element": "link/a:b--b:a", "severity": 1.0}
    with pytest.raises(ValidationError):
        Fault.model_validate({"kind": "link_down", "element": "x", "onset": "2026-01-01T00:00:00"})
