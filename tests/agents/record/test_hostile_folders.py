"""A run's folder that somebody else filled: nothing of the reader's is overwritten, read out or steered by it."""

import hashlib
import io
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.text import Text

from agents.record.history import read_history
from agents.record.ownership import own
from agents.record.runs import list_runs, query_runs, survey
from agents.show.report.folder import write_report
from agents.show.tables import console
from tests.agents.incidents import Run
from twin.errors import StoreError, TwinError

STEERING = "\x1b[2J\x9b2J\r\u202etxt\u200b\u3164\ufe0f\U000e0041\x07end"


@pytest.fixture
def folder(tmp_path: Path, resolved: Run) -> Path:
    return Path(shutil.copytree(resolved.result.folder, tmp_path / "runs" / "theirs"))


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "mine"
    path.write_text("precious")
    return path


def replaced(path: Path, by: Path) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(by)


@pytest.mark.parametrize("name", ["report.html", "report.html.part"])
def test_a_report_is_never_written_through_a_link(folder: Path, mine: Path, name: str):
    replaced(folder / name, mine)
    write_report(folder)
    assert mine.read_text() == "precious"
    assert (folder / "report.html").read_text().startswith("<!")


def test_a_lock_is_never_written_through_a_link(folder: Path, mine: Path):
    replaced(folder / "lock", mine)
    with pytest.raises(StoreError, match="symbolic link"), own(folder):
        pass
    assert mine.read_text() == "precious"


@pytest.mark.parametrize("name", ["journal.jsonl", "twin.duckdb", "twin.duckdb.wal"])
def test_what_a_link_leads_to_is_not_read(folder: Path, resolved: Run, name: str):
    replaced(folder / name, resolved.result.folder / name)
    with pytest.raises(TwinError):
        write_report(folder)


def line(content: dict[str, Any]) -> str:
    text = json.dumps(content, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    hashed = hashlib.sha256(text.encode()).hexdigest()
    return json.dumps({**content, "hash": hashed}, separators=(",", ":"), ensure_ascii=False) + "\n"


def deep(path: Path) -> None:
    path.write_text('{"seq":0,"event":' + '{"a":' * 3_000 + "1" + "}" * 3_000 + "}\n")


def wide(path: Path) -> None:
    path.write_text("[" * 200_000 + "]" * 200_000 + "\n")


def of_other_types(path: Path) -> None:
    event = {"kind": "run started", "network": 7, "seed": "x" * 400, "model": [], "policy": None}
    path.write_text(line({"seq": 0, "time": "2026-01-01T00:00:00", "previous": "0" * 64, "event": event}))


def of_no_calendar(path: Path) -> None:
    event = {"kind": "run started", "network": "n", "seed": 10**300, "model": "m"}
    path.write_text(line({"seq": 0, "time": "290000-01-01T00:00:00Z", "previous": "0" * 64, "event": event}))


def a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def a_device(path: Path) -> None:
    replaced(path, Path("/dev/zero"))


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


BAD: list[Callable[[Path], None]] = [deep, wide, of_other_types, of_no_calendar, a_pipe, a_device, a_folder]


@pytest.mark.parametrize("spoil", BAD)
def test_one_bad_run_spoils_no_listing(tmp_path: Path, folder: Path, resolved: Run, spoil: Callable[[Path], None]):
    good = shutil.copytree(resolved.result.folder, tmp_path / "runs" / "good")
    spoil(folder / "journal.jsonl")
    assert [entry.run for entry in list_runs(tmp_path / "runs")] == [good.name]
    assert query_runs(tmp_path / "runs", "SELECT count(DISTINCT run) FROM record").rows == ((1,),)
    assert set(survey(tmp_path / "runs").unreadable) <= {folder.name}
    with pytest.raises(TwinError):
        read_history(folder)


def test_a_run_that_is_a_link_is_not_listed(tmp_path: Path, resolved: Run):
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "link").symlink_to(resolved.result.folder)
    listing = survey(tmp_path / "runs")
    assert listing.entries == ()
    assert set(listing.unreadable) == {"link"}


@pytest.mark.parametrize("renderable", [STEERING, Text(STEERING)])
def test_nothing_that_is_shown_steers_the_terminal(renderable: str | Text):
    stream = io.StringIO()
    console(stream).print(renderable)
    shown = stream.getvalue()
    assert shown.endswith("end\n")
    assert not set(shown.rstrip("\n")) & set("\x1b\x9b\r\u202e\u200b\u3164\ufe0f\U000e0041\x07")
