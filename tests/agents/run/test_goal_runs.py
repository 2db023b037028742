"""Runs for a goal: planned by its planner, judged under its limits, and carried out, scheduled or only rehearsed."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from agents.goals import Goal
from agents.goals.plan import propose
from agents.goals.written import read_goal
from agents.record.events import ExecutionStep, RunStarted, ToolReturned, VerdictReached, WindowRehearsed
from agents.run.request import RunRequest
from agents.run.staging import begin_of
from agents.show.report.folder import write_report
from agents.show.report.recorded import read_run
from agents.show.report.summary import summarise
from tests.agents.incidents import perform
from twin.formats import load_network
from twin.gate.verdict import orderable, verify, with_growth
from twin.model import SegmentList, Tunnel
from twin.plan import DrainLink, Plan, RemoveTunnel, SetCapacity, SleepLink, UndrainLink, WakeLink, apply_all
from twin.policy import Policy

NAME = "sndlib/nobel-germany"
NETWORK = load_network(NAME)
SEED = 3
BERLIN_HAMBURG = "link/Berlin:Hamburg--Hamburg:Berlin"
FRANKFURT_LEIPZIG = "link/Frankfurt:Leipzig--Leipzig:Frankfurt"
ASLEEP = "link/Dortmund:Essen--Essen:Dortmund"
CALM = Policy(demand_factors=(0.9, 1.0), horizon_hours=1)  # the network is built for its failures, not for growth too
NOW = datetime(2026, 3, 4, 15, 17, tzinfo=UTC)


def goal(text, tmp_path, *, policy=None):
    wanted = read_goal(text, NETWORK, now=begin_of(NETWORK, SEED))
    assert isinstance(wanted, Goal), wanted.question
    asked = RunRequest(network=NAME, seed=SEED, healthy=True, goal=wanted, policy=policy or Policy())
    return perform(tmp_path, asked)


def test_a_goal_for_now_is_planned_judged_carried_out_and_confirmed(tmp_path):
    run = goal("drain:Frankfurt-Leipzig max_utilisation:0.79", tmp_path, policy=CALM)
    assert run.result.finished.outcome == "done"
    assert run.result.finished.certificate_checked
    assert [x.change for x in run.of(ExecutionStep) if x.action == "apply"] == [DrainLink(circuit=FRANKFURT_LEIPZIG)]
    started = run.of(RunStarted)[0]
    assert started.policy.max_utilisation == 0.79
    assert started.goal.text == "drain:Frankfurt-Leipzig max_utilisation:0.79"
    story = read_run(run.result.folder)
    assert story.claims.unsupported == ()
    assert summarise(story, run.result.folder).goal == started.goal.words
    assert "drain:Frankfurt-Leipzig max" in write_report(run.result.folder).read_text()


def test_a_goal_for_a_window_ahead_is_rehearsed_there_certified_and_not_carried_out(tmp_path):
    run = goal("drain:Berlin-Hamburg from:02:00 until:04:00 max_utilisation:0.8", tmp_path)
    assert run.result.finished.outcome == "scheduled"
    assert run.of(ExecutionStep) == []
    window = run.of(WindowRehearsed)[0]
    assert window.safe
    assert [hour.hour for hour in window.window.hours] == [2, 3, 4]
    assert max(hour.traffic for hour in window.window.hours) < 0.6  # of the peak
    certificate = json.loads((run.result.folder / "certificate.json").read_text())
    wanted = run.of(RunStarted)[0].goal.window
    assert datetime.fromisoformat(certificate["not_before"]) == wanted.start
    assert datetime.fromisoformat(certificate["expires"]) - wanted.end < timedelta(seconds=1)


def test_a_limit_that_the_window_cannot_keep_ends_without_a_plan_and_without_a_change(tmp_path):
    run = goal("drain:Berlin-Hamburg from:02:00 until:04:00 max_utilisation:0.05", tmp_path)
    assert run.result.finished.outcome == "no safe plan"
    assert run.of(ExecutionStep) == []
    assert not (run.result.folder / "certificate.json").exists()


def test_a_goal_that_is_only_to_be_rehearsed_changes_nothing(tmp_path):
    run = goal("drain:Frankfurt-Leipzig rehearse", tmp_path, policy=CALM)
    assert run.result.finished.outcome == "rehearsed"
    assert run.of(ExecutionStep) == []


def test_a_goal_never_loosens_the_policy(tmp_path):
    run = goal("drain:Frankfurt-Leipzig max_utilisation:0.95", tmp_path, policy=Policy(max_utilisation=0.7))
    assert run.of(RunStarted)[0].policy.max_utilisation == 0.7


def test_a_limit_that_holds_already_needs_no_change(tmp_path):
    run = goal("limit max_utilisation:0.8", tmp_path)
    assert run.result.finished.outcome == "done"
    assert run.of(ExecutionStep) == []


def test_a_request_for_capacity_waits_for_a_person(tmp_path):
    run = goal("grow:1.9", tmp_path)
    assert run.result.finished.outcome == "awaiting approval"
    assert run.of(ExecutionStep) == []


def test_a_protected_element_is_kept_out_of_every_plan(tmp_path):
    run = goal("sleep max_steps:2 protect:Berlin,Hamburg", tmp_path)
    answer = next(x for x in run.of(ToolReturned) if x.tool == "propose_plans")
    assert "Berlin:Hamburg" not in answer.content
    assert {step.step for step in run.of(ExecutionStep)} <= {1, 2}


def planned(text, network, policy=None):
    wanted = read_goal(text, NETWORK, now=NOW)
    assert isinstance(wanted, Goal), wanted.question
    return propose(wanted, network, policy or Policy())


def test_every_kind_of_goal_has_a_planner_whose_plans_the_gate_can_judge():
    drained = apply_all(NETWORK, [DrainLink(circuit=BERLIN_HAMBURG), SleepLink(circuit=ASLEEP)])
    for text, network, kinds in (
        ("drain:Frankfurt-Leipzig", NETWORK, {DrainLink}),
        ("undrain:Berlin-Hamburg", drained, {UndrainLink}),
        ("wake", drained, {WakeLink}),
        ("restore", drained, {UndrainLink, WakeLink}),
        ("sleep:Frankfurt-Leipzig", NETWORK, {SleepLink}),
        ("upgrade:Frankfurt-Mannheim capacity:1T", NETWORK, {SetCapacity}),
    ):
        found = [x for x in planned(text, network, CALM) if x.plan]
        assert found, text
        plan = found[0].plan
        assert {type(x) for x in plan.steps} == kinds
        assert plan.base == network.id
        passed = verify(plan, network, CALM).passed
        assert passed is (kinds != {SetCapacity}), text


def test_means_that_are_named_are_the_only_ones_used():
    busy = NETWORK.with_demands(NETWORK.demands * 1.25)  # both means have a safe plan
    for text, op in (("reweight", "set_weight"), ("steer", "set_tunnel")):
        steps = [step for x in planned(text, busy) if x.plan for step in x.plan.steps]
        assert {step.op for step in steps} == {op}, text


def test_what_is_not_drained_cannot_be_given_back():
    found = planned("undrain:Berlin-Hamburg", NETWORK)
    assert found[0].plan is None
    assert "not drained" in found[0].reason


def test_measures_are_undone():
    tunnel = Tunnel(
        name="t", source="Berlin", target="Koeln", paths=(SegmentList(via=("Hannover",)),), on_invalid="igp"
    )
    steered = replace(NETWORK, tunnels=(tunnel,))
    assert planned("restore", steered)[0].plan.steps == (RemoveTunnel(name="t"),)


def test_a_request_for_capacity_goes_through_the_gate_which_has_nothing_else_against_it(tmp_path):
    run = goal("grow:1.9", tmp_path)
    reached = run.of(VerdictReached)[-1]
    assert orderable(reached.plan, reached.verdict)
    failing = {x.name: x.counterexample for x in reached.verdict.checks if not x.passed}
    assert set(failing) == {"policy"}
    assert failing["policy"].measured > failing["policy"].limit  # the capacity asked for, and the one there is
    assert run.result.finished.outcome == "awaiting approval"


def test_what_reroutes_for_growth_is_judged_under_the_grown_demands():
    """A plan that is safe today and overloads a link once the traffic has come does not pass."""
    proposals = [x for x in planned("grow:1.9", NETWORK) if x.plan]
    assert all(
        not with_growth(verify(x.plan, NETWORK, Policy()), x.plan, NETWORK, Policy(), 1.9).passed for x in proposals
    )
    harmless = Plan(goal="test", base=NETWORK.id, objective="change", steps=(DrainLink(circuit=BERLIN_HAMBURG),))
    busy = NETWORK.with_demands(NETWORK.demands * 0.5)
    harmless = harmless.model_copy(update={"base": busy.id})
    now = verify(harmless, busy, Policy())
    assert now.passed
    assert not with_growth(now, harmless, busy, Policy(), 3.0).passed


def test_a_capacity_that_a_policy_protects_is_nothing_to_order():
    plan = next(x.plan for x in planned("upgrade:Frankfurt-Mannheim capacity:1T", NETWORK) if x.plan)
    verdict = verify(plan, NETWORK, Policy())
    assert orderable(plan, verdict)
    late = tuple(x.model_copy(update={"passed": x.passed and x.name != "horizon"}) for x in verdict.checks)
    assert not orderable(plan, verdict.model_copy(update={"checks": late}))
    protected = Policy(protected=(plan.steps[0].circuit,))
    assert not orderable(plan, verify(plan, NETWORK, protected))
