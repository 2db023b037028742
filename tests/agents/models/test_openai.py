"""Servers that speak chat completions, straight or bent: what is certain is understood, what is not is never run."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from autogen_core import FunctionCall
from autogen_core.models import (
    AssistantMessage,
    FunctionExecutionResult,
    FunctionExecutionResultMessage,
    LLMMessage,
    SystemMessage,
    UserMessage,
)
from autogen_core.tools import ToolSchema
from pydantic import BaseModel

from agents.models import Model
from agents.models.client import Answer, Usage
from agents.models.openai import OpenAIProvider, make_client
from agents.models.openai_wire import conversation
from agents.models.resilience import ResilientClient
from agents.models.runbook import RunbookClient
from agents.models.settings import ModelSettings
from agents.record.events import ChatAnswered, Noted
from tests.agents.incidents import Run, perform
from tests.agents.models import chat_completions as api
from tests.agents.models.loopback import Json, Loopback, Reply, loopback, status
from tests.agents.models.messages_api import in_order
from tests.agents.models.provider_faults import QUICK
from twin.errors import InputError, ModelRequestError, ProviderError

TOOLS = [ToolSchema(name="decide"), ToolSchema(name="verify_plan")]
TASK: list[LLMMessage] = [SystemMessage(content="You decide."), UserMessage(content="Decide.", source="driver")]
APPROVE = {"decision": "approve", "reasons": "fine"}


def client(server: Loopback) -> ResilientClient:
    return make_client(
        "qwen", QUICK, {"OPENAI_BASE_URL": f"{server.address}/v1", "OPENAI_API_KEY": "sk-local-12345678"}
    )


def ask(
    *parts: Sequence[bytes] | Reply,
    messages: Sequence[LLMMessage] = TASK,
    output: type[BaseModel] | bool | None = None,
    tools: Sequence[ToolSchema] = TOOLS,
) -> tuple[Answer, Loopback]:
    replies = [part if isinstance(part, Reply) else api.reply(part) for part in parts]

    async def once(server: Loopback) -> Answer:
        asked = client(server)
        try:
            answer = await asked.create(messages, tools=tools, json_output=output)
            assert isinstance(answer, Answer)
            return answer
        finally:
            await asked.close()

    with loopback(in_order(*replies, then=lambda _: replies[-1])) as server:
        return asyncio.run(once(server)), server


def calls(answer: Answer) -> list[tuple[str, Json]]:
    assert not isinstance(answer.content, str), answer.content
    return [(call.name, json.loads(call.arguments)) for call in answer.content]


def test_words_come_back_with_their_usage():
    answer, server = ask(api.said("All is well."))
    assert answer.content == "All is well."
    assert answer.usage == Usage(900, 30, cache_read_tokens=400)
    assert (answer.stop, answer.model) == ("stop", "local-1")
    asked = server.asked[0]
    assert asked.path == "/v1/chat/completions"
    assert asked.headers["authorization"] == "Bearer sk-local-12345678"
    assert "traceparent" not in asked.headers


def test_calls_in_pieces_and_several_at_once_are_put_together():
    two = [api.call("verify_plan", {}, "a"), api.call("decide", APPROVE, "b")]
    answer, _ = ask(api.called(two))
    assert calls(answer) == [("verify_plan", {}), ("decide", APPROVE)]
    assert answer.finish_reason == "function_calls"


def whole(name: str, arguments: object, **more: object) -> Json:
    return {"function": {"name": name, "arguments": arguments}, **more}


BENT = {
    "all at index 0": api.deltas(
        whole("verify_plan", "{}", index=0, id="a"), whole("decide", json.dumps(APPROVE), index=0, id="b")
    ),
    "without an index": api.deltas(whole("verify_plan", "{}", id="a"), whole("decide", json.dumps(APPROVE), id="b")),
    "without ids": api.deltas(whole("verify_plan", "{}", index=0), whole("decide", json.dumps(APPROVE), index=0)),
    "arguments as an object": api.deltas(whole("verify_plan", {}, index=0, id="a"), whole("decide", APPROVE, index=1)),
    "ended by stop": api.called([api.call("verify_plan", {}, "a"), api.call("decide", APPROVE, "b")], finish="stop"),
    "as text": api.said(
        '<tool_call>{"name": "verify_plan", "arguments": {}}</tool_call>\n'
        f"<tool_call>{json.dumps({'name': 'decide', 'arguments': APPROVE})}</tool_call>"
    ),
}


@pytest.mark.parametrize("how", BENT)
def test_calls_that_are_bent_are_understood(how: str):
    answer, server = ask(BENT[how])
    assert calls(answer) == [("verify_plan", {}), ("decide", APPROVE)]
    assert len({call.id for call in answer.content if isinstance(call, FunctionCall)}) == 2
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "words",
    [
        json.dumps({"name": "decide", "arguments": APPROVE}),
        json.dumps({"name": "decide", "parameters": APPROVE}),
        f"```json\n{json.dumps({'name': 'decide', 'arguments': APPROVE})}\n```",
        f"<think>Let me see.</think>{json.dumps({'name': 'decide', 'arguments': APPROVE})}",
        json.dumps({"name": "decide", "arguments": json.dumps(APPROVE)}),
    ],
)
def test_a_text_that_is_nothing_but_a_call_is_a_call(words: str):
    assert calls(ask(api.said(words))[0]) == [("decide", APPROVE)]


@pytest.mark.parametrize(
    "words",
    [
        f"I would call {json.dumps({'name': 'decide', 'arguments': APPROVE})} now.",
        json.dumps({"name": "execute_plan", "arguments": {}}),
        json.dumps({"name": "decide"}),
        f"<tool_call>{json.dumps({'name': 'decide', 'arguments': APPROVE})}</tool_call> if you agree",
        '<tool_call>{"name": "decide", "arguments": {"decision": "app</tool_call>',
    ],
)
def test_a_text_that_says_anything_else_is_text(words: str):
    assert ask(api.said(words))[0].content == words


UNUSABLE = {
    "no end": api.called([api.call("decide", APPROVE)], finish=None),
    "cut off in a call": api.called([api.call("decide", '{"decision": "appr')], finish="length"),
    "arguments that are no JSON": api.called([api.call("decide", '{"decision": approve}')]),
    "arguments that are a list": api.called([api.call("decide", "[1]")]),
    "nothing at all": api.said(""),
    "a tool that there is not": api.called([api.call("execute_plan", {})]),
    "an unknown end": api.said("hm", finish="tired"),
    "an error in the stream": [b'data: {"error": {"message": "oops", "type": "server_error"}}\n\n'],
    "malformed": [b"data: {\n\n"],
}


@pytest.mark.parametrize("how", UNUSABLE)
def test_what_cannot_be_used_is_asked_for_again(how: str):
    answer, server = ask(UNUSABLE[how], api.called([api.call("verify_plan", {})]))
    assert calls(answer) == [("verify_plan", {})]
    assert len(server.asked) == 2


@pytest.mark.parametrize("how", UNUSABLE)
def test_what_stays_unusable_ends_in_an_error(how: str):
    with pytest.raises(ProviderError):
        ask(UNUSABLE[how])


@pytest.mark.parametrize(("code", "kind"), [(401, "auth"), (404, "not_found"), (400, "invalid_request_error")])
def test_a_request_that_is_not_accepted_is_not_sent_again(code: int, kind: str):
    with loopback(lambda _: status(code, kind=kind)) as server:
        with pytest.raises(ModelRequestError, match="does not take the request"):
            asyncio.run(closed(client(server)))
        assert len(server.asked) == 1


async def closed(asked: ResilientClient) -> None:
    try:
        await asked.create(TASK, tools=TOOLS)
    finally:
        await asked.close()


class Shape(BaseModel):
    n: int


def test_an_answer_of_the_wrong_shape_is_asked_for_again():
    answer, server = ask(api.said('{"n": "x"}'), api.said('{"n": 1}'), output=Shape, tools=())
    assert answer.content == '{"n": 1}'
    assert server.asked[0].body["response_format"]["json_schema"]["name"] == "Shape"
    assert "schema" in json.dumps(server.asked[1].body["messages"][-1])


def test_every_call_is_followed_by_its_result_whatever_the_window_left():
    call = FunctionCall(id="1", name="verify_plan", arguments="{}")
    lost = FunctionExecutionResult(content="lost", name="x", call_id="9", is_error=False)
    talk: list[LLMMessage] = [
        UserMessage(content="Go.", source="driver"),
        AssistantMessage(content=[call], source="x"),
        FunctionExecutionResultMessage(content=[lost]),
        AssistantMessage(content="Done.", source="x"),
        AssistantMessage(content=[call], source="x"),
    ]
    sent = [(x["role"], x.get("tool_call_id")) for x in conversation(talk)]
    assert sent == [
        ("user", None),
        ("assistant", None),
        ("tool", "1"),
        ("user", None),
        ("assistant", None),
        ("assistant", None),
        ("tool", "1"),
    ]


@pytest.mark.parametrize(
    ("model", "environment", "words"),
    [
        ("gpt", {}, "neither OPENAI_API_KEY nor OPENAI_BASE_URL"),
        ("", {"OPENAI_API_KEY": "x"}, "no model is named"),
    ],
)
def test_what_is_missing_is_said(model: str, environment: dict[str, str], words: str):
    with pytest.raises(InputError, match=words) as caught:
        OpenAIProvider(model, ModelSettings(), environment)
    assert caught.value.fix


def local(server: Loopback) -> Model:
    return Model("openai", "qwen", client(server), RunbookClient())


def test_a_whole_run_over_this_protocol_comes_to_the_same_as_the_runbook(tmp_path: Path, resolved: Run):
    with loopback(api.runbook) as server:
        run = perform(tmp_path, model=local(server))
    ours, theirs = run.result.finished, resolved.result.finished
    assert (ours.outcome, ours.plan, ours.model_calls) == (theirs.outcome, theirs.plan, theirs.model_calls)
    assert {x.model for x in run.of(ChatAnswered)} == {"qwen"}


def test_a_server_that_goes_away_leaves_the_run_to_the_runbook(tmp_path: Path, resolved: Run):
    replies = [api.runbook] * 3
    with loopback(in_order(*replies, then=lambda _: Reply(ending="reset"))) as server:
        run = perform(tmp_path, model=local(server))
    assert run.result.finished.plan == resolved.result.finished.plan
    assert [x.model for x in run.of(ChatAnswered)][2:4] == ["qwen", "runbook"]
    assert [x for x in run.of(Noted) if "openai:qwen is down" in x.text]
