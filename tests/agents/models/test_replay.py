"""An earlier run's answers, given again to the same requests, and to no others."""

import asyncio
from pathlib import Path

import pytest
from autogen_core.models import CreateResult, LLMMessage, UserMessage
from autogen_core.tools import ToolSchema

from agents.models import Model, resolve
from agents.models.client import Usage
from agents.models.replay import ReplayClient
from agents.record.events import ChatAnswered, ChatRequested
from agents.roles.contracts import CONTRACTS
from tests.agents.incidents import Run, perform, request
from tests.agents.models import messages_api as api
from tests.agents.models.loopback import Json, Reply, loopback
from tests.agents.models.provider_faults import claude
from twin.errors import ReplayError


def ask(client: ReplayClient, messages: list[LLMMessage], tools: list[str]) -> CreateResult:
    return asyncio.run(client.create(messages, tools=[ToolSchema(name=name) for name in tools]))


def test_a_run_on_the_answers_of_another_asks_and_ends_as_that_one(tmp_path: Path, resolved: Run):
    folder = resolved.result.folder
    run = perform(tmp_path, model=resolve(f"replay:{folder}"))
    assert run.result.finished.plan == resolved.result.finished.plan
    assert [x.request for x in run.of(ChatRequested)] == [x.request for x in resolved.of(ChatRequested)]


def test_everything_about_an_answer_comes_back(tmp_path: Path):
    def thoughtful(body: Json) -> Reply:
        return api.say(api.thinking("Hm.", "signed"), *api.move(body))

    with loopback(thoughtful) as server:
        first = perform(tmp_path / "first", model=claude(server))
    again = perform(tmp_path / "again", model=Model("replay", "x", ReplayClient(str(first.result.folder))))
    for one, other in zip(first.of(ChatAnswered), again.of(ChatAnswered), strict=True):
        assert other.model_dump(exclude={"seconds", "model"}) == one.model_dump(exclude={"seconds", "model"})
    assert any(x.blocks for x in again.of(ChatAnswered))
    assert Usage.of(Usage(6_100, 20, 5_000, 1_000)).cache_read_tokens == again.of(ChatAnswered)[0].cache_read_tokens


def test_another_conversation_is_an_error_that_names_the_role(tmp_path: Path, resolved: Run):
    model = resolve(f"replay:{resolved.result.folder}")
    run = perform(tmp_path, request(seed=6), model=model)
    assert run.result.finished.outcome == "failed"
    assert "the conversation differs" in run.result.finished.because
    assert isinstance(run.result.error, ReplayError)


def test_an_answer_is_given_once(resolved: Run):
    first = resolved.of(ChatRequested)[0]
    client = ReplayClient(f"{resolved.result.folder}@order")
    talk: list[LLMMessage] = [UserMessage(content="Other words.", source="driver")]
    calls = [x for x in resolved.of(ChatAnswered) if x.role == first.role]
    given = [ask(client, talk, list(first.tools)) for _ in calls]
    assert [x.finish_reason for x in given] == [x.finish for x in calls]
    with pytest.raises(ReplayError, match=f"no further answer of {first.role}|no answer to a role"):
        ask(client, talk, list(first.tools))


def test_a_role_that_the_run_did_not_have_is_an_error(resolved: Run):
    client = ReplayClient(str(resolved.result.folder))
    with pytest.raises(ReplayError, match="no answer to a role with these tools: sing"):
        ask(client, [UserMessage(content="Sing.", source="driver")], ["sing"])


def test_a_run_is_found_by_its_name(resolved: Run):
    folder = resolved.result.folder
    client = ReplayClient(folder.name, {"TWINOPS_RUNS": str(folder.parent)})
    with pytest.raises(ReplayError, match=folder.name):
        ask(client, [UserMessage(content="Other.", source="driver")], sorted(CONTRACTS["monitoring"].tools))


@pytest.mark.parametrize("name", ["", "nowhere", "@order"])
def test_a_run_that_there_is_not_is_said(name: str):
    with pytest.raises(ReplayError, match="there is no run"):
        ReplayClient(name, {})
