"""A run that is killed, anywhere, is taken up again and comes to the same end; nothing is done to the network twice.

`TWINOPS_SWEEP=1` kills after every single record and every single change of every case, each in a run of its own.
"""

import asyncio
import json
import os
import shutil
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from agents.record.delivery import deliver
from agents.record.events import ChatAnswered, ExecutionStep, Noted, RunFinished, RunResumed, StageFinished
from agents.record.journal import read_journal
from agents.record.ownership import own
from agents.record.rerun import decisive
from agents.run.resume import resume_run
from tests.agents.collector import collecting
from tests.agents.incidents import rolled_back
from tests.agents.killed import Killer, folder_of, killer
from tests.depth import thinned
from tools.box.tracing import joined
from twin.errors import InputError, StoreBusyError
from twin.store import TwinStore

ABILENE: dict[str, Any] = {"network": "sndlib/abilene"}
CASES = {
    "several steps": {"network": "synthetic/8-1", "seed": 5},  # four steps, and quickly planned: it is run many times
    "rolled back": rolled_back().model_dump(mode="json"),
    "rejected": {**ABILENE, "seed": 3},
}
SWEEP = bool(os.environ.get("TWINOPS_SWEEP"))
ASIDE = (RunResumed, Noted)


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Killer]:
    with killer(tmp_path_factory.mktemp("home")) as started:
        yield started


@pytest.fixture(scope="module")
def references(processes: Killer, tmp_path_factory: pytest.TempPathFactory):
    @cache
    def reference(case: str) -> Path:
        tmp = tmp_path_factory.getbasetemp() / "references" / case.replace(" ", "-")
        assert processes.run(tmp, CASES[case])["signal"] == 0
        return folder_of(tmp)

    return reference


@pytest.fixture(scope="module")
def halfway(processes: Killer, references, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was killed while its plan was carried out; each test takes a copy of its folder."""
    tmp = tmp_path_factory.mktemp("halfway")
    assert processes.run(tmp, CASES["several steps"], at=acting(references("several steps"))[-3])["signal"] == 9
    return tmp / "runs"


def decisions(folder: Path) -> list[dict[str, Any]]:
    skipped = {"run"}
    events = [x.event for x in read_journal(folder / "journal.jsonl").records if not isinstance(x.event, ASIDE)]
    return [{key: value for key, value in decisive(event).items() if key not in skipped} for event in events]


def current(folder: Path) -> str | None:
    with TwinStore.open(folder / "twin.duckdb") as store:
        return store.current


def assert_same(folder: Path, reference: Path) -> None:
    """The same decisions in the same order, the same changes made to the network once, the same twin."""
    assert not read_journal(folder / "journal.jsonl").torn
    assert (folder / "network.jsonl").read_text() == (reference / "network.jsonl").read_text()
    assert decisions(folder) == decisions(reference)
    assert current(folder) == current(reference)
    for name in ("plan.json", "certificate.json"):
        assert (folder / name).exists() == (reference / name).exists()
        assert not (folder / name).exists() or (folder / name).read_text() == (reference / name).read_text()


def tear(path: Path) -> None:
    """What a line looks like whose writing was cut off."""
    path.write_bytes(path.read_bytes()[:-7])


def acting(reference: Path) -> list[int]:
    """Numbers of the records around everything that is done to the network."""
    events = [x.event for x in read_journal(reference / "journal.jsonl").records]
    steps = [number for number, event in enumerate(events, start=1) if isinstance(event, ExecutionStep)]
    return list(range(steps[0] - 2, steps[-1] + 2)) if steps else []


def test_a_run_that_is_killed_again_and_again_comes_to_the_same_end(processes: Killer, references, tmp_path: Path):
    reference = references("several steps")
    count = len(read_journal(reference / "journal.jsonl").records)
    points = sorted({*thinned(range(13, count, 30), 3), *thinned(acting(reference)[::4], 2), count})
    answer = processes.run(tmp_path, CASES["several steps"], at=points[0])
    for before, point in pairwise(points):
        assert answer["signal"] == 9
        answer = processes.resume(tmp_path, at=point - before)
    assert answer["signal"] == 9
    assert_same(folder_of(tmp_path), reference)
    assert processes.resume(tmp_path)["outcome"] == decisions(reference)[-1]["outcome"]
    spans = [json.loads(x) for x in (folder_of(tmp_path) / "trace.jsonl").read_text().splitlines()]
    (started,) = (x.event for x in read_journal(folder_of(tmp_path) / "journal.jsonl").records[:1])
    _, trace, first, _ = started.trace.split("-")
    assert {x["context"]["trace_id"] for x in spans} == {f"0x{trace}"}
    stretches = [x for x in spans if x["name"].startswith("invoke_workflow")]
    assert {x["parent_id"] for x in stretches} == {f"0x{first}"}  # the first one was killed, as all but the last


def test_what_is_taken_up_again_joins_the_run_s_trace_at_the_collector_and_links_to_who_asked(
    processes: Killer, halfway: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    shutil.copytree(halfway, tmp_path / "runs")
    before = [json.loads(x) for x in (folder_of(tmp_path) / "trace.jsonl").read_text().splitlines()]
    caller = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    with collecting() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        with joined({"TRACEPARENT": caller}):
            asyncio.run(resume_run(folder_of(tmp_path), home=processes.home))
        assert deliver() == ""
    assert {f"0x{x.trace_id.hex()}" for x in collector.spans} == {x["context"]["trace_id"] for x in before}
    (again,) = (x for x in collector.spans if x.name.startswith("invoke_workflow"))
    assert f"0x{again.parent_span_id.hex()}" in {x["parent_id"] for x in before}
    assert [(x.trace_id.hex(), x.span_id.hex()) for x in again.links] == [tuple(caller.split("-")[1:3])]


@pytest.mark.parametrize("how", ["", "@order"])
def test_a_run_on_the_answers_of_another_goes_on_with_those_that_it_has_not_had(
    processes: Killer, references, tmp_path: Path, how: str
):
    reference = references("several steps")
    events = [x.event for x in read_journal(reference / "journal.jsonl").records]
    planned = next(i for i, x in enumerate(events) if isinstance(x, ChatAnswered) and x.role == "planning")
    request = {**CASES["several steps"], "model": f"replay:{reference}{how}"}
    assert processes.run(tmp_path, request, at=planned + 2)["signal"] == 9
    assert processes.resume(tmp_path)["signal"] == 0
    assert_same(folder_of(tmp_path), reference)


@pytest.mark.parametrize("effect", thinned([2, 1], 2))
def test_a_change_that_was_made_but_not_recorded_is_not_made_again(
    processes: Killer, references, tmp_path: Path, effect: int
):
    reference = references("several steps")
    assert processes.run(tmp_path, CASES["several steps"], effect=effect)["signal"] == 9
    assert processes.resume(tmp_path)["signal"] == 0
    assert_same(folder_of(tmp_path), reference)


def test_a_way_back_that_was_cut_off_is_finished(processes: Killer, references, tmp_path: Path):
    reference = references("rolled back")
    undone = [
        number
        for number, record in enumerate(read_journal(reference / "journal.jsonl").records, start=1)
        if isinstance(record.event, ExecutionStep) and record.event.action == "roll back"
    ]
    assert undone
    assert processes.run(tmp_path, CASES["rolled back"], at=undone[1])["signal"] == 9
    assert processes.resume(tmp_path)["outcome"] == "rolled back"
    assert_same(folder_of(tmp_path), reference)


@pytest.mark.parametrize("torn", ["journal.jsonl", "network.jsonl"])
def test_a_line_that_was_cut_off_is_removed_and_its_event_happens_once(
    processes: Killer, references, halfway: Path, tmp_path: Path, torn: str
):
    reference = references("several steps")
    shutil.copytree(halfway, tmp_path / "runs")
    tear(folder_of(tmp_path) / torn)
    assert processes.resume(tmp_path)["signal"] == 0
    assert_same(folder_of(tmp_path), reference)
    (resumed,) = [
        x.event for x in read_journal(folder_of(tmp_path) / "journal.jsonl").records if isinstance(x.event, RunResumed)
    ]
    assert resumed.torn == (torn == "journal.jsonl")


@pytest.mark.skipif(not SWEEP, reason="set TWINOPS_SWEEP=1 to kill after every single record")
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("case", list(CASES))
def test_killed_after_any_record_or_change_a_run_comes_to_the_same_end(
    processes: Killer, references, tmp_path: Path, case: str
):
    reference = references(case)
    records = len(read_journal(reference / "journal.jsonl").records)
    effects = (reference / "network.jsonl").read_text().count('"did":"apply"')
    moments = [{"at": n} for n in range(1, records + 1)] + [{"effect": n} for n in range(1, effects + 1)]
    for moment in moments:
        tmp = tmp_path / "-".join(f"{key}-{value}" for key, value in moment.items())
        assert processes.run(tmp, CASES[case], **moment)["signal"] == 9, moment
        assert processes.resume(tmp)["signal"] == 0, moment
        assert_same(folder_of(tmp), reference)
        shutil.rmtree(tmp)
    print(f"{case}: {records} records and {effects} changes, {len(moments)} kills, all resumed to the same end")


def test_a_run_that_has_ended_is_left_as_it_is(processes: Killer, references):
    folder = references("several steps")
    before = (folder / "journal.jsonl").read_bytes()
    result = asyncio.run(resume_run(folder, home=processes.home))
    assert result.finished.outcome == decisions(folder)[-1]["outcome"]
    assert (folder / "journal.jsonl").read_bytes() == before


def test_a_run_that_somebody_works_on_is_refused_with_their_name(processes: Killer, halfway: Path, tmp_path: Path):
    shutil.copytree(halfway, tmp_path / "runs")
    with own(folder_of(tmp_path)), pytest.raises(StoreBusyError, match=f"is held by process {os.getpid()}"):
        asyncio.run(resume_run(folder_of(tmp_path), home=processes.home))


def test_a_folder_without_a_run_is_one_clear_error(tmp_path: Path):
    with pytest.raises(InputError, match="holds no run"):
        asyncio.run(resume_run(tmp_path, home=tmp_path / "home"))
    (tmp_path / "journal.jsonl").touch()
    with pytest.raises(InputError, match="killed before its first record"):
        asyncio.run(resume_run(tmp_path, home=tmp_path / "home"))


def test_a_run_that_does_not_come_out_as_recorded_takes_back_what_it_had_applied(
    processes: Killer, halfway: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    shutil.copytree(halfway, tmp_path / "runs")
    folder = folder_of(tmp_path)
    in_place = (folder / "network.jsonl").read_text().count('"did":"apply"')
    monkeypatch.setattr(
        "agents.run.stages.counted", lambda count, things: f"{count} of {things}"
    )  # another version's words
    result = asyncio.run(resume_run(folder, home=processes.home))
    assert result.finished.outcome == "failed"
    assert "does not come out as its record says" in result.finished.because
    assert "taken back" in result.finished.because
    events = [x.event for x in read_journal(folder / "journal.jsonl").records]
    undone = [x.step for x in events if isinstance(x, ExecutionStep) and "is undone" in x.detail]
    assert undone == list(range(in_place, 0, -1)) != []
    assert isinstance(events[-1], RunFinished)
    assert not [x for x in events if isinstance(x, StageFinished) and x.stage == "confirm"]
    with TwinStore.open(folder / "twin.duckdb") as store:
        assert store.current == decisions(folder)[0]["inventory"]
