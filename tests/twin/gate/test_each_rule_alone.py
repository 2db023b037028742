"""Plans that one rule of the gate alone rejects: without it they would pass, or be told for the wrong reason."""

from dataclasses import replace

import pytest

from tests.twin.optimise.networks import network_of
from tests.twin.square import OPEN, judge, plan_for
from twin.gate.checks.rehearsal import Rehearsal
from twin.gate.checks.transient import reversible
from twin.gate.verdict import verify
from twin.model import Astray, Network, SegmentList, Tunnel
from twin.plan import DrainLink, DrainNode, SetTunnel, SetWeight, UndrainLink, apply, apply_all, states


def ways(*shares: tuple[float, tuple[str, ...]], name: str = "T", target: str = "B") -> SetTunnel:
    paths = tuple(SegmentList(via=via, share=share) for share, via in shares)
    return SetTunnel(tunnel=Tunnel(name=name, source="A", target=target, paths=paths, on_invalid="igp"))


def test_of_a_plan_that_cannot_be_made_nothing_is_told_about_loops():
    circuits = [("A", "D", 10.0, 1), ("A", "B", 10.0, 1), ("B", "C", 10.0, 2), ("C", "D", 10.0, 2)]
    network = network_of(circuits, {("B", "D"): 3.0, ("A", "D"): 1.0})
    drain = DrainLink(circuit="link/A:D--D:A")
    assert verify(plan_for(network, drain, objective="drain"), network, OPEN).convergence
    verdict = verify(plan_for(network, drain, DrainNode(node="X"), objective="drain"), network, OPEN)
    assert (verdict.convergence, verdict.passed) == ((), False)


def test_the_failure_of_what_a_plan_brings_into_use_counts():
    """Before the plan nothing depends on A-B, and it cannot fail: it is drained."""
    plain = network_of([("A", "B", 10, 1), ("A", "C", 10, 1), ("C", "B", 10, 1)], {("A", "B"): 5.0})
    network = apply(plain, DrainLink(circuit="link/A:B--B:A"))
    steps = (UndrainLink(circuit="link/A:B--B:A"), DrainLink(circuit="link/A:C--C:A"))
    found = judge(network, *steps, objective="drain")["survivable"].counterexample
    assert (found.failure, found.measured) == ("link/A:B--B:A", 5.0)
    assert found.element in {"node/A", "node/B"}


def test_traffic_dropped_between_two_steps_is_told_where_it_is_dropped():
    circuits = [("A", "B", 10, 1), ("A", "C", 10, 5), ("C", "B", 10, 5), ("A", "E", 10, 5), ("E", "B", 10, 5)]
    plain = network_of(circuits, {("A", "B"): 6.0})
    network = replace(plain, links=tuple(x._replace(loss=0.1) if x.name == "A->C" else x for x in plain.links))
    checks = judge(network, ways((0.5, ("C",)), (0.5, ())), ways((0.5, ("E",)), (0.5, ())))
    found = checks["transient"].counterexample
    assert (found.step, found.failure, found.element) == (1, None, "A->C")
    assert found.measured == pytest.approx(0.3)
    assert checks["nominal"].passed


def test_a_link_busier_on_the_way_than_at_both_ends_is_told_though_the_peak_falls():
    """A-B is at 140 % and gets better with each step; what is new is A->C at 120 %, for one step."""
    circuits = [("A", "B", 100, 1), ("A", "C", 10, 9), ("C", "B", 100, 9), ("A", "E", 100, 9), ("E", "B", 100, 9)]
    network = network_of(circuits, {("A", "B"): 140.0, ("A", "C"): 5.0})
    direct = 128 / 140
    over = ways((7 / 140, ("C",)), (133 / 140, ()))
    away = ways((12 / 140, ("E",)), (direct, ()))
    found = judge(network, over, away)["transient"].counterexample
    assert (found.step, found.failure, found.element) == (1, None, "A->C")
    assert (found.measured, found.limit) == (pytest.approx(1.2), 0.8)


def test_the_peak_may_not_rise_though_less_is_above_the_limit_and_above_capacity():
    circuits = [("A", "B", 100, 1), ("A", "C", 10, 9), ("C", "B", 100, 9)]
    network = network_of(circuits, {("A", "B"): 101.0})
    step = ways((10.5 / 101, ("C",)), (90.5 / 101, ()))
    found = judge(network, step)["nominal"].counterexample
    assert (found.element, found.measured, found.limit) == ("A->C", pytest.approx(1.05), pytest.approx(1.01))


HUB = [(a, b, 1000.0, 10) for a, b in (("A", "B"), ("A", "X"), ("A", "Y"), ("B", "X"), ("B", "Y")) for _ in range(2)]
"""Everything is doubled, so that no circuit alone takes anybody off."""
BX, BY = ("link/B:X--X:B", "link/B:X.2--X:B.2"), ("link/B:Y--Y:B", "link/B:Y.2--Y:B.2")


def hub(x: float, y: float) -> Network:
    """X has a way round A, Y has none."""
    plain = network_of(HUB, {("B", "X"): x, ("B", "Y"): y})
    return apply_all(plain, [DrainLink(circuit=name) for name in BY])


@pytest.mark.parametrize(("x", "y"), [(100.0, 101.0), (100.0, 100.0), (1.0, 900.0)])
def test_one_failure_may_not_cut_off_another_customer_instead_however_small(x: float, y: float):
    network = hub(x, y)
    checks = judge(
        network, *(UndrainLink(circuit=x) for x in BY), *(DrainLink(circuit=x) for x in BX), objective="drain"
    )
    found = checks["survivable"].counterexample
    assert (found.failure, found.element, found.measured) == ("node/A", "node/X", x)
    assert checks["nominal"].passed


@pytest.mark.parametrize(("x", "y"), [(100.0, 101.0), (1.0, 900.0)])
def test_with_everything_up_one_may_not_be_cut_off_for_another_however_small(x: float, y: float):
    circuits = [("A", "X", 1000, 1), ("A", "Y", 1000, 1)]
    network = apply(network_of(circuits, {("A", "X"): x, ("A", "Y"): y}), DrainLink(circuit="link/A:Y--Y:A"))
    steps = (UndrainLink(circuit="link/A:Y--Y:A"), DrainLink(circuit="link/A:X--X:A"))
    found = judge(network, *steps, objective="drain")["nominal"].counterexample
    assert (found.element, found.measured) == ("node/X", x)


def test_a_failure_on_the_way_may_not_cut_off_both_whom_it_cuts_off_one_at_each_end():
    """At each end the failure of A costs one of two; between them, with both circuits away, it costs both."""
    network = hub(100.0, 101.0)
    steps = (*(DrainLink(circuit=x) for x in BX), *(UndrainLink(circuit=x) for x in BY))
    found = judge(network, *steps, objective="drain")["transient"].counterexample
    assert (found.step, found.failure) == (2, "node/A")


def test_demands_that_may_come_count_by_their_harm_where_the_peak_is_over_its_limit_already():
    network = network_of([("A", "B", 10, 1), ("A", "C", 10, 9), ("C", "B", 10, 9)], {("A", "B"): 13.0})
    rules = OPEN.model_copy(update={"demand_factors": (1.0,), "max_uncertain_utilisation": 0.5})
    better = judge(network, ways((6.5 / 13, ("C",)), (6.5 / 13, ())), policy=rules)["uncertain"]
    assert better.passed
    check = judge(network, ways((12.5 / 13, ("C",)), (0.5 / 13, ())), policy=rules)["uncertain"]
    assert not check.passed  # 125 % twice for 130 % once
    assert check.measured == pytest.approx(1.25)


def test_a_state_that_undoing_does_not_lead_to_is_named_with_its_step():
    network = network_of([("A", "B", 10, 1), ("A", "C", 10, 2), ("C", "B", 10, 2)], {("A", "B"): 1.0})
    steps = (SetWeight(link="A->B", weight=5), SetWeight(link="A->C", weight=7))
    plan, reached = plan_for(network, *steps), states(network, steps)
    assert reversible(Rehearsal(plan, OPEN, reached)).passed
    elsewhere = (reached[0], apply(reached[1], SetWeight(link="C->B", weight=9)), reached[2])
    found = reversible(Rehearsal(plan, OPEN, elsewhere)).counterexample
    assert (found.step, found.element) == (1, "A->C")


def test_what_still_passes_a_drained_router_is_told_with_its_amount():
    """A static route takes no notice of a drain."""
    circuits = [("A", "B", 10, 1), ("B", "D", 10, 1), ("A", "C", 10, 2), ("C", "D", 10, 2)]
    plain = network_of(circuits, {("A", "D"): 3.0, ("A", "B"): 1.0})
    network = replace(plain, astray=(Astray("send", "A->B", "D"),))
    found = judge(network, DrainNode(node="B"), objective="drain")["useful"]
    assert not found.passed
    assert (found.counterexample.element, found.measured) == ("node/B", pytest.approx(3.0))
    assert judge(plain, DrainNode(node="B"), objective="drain")["useful"].passed
