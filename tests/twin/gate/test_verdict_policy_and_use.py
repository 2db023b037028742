import numpy as np
import pytest

from tests.twin.optimise.networks import network_of
from tests.twin.square import OPEN, failing, judge, over_c, square
from twin.model import DemandLimit, SegmentList, Tunnel
from twin.plan import (
    DrainLink,
    DrainNode,
    LimitDemand,
    RemoveTunnel,
    SetCapacity,
    SetTunnel,
    SetWeight,
    SleepLink,
    apply,
)


def test_too_many_steps_name_the_first_that_is_too_many():
    steps = [SetWeight(link="A->B", weight=w) for w in (2, 3, 4)]
    check = judge(square(), *steps, policy=OPEN.model_copy(update={"max_steps": 2}))["policy"]
    assert (check.counterexample.step, check.measured, check.limit) == (3, 3, 2)


@pytest.mark.parametrize(
    ("step", "protected"),
    [
        (SetWeight(link="A->B", weight=3), "interface/A/B"),
        (SetWeight(link="A->B", weight=3), "link/A:B--B:A"),
        (SetWeight(link="A->B", weight=3), "node/A"),
        (DrainLink(circuit="link/A:B--B:A"), "node/B"),
        (DrainLink(circuit="link/A:B--B:A"), "interface/B/A"),
        (SleepLink(circuit="link/A:B--B:A"), "link/A:B--B:A"),
        (DrainNode(node="B"), "node/B"),
        (over_c(), "node/C"),
        (over_c(), "node/A"),
    ],
)
def test_a_protected_element_may_not_be_touched(step, protected):
    check = judge(square(), step, policy=OPEN.model_copy(update={"protected": (protected,)}))["policy"]
    assert not check.passed
    assert (check.counterexample.element, check.counterexample.step) == (protected, 1)


@pytest.mark.parametrize("protected", ["node/D", "interface/B/A", "link/C:D--D:C"])
def test_what_is_not_touched_is_free_to_change(protected):
    step = SetWeight(link="A->B", weight=3)
    assert judge(square(), step, policy=OPEN.model_copy(update={"protected": (protected,)}))["policy"].passed


def test_removing_a_tunnel_through_a_protected_node_touches_it():
    network = apply(square(), over_c())
    rules = OPEN.model_copy(update={"protected": ("node/C",)})
    assert judge(network, RemoveTunnel(name="T1"), policy=rules)["policy"].counterexample.element == "node/C"


def test_a_policy_that_protects_what_does_not_exist_fails_loudly():
    check = judge(square(), over_c(share=0.5), policy=OPEN.model_copy(update={"protected": ("node/Z",)}))["policy"]
    assert "does not have" in check.detail
    assert check.counterexample.element == "node/Z"


def test_an_upgrade_is_ordered_not_executed():
    check = judge(square(), SetCapacity(circuit="link/A:B--B:A", capacity=40))["policy"]
    assert (check.passed, check.counterexample.element) == (False, "link/A:B--B:A")


def test_rate_limits_need_the_policy():
    step = LimitDemand(source="A", target="D", limit=5)
    assert not judge(square(), step)["policy"].passed
    assert judge(square(), step, policy=OPEN.model_copy(update={"allow_rate_limits": True}))["policy"].passed


def test_the_blast_radius_is_the_share_of_traffic_moved_at_any_step():
    there = over_c(share=0.5)
    back = over_c(share=0.1)
    check = judge(square(), there, back, policy=OPEN.model_copy(update={"max_blast_radius": 0.3}))["policy"]
    assert not check.passed
    assert check.counterexample.step == 1
    assert check.measured == pytest.approx(0.45)


def test_a_plan_that_gains_less_than_agreed_is_not_useful():
    network = square(7.0)
    rules = OPEN.model_copy(update={"min_gain": 0.2})
    gain = SetTunnel(
        tunnel=Tunnel(name="T", source="B", target="D", paths=(SegmentList(via=("A", "C")),), on_invalid="igp")
    )
    check = judge(network, gain, policy=rules)["useful"]
    assert not check.passed
    assert check.measured == pytest.approx(1 / 8)
    assert judge(network, gain, policy=OPEN)["useful"].passed


def test_shedding_demand_is_no_gain_in_itself():
    network = network_of([("A", "B", 10, 1)], {("A", "B"): 12.0})
    rules = OPEN.model_copy(update={"allow_rate_limits": True})
    assert not judge(network, LimitDemand(source="A", target="B", limit=8), policy=rules)["useful"].passed


def test_lifting_a_rate_limit_restores_what_was_refused():
    network = square(7.0, limits=(DemandLimit("A", "D", 2.0),))
    rules = OPEN.model_copy(update={"allow_rate_limits": True})
    assert failing(judge(network, LimitDemand(source="A", target="D", limit=None), policy=rules)) == []


def test_a_drain_is_useful_when_nothing_passes_any_more():
    network = square(5.0)
    assert failing(judge(network, DrainNode(node="C"), objective="drain")) == ["survivable"]
    assert "useful" in failing(judge(network, DrainNode(node="C")))
    assert "useful" in failing(judge(network, SetWeight(link="A->B", weight=2), objective="drain"))


def test_sleeping_and_restoring_are_counted():
    network = network_of([("A", "B", 10, 1), ("A", "B", 10, 1), ("A", "B", 10, 1)], {("A", "B"): 3.0})
    asleep = SleepLink(circuit="link/A:B.3--B:A.3")
    assert failing(judge(network, asleep, objective="sleep")) == []
    tunnelled = apply(square(5.0), over_c())
    assert failing(judge(tunnelled, RemoveTunnel(name="T1"), objective="restore")) == []
    assert failing(judge(square(5.0), over_c(), objective="restore")) == ["useful"]


def test_rounding_never_rejects_a_plan():
    rng = np.random.default_rng(5)
    network = square(float(rng.uniform(8.0, 9.0)) + 1e-13)
    steps = (over_c("T1", share=0.5), SetWeight(link="B->A", weight=3), SetWeight(link="D->B", weight=3))
    assert failing(judge(network, *steps)) == []


def test_loss_in_a_second_failure_is_accepted_for_drains_alone():
    network, drain = square(), DrainNode(node="C")
    accepting = OPEN.model_copy(update={"max_maintenance_loss": 1.0})
    assert not judge(network, drain, objective="drain")["survivable"].passed
    survives = judge(network, drain, objective="drain", policy=accepting)["survivable"]
    assert survives.passed
    assert "are accepted" in survives.detail
    slept = SleepLink(circuit="link/C:D--D:C")  # takes the same way out, for another reason
    assert not judge(network, slept, policy=accepting)["survivable"].passed


def test_loss_in_a_second_failure_is_accepted_up_to_the_limit():
    network, drain = square(), DrainNode(node="C")
    little = OPEN.model_copy(update={"max_maintenance_loss": 1e-4})
    assert not judge(network, drain, objective="drain", policy=little)["survivable"].passed
