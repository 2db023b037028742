"""The operating procedures: the next call follows from the values in the answers, and from nothing else."""

import json

import pytest
from autogen_core import FunctionCall
from autogen_core.models import (
    AssistantMessage,
    FunctionExecutionResult,
    FunctionExecutionResultMessage,
    LLMMessage,
    UserMessage,
)

from agents.models import resolve
from agents.models.conversation import Call, Move, Say, Together, read
from agents.models.runbook import next_move
from agents.roles.contracts import CONTRACTS
from tools.box.handover import Role
from twin.errors import InputError


def turn(*exchanges: tuple[str, object], failed: str = "") -> list[LLMMessage]:
    said: list[LLMMessage] = [UserMessage(content="Do it.", source="driver")]
    for number, (tool, answer) in enumerate(exchanges):
        call = FunctionCall(id=str(number), name=tool, arguments="{}")
        text = answer if isinstance(answer, str) else json.dumps(answer)
        result = FunctionExecutionResult(content=text, name=tool, call_id=str(number), is_error=tool == failed)
        said.append(AssistantMessage(content=[call], source="x"))
        said.append(FunctionExecutionResultMessage(content=[result]))
    return said


def move(role: Role, *exchanges: tuple[str, object], failed: str = "") -> Move:
    return next_move(turn(*exchanges, failed=failed), sorted(CONTRACTS[role].tools))


def candidate(handle: str, harm: float, steps: int, peak: float = 0.7) -> dict[str, object]:
    figures = {"harm": [100.0, harm], "max_utilisation": [0.9, peak]}
    return {"handle": handle, "method": handle, "steps": steps, **figures}


@pytest.mark.parametrize(
    ("role", "first"),
    [
        ("monitoring", Together((Call("network_status", {}), Call("data_quality", {}), Call("list_symptoms", {})))),
        ("diagnosis", Call("rank_causes", {})),
        ("planning", Call("propose_plans", {})),
        ("verification", Call("verify_plan", {})),
    ],
)
def test_each_procedure_begins_by_looking(role: Role, first: Move):
    assert move(role) == first


def test_a_healthy_network_is_reported_without_reading_the_logs():
    looked = (("network_status", {}), ("data_quality", {}), ("list_symptoms", {"symptoms": []}))
    following = move("monitoring", *looked)
    assert isinstance(following, Call)
    assert following.tool == "report_incident"


@pytest.mark.parametrize(("measurable", "following"), [(True, "measure"), (False, "report_diagnosis")])
def test_what_a_measurement_tells_apart_is_measured_before_the_cause_is_reported(measurable: bool, following: str):
    causes = [
        {"rank": 1, "probability": 0.6, "fault": {"kind": "link_down", "element": "link/A:B--B:A"}},
        {"rank": 2, "probability": 0.3, "fault": {"kind": "device_down", "element": "node/A"}},
    ]
    chosen = move("diagnosis", ("rank_causes", {"causes": causes, "measurable": measurable}))
    assert isinstance(chosen, Call)
    assert chosen.tool == following


def test_a_measurement_that_was_taken_is_taken_into_account_and_one_that_was_not_leaves_the_question_open():
    causes = [
        {"rank": 1, "probability": 0.6, "fault": {"kind": "link_down", "element": "link/A:B--B:A"}},
        {"rank": 2, "probability": 0.3, "fault": {"kind": "device_down", "element": "node/A"}},
    ]
    ranked = ("rank_causes", {"causes": causes, "measurable": True})
    assert move("diagnosis", ranked, ("measure", {"taken": True})) == Call("rank_causes", {})
    for rest in ((("measure", {"taken": False}),), (("measure", {"taken": True}), ranked)):
        following = move("diagnosis", ranked, *rest)
        assert isinstance(following, Call)
        assert following.tool == "report_diagnosis"


def test_the_least_harm_wins_then_what_the_planners_name_first():
    offers = [candidate("a", 5, 1), candidate("b", 0, 3), candidate("c", 0, 2, 0.8), candidate("d", 0, 2, 0.7)]
    assert move("planning", ("propose_plans", {"candidates": offers})) == Call("simulate_plan", {"plan": "b"})
    asked_for = [x | {"serves_goal": True} for x in offers]
    assert move("planning", ("propose_plans", {"candidates": asked_for})) == Call("simulate_plan", {"plan": "c"})


def test_a_later_round_looks_at_nothing_that_the_gate_rehearses_anyway():
    offers = [candidate("r2-a", 0, 1)]
    chosen = move("planning", ("propose_plans", {"round": 2, "candidates": offers}))
    assert isinstance(chosen, Call)
    assert (chosen.tool, chosen.arguments["plan"]) == ("submit_plan", "r2-a")
    for handle, following in (("r1-a", "what_if"), ("r2-a", "decide"), ("r10-a", "decide")):
        verdict = {"passed": True, "checks": [], "handle": handle, "busiest_circuit": "link/A:B--B:A"}
        chosen = move("verification", ("verify_plan", verdict))
        assert isinstance(chosen, Call)
        assert chosen.tool == following


def test_plans_that_lower_nothing_are_not_submitted():
    offers = [candidate("worse", 120, 1), candidate("same", 100, 1, 0.9)]
    chosen = move("planning", ("propose_plans", {"candidates": offers}))
    assert isinstance(chosen, Call)
    assert chosen.tool == "report_no_plan"


@pytest.mark.parametrize(("passed", "decision"), [(True, "approve"), (False, "reject")])
def test_the_decision_follows_the_verdict(passed: bool, decision: str):
    checks = [{"name": "useful", "passed": passed, "detail": "harm from 5 to 0"}]
    chosen = move("verification", ("verify_plan", {"passed": passed, "checks": checks}))
    assert isinstance(chosen, Call)
    assert (chosen.tool, chosen.arguments["decision"]) == ("decide", decision)


def test_without_a_verdict_the_plan_is_rejected():
    refused = {"error": "refused", "message": "no plan has been submitted"}
    chosen = move("verification", ("verify_plan", refused), failed="verify_plan")
    assert isinstance(chosen, Call)
    assert chosen.arguments["decision"] == "reject"


def test_a_conclusion_that_is_refused_is_not_repeated():
    done = (("rank_causes", {"causes": [{"rank": 1, "probability": 1.0}]}), ("report_diagnosis", {"message": "no"}))
    assert move("diagnosis", *done, failed="report_diagnosis") == Say("I could not conclude: no")


def test_only_the_newest_task_counts():
    earlier = turn(("propose_plans", {"candidates": []}))
    assert read([*earlier, *turn()], ["propose_plans"]).exchanges == ()


def test_an_answer_that_is_no_json_is_no_reason_to_stop():
    answers = [("network_status", "<html>"), ("list_symptoms", "[]")]
    assert move("monitoring", *answers) == Together((Call("data_quality", {}),))
    following = move("monitoring", *answers, ("data_quality", "{"))
    assert isinstance(following, Call)
    assert following.tool == "report_incident"


def test_without_a_procedure_it_says_so():
    assert isinstance(next_move(turn(), ["sing"]), Say)


@pytest.mark.parametrize("name", ["oracle", "oracle:large", "runbook:large", ""])
def test_a_model_that_nobody_provides_is_an_input_error(name: str):
    with pytest.raises(InputError):
        resolve(name)
