"""A run whose disk is full for a moment: its record is read, it is taken up again, and the network has no secrets."""

import asyncio
import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agents.record.files import NETWORK
from agents.record.history import read_history
from agents.run.resume import resume_run
from tests.agents.incidents import perform, request
from tests.depth import thinned
from twin import append_log
from twin.errors import TwinError
from twin.live.recorded import Applied, read_record


def full_for_one_write(monkeypatch: pytest.MonkeyPatch, words: bytes) -> list[bytes]:
    """Let the disk take only half of the first line that has these words; returns the lines that were refused."""
    refused: list[bytes] = []
    extend: Callable[..., Any] = append_log.extend

    class Disk:
        def __init__(self, file: Any) -> None:
            self._file = file

        def __getattr__(self, name: str) -> Any:
            return getattr(self._file, name)

        def write(self, data: memoryview) -> int:
            line = bytes(data)
            if words in line and b'"did":"begin"' not in line and not refused:
                refused.append(line)
                self._file.write(line[: len(line) // 2])
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return int(self._file.write(line))

    monkeypatch.setattr(append_log, "extend", lambda *a, **k: Disk(extend(*a, **k)))
    return refused


@pytest.mark.parametrize(
    "words", thinned([b'"did":"apply"', b'"action":"apply"', b'"kind":"run finished"', b'"did":"wait"'], 2)
)
def test_a_disk_that_is_full_for_a_moment_loses_no_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: bytes
):
    refused = full_for_one_write(monkeypatch, words)
    try:
        perform(tmp_path, request())
    except TwinError as error:
        assert error.fix  # noqa: PT017 - a run may end so, or take back what it made
    assert refused
    (folder,) = (tmp_path / "runs").iterdir()
    assert not read_history(folder).reading.torn
    monkeypatch.undo()
    resumed = asyncio.run(resume_run(folder, home=tmp_path / "home"))
    assert resumed.finished.outcome in ("resolved", "relieved", "failed", "rolled back")
    made = [entry.change for entry in read_record(folder / NETWORK) if isinstance(entry, Applied)]
    if resumed.finished.outcome in ("failed", "rolled back"):
        assert len(made) % 2 == 0  # whatever was made was taken back
    else:
        assert made
