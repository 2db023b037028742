"""What the tools let a model bring about: no approval without exactly the right verdict."""

import asyncio
import json
from copy import deepcopy
from datetime import timedelta

import pytest
from pydantic import JsonValue

from agents.roles.contracts import RIGHTS
from tools.box.handover import Decision, PlanSubmission
from tools.box.registry import ToolAnswer, Toolbox
from tools.box.run_state import ReadSide, RunState
from tools.catalogue import TOOLS
from twin.faults import Fault, FaultKind
from twin.formats import load_network
from twin.live.emulated import EmulatedNetwork
from twin.plan import Plan, SetWeight
from twin.policy import Policy

from .conftest import NOON

FAULT = Fault(kind=FaultKind.WEIGHT, element="interface/IPLSng/KSCYng", severity=10_000)


def call(run_state: RunState, role: str, tool: str, **arguments: JsonValue) -> ToolAnswer:
    return asyncio.run(Toolbox(run_state, TOOLS, RIGHTS).call(role, tool, arguments))


@pytest.fixture(scope="module")
def struck() -> EmulatedNetwork:
    live = EmulatedNetwork(load_network("sndlib/abilene"), seed=5, start=NOON + timedelta(hours=10))
    live.wait(30)
    live.inject(FAULT)
    live.wait(4)
    return live


def run_state_on(live: EmulatedNetwork) -> RunState:
    return RunState(inventory=load_network("sndlib/abilene"), policy=Policy(), live=ReadSide(live), since=NOON, seed=5)


@pytest.fixture
def incident(struck: EmulatedNetwork) -> RunState:
    return run_state_on(struck)


@pytest.fixture(scope="module")
def planned(struck: EmulatedNetwork) -> RunState:
    incident = run_state_on(struck)
    for role, tool, arguments in (
        ("monitoring", "list_symptoms", {}),
        ("monitoring", "report_incident", {"explanation": "x"}),
        ("diagnosis", "rank_causes", {}),
        ("diagnosis", "report_diagnosis", {"rank": 1, "explanation": "x"}),
        ("planning", "propose_plans", {}),
    ):
        assert call(incident, role, tool, **arguments).ok
    handle = next(iter(incident.proposals))
    assert call(incident, "planning", "submit_plan", plan=handle, explanation="x").ok
    return incident


@pytest.fixture
def submitted(planned: RunState) -> RunState:
    return deepcopy(planned, {id(planned.live): planned.live})


def test_the_read_side_of_a_network_offers_nothing_that_changes_it(incident: RunState):
    offered = {name for name in dir(incident.live) if not name.startswith("_")}
    assert offered == {"declared", "now", "probe", "read_router", "read_telemetry", "read_topology"}


@pytest.mark.parametrize(
    ("role", "tool", "arguments"),
    [
        ("monitoring", "report_incident", {"explanation": "all is well"}),
        ("diagnosis", "report_diagnosis", {"rank": 1, "explanation": "a guess"}),
        ("planning", "propose_plans", {}),
        ("planning", "report_no_plan", {"explanation": "too hard"}),
        ("verification", "verify_plan", {}),
        ("verification", "decide", {"decision": "approve", "reasons": "fine"}),
    ],
)
def test_nothing_can_be_concluded_before_its_evidence_is_there(
    incident: RunState, role: str, tool: str, arguments: dict
):
    answer = call(incident, role, tool, **arguments)
    assert (answer.ok, answer.error) == (False, "refused")


def test_an_approval_without_a_verdict_is_refused(submitted: RunState):
    answer = call(submitted, "verification", "decide", decision="approve", reasons="trust me")
    assert json.loads(answer.content)["message"] == "there is no verdict for this plan"
    assert submitted.decision is None


def test_an_approval_with_the_verdict_of_exactly_this_plan_passes(submitted: RunState):
    assert json.loads(call(submitted, "verification", "verify_plan").content)["passed"] is True
    assert call(submitted, "verification", "decide", decision="approve", reasons="all checks passed").ok
    assert submitted.decision is not None
    assert submitted.decision.approved


def test_the_verdict_of_another_plan_approves_nothing(submitted: RunState):
    call(submitted, "verification", "verify_plan")
    first = submitted.submission
    other = Plan(goal="g", base=submitted.state.id, steps=(SetWeight(link="STTLng->DNVRng", weight=7),))
    submitted.submission = PlanSubmission(round=1, handle="other", plan=other, candidates=())
    assert "no verdict" in call(submitted, "verification", "decide", decision="approve", reasons="x").content
    submitted.verdicts[other.hash] = submitted.verdicts[first.plan.hash]
    assert "another plan" in call(submitted, "verification", "decide", decision="approve", reasons="x").content


def test_a_verdict_from_before_the_twin_moved_on_approves_nothing(submitted: RunState):
    call(submitted, "verification", "verify_plan")
    submitted.state = submitted.inventory
    assert (
        "another plan, snapshot" in call(submitted, "verification", "decide", decision="approve", reasons="x").content
    )


def test_a_verdict_under_another_policy_approves_nothing(submitted: RunState):
    call(submitted, "verification", "verify_plan")
    submitted.policy = Policy(max_utilisation=0.5)
    assert "policy" in call(submitted, "verification", "decide", decision="approve", reasons="x").content


def test_a_plan_that_fails_the_gate_cannot_be_approved_and_says_where_it_fails(submitted: RunState):
    bad = Plan(goal="g", base=submitted.state.id, steps=(SetWeight(link="KSCYng->HSTNng", weight=65_000),))
    submitted.submission = PlanSubmission(round=1, handle="bad", plan=bad, candidates=())
    verdict = json.loads(call(submitted, "verification", "verify_plan").content)
    assert verdict["passed"] is False
    answer = call(submitted, "verification", "decide", decision="approve", reasons="looks good")
    assert (answer.ok, answer.error) == (False, "refused")


def test_a_rejection_needs_no_verdict(submitted: RunState):
    assert call(submitted, "verification", "decide", decision="reject", reasons="I do not like it").ok


def test_a_rejected_plan_is_neither_taken_nor_proposed_again(submitted: RunState):
    plan, handle = submitted.submission.plan, submitted.submission.handle
    submitted.rejected = (Decision(approved=False, plan=plan.hash, snapshot=submitted.state.id, verdict=None),)
    assert "was rejected" in call(submitted, "planning", "submit_plan", plan=handle, explanation="again").content
    submitted.round = 2
    proposed = json.loads(call(submitted, "planning", "propose_plans").content)
    assert plan.hash not in [x["plan"] for x in proposed["candidates"]]


def test_giving_up_is_refused_while_a_plan_helps(submitted: RunState):
    answer = call(submitted, "planning", "report_no_plan", explanation="too hard")
    assert (answer.ok, answer.error) == (False, "refused")


def test_a_plan_is_named_by_handle_and_its_steps_never_pass_through_the_model(submitted: RunState):
    submitted.proposals.clear()
    assert '"set_weight"' not in call(submitted, "planning", "propose_plans").content
    unknown = call(submitted, "planning", "submit_plan", plan="r9-magic", explanation="x")
    assert (unknown.ok, unknown.error) == (False, "unknown-element")


def test_a_what_if_changes_nothing_on_the_desk(submitted: RunState):
    state, live = submitted.state, submitted.live.read_topology()
    answer = call(
        submitted,
        "planning",
        "what_if",
        changes=[{"op": "set_weight", "link": "STTLng->DNVRng", "weight": 9}],
        fail=["node/ATLAng"],
    )
    assert answer.ok
    assert (submitted.state, submitted.live.read_topology()) == (state, live)
