"""Whatever goes wrong at the provider, a role gets a right answer or an honest error, and no half answer acts.

Whole runs are made for some faults and roles; TWINOPS_ALL_PROVIDER_FAULTS=1 makes them for every one.
"""

import asyncio
import json
import os
from pathlib import Path

import pytest
from autogen_core.models import CreateResult, UserMessage
from autogen_core.tools import ToolSchema

from agents.models.conversation import Say
from agents.models.runbook import next_move, written
from agents.models.settings import ModelSettings
from agents.record.events import ChatAnswered, Noted, ToolCalled, is_opening
from agents.roles.contracts import CONTRACTS
from tests.agents.incidents import Run, perform
from tests.agents.models.loopback import Loopback, loopback, status
from tests.agents.models.provider_faults import AT_ONCE, FAULTS, KEY, QUICK, Script, claude
from tests.depth import thinned
from tools.box.handover import Role
from twin.errors import ProviderError

EVERY = os.environ.get("TWINOPS_ALL_PROVIDER_FAULTS") == "1"
ROLES = list(CONTRACTS)
CASES = [(fault, role) for fault in FAULTS for role in ROLES]
EACH = [(fault, ROLES[i % len(ROLES)]) for i, fault in enumerate(FAULTS)]
"""Every fault once, the roles in turn."""
NO_FALLBACK = QUICK.model_copy(update={"fallback": False})


def ask(server: Loopback, role: Role) -> CreateResult:
    tools = [ToolSchema(name=name) for name in sorted(CONTRACTS[role].tools)]
    client = claude(server).client

    async def once() -> CreateResult:
        try:
            return await client.create([UserMessage(content="Do it.", source="driver")], tools=tools)
        finally:
            await client.close()

    return asyncio.run(once())


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("fault", [name for name in FAULTS if name not in AT_ONCE])
def test_a_fault_that_passes_ends_in_the_right_answer(fault: str, role: Role):
    with loopback(Script(FAULTS[fault], role, times=1)) as server:
        answer = ask(server, role)
    expected = next_move([UserMessage(content="Do it.", source="driver")], sorted(CONTRACTS[role].tools))
    assert not isinstance(answer.content, str)
    assert not isinstance(expected, Say)
    assert [(x.name, json.loads(x.arguments)) for x in answer.content] == [
        (x.name, json.loads(x.arguments)) for x in written(expected, 1)
    ]
    assert len(server.asked) == 2


@pytest.mark.parametrize(("fault", "role"), CASES if EVERY else EACH)
def test_a_fault_that_stays_ends_in_one_clear_error(fault: str, role: Role):
    with loopback(Script(FAULTS[fault], role)) as server, pytest.raises(ProviderError) as caught:
        ask(server, role)
    assert caught.value.fix
    assert caught.value.exit_code == 4
    assert KEY not in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_no_fault_and_no_role_is_left_out():
    assert [fault for fault, _ in EACH] == list(FAULTS)
    assert {role for _, role in EACH} == set(ROLES)


def run_with(tmp: Path, fault: str, role: Role, times: int, settings: ModelSettings = QUICK) -> tuple[Run, Script]:
    script = Script(FAULTS[fault], role, times)
    with loopback(script) as server:
        run = perform(tmp, model=claude(server, settings=settings))
    return run, script


def wrong_calls(run: Run, script: Script) -> list[ToolCalled]:
    """Calls that ran although no whole answer asked for them with these arguments."""
    by_stand_in = {x.id for answer in run.of(ChatAnswered) if answer.model == "runbook" for x in answer.tool_calls}
    return [
        call
        for call in run.of(ToolCalled)
        if script.said.get(call.id) != (call.tool, call.arguments)
        and call.id not in by_stand_in
        and not is_opening(call)
    ]


def test_a_run_on_a_model_that_acts_as_the_runbook_comes_to_the_same_as_the_runbook(tmp_path: Path, resolved: Run):
    run, script = run_with(tmp_path, "529", "monitoring", times=0)
    ours, theirs = run.result.finished, resolved.result.finished
    assert (ours.outcome, ours.plan, ours.rounds) == (theirs.outcome, theirs.plan, theirs.rounds)
    assert ours.model_calls == theirs.model_calls
    assert ours.input_tokens == 6_100 * ours.model_calls
    assert not wrong_calls(run, script)
    assert [x.cache_read_tokens for x in run.of(ChatAnswered)] == [5_000] * ours.model_calls


@pytest.mark.parametrize(("fault", "role"), CASES if EVERY else thinned(CASES[::13], 3))
def test_a_run_whose_provider_stays_down_is_ended_by_the_runbook_and_says_so(
    tmp_path: Path, resolved: Run, fault: str, role: Role
):
    run, script = run_with(tmp_path, fault, role, times=10_000)
    finished = run.result.finished
    assert (finished.outcome, finished.plan) == (resolved.result.finished.outcome, resolved.result.finished.plan)
    assert not wrong_calls(run, script)
    (said,) = [x.text for x in run.of(Noted) if "runbook goes on" in x.text]
    assert "anthropic:claude-test" in said
    speakers = [x.model for x in run.of(ChatAnswered)]
    assert speakers == sorted(speakers)  # claude-test, then the runbook for the rest
    assert speakers[-1] == "runbook"


@pytest.mark.parametrize(("fault", "role"), CASES if EVERY else thinned(CASES[3::31], 2))
def test_a_fault_that_passes_leaves_no_trace_in_the_outcome(tmp_path: Path, resolved: Run, fault: str, role: Role):
    run, script = run_with(tmp_path, fault, role, times=1)
    finished = run.result.finished
    assert (finished.outcome, finished.plan) == (resolved.result.finished.outcome, resolved.result.finished.plan)
    assert not wrong_calls(run, script)
    assert bool([x for x in run.of(Noted) if "runbook goes on" in x.text]) == (fault in AT_ONCE)


def test_without_a_stand_in_the_run_fails_with_the_provider_s_error(tmp_path: Path):
    run, script = run_with(tmp_path, "529", "planning", times=10_000, settings=NO_FALLBACK)
    assert run.result.finished.outcome == "failed"
    assert "anthropic:claude-test is down after 3 requests" in run.result.finished.because
    assert isinstance(run.result.error, ProviderError)
    assert not wrong_calls(run, script)


def test_a_key_is_nowhere_in_the_record(tmp_path: Path):
    words = f"key {KEY} and Bearer {KEY} are overloaded"
    script = Script(lambda _: status(529, kind="overloaded_error", words=words), "diagnosis")
    with loopback(script) as server:
        run = perform(tmp_path, model=claude(server))
    assert any("[redacted]" in x.text for x in run.of(Noted))
    for path in run.result.folder.rglob("*"):
        assert not path.is_file() or KEY.encode() not in path.read_bytes(), path
