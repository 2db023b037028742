"""What a plan may do that leaves the network as its inventory declares it."""

from dataclasses import replace
from functools import cache

import pytest

from evals.cases.gate.good import Trial, first_of
from evals.cases.gate.set_right import declared_less_safe, good_set_right, half_set_right, set_right_and_more
from evals.suites.verify import verdict_on
from tests.twin.optimise.networks import network_of
from twin.gate.checks.context import Context
from twin.gate.checks.stressed import Stressed
from twin.gate.declared import set_right as set_right_as
from twin.gate.declared import stands_as
from twin.gate.rules import worse_under_failure
from twin.model import SegmentList, Tunnel
from twin.optimise.goals import choose
from twin.optimise.restore import relieve_by_restoring
from twin.plan import DrainLink, DrainNode, LimitDemand, SetTunnel, SetWeight, SleepLink, apply, apply_all
from twin.sim.simulate import single_failures


@cache
def set_right() -> list[Trial]:
    return first_of(2, good_set_right)


def failing(case: Trial) -> list[str]:
    return [x.name for x in verdict_on(case).checks if not x.passed]


def test_a_mistake_is_set_right_that_spares_a_failure_by_chance():
    for case in set_right():
        assert failing(case) == []
        told = next(x.detail for x in verdict_on(case).checks if x.name == "survivable")
        assert "set right as in its inventory" in told or "no worse than today" in told


def test_the_same_plan_fails_where_nobody_says_what_is_declared_or_something_else_is():
    for case in set_right():
        other = case.declared
        changed = other.links[0]._replace(weight=other.links[0].weight + 1)
        for declared in (None, case.network, replace(other, links=(changed, *other.links[1:]))):
            assert {"survivable", "uncertain"} & set(failing(case._replace(declared=declared)))


def test_who_plans_to_set_back_has_the_same_rule():
    for case in set_right():
        found = relieve_by_restoring(case.network, case.policy, reference=case.declared)
        assert found.plan is not None, found.reason
        for declared, usable in ((case.declared, True), (None, False)):
            choice = choose((found,), case.network, case.policy, known=Context(declared=declared))
            assert choice.usable is usable
        assert apply_all(case.network, found.plan.steps).links == case.declared.links


def test_a_state_on_the_way_is_not_excused_for_what_is_declared():
    """Held against both ends of a plan it may be worse than either in no failure."""
    for case in set_right():
        states = case.network, apply_all(case.network, case.plan.steps)
        limit = case.policy.max_failure_utilisation
        before, after = (Stressed(x, single_failures(x), limit, as_declared=x is states[1]) for x in states)
        assert worse_under_failure((before,), after, case.policy, 1) is None
        assert worse_under_failure((before, before), after, case.policy, 1) is not None


def test_every_setting_that_is_not_the_declared_one_is_told():
    ends = [("A", "B", 10.0, 1), ("B", "C", 10.0, 1), ("A", "C", 10.0, 3)]
    declared, ab = network_of(ends, {("A", "B"): 5.0}), "link/A:B--B:A"
    tunnel = Tunnel(name="T", source="A", target="B", paths=(SegmentList(via=("C",)),))
    steps = [DrainLink(circuit=ab, mode=x) for x in ("remove", "cost_out")]
    steps += [DrainNode(node="B", mode=x) for x in ("overload", "cost_out")]
    steps += [SetWeight(link="A->B", weight=2), SleepLink(circuit=ab), SetTunnel(tunnel=tunnel)]
    others = [apply(declared, x) for x in (*steps, LimitDemand(source="A", target="B", limit=1.0))]
    for number, other in enumerate(others):
        assert not any(stands_as(other, x) for x in (declared, *others[:number], *others[number + 1 :]))
        assert stands_as(other, other)
        down = tuple(x._replace(up=False, loss=0.1, capacity=1.0) for x in other.links)  # no settings
        assert stands_as(replace(other, links=down, demands=other.demands * 2), other)


def test_what_is_set_right_may_overload_no_more_in_all_failures_above_neither_capacity_nor_limit():
    network = network_of([("A", "B", 10.0, 1), ("B", "C", 10.0, 1), ("A", "C", 10.0, 3)], {("A", "B"): 5.0})
    state = Stressed(network, single_failures(network), 1.0, as_declared=True)
    for more in ({"overload": 1.0}, {"excess": 1.0}):
        known = replace(state.sweep, **{name: getattr(state.sweep, name) + by for name, by in more.items()})
        assert not set_right_as(state, replace(state, known=known))
        assert set_right_as(replace(state, known=known), state)
    assert not set_right_as(state, replace(state, as_declared=False))


@pytest.mark.parametrize("build", [set_right_and_more, half_set_right, declared_less_safe])
def test_more_or_less_than_what_is_declared_and_what_makes_the_network_less_safe_is_refused(build):
    for case in first_of(3, build):
        assert "survivable" in failing(case)
        if build is declared_less_safe:
            assert relieve_by_restoring(case.network, case.policy, reference=case.declared).plan is None
