import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.twin.optimise.networks import network_of
from twin.gate.rules import cvar
from twin.gate.verdict import Check, Evidence, Scenario, verify
from twin.model import SegmentList, Tunnel
from twin.plan import Plan, SetTunnel
from twin.policy import Policy

OPEN = Policy(max_blast_radius=1, max_failure_utilisation=10, max_delay_stretch=10)
NETWORK = network_of(
    [("A", "B", 10, 1), ("B", "D", 10, 1), ("A", "C", 10, 2), ("C", "D", 10, 2)],
    {("A", "D"): 9.0, ("B", "D"): 0.5, ("C", "D"): 1.0},
)
HALF = (SegmentList(via=("C",), share=0.5), SegmentList(via=(), share=0.5))
PLAN = Plan(
    goal="relieve",
    base=NETWORK.id,
    steps=(SetTunnel(tunnel=Tunnel(name="T", source="A", target="D", paths=HALF, on_invalid="igp")),),
)


def judged(name: str, policy: Policy = OPEN, **context) -> Check:
    return next(x for x in verify(PLAN, NETWORK, policy, **context).checks if x.name == name)


def rising(source: str, target: str, amount: float) -> Scenario:
    demands = NETWORK.demands.copy()
    demands[NETWORK.node(source), NETWORK.node(target)] = amount
    return Scenario(f"{source}->{target} at {amount:g}", demands)


@given(st.lists(st.floats(0, 10), min_size=1, max_size=9), st.floats(0, 0.99))
def test_cvar_is_the_minimum_over_thresholds_of_its_defining_formula(values, alpha):
    array = np.array(values)
    by_definition = min(c + np.maximum(array - c, 0).mean() / (1 - alpha) for c in values)
    assert cvar(array, alpha) == pytest.approx(by_definition, abs=1e-9)


def test_cvar_lies_between_the_mean_and_the_worst():
    values = np.array([0.2, 0.4, 0.6, 0.8])
    assert cvar(values, 0.0) == pytest.approx(0.5)
    assert cvar(values, 0.5) == pytest.approx(0.7)
    assert cvar(values, 0.9) == pytest.approx(0.8)


def test_growth_factors_of_the_policy_are_the_default_scenarios():
    check = judged("uncertain")
    assert check.passed
    assert check.measured == pytest.approx(1.2 * 0.55)
    assert "4 scenarios" in check.detail


def test_the_scenario_that_breaks_the_limit_is_named_with_its_link():
    scenarios = (rising("C", "D", 2.0), rising("C", "D", 9.0))
    check = judged("uncertain", scenarios=scenarios)
    assert not check.passed
    assert (check.counterexample.element, check.counterexample.failure) == ("C->D", "C->D at 9")
    assert check.measured == pytest.approx(1.35)


def test_a_rare_scenario_counts_by_its_weight_in_the_tail():
    scenarios = (*(rising("C", "D", 1.0) for _ in range(9)), rising("C", "D", 9.0))
    rules = OPEN.model_copy(update={"cvar_alpha": 0.5})
    check = judged("uncertain", rules, scenarios=scenarios)
    assert check.measured == pytest.approx((1.35 + 4 * 0.55) / 5)
    assert check.passed


def test_a_scenario_that_is_as_bad_without_the_plan_is_no_reason_to_reject():
    check = judged("uncertain", scenarios=(rising("A", "D", 30.0),))
    assert check.passed
    assert "no worse than 305.0 %" in check.detail


def test_without_scenarios_the_check_says_that_it_did_not_judge():
    check = judged("uncertain", OPEN.model_copy(update={"demand_factors": ()}))
    assert check.passed
    assert "not judged" in check.detail


def test_without_evidence_freshness_is_not_judged_unless_the_policy_asks_for_it():
    assert judged("fresh").detail.startswith("not judged")
    check = judged("fresh", OPEN.model_copy(update={"require_evidence": True}))
    assert (check.passed, check.counterexample.element) == (False, f"snapshot/{NETWORK.id}")


@pytest.mark.parametrize(
    ("evidence", "measured", "limit"),
    [
        (Evidence(age_s=7200, quality=1, fidelity=1), 7200, 3600),
        (Evidence(age_s=10, quality=0.5), 0.5, 0.8),
        (Evidence(fidelity=0.2), 0.2, 0.9),
    ],
)
def test_old_or_bad_measurements_fail_with_their_figure(evidence, measured, limit):
    check = judged("fresh", evidence=evidence)
    assert (check.passed, check.measured, check.limit) == (False, measured, limit)


def test_young_and_good_measurements_pass():
    check = judged("fresh", evidence=Evidence(age_s=300, quality=0.99, fidelity=0.97))
    assert check.passed
    assert "0.97" in check.detail
