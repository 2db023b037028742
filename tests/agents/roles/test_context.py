"""The conversation window: the task stays, and no call is ever parted from its results."""

import asyncio
import json
import random
from itertools import pairwise

import pytest
from autogen_core import FunctionCall
from autogen_core.model_context import BufferedChatCompletionContext, TokenLimitedChatCompletionContext
from autogen_core.models import (
    AssistantMessage,
    FunctionExecutionResult,
    FunctionExecutionResultMessage,
    SystemMessage,
    UserMessage,
)
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agents.models.conversation import read
from agents.models.runbook import RunbookClient
from agents.roles.context import LEFT_OUT, SMALL, ConversationWindow, window


def calls(*ids):
    return AssistantMessage(content=[FunctionCall(id=x, name=f"tool_{x}", arguments="{}") for x in ids], source="a")


def results(*ids, size=20):
    rows = [{"link": f"L{i}", "utilisation": i / 100} for i in range(size)]
    content = json.dumps({"busiest": "L1", "links": rows})
    return FunctionExecutionResultMessage(
        content=[FunctionExecutionResult(content=content, name=f"tool_{x}", call_id=x, is_error=False) for x in ids]
    )


def task(text="find the cause"):
    return UserMessage(content=text, source="driver")


def broken(messages):
    """What a provider refuses: a call without all of its results right after it, or a result without its call."""
    faults = []
    for i, message in enumerate(messages):
        if isinstance(message, AssistantMessage) and not isinstance(message.content, str):
            following = messages[i + 1] if i + 1 < len(messages) else None
            wanted = {x.id for x in message.content}
            given_ = (
                {x.call_id for x in following.content}
                if isinstance(following, FunctionExecutionResultMessage)
                else set()
            )
            faults += ["call without its results"] * (wanted != given_)
        if isinstance(message, FunctionExecutionResultMessage):
            before = messages[i - 1] if i else None
            known = isinstance(before, AssistantMessage) and not isinstance(before.content, str)
            faults += ["results without their call"] * (not known)
    return faults


IDS = st.lists(st.sampled_from("abcdef"), min_size=1, max_size=3, unique=True)
TURN = st.one_of(
    IDS.map(lambda ids: [calls(*ids), results(*ids)]),
    st.tuples(IDS, st.integers(1, 200)).map(lambda x: [calls(*x[0]), results(*x[0], size=x[1])]),
    st.text(max_size=200).map(lambda text: [AssistantMessage(content=text, source="a")]),
    st.text(min_size=1, max_size=300).map(lambda text: [task(text)]),
    IDS.map(lambda ids: [calls(*ids)]),  # cancelled before any result
    IDS.map(lambda ids: [results(*ids)]),  # what is left of a conversation that was cut elsewhere
    IDS.map(lambda ids: [calls(*ids, "z"), results(*ids)]),  # one result of several is missing
    st.just([calls("a", "a"), results("a", "a")]),  # a provider refuses two calls of one id
)
CONVERSATION = st.lists(TURN, max_size=14).map(lambda turns: [message for turn in turns for message in turn])


@settings(max_examples=300)
@given(CONVERSATION, st.integers(1, 6_000))
@example([task(), calls("a", "b"), results("a")], 10_000)
@example([calls("a"), task(), results("a")], 10_000)
def test_no_call_is_ever_parted_from_its_results(messages, tokens):
    shown = window([task("first"), *messages], tokens)
    assert broken(shown) == []
    tasks = [x.content for x in shown if isinstance(x, UserMessage) and x.source == "driver"]
    assert tasks == ["first", *(x.content for x in messages if isinstance(x, UserMessage))]
    assert window([task("first"), *messages], tokens) == shown


@settings(max_examples=200)
@given(st.lists(st.integers(1, 250), min_size=1, max_size=12), st.integers(800, 5_000))
def test_the_window_keeps_within_its_tokens_and_shows_the_newest_call(sizes, tokens):
    messages = [task()]
    for number, size in enumerate(sizes):
        messages += [calls(f"c{number}"), results(f"c{number}", size=size)]
    shown = window(messages, tokens)
    assert sum(len(x.model_dump_json()) for x in shown) // 4 <= tokens + 60  # the note of what was left out
    assert shown[-2].content[0].id == f"c{len(sizes) - 1}"
    kept = [x.content[0].id for x in shown if isinstance(x, AssistantMessage)]
    assert kept == [f"c{i}" for i in range(len(sizes) - len(kept), len(sizes))]


def test_older_results_are_shortened_by_value_before_any_call_is_left_out():
    messages = [task(), calls("a"), results("a", size=200), calls("b"), results("b", size=200)]
    shown = window(messages, 3_000)
    old, new = (json.loads(x.content[0].content) for x in shown if isinstance(x, FunctionExecutionResultMessage))
    assert new["links"][-1] == {"link": "L199", "utilisation": 1.99}
    assert old["busiest"] == "L1"
    assert old["shortened"]["lists"]["links"]["of"] == 200
    assert old["shortened"]["lists"]["links"]["max"] == {"utilisation": 1.99}
    assert old["shortened"]["handle"].startswith("result-")


def test_the_task_stays_the_drivers_last_word_when_something_is_left_out():
    messages = [task()]
    for number in range(12):
        messages += [calls(f"c{number}"), results(f"c{number}", size=60)]
    shown = window(messages, 1_200)
    said = [(x.source, x.content) for x in shown if isinstance(x, UserMessage)]
    assert [source for source, _ in said] == [LEFT_OUT, "driver"]
    assert "tool_c0" in said[0][1]
    assert read(shown, ["tool_c11"]).answer("tool_c11")["busiest"] == "L1"


def test_without_the_window_autogens_own_contexts_lose_the_task_or_part_results_from_their_call():
    messages = [task(), calls("a"), results("a"), calls("b"), results("b"), calls("c"), results("c")]

    async def shown_by(context):
        for message in messages:
            await context.add_message(message)
        return await context.get_messages()

    buffered = asyncio.run(shown_by(BufferedChatCompletionContext(buffer_size=4)))
    assert not [x for x in buffered if isinstance(x, UserMessage)]
    limited = TokenLimitedChatCompletionContext(RunbookClient(), token_limit=500)
    assert broken(asyncio.run(shown_by(limited)))
    shown = asyncio.run(shown_by(ConversationWindow(tokens=500)))
    assert broken(shown) == []
    assert [x.content for x in shown if isinstance(x, UserMessage) and x.source == "driver"] == ["find the cause"]


def played(tokens, sizes):
    """The requests of one conversation, and whether each shows its newest result whole."""

    async def play():
        context, made, whole = ConversationWindow(tokens), [], []
        await context.add_message(task())
        for number, size in enumerate(sizes):
            newest = results(f"c{number}", size=size)
            await context.add_message(calls(f"c{number}"))
            await context.add_message(newest)
            shown = await context.get_messages()
            made.append([x.model_dump_json() for x in shown])
            whole.append(shown[-1] == newest)
        return made, whole

    return asyncio.run(play())


# The beginning that every request shares, prompt and tools, is 5,000 characters where a small model is shown least.
@pytest.mark.parametrize(
    ("tokens", "sizes", "beginning"),
    [
        pytest.param(4_000, [30] * 40, 0, id="short-results"),
        pytest.param(SMALL, random.Random(1).choices(range(110, 211), k=30), 5_000, id="long-results-in-small"),
    ],
)
def test_between_two_cuts_every_request_begins_as_the_one_before(tokens, sizes, beginning):
    made, whole = played(tokens, sizes)
    assert all(whole)  # a cut never shortens what nobody has read yet
    assert max(sum(map(len, request)) for request in made) <= tokens * 4 + 240
    cuts = [i for i, (a, b) in enumerate(pairwise(made)) if b[: len(a)] != a]
    assert cuts[0] < 20  # it was cut, and more than once
    assert len(cuts) > 1
    cached = sent = 0
    for before, after in list(pairwise(made))[cuts[0] :]:
        same = next((i for i, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), len(before))
        cached += beginning + sum(map(len, after[:same]))
        sent += beginning + sum(map(len, after))
    assert cached >= 0.6 * sent, f"{cached / sent:.1%}"


def test_a_conversation_that_was_cut_while_a_tool_ran_can_go_on():
    async def play():
        context = ConversationWindow()
        for message in (task(), calls("a", "b"), task("you have not concluded")):
            await context.add_message(message)
        return await context.get_messages()

    shown = asyncio.run(play())
    assert [x.content for x in shown] == ["find the cause", "you have not concluded"]


@pytest.mark.parametrize("tokens", [1, 50, 100_000])
def test_a_prompt_is_never_left_out(tokens):
    shown = window([SystemMessage(content="prompt"), task(), calls("a"), results("a", size=300)], tokens)
    assert shown[0].content == "prompt"


def test_a_new_round_begins_with_the_tasks_alone_and_then_only_grows():
    context = ConversationWindow()

    async def shown(*messages):
        for message in messages:
            await context.add_message(message)
        return await context.get_messages()

    async def rounds():
        first = await shown(task("one"), calls("a", "b"), results("a", "b"), calls("c"), results("c"))
        assert len(first) == 5
        context.begin_round()
        again = await shown(task("two"))
        assert [x.content for x in again if x.source != LEFT_OUT] == ["one", "two"]
        (note,) = [x.content for x in again if x.source == LEFT_OUT]
        assert "3 earlier calls (tool_a, tool_b, tool_c)" in note
        more = await shown(calls("d"), results("d"))
        assert more[: len(again)] == again
        assert not broken(more)
        context.begin_round()
        last = await shown(task("three"))
        assert [x.content for x in last if x.source != LEFT_OUT] == ["one", "two", "three"]
        assert "4 earlier calls" in next(x.content for x in last if x.source == LEFT_OUT)

    asyncio.run(rounds())
