"""A failure does not wait until the traffic is back to normal: single failures under demands that may come."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.twin.optimise.networks import network_of
from tests.twin.sim.oracle import broken, reference
from tests.twin.square import plan_for
from twin.formats.load import load_network
from twin.gate.checks.stressed import Stressed
from twin.gate.verdict import Check, Scenario, Verdict, verify
from twin.model import Network
from twin.optimise.sleep import plan_sleep
from twin.plan import SleepLink, apply_all
from twin.policy import Policy
from twin.sim.simulate import simulate, single_failures

OPEN = Policy(max_blast_radius=1, max_delay_stretch=10)
BLIND = OPEN.model_copy(update={"demand_factors": (0.9, 1.0)})
# three ways from A to B; with one asleep, 6 and 3.2 have to share what is left when the next one fails
THREE_WAYS = network_of(
    [("A", "B", 10, 1), ("A", "C", 10, 3), ("C", "B", 10, 3), ("A", "D", 10, 2), ("D", "B", 10, 2)],
    {("A", "B"): 6.0, ("A", "C"): 3.2},
)


def uncertain(verdict: Verdict) -> Check:
    return next(check for check in verdict.checks if check.name == "uncertain")


def by_hand(network: Network, factor: float) -> dict[str, float]:
    """The busiest link under each single failure, every demand times a factor, from networkx."""
    grown = network.with_demands(network.demands * factor)
    capacity = np.array([link.capacity for link in grown.links])
    return {x.name: float((reference(broken(grown, x)).load / capacity).max()) for x in single_failures(grown)}


def worst_by_hand(network: Network, factor: float) -> float:
    return max(by_hand(network, factor).values())


def test_a_plan_that_survives_every_failure_today_fails_when_one_of_them_meets_the_growth_that_the_policy_foresees():
    plan = plan_for(THREE_WAYS, SleepLink(circuit="link/A:D--D:A"), objective="sleep")
    verdict = verify(plan, THREE_WAYS, OPEN)
    # A-B fails: 6 and 3.2 on A-C, 0.92 of it today and 1.104 with a fifth more
    assert [check.name for check in verdict.checks if not check.passed] == ["uncertain"]
    found = uncertain(verdict).counterexample
    assert (found.element, found.failure, found.traffic, found.step) == ("A->C", "link/A:B--B:A", 1.2, 1)
    assert (found.measured, found.limit) == (pytest.approx(1.104), 1.0)
    assert "demand x1.2" in uncertain(verdict).detail
    assert verify(plan, THREE_WAYS, BLIND).passed


def test_what_fails_under_the_demands_of_now_is_said_once():
    plan = plan_for(THREE_WAYS, SleepLink(circuit="link/A:D--D:A"), objective="sleep")
    busy = THREE_WAYS.with_demands(THREE_WAYS.demands * 1.2)
    verdict = verify(plan.model_copy(update={"base": busy.id}), busy, OPEN)
    assert [check.name for check in verdict.checks if not check.passed] == ["survivable"]


def test_each_scenario_that_is_given_meets_every_single_failure():
    plan = plan_for(THREE_WAYS, SleepLink(circuit="link/A:D--D:A"), objective="sleep")
    more = THREE_WAYS.demands.copy()
    more[0, THREE_WAYS.node("C")] = 5.0  # A-B fails: 6 and 5 on A-C
    verdict = verify(plan, THREE_WAYS, OPEN, scenarios=[Scenario("calm", THREE_WAYS.demands), Scenario("busy", more)])
    found = uncertain(verdict).counterexample
    assert (found.element, found.failure, found.when) == ("A->C", "link/A:B--B:A", "busy")
    assert found.measured == pytest.approx(1.1)


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.floats(0.3, 3.0))
def test_loads_that_were_scaled_are_those_of_the_network_simulated_anew(seed, factor):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(4, 8))
    names = [f"R{i}" for i in range(n)]
    circuits = [(names[i], names[(i + 1) % n], 10.0, int(rng.integers(1, 5))) for i in range(n)]
    circuits += [(names[0], names[2], 10.0, 2)]
    demands = {(a, b): float(rng.uniform(0, 3)) for a in names for b in names if a != b}
    network = network_of(circuits, demands)
    grown = Stressed(network, single_failures(network), 1.0).grown(factor)
    whole = network.with_demands(network.demands * factor)
    anew, outcome = simulate(whole), grown.outcome
    np.testing.assert_allclose(outcome.load, anew.load, atol=1e-9)
    np.testing.assert_allclose(outcome.delay_ms, anew.delay_ms)
    assert outcome.network.id == whole.id
    assert outcome.harm(0.1).routable == pytest.approx(anew.harm(0.1).routable, abs=1e-9)
    for row, failure in enumerate(grown.failures):
        by_hand = reference(broken(whole, failure))
        use = by_hand.load / np.array([link.capacity for link in network.links])
        assert grown.sweep.max_utilisation[row] == pytest.approx(use.max(), abs=1e-9)
        assert grown.sweep.lost[row] == pytest.approx(by_hand.lost, abs=1e-9)
        _, missed = grown.missed(row)
        assert missed.sum() == pytest.approx(grown.sweep.lost[row] + grown.sweep.dropped[row], abs=1e-9)
        assert grown.sweep.overload[row] == pytest.approx(np.maximum(use - 1, 0) @ np.full(len(use), 10.0), abs=1e-6)


# what a planner puts to sleep at nobel-germany that counts by other watts and looks at the demands of now alone
CARELESS = tuple(
    f"link/{a}:{b}--{b}:{a}"
    for a, b in (
        ("Frankfurt", "Hannover"),
        ("Berlin", "Hannover"),
        ("Bremen", "Hannover"),
        ("Frankfurt", "Nuernberg"),
        ("Dortmund", "Koeln"),
    )
)


@pytest.fixture(name="night", scope="module")
def _night() -> Network:
    day = load_network("sndlib/nobel-germany", seed=3)
    return day.with_demands(day.demands * 0.6)


def test_circuits_asleep_that_growth_overloads_by_a_sixth_under_a_failure_are_rejected_by_the_right_figure(night):
    steps = [SleepLink(circuit=circuit) for circuit in CARELESS]
    worst = worst_by_hand(apply_all(night, steps), 1.2)
    assert worst == pytest.approx(1.174, abs=5e-4)
    rejected = uncertain(verify(plan_for(night, *steps, objective="sleep"), night, OPEN))
    assert not rejected.passed
    assert by_hand(night, 1.2)[rejected.counterexample.failure] == pytest.approx(0.468, abs=5e-4)  # without the plan
    assert (rejected.measured, rejected.limit) == (pytest.approx(worst), 1.0)


def test_circuits_sleep_only_so_far_that_failures_are_survived_with_the_growth_that_may_come(night):
    careless, careful = (plan_sleep(night, policy).plan for policy in (BLIND, OPEN))
    worst = worst_by_hand(apply_all(night, careless.steps), 1.2)
    assert worst > 1.05
    rejected = uncertain(verify(careless, night, OPEN))
    assert not rejected.passed
    assert (rejected.measured, rejected.limit) == (pytest.approx(worst), 1.0)
    assert worst_by_hand(apply_all(night, careful.steps), 1.2) <= 1 + 1e-6
    assert verify(careful, night, OPEN).passed
