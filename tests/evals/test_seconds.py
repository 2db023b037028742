"""Where a run's time went, against stretches that were drawn: calls of one answer that overlap count once."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.record.events import ChatAnswered, ChatRequested, Event, Noted, ToolCalled, ToolReturned
from agents.record.records import Record
from evals.cases.seconds import time_taken

START = datetime(2026, 3, 2, tzinfo=UTC)


def at(second: float, event: Event) -> Record:
    return Record(seq=0, time=START + timedelta(seconds=second), previous="", event=event, hash="")


def asked(call: int) -> ChatRequested:
    return ChatRequested(role="planning", model="m", call=call, request="0" * 16, prompt="p", messages=(), tools=())


def answered(call: int) -> ChatAnswered:
    return ChatAnswered(
        role="planning", model="m", call=call, text="", tool_calls=(), finish="stop", input_tokens=0, output_tokens=0,
        seconds=9.0,
    )  # fmt: skip


def called(id: str) -> ToolCalled:
    return ToolCalled(role="planning", id=id, tool="what_if", arguments={})


def returned(id: str) -> ToolReturned:
    return ToolReturned(role="planning", id=id, tool="what_if", ok=True, content="{}", seconds=9.0)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 9)), max_size=6), st.integers(1, 9), st.integers(0, 9))
def test_the_parts_are_the_whole_and_a_second_counts_once(tools, thinking: int, gap: int):
    begin, first = thinking + gap, at(0, asked(1))
    stretches = [(begin + start, begin + start + long) for start, long in tools]
    end = max((x for _, x in stretches), default=begin) + 1
    calls = [at(a, called(str(i))) for i, (a, _) in enumerate(stretches)]
    answers = [at(b, returned(str(i))) for i, (_, b) in enumerate(stretches)]
    during = sorted([*calls, *answers], key=lambda x: x.time)
    found = time_taken([first, at(thinking, answered(1)), *during, at(end, Noted(text="done"))])
    seconds = {second for a, b in stretches for second in range(a, b)}
    assert found["model_seconds"] == pytest.approx(thinking)
    assert found["tool_seconds"] == pytest.approx(len(seconds))
    assert sum(found.values()) == pytest.approx(end)


def test_a_call_that_never_returned_and_a_record_without_lines_take_nothing():
    assert time_taken([at(0, asked(1)), at(4, Noted(text="killed"))]) == {
        "model_seconds": 0.0,
        "tool_seconds": 0.0,
        "own_seconds": 4.0,
    }
    assert set(time_taken([]).values()) == {0.0}
