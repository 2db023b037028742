"""The Messages API as it is really spoken: what goes out, what comes back, and what must survive a tool loop."""

import asyncio
import json
from collections.abc import Sequence

import pytest
from autogen_core import FunctionCall
from autogen_core.models import (
    AssistantMessage,
    CreateResult,
    FunctionExecutionResult,
    FunctionExecutionResultMessage,
    LLMMessage,
    SystemMessage,
    UserMessage,
)
from autogen_core.tools import ToolSchema
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from pydantic import BaseModel

from agents.models.anthropic import AnthropicProvider, make_client
from agents.models.anthropic_wire import FINISH, conversation
from agents.models.client import Answer, Usage
from agents.models.resilience import ResilientClient
from agents.models.settings import ModelSettings
from tests.agents.models import messages_api as api
from tests.agents.models.loopback import Json, Loopback, Reply, loopback, status
from tests.agents.models.provider_faults import QUICK, environment
from twin.errors import InputError, ModelRequestError, ProviderError

TOOLS = [ToolSchema(name="decide", description="Decide."), ToolSchema(name="verify_plan", description="Verify.")]
TASK: list[LLMMessage] = [SystemMessage(content="You decide."), UserMessage(content="Decide.", source="driver")]


def client(server: Loopback, **settings: object) -> ResilientClient:
    return make_client("claude-test", QUICK.model_copy(update=settings), environment(server))


def ask(
    *replies: Reply,
    messages: Sequence[LLMMessage] = TASK,
    output: type[BaseModel] | bool | None = None,
    tools: Sequence[ToolSchema] = TOOLS,
    **settings: object,
) -> tuple[Answer, list[Json]]:
    async def once(server: Loopback) -> Answer:
        asked = client(server, **settings)
        try:
            answer = await asked.create(messages, tools=tools, json_output=output)
            assert isinstance(answer, Answer)
            return answer
        finally:
            await asked.close()

    with loopback(api.in_order(*replies, then=lambda _: replies[-1])) as server:
        return asyncio.run(once(server)), [asked.body for asked in server.asked]


def result(call: str, content: str, *, failed: bool = False) -> FunctionExecutionResult:
    return FunctionExecutionResult(content=content, name="x", call_id=call, is_error=failed)


def calling(*ids: str) -> AssistantMessage:
    return AssistantMessage(content=[FunctionCall(x, "{}", "verify_plan") for x in ids], source="x")


def test_parallel_calls_and_the_words_before_them_come_back():
    answer, _ = ask(api.say(api.text("Both."), api.use("verify_plan", {}, "a"), api.use("decide", {"x": 1}, "b")))
    assert answer.content == [FunctionCall("a", "{}", "verify_plan"), FunctionCall("b", '{"x": 1}', "decide")]
    assert (answer.thought, answer.finish_reason, answer.stop) == ("Both.", "function_calls", "tool_use")


def test_usage_counts_the_cache_too():
    answer, _ = ask(api.say(api.text("Done.")))
    assert answer.usage == Usage(6_100, 20, cache_read_tokens=5_000, cache_write_tokens=1_000)
    assert answer.model == "claude-test-1"


def test_thinking_goes_back_with_its_signature_before_the_results_of_its_calls():
    hidden = {"type": "redacted_thinking", "data": "opaque"}
    thought = api.thinking("If it fails under KSC-IPL, reject.", "signed-1")
    first = api.say(thought, hidden, api.text("Verify."), api.use("verify_plan", {}, "a"))

    async def loop(server: Loopback) -> None:
        asked = client(server)
        answer = await asked.create(TASK, tools=TOOLS)
        said = AssistantMessage(content=answer.content, thought=answer.thought, source="verification")
        await asked.create([*TASK, said, FunctionExecutionResultMessage(content=[result("a", "{}")])], tools=TOOLS)
        await asked.close()

    with loopback(api.in_order(first, then=lambda _: api.say(api.text("Done.")))) as server:
        asyncio.run(loop(server))
    said = server.asked[1].body["messages"][1]["content"]
    assert said == [
        {"type": "thinking", "thinking": "If it fails under KSC-IPL, reject.", "signature": "signed-1"},
        hidden,
        {"type": "text", "text": "Verify."},
        {"type": "tool_use", "id": "a", "name": "verify_plan", "input": {}},
    ]


def test_thinking_that_was_recorded_goes_back_after_a_restart():
    answer, _ = ask(api.say(api.thinking("Hm.", "signed-2"), api.use("verify_plan", {}, "a")))

    async def resumed(server: Loopback) -> None:
        asked = client(server)
        asked.remember(["a"], answer.blocks)
        talk = [*TASK, calling("a"), FunctionExecutionResultMessage(content=[result("a", "{}")])]
        await asked.create(talk, tools=TOOLS)
        await asked.close()

    with loopback(lambda _: api.say(api.text("Done."))) as server:
        asyncio.run(resumed(server))
    assert server.asked[0].body["messages"][1]["content"][0]["signature"] == "signed-2"


def test_thinking_that_the_api_no_longer_takes_is_left_out():
    moody = status(400, kind="invalid_request_error", words="messages.1: thinking blocks cannot be modified")

    async def loop(server: Loopback) -> CreateResult:
        asked = client(server)
        asked.remember(["a"], [api.thinking("Hm.", "old"), api.use("verify_plan", {}, "a")])
        talk = [*TASK, calling("a"), FunctionExecutionResultMessage(content=[result("a", "{}")])]
        try:
            return await asked.create(talk, tools=TOOLS)
        finally:
            await asked.close()

    with loopback(api.in_order(moody, then=lambda _: api.say(api.text("Done.")))) as server:
        assert asyncio.run(loop(server)).content == "Done."
    assert [block["type"] for block in server.asked[1].body["messages"][1]["content"]] == ["tool_use"]


def test_prompt_tools_and_the_last_two_turns_are_cached():
    talk = [*TASK, calling("a"), FunctionExecutionResultMessage(content=[result("a", "1")]), calling("b"),
            FunctionExecutionResultMessage(content=[result("b", "2")])]  # fmt: skip
    _, (body,) = ask(api.say(api.text("Done.")), messages=talk)
    cached = {"type": "ephemeral"}
    assert body["system"] == [{"type": "text", "text": "You decide.", "cache_control": cached}]
    assert [tool.get("cache_control") for tool in body["tools"]] == [None, cached]
    marked = [i for i, turn in enumerate(body["messages"]) if "cache_control" in turn["content"][-1]]
    assert marked == [2, 4]
    assert json.dumps(body).count("cache_control") == 4  # as many as the API takes


def test_a_failed_tool_is_told_to_be_one():
    talk = [*TASK, calling("a"), FunctionExecutionResultMessage(content=[result("a", "no", failed=True)])]
    _, (body,) = ask(api.say(api.text("Done.")), messages=talk)
    assert body["messages"][2]["content"][0]["is_error"] is True


def test_nothing_is_sent_that_the_api_refuses_or_that_tells_about_us():
    trace_id = TracerProvider().get_tracer("t")
    with trace_id.start_as_current_span("ours"):
        assert trace.get_current_span().is_recording()
        with loopback(lambda _: api.say(api.text("Done."))) as server:
            asyncio.run(_once(server))
    (asked,) = server.asked
    assert not {"traceparent", "tracestate", "baggage"} & set(asked.headers)
    assert not {"temperature", "top_p", "top_k"} & set(asked.body)
    assert asked.headers["x-stainless-retry-count"] == "0"


async def _once(server: Loopback) -> None:
    asked = client(server)
    await asked.create(TASK, tools=TOOLS)
    await asked.close()


def test_nobody_but_us_asks_again():
    with loopback(lambda _: status(500)) as server:
        with pytest.raises(ProviderError, match="after 3 requests"):
            asyncio.run(_asked_and_closed(server))
        assert len(server.asked) == QUICK.attempts == 3


def test_effort_and_thinking_are_sent_when_they_are_set():
    _, (body,) = ask(api.say(api.text("Done.")), effort="low", thinking="adaptive")
    assert body["output_config"] == {"effort": "low"}
    assert body["thinking"] == {"type": "adaptive"}


class Shape(BaseModel):
    n: int


def test_a_shape_is_asked_for_and_kept_to():
    wrong, right = api.say(api.text('{"n": "many"}')), api.say(api.text('{"n": 3}'))
    answer, (first, second) = ask(wrong, right, output=Shape, tools=())
    assert answer.content == '{"n": 3}'
    assert first["output_config"]["format"]["schema"]["properties"]["n"]["type"] == "integer"
    assert "schema" in second["messages"][-1]["content"][0]["text"]
    assert answer.usage.completion_tokens == 40  # both answers are paid for


def test_a_shape_that_stays_wrong_is_an_error_not_an_answer():
    with pytest.raises(ProviderError, match="no usable answer twice"):
        ask(api.say(api.text("not JSON")), output=True, tools=())


STOPS = ["end_turn", "stop_sequence", "max_tokens", "pause_turn", "refusal", "model_context_window_exceeded", "new"]


@pytest.mark.parametrize("stop", STOPS)
def test_every_way_to_stop_has_one_meaning(stop: str):
    reply = api.say(api.text("words"), stop=stop)
    if FINISH.get(stop) == "stop":
        assert ask(reply)[0].stop == stop
        return
    with pytest.raises(ProviderError) as caught:
        ask(reply)
    assert stop in str(caught.value) or stop == "max_tokens"


def test_unreadable_arguments_go_back_as_what_they_are_and_are_answered_by_no_tool():
    bad, good = api.say(api.use("decide", '{"decision": ', "a")), api.say(api.use("verify_plan", {}, "b"))
    answer, (_, second) = ask(bad, good)
    assert answer.content == [FunctionCall("b", "{}", "verify_plan")]
    said, told = second["messages"][-2:]
    assert said["content"][0]["input"] == {"unreadable_arguments": '{"decision": '}
    assert told["content"][0]["is_error"] is True
    assert told["content"][0]["content"].startswith("Not called: decide")


REFUSED = [
    (400, "invalid_request_error"),
    (401, "authentication_error"),
    (403, "permission_error"),
    (404, "not_found_error"),
    (413, "request_too_large"),
]


@pytest.mark.parametrize(("code", "kind"), REFUSED)
def test_a_request_that_is_not_accepted_is_sent_once_and_its_reason_told(code: int, kind: str):
    with loopback(lambda _: status(code, kind=kind, words="because")) as server:
        with pytest.raises(ModelRequestError, match="because") as caught:
            asyncio.run(_asked_and_closed(server))
        assert len(server.asked) == 1
    assert "doctor" in caught.value.fix


async def _asked_and_closed(server: Loopback) -> None:
    asked = client(server)
    try:
        await asked.create(TASK, tools=TOOLS)
    finally:
        await asked.close()


@pytest.mark.parametrize(
    ("model", "env", "words"), [("m", {}, "ANTHROPIC_API_KEY"), ("", {"ANTHROPIC_API_KEY": "k"}, "no model is named")]
)
def test_what_is_missing_is_said_before_anything_is_asked(model: str, env: dict[str, str], words: str):
    with pytest.raises(InputError, match=words) as caught:
        AnthropicProvider(model, ModelSettings(), env)
    assert caught.value.fix


ids = st.sampled_from(["a", "b", "c"])
some_ids = st.lists(ids, min_size=1, max_size=2, unique=True)
messages = st.lists(
    st.one_of(
        st.text(max_size=5).map(lambda x: UserMessage(content=x, source="driver")),
        st.text(max_size=5).map(lambda x: AssistantMessage(content=x, source="x")),
        some_ids.map(lambda x: calling(*x)),
        some_ids.map(lambda x: FunctionExecutionResultMessage(content=[result(i, "r") for i in x])),
    ),
    max_size=8,
)


@given(messages)
def test_any_conversation_becomes_one_that_the_api_takes(talk: list[LLMMessage]):
    turns = conversation(talk, {})
    roles = [turn["role"] for turn in turns]
    assert roles == ["user", "assistant"] * (len(roles) // 2) + ["user"]
    for before, turn in zip([None, *turns], turns, strict=False):
        blocks = turn["content"]
        assert blocks
        assert all(block["text"].strip() for block in blocks if block["type"] == "text")
        if turn["role"] == "user":
            called = [x["id"] for x in before["content"] if x["type"] == "tool_use"] if before else []
            results = [x["tool_use_id"] for x in blocks if x["type"] == "tool_result"]
            assert results == called
            assert [x["type"] for x in blocks[: len(results)]] == ["tool_result"] * len(results)
