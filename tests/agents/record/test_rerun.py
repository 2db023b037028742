"""Going through one's own past: the same events are met, in order; others are named; chance decides nothing."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.record.events import ChatAnswered, Event, Noted, RunResumed, StageStarted, ToolCalled, ToolReturned
from agents.record.journal import Journal, Record, read_journal
from agents.record.rerun import RecordsAhead
from twin.errors import DivergedError, RehearsedError

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
STAGES = ("observe", "diagnose", "plan", "verify", "approve", "execute", "confirm", "roll back")

events = st.one_of(
    st.builds(StageStarted, stage=st.sampled_from(STAGES), round=st.integers(1, 3)),
    st.builds(Noted, text=st.text(max_size=5)),
    st.builds(
        ToolCalled, role=st.just("planning"), id=st.sampled_from("abc"), tool=st.just("what_if"), arguments=st.none()
    ),
)


def record_of(past: list[Event]) -> list[Record]:
    return [
        Record(seq=number, time=NOON, previous="0" * 64, event=event, hash="1" * 64)
        for number, event in enumerate(past)
    ]


def returned(call: str, tool: str = "what_if", seconds: float = 1.0, **more: object) -> ToolReturned:
    fields = {"role": "planning", "id": call, "tool": tool, "ok": True, "content": "{}", "seconds": seconds}
    return ToolReturned.model_validate({**fields, **more})


@given(st.lists(events, max_size=20))
def test_a_past_is_met_event_by_event(past: list[Event]):
    ahead = RecordsAhead(record_of(past))
    for event in past:
        met = ahead.meet(event)
        assert met is not None
        assert met.event == event
    assert ahead.ahead == 0
    assert ahead.meet(StageStarted(stage="plan")) is None


@given(st.lists(events, min_size=1, max_size=12), st.data())
def test_asides_are_passed_by_wherever_they_are(past: list[Event], data: st.DataObject):
    with_asides = list(past)
    for _ in range(data.draw(st.integers(0, 4))):
        place = data.draw(st.integers(0, len(with_asides)))
        with_asides.insert(place, RunResumed(records=3, torn=False))
    ahead = RecordsAhead(record_of(with_asides))
    for event in past:
        if not isinstance(event, Noted):
            assert ahead.meet(event) is not None
    assert ahead.meet(StageStarted(stage="confirm", round=9)) is None


def test_how_long_it_took_and_which_model_spoke_decide_nothing():
    answer = ChatAnswered(
        role="planning",
        model="a",
        call=1,
        text="",
        tool_calls=(),
        finish="stop",
        input_tokens=1,
        output_tokens=1,
        seconds=1,
    )
    ahead = RecordsAhead(record_of([answer, returned("x", seconds=1.0)]))
    assert ahead.meet(answer.model_copy(update={"seconds": 2.0, "model": "b"})) is not None
    assert ahead.meet(returned("x", seconds=9.0)) is not None


def test_another_event_is_named_with_its_place_and_field():
    ahead = RecordsAhead(record_of([StageStarted(stage="plan", round=1)]))
    with pytest.raises(DivergedError, match="record 1, 'stage started' of plan: round was 1 and is 2"):
        ahead.meet(StageStarted(stage="plan", round=2))
    with pytest.raises(DivergedError, match="record 1 says 'stage started' where 'tool returned' of what_if comes now"):
        ahead.meet(returned("x"))


def test_calls_that_were_made_at_once_may_return_in_another_order():
    ahead = RecordsAhead(record_of([returned("a"), returned("b"), StageStarted(stage="plan")]))
    assert ahead.meet(returned("b")) is not None
    assert ahead.meet(returned("a")) is not None
    with pytest.raises(DivergedError):
        ahead.meet(returned("c"))


def test_what_a_call_gave_is_looked_for_among_its_neighbours_only():
    ahead = RecordsAhead(
        record_of([returned("a", content="1"), StageStarted(stage="plan"), returned("b", content="2")])
    )
    found = ahead.returned("planning", "what_if", "a")
    assert found is not None
    assert found.content == "1"
    assert ahead.returned("planning", "what_if", "b") is None
    assert ahead.returned("diagnosis", "what_if", "a") is None


def test_a_journal_that_only_recalls_ends_where_its_record_does():
    journal = Journal.rehearse(record_of([StageStarted(stage="plan")]), clock=lambda: NOON)
    journal.append(StageStarted(stage="plan"))
    with pytest.raises(RehearsedError, match="the record ends before 'noted'"):
        journal.append(Noted(text="more"))


def test_a_reopened_journal_goes_on_with_its_chain_and_without_its_torn_line(tmp_path: Path):
    path = tmp_path / "journal.jsonl"
    with Journal(path, clock=lambda: NOON) as journal:
        for number in range(3):
            journal.append(Noted(text=f"event {number}"))
    path.write_bytes(path.read_bytes() + b'{"seq":3,"time":"2026')
    reading = read_journal(path)
    assert reading.torn
    shown: list[Record] = []
    with Journal.reopen(path, reading, clock=lambda: NOON, listener=shown.append) as journal:
        journal.recorded = RecordsAhead(reading.records)
        for number in range(3):
            journal.append(Noted(text=f"event {number}"))
        journal.append(Noted(text="new"))
    again = read_journal(path)
    assert not again.torn
    assert [x.event.text for x in again.records if isinstance(x.event, Noted)] == [
        "event 0",
        "event 1",
        "event 2",
        "new",
    ]
    assert [record.seq for record in shown] == [3]
