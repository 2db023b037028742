from dataclasses import replace
from itertools import combinations

import pytest

from tests.twin.optimise.networks import network_of, random_network
from twin.errors import UnknownElementError
from twin.formats.load import load_network
from twin.gate.verdict import verify
from twin.model import Network
from twin.optimise.drain import plan_drain
from twin.optimise.sleep import plan_sleep, watts_saved
from twin.plan import DrainLink, DrainNode, SleepLink, apply, apply_all
from twin.policy import Policy
from twin.sim.power import PortPower, PowerModel
from twin.sim.simulate import simulate, single_failures

LOOSE = Policy(max_blast_radius=1, max_delay_stretch=50)


@pytest.fixture(scope="module")
def polska() -> Network:
    return load_network("sndlib/polska", peak_utilisation=0.33)


def test_every_node_is_drained_safely_or_the_reason_is_given(polska):
    plans = 0
    for node in polska.nodes:
        proposal = plan_drain(polska, LOOSE, node.id)
        if proposal.plan:
            plans += 1
            assert proposal.plan.objective == "drain"
            assert DrainNode(node=node.name) in proposal.plan.steps
            assert verify(proposal.plan, polska, LOOSE).passed
        else:
            assert "not safe" in proposal.reason or "order" in proposal.reason
    assert plans > 0


def test_room_is_made_before_a_circuit_is_drained():
    """Without the circuit both large demands meet on a-c: one of them has to go over d first."""
    circuits = [("a", "b", 100.0, 1), ("a", "c", 100.0, 1), ("c", "b", 100.0, 1), ("a", "d", 100.0, 2)]
    circuits += [("d", "b", 100.0, 2), ("c", "d", 100.0, 9)]
    network = network_of(circuits, {("a", "b"): 50.0, ("a", "c"): 45.0})
    policy = Policy(max_blast_radius=1, max_delay_stretch=50, max_failure_utilisation=2)
    proposal = plan_drain(network, policy, "link/a:b--b:a")
    assert len(proposal.plan.steps) >= 2
    assert proposal.plan.steps[-1] == DrainLink(circuit="link/a:b--b:a")
    assert verify(proposal.plan, network, policy).passed
    assert simulate(apply(network, proposal.plan.steps[-1])).max_utilisation > policy.max_utilisation


def test_what_is_drained_by_cost_out_is_the_last_resort_of_failures_that_the_usual_drain_would_not_survive():
    ring = network_of([("a", "b", 100.0, 1), ("b", "c", 100.0, 1), ("c", "a", 100.0, 1)], {("a", "b"): 10.0})
    removed = plan_drain(ring, LOOSE, "link/a:b--b:a")
    assert removed.plan is None
    assert "loses its paths" in removed.reason
    kept = plan_drain(ring, LOOSE, "link/a:b--b:a", cost_out=True).plan
    assert kept.steps == (DrainLink(circuit="link/a:b--b:a", mode="cost_out"),)
    assert verify(kept, ring, LOOSE).passed
    assert plan_drain(ring, LOOSE, "c", cost_out=True).plan.steps == (DrainNode(node="c", mode="cost_out"),)


def test_a_drain_that_cuts_the_network_has_no_plan_and_says_what_is_lost():
    line = network_of([("a", "b", 10, 1), ("b", "c", 10, 1)], {("a", "c"): 1.0})
    proposal = plan_drain(line, LOOSE, "b")
    assert proposal.plan is None
    assert "loses its paths" in proposal.reason


def test_planner_and_gate_agree_on_what_a_drain_of_a_ring_may_risk():
    ring = network_of([("a", "b", 100, 1), ("b", "c", 100, 1), ("c", "a", 100, 1)], {("a", "b"): 10.0, ("c", "b"): 9.0})
    assert plan_drain(ring, LOOSE, "link/a:b--b:a").plan is None
    accepting = LOOSE.model_copy(update={"max_maintenance_loss": 1.0})
    plan = plan_drain(ring, accepting, "link/a:b--b:a").plan
    assert plan is not None
    assert verify(plan, ring, accepting).passed
    assert not verify(plan, ring, LOOSE).passed


def test_what_is_drained_or_protected_or_unknown_is_said(polska):
    name = polska.nodes[0].name
    assert "already" in plan_drain(apply(polska, DrainNode(node=name)), LOOSE, name).reason
    guarded = LOOSE.model_copy(update={"protected": (f"node/{name}",)})
    assert "protects" in plan_drain(polska, guarded, name).reason
    with pytest.raises(UnknownElementError):
        plan_drain(polska, LOOSE, "Atlantis")
    with pytest.raises(UnknownElementError):
        plan_drain(polska, LOOSE, "link/A:B--B:A")


def test_sleeping_circuits_leave_a_network_that_survives_every_single_failure(polska):
    proposal = plan_sleep(polska, LOOSE)
    assert proposal.plan
    assert all(isinstance(step, SleepLink) for step in proposal.plan.steps)
    assert verify(proposal.plan, polska, LOOSE).passed
    asleep = apply_all(polska, proposal.plan.steps)
    failures = single_failures(polska)
    before, after = (simulate(x, failures=failures).sweep for x in (polska, asleep))
    assert (after.lost <= before.lost + 1e-6).all()


def test_no_further_circuit_could_sleep(polska):
    policy = LOOSE.model_copy(update={"max_steps": 50})
    proposal = plan_sleep(polska, policy)
    asleep = apply_all(polska, proposal.plan.steps)
    for name, links in asleep.circuits.items():
        if all(asleep.links[i].usable for i in links):
            one_more = proposal.plan.model_copy(update={"steps": (*proposal.plan.steps, SleepLink(circuit=name))})
            assert not verify(one_more, polska, policy).passed


def test_a_full_mesh_sleeps_and_a_ring_does_not():
    mesh = network_of([(a, b, 100.0, 1) for a, b in combinations("abcd", 2)], {("a", "b"): 5.0, ("c", "d"): 5.0})
    assert len(plan_sleep(mesh, LOOSE).plan.steps) == 2
    ring = network_of([("a", "b", 9, 1), ("b", "c", 9, 1), ("c", "a", 9, 1)], {("a", "b"): 1.0, ("b", "c"): 1.0})
    assert "needed" in plan_sleep(ring, LOOSE).reason


def test_the_largest_saving_sleeps_first_and_the_same_input_gives_the_same_plan():
    network = random_network(4, nodes=7, extra=8)
    one = LOOSE.model_copy(update={"max_steps": 1})
    ports = tuple(
        PortPower(mbps=x, port_watts=y, plugged_watts=1, up_watts=0) for x, y in ((100, 10), (200, 90), (400, 300))
    )
    model = PowerModel(name="steep", source="by hand", base_watts=100, ports=ports)
    first, again = (plan_sleep(x, one, model=model) for x in (network, replace(network)))
    assert first.plan == again.plan
    saved = watts_saved(network, first.plan.steps, model)
    assert saved > 0
    for circuit in network.circuits:
        steps = (SleepLink(circuit=circuit),)
        if watts_saved(network, steps, model) > saved:
            assert not verify(first.plan.model_copy(update={"steps": steps}), network, one).passed


def test_a_plan_that_saves_less_than_asked_for_is_not_made_and_does_not_pass_the_gate(polska):
    found = plan_sleep(polska, LOOSE)
    assert found.plan is not None
    saved = watts_saved(polska, found.plan.steps)
    greedy = LOOSE.model_copy(update={"min_watts_saved": saved + 0.1})
    refused = plan_sleep(polska, greedy)
    assert refused.plan is None
    assert "asked for" in refused.reason
    check = next(x for x in verify(found.plan, polska, greedy).checks if x.name == "useful")
    assert not check.passed
    assert check.counterexample.measured == pytest.approx(saved)
    assert (check.counterexample.limit, check.unit) == (pytest.approx(saved + 0.1), "W")
