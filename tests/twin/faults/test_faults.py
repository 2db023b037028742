import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.errors import TopologyError, UnknownElementError
from twin.faults import DRAWN_KINDS, Fault, FaultKind, with_fault
from twin.live.draw_fault import HURTS, draw_fault
from twin.model import Link, Network, Node
from twin.sim.simulate import simulate

K = FaultKind


def ring(n: int = 6, capacity: float = 1_000.0, demand: float = 140.0) -> Network:
    nodes = tuple(Node(f"r{i}", 0.0, 0.0) for i in range(n))
    ends = [(f"r{i}", f"r{(i + step) % n}") for i in range(n) for step in (1, -1)]
    demands = np.full((n, n), demand)
    np.fill_diagonal(demands, 0)
    return Network("ring", nodes, tuple(Link(s, t, capacity, 10) for s, t in ends), demands)


def struck(kind: FaultKind, element: str, severity: float = 1.0) -> Network:
    return with_fault(ring(), Fault(kind=kind, element=element, severity=severity))


def differing(network: Network) -> list[str]:
    return [x.name for x, y in zip(network.links, ring().links, strict=True) if x != y]


def test_a_cut_takes_down_both_directions():
    network = struck(K.LINK_DOWN, "link/r0:r1--r1:r0")
    assert sorted(differing(network)) == ["r0->r1", "r1->r0"]
    assert not network.links[network.link("r0->r1")].up


def test_a_dead_device_takes_down_its_node_alone():
    network = struck(K.DEVICE_DOWN, "node/r2")
    assert [node.name for node in network.nodes if not node.up] == ["r2"]
    assert differing(network) == []


def test_a_bottleneck_leaves_the_rest_of_the_capacity():
    network = struck(K.CAPACITY, "link/r0:r1--r1:r0", 0.75)
    assert [network.links[network.link(x)].capacity for x in ("r0->r1", "r1->r0")] == [250, 250]


def test_a_surge_multiplies_what_goes_to_the_node():
    change = struck(K.SURGE, "node/r2", 3).demands / np.where(ring().demands > 0, ring().demands, 1)
    assert change[[0, 1, 3, 4, 5], 2].tolist() == [3] * 5
    assert np.delete(change, 2, axis=1).max() == 1


def test_a_wrong_weight_and_a_silent_loss_strike_one_direction():
    assert differing(struck(K.WEIGHT, "interface/r0/r1", 999)) == ["r0->r1"]
    assert struck(K.WEIGHT, "interface/r0/r1", 999).links[0].weight == 999
    assert differing(struck(K.SILENT_LOSS, "interface/r0/r1", 0.1)) == ["r0->r1"]
    assert struck(K.SILENT_LOSS, "interface/r0/r1", 0.1).links[0].loss == 0.1


@pytest.mark.parametrize(
    ("kind", "element"),
    [
        (K.LINK_DOWN, "link/r0:r3--r3:r0"),
        (K.LINK_DOWN, "node/r0"),
        (K.DEVICE_DOWN, "node/r9"),
        (K.DEVICE_DOWN, "r0"),
        (K.SURGE, "interface/r0/r1"),
        (K.WEIGHT, "node/r9"),
        (K.SILENT_LOSS, "link/r0:r1--r1:r0"),
    ],
)
def test_an_unknown_element_is_named(kind: FaultKind, element: str):
    severity = {K.SURGE: 2.0, K.SILENT_LOSS: 0.1}.get(kind, 1.0)
    with pytest.raises(UnknownElementError):
        struck(kind, element, severity)


@pytest.mark.parametrize(
    ("kind", "element", "severity"),
    [
        (K.LINK_DOWN, "link/r0:r1--r1:r0", 0.5),
        (K.CAPACITY, "link/r0:r1--r1:r0", 1.0),
        (K.SURGE, "node/r0", 0.9),
        (K.WEIGHT, "interface/r0/r1", 1.5),
        (K.WEIGHT, "interface/r0/r1", 70_000),
        (K.SILENT_LOSS, "interface/r0/r1", 1.2),
    ],
)
def test_a_severity_that_the_kind_cannot_have_is_refused(kind: FaultKind, element: str, severity: float):
    with pytest.raises(TopologyError, match="cannot have severity"):
        struck(kind, element, severity)


@given(st.integers(0, 10_000))
def test_a_drawn_fault_hurts_and_is_the_same_for_the_same_seed(seed: int):
    fault = draw_fault(ring(), seed)
    assert fault == draw_fault(ring(), seed)
    added = simulate(with_fault(ring(), fault)).harm(0.8).routable - simulate(ring()).harm(0.8).routable
    assert added > HURTS * ring().offered.sum()


def test_other_seeds_draw_other_kinds_and_elements():
    faults = [draw_fault(ring(), seed) for seed in range(60)]
    assert {fault.kind for fault in faults} == set(DRAWN_KINDS)
    assert len({fault.element for fault in faults}) > 12


def test_only_the_asked_kinds_are_drawn():
    assert {draw_fault(ring(), seed, kinds=(K.SILENT_LOSS,)).kind for seed in range(10)} == {K.SILENT_LOSS}


def test_where_nothing_hurts_the_last_draw_is_kept():
    roomy = ring(capacity=1e6)
    fault = draw_fault(roomy, 1, kinds=(K.LINK_DOWN,))
    assert fault.kind is K.LINK_DOWN
    assert simulate(with_fault(roomy, fault)).harm(0.8).routable == 0


def test_a_network_without_traffic_has_no_fault_to_draw():
    with pytest.raises(TopologyError, match="no fault to draw"):
        draw_fault(ring(demand=0), 1)
