"""The run record: order, chain, tampering, torn lines."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agents.record.events import Noted, RunResumed, RunStarted, StageStarted
from agents.record.journal import GENESIS, Journal, Record, read_journal
from agents.record.records import digest
from twin.errors import JournalError, StoreError
from twin.policy import Policy

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def written(path: Path, count: int = 4) -> Path:
    with Journal(path, clock=lambda: NOON) as journal:
        for number in range(count):
            journal.append(Noted(text=f"event {number}"))
    return path


def test_what_was_written_is_read_back_in_order(tmp_path: Path):
    reading = read_journal(written(tmp_path / "journal.jsonl"))
    assert [record.event.text for record in reading.records if isinstance(record.event, Noted)] == [
        "event 0",
        "event 1",
        "event 2",
        "event 3",
    ]
    assert not reading.torn


def test_each_record_names_the_hash_of_the_one_before(tmp_path: Path):
    records = read_journal(written(tmp_path / "journal.jsonl")).records
    assert [record.previous for record in records] == [GENESIS, *(record.hash for record in records[:-1])]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda lines: [lines[0], lines[1].replace(b"event 1", b"event 9"), *lines[2:]], "line 2 was altered"),
        (lambda lines: [lines[0], *lines[2:]], "line 2 does not follow"),
        (lambda lines: [lines[1], lines[0], *lines[2:]], "line 1 does not follow"),
        (lambda lines: [lines[0], b"{nonsense\n", *lines[2:]], "line 2 is not a journal record"),
        (lambda lines: [lines[0], lines[1].replace(b"12:00:00", b"13:00:00"), *lines[2:]], "line 2 was altered"),
    ],
    ids=["edited", "removed", "reordered", "garbage", "redated"],
)
def test_tampering_is_found_and_the_line_named(tmp_path: Path, damage, message: str):
    path = written(tmp_path / "journal.jsonl")
    path.write_bytes(b"".join(damage(path.read_bytes().splitlines(keepends=True))))
    with pytest.raises(JournalError, match=message):
        read_journal(path)


def respelled(old: bytes, new: bytes):
    """Write the last line otherwise, with the same values."""

    def damage(line: bytes) -> bytes:
        assert old in line
        return line.replace(old, new, 1)

    return damage


@pytest.mark.parametrize(
    "damage",
    [
        respelled(b'"event":{', b'"event":{"kind":"noted","text":"a lie"},"event":{'),
        respelled(b'"text":', b'"text":"a lie","text":'),
        respelled(b'{"seq":', b'{"hash":"0","seq":'),
        respelled(b",", b", "),
        respelled(b":", b" :"),
        respelled(b'{"seq"', b' {"seq"'),
        respelled(b"}\n", b"} \n"),
        respelled(b"}\n", b"}\r\n"),
        respelled(b'"text"', b'"t\\u0065xt"'),
        respelled(b"event 3", b"\\u0065vent 3"),
        respelled(b'"seq":3', b'"seq":3.0'),
        respelled(b'"seq":3', b'"seq":"3"'),
        respelled(b'"seq":3', b'"seq":3e0'),
        respelled(b"+00:00", b"Z"),
        respelled(b"T12:00:00", b" 12:00:00"),
        respelled(b'{"kind":"noted","text":"event 3"}', b'{"text":"event 3","kind":"noted"}'),
    ],
)
def test_a_line_that_is_not_byte_for_byte_its_record_is_found(tmp_path: Path, damage):
    path = written(tmp_path / "journal.jsonl")
    *lines, last = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join((*lines, damage(last))))
    with pytest.raises(JournalError, match="line 4 is not"):
        read_journal(path)


def of_an_earlier_version(event: dict[str, object]) -> bytes:
    content = {"seq": 0, "time": NOON.isoformat(), "previous": GENESIS, "event": event}
    return json.dumps({**content, "hash": digest(content)}, separators=(",", ":")).encode() + b"\n"


def test_a_record_of_an_earlier_version_reads_with_the_defaults_of_what_it_did_not_know(tmp_path: Path):
    asked = RunStarted(run="r", network="n", seed=1, model="m", policy=Policy(max_steps=3), inventory="i", nodes=1,
                       circuits=1, history=1.0, live_time=NOON)  # fmt: skip
    event = asked.model_dump(mode="json")
    for unknown in ("vision", "compact", "works"):
        del event[unknown]
    del event["policy"]["horizon_hours"]
    path = tmp_path / "journal.jsonl"
    path.write_bytes(of_an_earlier_version(event))
    assert read_journal(path).records[0].event == asked
    for name, other in (("seed", 2), ("vision", False), ("model", None)):  # altered, added, and taken away
        changed = {**event, name: other} if other is not None else {x: y for x, y in event.items() if x != "goal"}
        line = of_an_earlier_version(changed)
        path.write_bytes(line.replace(line[-67:-3], of_an_earlier_version(event)[-67:-3]))
        with pytest.raises(JournalError, match="line 1 was altered"):
            read_journal(path)
    path.write_bytes(of_an_earlier_version({**event, "unheard": 1}))
    with pytest.raises(JournalError, match="line 1 is not a journal record"):
        read_journal(path)


def test_a_line_that_was_cut_off_by_a_crash_is_left_out_and_reported(tmp_path: Path):
    path = written(tmp_path / "journal.jsonl")
    path.write_bytes(path.read_bytes()[:-30])
    reading = read_journal(path)
    assert len(reading.records) == 3
    assert reading.torn


def test_a_shortened_journal_has_another_head(tmp_path: Path):
    path = written(tmp_path / "journal.jsonl")
    head = read_journal(path).head
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    assert read_journal(path).head != head


def test_the_listener_sees_an_event_only_once_it_is_in_the_file(tmp_path: Path):
    path = tmp_path / "journal.jsonl"
    seen: list[bool] = []

    def listener(record: Record) -> None:
        seen.append(record.hash.encode() in path.read_bytes())

    with Journal(path, clock=lambda: NOON, listener=listener) as journal:
        journal.append(StageStarted(stage="observe"))
        journal.append(Noted(text="Zürich→Genève"))
    assert seen == [True, True]


def test_a_durable_event_is_on_disk_before_anybody_is_shown_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path, story = tmp_path / "journal.jsonl", list[str]()
    monkeypatch.setattr(os, "fsync", lambda _: story.append(f"synced {path.read_text().count('event')}"))
    with Journal(path, clock=lambda: NOON, listener=lambda record: story.append(record.event.kind)) as journal:
        journal.append(Noted(text="a word"))
        assert story == ["noted"]
        journal.append(RunResumed(records=1, torn=False))
        assert story[1].startswith("synced")
        assert story[2:] == ["run resumed"]


def test_a_closed_journal_takes_no_more(tmp_path: Path):
    journal = Journal(tmp_path / "journal.jsonl", clock=lambda: NOON)
    journal.close()
    with pytest.raises(JournalError, match="closed"):
        journal.append(Noted(text="late"))


def test_an_existing_journal_is_never_overwritten(tmp_path: Path):
    path = written(tmp_path / "journal.jsonl")
    with pytest.raises(StoreError, match="exists already"):
        Journal(path, clock=lambda: NOON)


def test_a_missing_journal_is_one_clear_error(tmp_path: Path):
    with pytest.raises(StoreError, match="cannot read"):
        read_journal(tmp_path / "none.jsonl")
