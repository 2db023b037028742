"""What a router does and a sum of shortest paths does not: labels through a drained node, circuits up in one direction,
and metrics that no router takes.
"""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from tests.twin.optimise.networks import network_of
from tests.twin.sim.oracle import reference
from tests.twin.square import plan_for
from twin.gate.verdict import Check, verify
from twin.live.emulated import EmulatedNetwork
from twin.live.forwarding import even_flows, router_salts
from twin.live.plane import DataPlane, data_plane
from twin.live.probes import probe_flows
from twin.live.queues import CarriedLoads
from twin.model import Link, Network, Node, SegmentList, Tunnel
from twin.optimise.drain import plan_drain
from twin.plan import DrainLink, DrainNode, RemoveTunnel, SetTunnel, SetWeight, apply
from twin.policy import Policy
from twin.sim.simulate import Failure, simulate

OPEN = Policy(max_blast_radius=1, max_delay_stretch=10)


def through_x(path: str = "explicit") -> Network:
    """A to D over X by labels, though the shortest way is over Y."""
    network = network_of(
        [
            ("A", "X", 10_000, 2),
            ("X", "D", 10_000, 2),
            ("A", "Y", 10_000, 1),
            ("Y", "D", 10_000, 1),
            ("A", "Z", 10_000, 3),
            ("Z", "D", 10_000, 3),
        ],
        {("A", "D"): 3_000.0},
    )
    lists = (SegmentList(via=("X",)),)
    return replace(network, tunnels=(Tunnel(name="T", source="A", target="D", paths=lists, path=path),))


def checks(plan, network, policy=OPEN) -> dict[str, Check]:
    return {check.name: check for check in verify(plan, network, policy).checks}


def test_a_drain_leaves_the_traffic_of_labels_through_the_node():
    network = through_x()
    useful = checks(plan_for(network, DrainNode(node="X"), objective="drain"), network)["useful"]
    assert not useful.passed
    found = useful.counterexample
    assert (found.element, found.measured, found.limit) == ("node/X", 3000, 0)


def test_a_computed_list_avoids_the_node_by_itself():
    network = through_x("dynamic")
    assert verify(plan_for(network, DrainNode(node="X"), objective="drain"), network, OPEN).passed


def test_the_planner_of_drains_takes_the_labels_away_first():
    network = through_x()
    plan = plan_drain(network, OPEN, "X").plan
    assert plan.steps == (RemoveTunnel(name="T"), DrainNode(node="X"))
    assert verify(plan, network, OPEN).passed


@pytest.mark.parametrize("path", ["explicit", "dynamic"])
def test_the_emulated_network_does_the_same_by_its_own_code(path):
    drained = apply(through_x(path), DrainNode(node="X"))
    live = EmulatedNetwork(drained, seed=1, start=datetime(2026, 3, 3, 20, tzinfo=UTC))
    live.wait(1)
    telemetry = live.read_telemetry(datetime(2026, 1, 1, tzinfo=UTC))
    sent = telemetry.links.out_mbps.reshape(-1, len(drained.links))[-1]
    expected = simulate(drained).load
    assert (sent[drained.link("A->X")] > 100) == (expected[drained.link("A->X")] > 0) == (path == "explicit")
    assert reference(drained).load == pytest.approx(expected)


def test_labels_over_a_node_that_fails_are_black_holed_until_somebody_says_otherwise():
    network = through_x()
    lists = network.tunnels[0]
    bare = replace(network, tunnels=())
    unverified = plan_for(bare, SetTunnel(tunnel=lists), objective="change")
    survivable = checks(unverified, bare)["survivable"]
    assert not survivable.passed
    found = survivable.counterexample
    assert (found.failure, found.measured, found.limit) == ("node/X", 3000, 0)
    told = lists.model_copy(update={"on_invalid": "igp"})
    assert verify(plan_for(bare, SetTunnel(tunnel=told), objective="change"), bare, OPEN).passed


def test_the_emulated_network_black_holes_labels_over_a_dead_node_by_its_own_code():
    dead = through_x()
    dead = replace(dead, nodes=tuple(x._replace(up=x.name != "X") for x in dead.nodes))
    for told, lost in (("blackhole", 3000.0), ("igp", 0.0)):
        lists = dead.tunnels[0].model_copy(update={"on_invalid": told})
        network = replace(dead, tunnels=(lists,))
        plane, through = carried(network)
        assert plane.harm(through, np.ones_like(network.demands), 1.0).unrouted == pytest.approx(lost)
        assert simulate(network).harm(1.0).unrouted == lost
        assert through.sent[network.link("A->Y")] == pytest.approx(3000.0 - lost)


@pytest.mark.parametrize("step", [DrainLink(circuit="link/A:Y--Y:A", mode="cost_out"),
                                  DrainNode(node="Y", mode="cost_out")])  # fmt: skip
def test_what_is_costed_out_passes_useful_and_is_the_last_resort_of_every_failure(step):
    network = replace(through_x(), tunnels=())
    assert verify(plan_for(network, step, objective="drain"), network, OPEN).passed
    state = apply(network, step)
    others = [x for name in ("link/A:X--X:A", "link/A:Z--Z:A") for x in network.circuit(name)]
    sweep = simulate(state, failures=(Failure("both others", links=tuple(others)),)).sweep
    assert sweep.lost[0] == 0
    down = replace(state, links=tuple(x._replace(up=i not in others) for i, x in enumerate(state.links)))
    _, through = carried(down)
    assert through.sent[down.link("A->Y")] == pytest.approx(3000)
    assert reference(down).load == pytest.approx(simulate(down).load)


def test_what_is_costed_out_and_the_only_way_fails_useful_with_what_still_passes():
    network = network_of([("A", "B", 10_000, 1), ("B", "C", 10_000, 1)], {("A", "C"): 700.0})
    step = DrainNode(node="B", mode="cost_out")
    found = checks(plan_for(network, step, objective="drain"), network)["useful"].counterexample
    assert (found.element, found.measured, found.limit) == ("node/B", 700, 0)


@pytest.mark.parametrize(("igp", "most"), [("isis-narrow", 63), ("isis", 16_777_214), ("ospf", 65_535)])
def test_the_protocol_of_a_network_bounds_its_metrics(igp, most):
    network = replace(through_x(), igp=igp)
    for weight in (most, most + 1):
        check = checks(plan_for(network, SetWeight(link="A->Y", weight=weight), objective="change"), network)
        assert check["grounded"].passed is (weight == most)


def carried(network: Network) -> tuple[DataPlane, CarriedLoads]:
    """What the emulated routers forward of every demand."""
    source, target = np.nonzero(network.demands)
    flows, salts = even_flows(source, target, 100, 1), router_salts(len(network.nodes), 1)
    plane = data_plane(network, flows, probe_flows(network, 1), salts)
    return plane, plane.carry(plane.entering(plane.offered(np.ones_like(network.demands))))


def one_way() -> Network:
    """A--B with A->B dark; the other direction still has light."""
    network = network_of(
        [("A", "B", 2_000, 1), ("A", "C", 2_000, 5), ("C", "B", 2_000, 5)], {("B", "A"): 1_000.0, ("A", "B"): 500.0}
    )
    return replace(network, links=tuple(x._replace(up=x.name != "A->B") for x in network.links))


def test_a_circuit_that_is_up_in_one_direction_only_carries_nothing():
    network = one_way()
    outcome = simulate(network)
    assert outcome.load[network.link("B->A")] == 0
    assert outcome.load[network.link("B->C")] == 1_000
    assert outcome.lost == 0
    assert reference(network).load == pytest.approx(outcome.load)


def test_one_direction_that_fails_takes_the_other_one_out_of_routing():
    network = replace(one_way(), links=tuple(x._replace(up=True) for x in one_way().links))
    failure = Failure("A->B", links=(network.link("A->B"),))
    sweep = simulate(network, failures=(failure,)).sweep
    down = simulate(one_way())
    assert sweep.max_utilisation[0] == pytest.approx(down.max_utilisation)


def test_the_emulated_network_checks_both_directions_too():
    live = EmulatedNetwork(one_way(), seed=1, start=datetime(2026, 3, 3, 20, tzinfo=UTC))
    live.wait(1)
    sent = live.read_telemetry(datetime(2026, 1, 1, tzinfo=UTC)).links.out_mbps.reshape(-1, 6)[-1]
    assert sent[one_way().link("B->A")] < 1
    assert np.isfinite(sent).all()


@pytest.mark.parametrize(
    ("weight", "policy", "grounded"),
    [
        (65_535, OPEN, True),
        (65_536, OPEN, False),
        (63, OPEN.model_copy(update={"max_weight": 63}), True),
        (64, OPEN.model_copy(update={"max_weight": 63}), False),
        (16_777_214, OPEN.model_copy(update={"max_weight": 16_777_214}), True),
        (16_777_215, OPEN.model_copy(update={"max_weight": 16_777_214}), False),
    ],
)
def test_a_weight_that_no_router_of_the_network_takes_is_not_grounded(weight, policy, grounded):
    network = through_x()
    check = checks(plan_for(network, SetWeight(link="A->Y", weight=weight), objective="change"), network, policy)
    assert check["grounded"].passed is grounded
    if not grounded:
        found = check["grounded"].counterexample
        assert (found.element, found.measured, found.limit) == ("A->Y", weight, policy.max_weight or 65_535)


def test_a_network_with_wide_metrics_takes_wide_metrics():
    network = through_x()
    wide = replace(network, links=tuple(x._replace(weight=70_000) for x in network.links))
    plan = plan_for(wide, SetWeight(link="A->Y", weight=80_000), objective="change")
    assert checks(plan, wide)["grounded"].passed


def test_the_metric_that_is_left_out_of_shortest_paths_carries_nothing_when_the_other_way_fails():
    network = replace(through_x(), tunnels=())
    links = tuple(x._replace(weight=2**24 - 1) if x.tail == "A" and x.head == "X" else x for x in network.links)
    costed = replace(network, links=links)
    others = [x for name in ("link/A:Y--Y:A", "link/A:Z--Z:A") for x in network.circuit(name)]
    failure = Failure("both others", links=tuple(others))
    sweep = simulate(costed, failures=(failure,)).sweep
    assert sweep.lost[0] == 3_000


@pytest.mark.parametrize("igp", ["", "isis-narrow", "isis", "ospf"])
def test_an_exit_that_is_costed_out_comes_after_the_last_preference_that_there_is(igp):
    plain = network_of([("A", "B", 100, 1)], {("A", "B"): 1.0})
    exits = tuple(Link(x, "world", 100.0, 255 if x == "B" else 1) for x in "AB")
    demands = np.pad(plain.demands, (0, 1))
    demands[0, 2] = 8.0
    nodes = (*plain.nodes, Node("world", 0, 0, kind="exits"))
    network = replace(plain, nodes=nodes, links=(*plain.links, *exits), demands=demands, igp=igp)
    drained = apply(network, DrainLink(circuit=exits[0].circuit, mode="cost_out"))
    for state, way_out in ((network, "A->world"), (drained, "B->world")):
        assert simulate(state).load[state.link(way_out)] == 8.0
    for weight, made in ((200, True), (256, False)):  # a preference is no metric
        step = SetWeight(link="A->world", weight=weight)
        verdict = verify(plan_for(network, step, objective="change"), network, OPEN)
        assert next(x for x in verdict.checks if x.name == "grounded").passed is made
    other_down = replace(drained, links=tuple(x._replace(up=x.name != "B->world") for x in drained.links))
    assert simulate(other_down).load[network.link("A->world")] == 8.0
