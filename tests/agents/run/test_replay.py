"""A run gone through once more without a model, and a record that is audited."""

import asyncio
import json
import shutil
from pathlib import Path

import pytest

from agents.models.conversation import Conversation
from agents.record.audit.audit import audit_run
from agents.record.events import ExecutionStep, ToolReturned
from agents.record.journal import read_journal
from agents.record.records import body, digest
from agents.run.replay import replay_run
from tests.agents.characters import calls, model
from tests.agents.incidents import Run, perform
from twin.errors import DeadlineError, InputError


def copied(run: Run, tmp: Path) -> Path:
    return Path(shutil.copytree(run.result.folder, tmp / "runs" / run.result.folder.name))


def rewritten(folder: Path, change) -> None:
    """Write the journal anew with one record changed, its chain intact: what somebody who knows the format could do."""
    path, head, lines = folder / "journal.jsonl", "0" * 64, []
    for record in read_journal(path).records:
        content = body(record.seq, record.time, head, change(record.event))
        head = digest(content)
        lines.append(json.dumps({**content, "hash": head}, separators=(",", ":"), ensure_ascii=False))
    path.write_text("\n".join(lines) + "\n")


def test_a_run_comes_out_the_same_without_its_model_and_its_folder_is_left_alone(resolved: Run, tmp_path: Path):
    folder = copied(resolved, tmp_path)
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix in (".jsonl", ".json")}
    replay = asyncio.run(replay_run(folder))
    assert replay.same
    assert replay.followed == replay.records == len(resolved.records)
    assert replay.remarks == ()
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.name in before} == before


def test_a_model_that_is_no_runbook_is_not_needed_either(tmp_path: Path):
    asked: list[str] = []

    def sceptic(talk: Conversation, tools: list[str]):
        asked.append("once")
        if "decide" in tools and talk.answer("verify_plan") and talk.offers("decide") and len(talk.exchanges) == 1:
            return calls("decide", decision="reject", reasons="I do not like it.")
        return None

    run = perform(tmp_path, model=model(sceptic))
    asked.clear()
    replay = asyncio.run(replay_run(run.result.folder))
    assert replay.same
    assert replay.followed == len(run.records)
    assert asked == []


def test_a_decision_that_came_out_otherwise_is_named(resolved: Run, tmp_path: Path):
    folder = copied(resolved, tmp_path)

    def other(event):
        if event.kind == "stage finished" and event.stage == "diagnose":
            return event.model_copy(update={"because": "a feeling"})
        return event

    rewritten(folder, other)
    replay = asyncio.run(replay_run(folder))
    assert not replay.same
    assert "'stage finished' of diagnose: because was \"a feeling\" and is" in replay.difference


def test_a_tool_that_answers_otherwise_is_named_though_the_decisions_are_the_same(resolved: Run, tmp_path: Path):
    folder = copied(resolved, tmp_path)

    def other(event):
        if isinstance(event, ToolReturned) and event.tool == "read_events":
            return event.model_copy(update={"content": event.content.replace('"lines"', '"rows"')})
        return event

    rewritten(folder, other)
    replay = asyncio.run(replay_run(folder))
    assert replay.differing_tools == ("read_events",)


def test_a_run_whose_provider_went_down_is_the_same_up_to_there(tmp_path: Path):
    def down(_talk: Conversation, tools: list[str]):
        if "submit_plan" in tools:
            raise DeadlineError("the provider did not answer", fix="try again later")

    run = perform(tmp_path, model=model(down))
    replay = asyncio.run(replay_run(run.result.folder))
    assert replay.same
    assert replay.followed == replay.records - 1
    assert "the provider did not answer" in replay.ends_because


def test_a_folder_without_a_run_cannot_be_replayed(tmp_path: Path):
    with pytest.raises(InputError, match="holds no run"):
        asyncio.run(replay_run(tmp_path))


def test_an_audit_tells_who_decided_what_on_which_evidence(resolved: Run):
    report = audit_run(resolved.result.folder, home=resolved.result.folder.parents[1] / "home")
    assert report.sound
    assert (report.chain, report.certificate, report.effects) == ("holds", "holds", "holds")
    assert report.findings == dict.fromkeys(report.findings, "holds")
    assert report.head == resolved.result.head
    decided = {entry.who: entry for entry in report.trail}
    assert "rank_causes" in decided["diagnosis"].evidence
    assert "verify_plan" in decided["verification"].evidence
    assert "survivable passed" in decided["gate"].evidence
    assert decided["operator"].evidence == ("approved by verification-agent",)
    assert report.trail[-1].what == "ended: resolved"


def test_a_head_that_was_kept_elsewhere_unmasks_a_rewritten_journal(resolved: Run, tmp_path: Path):
    folder = copied(resolved, tmp_path)
    home = resolved.result.folder.parents[1] / "home"
    assert audit_run(folder, home=home, head=resolved.result.head).expected_head == "holds"
    rewritten(folder, lambda event: event.model_copy(update={"seconds": 0.0}) if hasattr(event, "seconds") else event)
    report = audit_run(folder, home=home, head=resolved.result.head)
    assert report.chain == "holds"
    assert report.expected_head == "broken"
    assert not report.sound
    assert audit_run(folder, home=home).expected_head == "broken"  # the home has kept it, too
    for short in (resolved.result.head[:12], resolved.result.head[:-1], "", "g" * 64):
        with pytest.raises(InputError, match="the whole hash"):
            audit_run(folder, home=home, head=short)


def test_an_altered_record_is_named(resolved: Run, tmp_path: Path):
    folder = copied(resolved, tmp_path)
    path = folder / "journal.jsonl"
    path.write_text(path.read_text().replace('"approved":true', '"approved":false', 1))
    report = audit_run(folder, home=tmp_path)
    assert report.chain == "broken"
    assert "was altered" in report.reasons["chain"]
    assert {x for question, x in report.findings.items() if question != "chain"} == {"cannot be told"}


def test_a_change_that_is_not_on_record_is_found(resolved: Run, tmp_path: Path):
    folder = copied(resolved, tmp_path)
    path = folder / "network.jsonl"
    applied = next(line for line in path.read_text().splitlines() if '"did":"apply"' in line)
    path.write_text(path.read_text() + applied + "\n")
    report = audit_run(folder, home=tmp_path)
    assert report.effects == "broken"
    assert not report.sound
    assert report.certificate == "cannot be told"


def test_a_step_on_record_that_the_network_never_saw_is_found(resolved: Run, tmp_path: Path):
    """Also where the next step was announced before it was confirmed."""
    steps = [(x.step, x.action) for x in resolved.of(ExecutionStep)]
    assert steps.index((2, "apply")) < steps.index((1, "agree"))
    folder = copied(resolved, tmp_path)
    path = folder / "network.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    lines.remove(next(line for line in lines if '"did":"apply"' in line))
    path.write_text("".join(lines))
    report = audit_run(folder, home=tmp_path)
    assert report.effects == "broken"
    assert report.reasons["effects"] == "step 1 is on record as made, and the network knows nothing of it"
