"""Plans that can be made in the time there is: what planners are asked for, and the order of what they found."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from evals.cases.gate.good import first_of
from evals.cases.gate.roll_out import later_step_in_the_peak, later_step_meets_others, way_out_in_the_peak
from tests.twin.gate.declared_day import DAY
from twin.formats import load_network
from twin.gate.checks.context import Context
from twin.gate.outlook import outlook_by_day
from twin.gate.verdict import verify_knowing
from twin.optimise.ahead import holding
from twin.optimise.proposal import Proposal, Value
from twin.optimise.sleep import plan_sleep
from twin.policy import Policy

ONE = datetime(2026, 12, 1, 1, tzinfo=UTC)
LASTS = timedelta(minutes=30)


@pytest.mark.parametrize("build", [later_step_in_the_peak, later_step_meets_others, way_out_in_the_peak])
def test_steps_are_put_into_an_order_that_holds_in_the_hours_in_which_each_is_made(build):
    for case in first_of(1, build):
        known = Context(outlook=case.outlook, starts=case.starts, works=case.works, step_lasts=case.step_lasts)
        assert not verify_knowing(known, case.plan, case.network, case.policy).passed
        value = Value(0.0, 0.5)
        given = Proposal("given", case.plan, value, value)
        (found,) = holding(lambda *_, x=given: (x,), case.network, case.policy, known)
        assert found.plan is not None, found.reason
        assert sorted(map(str, found.plan.steps)) == sorted(map(str, case.plan.steps))
        assert sorted(map(str, found.plan.closing)) == sorted(map(str, case.plan.closing))
        assert verify_knowing(known, found.plan, case.network, case.policy).passed


def night():
    network = load_network("sndlib/polska", seed=3)
    return network.with_demands(network.demands * 0.3)


def asleep(known, policy, until=None):
    network = night()

    def planner(state, limits):
        found = plan_sleep(state, limits)
        return (replace(found, plan=found.plan.ending(state, until)) if until else found,)

    (found,) = holding(planner, network, policy, known)
    return found, verify_knowing(known, found.plan, network, policy) if found.plan else None


def test_no_more_steps_are_planned_than_can_be_made_before_a_window_closes_or_the_plan_ends():
    known = Context(starts=ONE, step_lasts=LASTS)
    most = len(asleep(known, Policy())[0].plan.steps)
    assert most >= 4
    for minutes, steps in ((0, 1), (29, 1), (30, 1), (31, 2), (90, 3), (91, 4)):
        window = f"01:00-{ONE + timedelta(minutes=minutes or 1):%H:%M}"
        found, verdict = asleep(known, Policy(windows=(window,)))
        assert len(found.plan.steps) == steps
        assert verdict.passed
        ahead = replace(known, outlook=outlook_by_day(night(), ONE, 24, day=[1.0] * 24))
        found, verdict = asleep(ahead, Policy(), ONE + timedelta(minutes=minutes or 1))
        assert len(found.plan.steps) == steps
        assert verdict.passed
    # where not even the first is allowed it is for the gate to say
    found, verdict = asleep(known, Policy(windows=("02:00-03:00",)))
    assert "outside the windows" in next(x.detail for x in verdict.checks if x.name == "policy")


def test_what_is_blacked_out_while_steps_may_be_made_is_left_alone():
    known = Context(starts=ONE, step_lasts=LASTS)
    free, _ = asleep(known, Policy())
    last = free.plan.steps[-1].circuit
    begins = ONE + (len(free.plan.steps) - 1) * LASTS
    for begin, chosen in ((begins, False), (begins + timedelta(minutes=1), True)):
        policy = Policy(blackouts=(f"{last} {begin:%Y-%m-%dT%H:%M}/2026-12-02T00:00 UTC",))
        found, verdict = asleep(known, policy)
        assert (last in {x.circuit for x in found.plan.steps}) is chosen
        assert verdict.passed


def test_a_plan_that_ends_while_its_steps_may_still_be_made_would_stay_for_good():
    network = night()
    known = Context(starts=ONE, step_lasts=LASTS, outlook=outlook_by_day(network, ONE, 24, day=DAY))
    plan = plan_sleep(network, Policy(max_steps=4)).plan
    for minutes, passes in ((90, False), (91, True)):
        ended = plan.ending(network, ONE + timedelta(minutes=minutes))
        check = next(x for x in verify_knowing(known, ended, network, Policy()).checks if x.name == "horizon")
        assert check.passed is passes
        assert passes or (check.counterexample.step == 4 and "would stay for good" in check.detail)
