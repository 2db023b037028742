"""Plans beside a circuit that flaps: it is taken out first, where that harms less than its flapping does."""

import pytest

from tests.twin.optimise.networks import network_of
from twin.faults import Fault, FaultKind, with_fault
from twin.gate.verdict import verify
from twin.optimise.damping import damped
from twin.optimise.proposal import Proposal, Value
from twin.optimise.relieve import relieve
from twin.plan import DrainLink
from twin.policy import Policy

POLICY = Policy(max_failure_utilisation=100, max_blast_radius=1, max_delay_stretch=100, demand_factors=(1.0,))
CIRCUIT = "link/A:B--B:A"
NETWORK = network_of(
    [("A", "B", 200.0, 1), ("A", "C", 100.0, 1), ("C", "B", 100.0, 1), ("A", "D", 100.0, 2), ("D", "B", 100.0, 2)],
    {("A", "B"): 90.0, ("C", "B"): 40.0},
)
"""Without A-B, 90 and 40 meet on C->B, while the way by D is empty."""


def flapping(share: float) -> Fault:
    return Fault(kind=FaultKind.FLAP, element=CIRCUIT, severity=share)


def test_every_plan_beside_a_flapping_circuit_takes_it_out_first_and_passes_the_gate():
    down = with_fault(NETWORK, flapping(0.5))
    plans = [x.plan for x in relieve(down, POLICY, faults=(flapping(0.5),)) if x.plan]
    assert plans
    for plan in plans:
        assert plan.steps[0] == DrainLink(circuit=CIRCUIT)
        assert len(plan.steps) > 1
        verdict = verify(plan, down, POLICY)
        assert verdict.passed, [x for x in verdict.checks if not x.passed]


@pytest.mark.parametrize(("share", "left", "planned"), [(0.5, 40.0, True), (0.5, 50.0, False), (0.3, 40.0, False)])
def test_what_a_plan_leaves_for_good_is_held_against_what_flapping_harms_in_the_mean(share, left, planned):
    down = with_fault(NETWORK, flapping(share))
    found = next(x for x in relieve(down, POLICY) if x.plan)
    proposal = Proposal(found.method, found.plan, Value(100.0, 1.0), Value(left, 0.8))
    made = damped(proposal, down, POLICY, (flapping(share),))
    assert (made.plan is not None) == planned
    if not planned:
        assert "in the mean" in made.reason


def test_a_circuit_that_the_policy_protects_is_not_taken_out_and_one_drained_already_not_again():
    down = with_fault(NETWORK, flapping(0.5))
    found = next(x for x in relieve(down, POLICY) if x.plan)
    protected = POLICY.model_copy(update={"protected": (CIRCUIT,)})
    assert "protects" in damped(found, down, protected, (flapping(0.5),)).reason
    assert damped(found, down, POLICY, ()) is found
