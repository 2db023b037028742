import pytest

from tests.twin.optimise.networks import network_of
from tests.twin.square import NAMES, OPEN, failing, judge, over_c, plan_for, square
from twin.gate.verdict import Verdict, verify
from twin.model import Network, RiskGroup, SegmentList, Tunnel
from twin.plan import (
    DrainLink,
    DrainNode,
    LimitDemand,
    RemoveTunnel,
    SetCapacity,
    SetTunnel,
    SetWeight,
    SleepLink,
    UndrainLink,
    apply,
)


def test_a_plan_that_relieves_the_busiest_link_passes_every_check():
    network = square()
    verdict = verify(plan_for(network, over_c(share=0.5)), network, OPEN)
    assert [check.name for check in verdict.checks] == NAMES
    assert verdict.passed, [check.detail for check in verdict.checks if not check.passed]
    assert (verdict.snapshot, verdict.policy) == (network.id, OPEN.hash)


def test_the_same_question_always_gets_the_same_verdict():
    network = square()
    plan = plan_for(network, over_c(share=0.5))
    assert verify(plan, network, OPEN) == verify(plan, square(), OPEN)


def test_a_verdict_survives_json():
    network = square()
    verdict = verify(plan_for(network, DrainLink(circuit="link/A:B--B:A"), DrainNode(node="C")), network, OPEN)
    assert Verdict.model_validate_json(verdict.model_dump_json()) == verdict


def test_a_plan_for_another_snapshot_fails_everything_and_says_why():
    network = square()
    other = apply(network, SetWeight(link="A->B", weight=7))
    verdict = verify(plan_for(other, over_c(share=0.5)), network, OPEN)
    assert [check.name for check in verdict.checks] == NAMES
    assert not any(check.passed for check in verdict.checks)
    assert verdict.checks[0].counterexample.element == f"snapshot/{other.id}"
    assert "not grounded" in verdict.checks[3].detail


@pytest.mark.parametrize(
    ("step", "element"),
    [
        (SetWeight(link="A->X", weight=3), "A->X"),
        (DrainLink(circuit="link/A:X--X:A"), "link/A:X--X:A"),
        (DrainNode(node="X"), "X"),
        (RemoveTunnel(name="T9"), "tunnel/T9"),
        (UndrainLink(circuit="link/A:B--B:A"), "link/A:B--B:A"),
        (
            SetTunnel(
                tunnel=Tunnel(name="T", source="A", target="D", paths=(SegmentList(via=("X",)),), on_invalid="igp")
            ),
            "X",
        ),
        (LimitDemand(source="X", target="D", limit=1), "X"),
        (SetWeight(link="A->B", weight=1), "A->B"),
    ],
)
def test_a_step_that_cannot_be_made_or_changes_nothing_is_named(step, element):
    grounded = judge(square(), over_c(share=0.5), step)["grounded"]
    assert not grounded.passed
    assert (grounded.counterexample.element, grounded.counterexample.step) == (element, 2)


def test_a_node_that_the_end_state_cuts_off_is_named():
    steps = (DrainLink(circuit="link/A:B--B:A"), DrainLink(circuit="link/A:C--C:A"))
    check = judge(square(), *steps)["nominal"]
    assert (check.counterexample.element, check.counterexample.step, check.measured) == ("node/A", 2, 9.0)


def test_a_link_over_its_limit_is_named():
    network = network_of([("A", "B", 10, 1), ("A", "C", 10, 5), ("C", "B", 4, 5)], {("A", "B"): 5.0})
    check = judge(network, SetWeight(link="A->B", weight=20))["nominal"]
    assert check.counterexample.element == "C->B"
    assert (check.measured, check.limit) == (1.25, 0.8)


def test_a_plan_may_leave_a_link_over_the_limit_when_nothing_gets_worse():
    network = network_of([("A", "B", 10, 1), ("A", "C", 10, 1), ("C", "B", 10, 1)], {("A", "B"): 11.0, ("A", "C"): 7.0})
    step = SetTunnel(
        tunnel=Tunnel(
            name="T",
            source="A",
            target="B",
            paths=(SegmentList(via=(), share=0.9), SegmentList(via=("C",), share=0.1)),
            on_invalid="igp",
        )
    )
    checks = judge(network, step)
    assert checks["nominal"].limit == pytest.approx(1.1)
    assert checks["nominal"].passed
    assert checks["useful"].passed


def test_moving_overload_from_a_large_link_to_a_small_one_is_worse():
    network = network_of([("A", "B", 100, 1), ("A", "C", 10, 1), ("C", "B", 10, 1)], {("A", "B"): 99.0})
    step = SetTunnel(
        tunnel=Tunnel(
            name="T",
            source="A",
            target="B",
            paths=(SegmentList(via=(), share=0.9), SegmentList(via=("C",), share=0.1)),
            on_invalid="igp",
        )
    )
    assert judge(network, step)[
        "nominal"
    ].passed  # 89 % and 99 %: 10 Mbit/s less above the limit, nothing above capacity
    heavier = SetTunnel(
        tunnel=Tunnel(
            name="T",
            source="A",
            target="B",
            paths=(SegmentList(via=(), share=0.85), SegmentList(via=("C",), share=0.15)),
            on_invalid="igp",
        )
    )
    assert judge(network, heavier)["nominal"].counterexample.element in {"A->C", "C->B"}


def test_what_is_regained_elsewhere_does_not_pay_for_a_demand_that_is_cut_off():
    circuits = [("A", "B", 10, 1), ("A", "E", 10, 1)]
    network = apply(network_of(circuits, {("A", "E"): 5.0, ("A", "B"): 1.0}), DrainLink(circuit="link/A:E--E:A"))
    steps = (UndrainLink(circuit="link/A:E--E:A"), DrainLink(circuit="link/A:B--B:A"))
    checks = judge(network, *steps)
    assert checks["nominal"].counterexample.element == "node/B"
    assert checks["nominal"].measured == 1.0
    assert checks["transient"].counterexample.step == 2


def test_less_above_the_limit_does_not_pay_for_more_above_capacity():
    circuits = [("A", "B", 100, 1), ("A", "C", 10, 1), ("C", "B", 10, 1), ("B", "F", 10, 1)]
    network = network_of(circuits, {("A", "B"): 99.0, ("B", "F"): 16.0})
    paths = (SegmentList(via=("C",), share=15 / 99), SegmentList(via=(), share=84 / 99))
    check = judge(network, SetTunnel(tunnel=Tunnel(name="T", source="A", target="B", paths=paths, on_invalid="igp")))[
        "nominal"
    ]
    assert check.counterexample.element in {"A->C", "C->B"}
    assert check.measured == pytest.approx(1.5)


def test_the_longest_delay_may_not_grow_even_if_the_mean_hardly_does():
    base = network_of(
        [("A", "B", 10, 1), ("B", "D", 10, 1), ("A", "C", 10, 2), ("C", "D", 10, 2)], {("A", "D"): 0.1, ("B", "D"): 5.0}
    )
    links = tuple(x._replace(delay_ms=9.0 if "C" in x.name else 1.0) for x in base.links)
    slow = Network(base.name, base.nodes, links, base.demands)
    found = judge(slow, over_c(), policy=OPEN.model_copy(update={"max_delay_stretch": 2.0}))["nominal"].counterexample
    assert (found.element, found.measured, found.limit) == ("demand/A->D", 18.0, 4.0)


def test_a_detour_that_is_too_long_names_the_demand():
    network = square(4.0)
    links = tuple(x._replace(delay_ms=9.0 if "C" in x.name else 1.0) for x in network.links)
    slow = Network(network.name, network.nodes, links, network.demands)
    checks = judge(slow, over_c(), policy=OPEN.model_copy(update={"max_delay_stretch": 2.0}))
    found = checks["nominal"].counterexample
    assert found.element == "demand/A->D"
    assert found.limit == pytest.approx(2 * (4 * 2 + 1) / 5)
    assert found.measured == pytest.approx((4 * 18 + 1) / 5)


def test_traffic_may_not_be_moved_onto_a_link_that_loses_it_silently():
    network = square(6.0)
    links = tuple(x._replace(loss=0.1) if x.name == "A->C" else x for x in network.links)
    lossy = Network(network.name, network.nodes, links, network.demands)
    check = judge(lossy, over_c(share=0.5))["nominal"]
    assert (check.counterexample.element, check.measured) == ("A->C", pytest.approx(0.3))


def test_a_single_failure_that_isolates_a_node_names_both():
    steps = (SleepLink(circuit="link/A:B--B:A"),)
    check = judge(square(5.0), *steps)["survivable"]
    assert check.counterexample.element == "node/A"
    assert check.counterexample.failure in {"link/A:C--C:A", "node/C", "link/C:D--D:C"}


def test_an_overload_under_a_single_failure_names_link_and_failure():
    circuits = [("A", "B", 10, 1), ("A", "C", 10, 5), ("C", "B", 10, 5), ("A", "E", 10, 2), ("E", "B", 10, 2)]
    network = network_of(circuits, {("A", "B"): 8.0, ("A", "C"): 5.0})
    rules = OPEN.model_copy(update={"max_failure_utilisation": 1.0})
    check = judge(network, SetWeight(link="A->E", weight=9), policy=rules)["survivable"]
    assert (check.counterexample.element, check.counterexample.failure) == ("A->C", "link/A:B--B:A")
    assert (check.measured, check.limit, check.counterexample.step) == (1.3, 1.0, 1)


def test_a_failure_that_was_as_bad_before_is_no_reason_to_reject():
    network = square(9.5)
    rules = OPEN.model_copy(update={"max_failure_utilisation": 0.5})
    checks = judge(network, over_c(share=0.5), policy=rules)
    assert checks["survivable"].passed, checks["survivable"].detail


def test_under_a_failure_too_more_above_the_limit_is_worse_though_the_peak_is_not():
    network = square(9.5)
    paths = (SegmentList(via=("C",), share=0.5), SegmentList(via=("B",), share=0.5))
    step = SetTunnel(tunnel=Tunnel(name="T", source="A", target="D", paths=paths, on_invalid="igp"))
    check = judge(network, step, policy=OPEN.model_copy(update={"max_failure_utilisation": 0.5}))["survivable"]
    # with A-B cut, half of the demand goes A-C-D-B-D: D->B and B->D fill up beside A->C and C->D
    assert (check.counterexample.failure, check.measured) == ("link/A:B--B:A", pytest.approx(0.575))
    assert check.counterexample.element == "B->D"


def test_a_capacity_that_differs_by_direction_cannot_be_given_back():
    network = square(5.0)
    links = tuple(x._replace(capacity=20.0) if x.name == "A->B" else x for x in network.links)
    uneven = Network(network.name, network.nodes, links, network.demands)
    check = judge(uneven, SetCapacity(circuit="link/A:B--B:A", capacity=40))["reversible"]
    assert (check.passed, check.counterexample.element) == (False, "link/A:B--B:A")


def test_a_risk_group_is_a_failure_too():
    network = square(5.0, risk_groups=(RiskGroup("duct", ("link/A:B--B:A", "link/C:D--D:C")),))
    checks = judge(network, over_c(share=0.5))
    assert "9 failures" in checks["survivable"].detail


def test_the_wrong_order_of_steps_is_found_at_its_step():
    network = apply(square(5.0), over_c())
    # A-C-D is taken away before the tunnel is
    wrong = (
        DrainLink(circuit="link/A:B--B:A"),
        DrainLink(circuit="link/A:C--C:A"),
        UndrainLink(circuit="link/A:B--B:A"),
    )
    checks = judge(network, *wrong, objective="drain")
    assert checks["nominal"].passed
    # already with A-B gone, one more failure cuts A off, which it does neither before the plan nor after it
    found = checks["transient"].counterexample
    assert (found.element, found.step, found.failure, found.measured) == ("node/A", 1, "link/A:C--C:A", 5.0)
    right = (DrainLink(circuit="link/A:C--C:A"),)
    assert failing(judge(network, *right, objective="drain")) == ["survivable"]  # one way is left: A-B-D


def test_overload_on_the_way_is_found_with_its_link():
    network = square(9.0)
    steps = (over_c("T1"), SetWeight(link="B->A", weight=9), over_c("T1", share=0.5))
    checks = judge(network, *steps)
    assert checks["nominal"].passed
    # C carries what B carried before, no more; but A->C itself is above the limit at neither end of the plan
    assert checks["transient"].counterexample.element == "A->C"
    half = over_c("T1", share=0.5)
    first = SetTunnel(
        tunnel=Tunnel(name="T2", source="B", target="D", paths=(SegmentList(via=("A", "C")),), on_invalid="igp")
    )
    checks = judge(network, half, SetWeight(link="B->A", weight=9), over_c("T1"), first, half)
    assert checks["transient"].counterexample.step == 3
    assert checks["transient"].counterexample.element in {"A->C", "C->D"}


def test_the_way_back_may_not_be_worse_than_both_ends():
    network = square(9.0)
    first = SetTunnel(
        tunnel=Tunnel(name="T2", source="B", target="D", paths=(SegmentList(via=("A", "C")),), on_invalid="igp")
    )
    checks = judge(network, over_c(share=0.5), first, RemoveTunnel(name="T2"))
    assert checks["reversible"].passed  # at 45 % there is room for B's demand
    checks = judge(network, over_c(share=0.85), first, RemoveTunnel(name="T2"), over_c(share=0.5))
    assert checks["reversible"].counterexample.step == 2
    assert judge(network, over_c(share=0.5))["reversible"].passed
