"""Ways around a router that drops what it should forward; what arrives is counted by hand."""

from dataclasses import replace

import pytest

from tests.twin.optimise.networks import network_of
from twin.faults import Fault, FaultKind, with_fault
from twin.formats.exits import ExitGroup, with_groups
from twin.gate.verdict import verify
from twin.model import Astray
from twin.optimise import tunnels, weights
from twin.optimise.evade import relieve_by_evading
from twin.optimise.relieve import relieve
from twin.optimise.restore import relieve_by_restoring
from twin.plan import SetTunnel, apply_all
from twin.policy import Policy
from twin.sim.simulate import simulate

CIRCUITS = [("A", "B", 20.0, 1), ("E", "B", 20.0, 1), ("B", "D", 20.0, 1), ("A", "C", 20.0, 5), ("E", "C", 20.0, 5)]
POLICY = Policy(max_blast_radius=1, max_delay_stretch=10, max_failure_utilisation=10, max_uncertain_utilisation=10)


def dropping(room: float):
    """B drops all for D; A sends 4 and E sends 2 there, and the way by C holds `room`."""
    network = network_of([*CIRCUITS, ("C", "D", room, 5)], {("A", "D"): 4.0, ("E", "D"): 2.0})
    return replace(network, astray=(Astray(at="B", does="drop", target="D"),))


@pytest.mark.parametrize(("room", "around", "lost"), [(20.0, {"A", "E"}, 0.0), (3.0, {"E"}, 4.0)])
def test_as_many_sources_go_around_as_the_way_around_holds(room, around, lost):
    network = dropping(room)
    found = relieve_by_evading(network, POLICY)
    assert found.plan is not None, found.reason
    assert {x.tunnel.source for x in found.plan.steps if isinstance(x, SetTunnel)} == around
    assert verify(found.plan, network, POLICY).passed
    left = simulate(apply_all(network, found.plan.steps)).harm(POLICY.max_utilisation)
    assert left.total == pytest.approx(lost)


def test_without_a_wrong_entry_there_is_nothing_to_go_around():
    found = relieve_by_evading(replace(dropping(20.0), astray=()), POLICY)
    assert found.plan is None
    assert "no router drops or diverts" in found.reason


def test_the_reason_for_no_plan_is_that_of_the_way_which_would_leave_least():
    # costed out, A->B would send 34 by C, where 20 fit; the tunnel puts 4 on a way that holds 3
    network = network_of([*CIRCUITS, ("C", "D", 3.0, 5)], {("A", "D"): 4.0, ("A", "B"): 30.0})
    filtered = replace(network, astray=(Astray(at="A->B", does="bar", target="D"),))
    found = relieve_by_evading(filtered, POLICY)
    assert found.plan is None
    assert "C->D is at 133.3 %" in found.reason


@pytest.mark.parametrize(
    "makes", [{"set_weight"}, {"set_weight", "drain_link"}, {"set_weight", "drain_link", "drain_node"}, set[str]()]
)
def test_no_plan_has_a_step_that_the_network_cannot_make(makes):
    network = dropping(20.0)
    assert any(isinstance(x, SetTunnel) for y in relieve(network, POLICY) if y.plan for x in y.plan.steps)
    found = relieve(network, POLICY, makes=makes)
    assert {step.op for x in found if x.plan for step in x.plan.steps} <= makes
    reasons = {x.method: x.reason for x in found}
    assert reasons[tunnels.METHOD] == "this network cannot set tunnel"
    assert ("set weight" in (reasons[weights.METHOD] or "")) == (not makes)
    assert any(x.plan for x in found) == bool(makes)  # weights alone lead around, too


def beyond():
    """`content` is met at A, `transit` everywhere; S is nearer to B. S sends 4 to `content` and 1 to `transit`, B 2."""
    network = network_of([("A", "S", 20.0, 5), ("S", "B", 20.0, 1), ("A", "B", 20.0, 9)], {})
    network = with_groups(
        network, [ExitGroup("content", {"A": 1}, 20.0), ExitGroup("transit", dict.fromkeys("ABS", 1), 20.0)]
    )
    demands = network.demands.copy()
    for source, group, amount in (("S", "content", 4.0), ("B", "content", 2.0), ("S", "transit", 1.0)):
        demands[network.node(source), network.node(group)] = amount
    return network.with_demands(demands)


@pytest.mark.parametrize(("makes", "steps"), [(None, {"drain_link"}), ({"set_tunnel"}, {"set_tunnel"})])
def test_what_follows_the_routes_of_anothers_neighbour_is_led_to_the_true_exit(makes, steps):
    network = with_fault(
        beyond(), Fault(kind=FaultKind.BGP_ORIGIN, element="interface/B/transit", target="node/content")
    )
    assert simulate(network).harm(POLICY.max_utilisation).total == pytest.approx(6.0)
    found = relieve_by_evading(network, POLICY, makes=makes)
    assert found.plan is not None, found.reason
    assert {x.op for x in found.plan.steps} == steps
    assert verify(found.plan, network, POLICY).passed
    after = simulate(apply_all(network, found.plan.steps))
    assert after.harm(POLICY.max_utilisation).total == 0
    assert after.load[network.link("A->content")] == pytest.approx(6.0)


def test_no_weight_sets_back_a_longer_path_of_bgp():
    sound = beyond()
    network = with_fault(sound, Fault(kind=FaultKind.BGP_LONGER_PATH, element="interface/A/content", severity=1))
    assert [x.weight for x in network.links] != [x.weight for x in sound.links]
    found = relieve_by_restoring(network, POLICY, reference=sound)
    assert found.reason == "everything is set as in the reference network"


def test_nothing_leads_around_what_a_router_announces_as_its_own():
    network = with_fault(beyond(), Fault(kind=FaultKind.BGP_HIJACK, element="node/B", target="node/content"))
    assert simulate(network).harm(POLICY.max_utilisation).total == pytest.approx(6.0)
    assert relieve_by_evading(network, POLICY).plan is None
