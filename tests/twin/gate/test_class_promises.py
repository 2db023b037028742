"""What the gate holds plans to where the policy promises classes of traffic something."""

from dataclasses import replace

import pytest

from tests.twin.optimise.networks import network_of
from tests.twin.square import plan_for
from twin.gate.verdict import Check, verify
from twin.model import Network
from twin.optimise.judge import Judge
from twin.plan import SetWeight, apply
from twin.policy import ClassLimits, Policy
from twin.traffic_classes import TrafficClass

ROOMY = Policy(
    max_blast_radius=1,
    max_delay_stretch=100,
    max_utilisation=1.0,
    max_failure_utilisation=4,
    max_uncertain_utilisation=4,
)


def two_ways() -> Network:
    """A to B over X, 1,000 Mbit/s, or over Y, 400 Mbit/s: 600 of it best effort, 300 voice."""
    network = network_of(
        [("A", "X", 1_000, 1), ("X", "B", 1_000, 1), ("A", "Y", 400, 9), ("Y", "B", 400, 9), ("A", "B", 1_000, 3)],
        {("A", "B"): 900.0},
    )
    return replace(network, classes=(TrafficClass("voice", 1, 1.0, 1 / 3),))


def check(network: Network, promise: dict[str, ClassLimits], step: SetWeight | None = None) -> Check:
    step = step or SetWeight(link="A->B", weight=50)
    policy = ROOMY.model_copy(update={"classes": promise})
    return {x.name: x for x in verify(plan_for(network, step, objective="change"), network, policy).checks}["classes"]


def test_voice_that_would_fill_a_link_beyond_its_promise_in_a_failure_is_named():
    network = two_ways()
    found = check(network, {"voice": ClassLimits(max_failure_utilisation=0.5)}).counterexample
    assert (found.element.split("->")[0], found.step, found.limit) in {("A", 1, 0.5), ("Y", 1, 0.5)}
    assert found.failure in {"link/A:X--X:A", "link/B:X--X:B", "node/X"}
    assert found.measured == pytest.approx(0.75)
    assert check(network, {"voice": ClassLimits(max_failure_utilisation=0.76)}).passed


@pytest.mark.parametrize(
    ("name", "limits", "weight", "measured"),
    [
        ("voice", ClassLimits(max_failure_utilisation=0.76), 50, 0.9),
        ("voice", ClassLimits(max_utilisation=0.26), 1, 0.3),
        ("default", ClassLimits(max_loss=0.85), 50, (1080 - 400) / 720),
    ],
)
def test_what_a_class_is_promised_holds_under_the_growth_foreseen(name, limits, weight, measured):
    network, step = two_ways(), SetWeight(link="A->B", weight=weight)
    wider = {"AB": 1_200, "AX": 2_000, "BX": 2_000}
    room = [wider.get("".join(sorted(x.tail + x.head)), x.capacity) for x in network.links]
    network = replace(network, links=tuple(x._replace(capacity=c) for x, c in zip(network.links, room, strict=True)))
    now = ROOMY.model_copy(update={"classes": {name: limits}, "demand_factors": (1.0,), "max_utilisation": 4})
    growing = now.model_copy(update={"demand_factors": (1.0, 1.2)})
    plan = plan_for(network, step, objective="change")
    assert verify(plan, network, now).passed
    (failed,) = [x for x in verify(plan, network, growing).checks if not x.passed]
    assert (failed.name, failed.counterexample.measured) == ("uncertain", pytest.approx(measured))
    assert f"class {name}" in failed.detail
    assert "with demand x1.2" in failed.detail
    assert not Judge(network, now).objection(apply(network, step))
    assert "with demand x1.2" in Judge(network, growing).objection(apply(network, step))


def test_a_class_may_lose_in_a_failure_no_more_than_it_is_promised():
    network = two_ways()
    assert check(network, {"voice": ClassLimits(max_loss=0.0)}).passed
    lossy = check(network, {"default": ClassLimits(max_loss=0.1)})
    found = lossy.counterexample
    assert (found.measured, found.limit) == (pytest.approx(500 / 600), 0.1)
    assert "Y" in found.element


def test_the_delay_of_a_class_counts_its_waiting():
    network = two_ways()
    links = tuple(x._replace(delay_ms=1.0) for x in network.links)
    network = replace(network, links=links)
    limits = {"voice": ClassLimits(max_failure_delay_ms=2.2), "default": ClassLimits(max_failure_delay_ms=2.3)}
    found = check(network, limits).counterexample
    assert (found.element, found.unit) == ("demand/A->B", "ms")
    assert "class default" in check(network, limits).detail
    assert check(network, {"voice": ClassLimits(max_failure_delay_ms=2.2)}).passed


def test_the_delay_of_a_class_is_that_of_its_longest_way():
    """A to B by X, 2 ms, and once the plan has made it as near by Y too, half of it takes 20 ms."""
    network = two_ways()
    links = tuple(x._replace(delay_ms=10.0 if "Y" in (x.tail, x.head) else 1.0) for x in network.links)
    cheap = {"Y->B": 1}
    network = replace(network, links=tuple(x._replace(weight=cheap.get(x.name, x.weight)) for x in links))
    for limits in ({"max_delay_ms": 15.0}, {"max_failure_delay_ms": 15.0}):
        checked = check(network, {"voice": ClassLimits(**limits)}, SetWeight(link="A->Y", weight=1))
        assert checked.counterexample.measured == pytest.approx(20.0, abs=0.5)
        assert "by its longest way" in checked.detail


def test_what_is_broken_before_the_plan_may_stay_so():
    network = replace(two_ways(), links=tuple(x._replace(up="B" not in (x.tail, x.head) or "Y" in (x.tail, x.head))
                                              for x in two_ways().links))  # fmt: skip
    assert check(network, {"default": ClassLimits(max_loss=0.1)}, SetWeight(link="A->X", weight=7)).passed


def test_a_promise_to_a_class_that_is_not_there_fails():
    found = check(two_ways(), {"video": ClassLimits(max_loss=0.0)}).counterexample
    assert found.element == "class/video"
    assert not check(replace(two_ways(), classes=()), {"voice": ClassLimits(max_loss=0.0)}).passed


def test_a_network_of_one_class_has_the_checks_that_it_always_had():
    network = replace(two_ways(), classes=())
    names = [x.name for x in verify(plan_for(network, SetWeight(link="A->B", weight=50)), network, ROOMY).checks]
    assert "classes" not in names


def test_a_policy_that_promises_less_is_looser():
    strict, open_ = (ROOMY.model_copy(update={"classes": {"voice": ClassLimits(max_loss=x)}}) for x in (0.0, 0.1))
    assert open_.looser_than(strict) == ("classes",)
    assert ROOMY.looser_than(strict) == ("classes",)
    assert strict.looser_than(open_) == strict.looser_than(ROOMY) == ()
