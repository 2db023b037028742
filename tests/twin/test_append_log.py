"""An append-only log on a disk that fails: whole lines or none, whatever the disk says and when."""

import errno
import io
import os
from contextlib import suppress
from pathlib import Path

import pytest

from twin.append_log import AppendLog, read_lines
from twin.errors import StoreError

LINES = [b'{"n":1}', b'{"n":22}', b'{"n":333}']


class Disk(io.FileIO):
    """A file on a disk with room for so many bytes; it may write little at a time, and fail to sync or to truncate."""

    def __init__(self, path: Path, room: int = 10**6, piece: int = 10**6) -> None:
        super().__init__(path, "w+")
        self.room, self.piece, self.deaf, self.stuck = room, piece, 0, False

    def write(self, data: object) -> int:
        wanted = bytes(data)[: self.piece]  # pyright: ignore[reportArgumentType]
        fitting = wanted[: max(0, self.room - self.tell())]
        if not fitting:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(fitting)

    def truncate(self, size: int | None = None) -> int:
        if self.stuck:
            raise OSError(errno.EIO, "Input/output error")
        return super().truncate(size)

    def fileno(self) -> int:
        """What a sync asks for, and nothing else here does."""
        if self.deaf:
            self.deaf -= 1
            raise OSError(errno.EIO, "Input/output error")
        return super().fileno()


@pytest.mark.parametrize("piece", [1, 3, 10**6])
@pytest.mark.parametrize("room", range(sum(len(line) + 1 for line in LINES) + 1))
def test_a_disk_that_is_full_at_any_byte_leaves_whole_lines_and_room_for_the_next(
    tmp_path: Path, room: int, piece: int
):
    path, kept = tmp_path / "log", list[bytes]()
    disk = Disk(path, room, piece)
    with AppendLog(disk, path) as log:
        for line in LINES:
            with suppress(StoreError):
                log.append([line], durable=True)
                kept.append(line)
            assert read_lines(path) == (tuple(kept), False)
        disk.room = 10**6  # somebody makes room
        log.append([b"after"], durable=True)
    assert read_lines(path) == ((*kept, b"after"), False)


def test_several_lines_are_written_all_or_none(tmp_path: Path):
    path = tmp_path / "log"
    with AppendLog(Disk(path, room=12), path) as log:
        with pytest.raises(StoreError, match="No space left"):
            log.append(LINES, durable=True)
        assert path.read_bytes() == b""


def test_a_line_that_could_not_be_synced_is_taken_back(tmp_path: Path):
    path = tmp_path / "log"
    disk = Disk(path)
    with AppendLog(disk, path) as log:
        log.append([b"first"], durable=True)
        disk.deaf = 1
        with pytest.raises(StoreError, match="Input/output"):
            log.append([b"second"], durable=True)
        assert read_lines(path).whole == (b"first",)
        log.append([b"third"], durable=True)
    assert read_lines(path).whole == (b"first", b"third")


def test_what_a_failed_sync_may_have_lost_is_written_again(tmp_path: Path):
    """The operating system forgets pages that it could not write: lines that were never synced are in doubt."""
    path = tmp_path / "log"
    disk = Disk(path)
    with AppendLog(disk, path) as log:
        log.append([b"synced"], durable=True)
        log.append([b"in doubt"], durable=False)
        disk.deaf = 1
        with pytest.raises(StoreError):
            log.append([b"refused"], durable=True)
        with path.open("r+b") as lost:  # the page is gone: zeros, as after a crash of the disk
            lost.seek(len(b"synced\n"))
            lost.write(bytes(len(b"in doubt\n")))
        log.append([b"next"], durable=True)
    assert read_lines(path).whole == (b"synced", b"in doubt", b"next")


@pytest.mark.parametrize("how", ["write", "sync"])
def test_a_log_whose_last_line_cannot_be_taken_back_is_closed_for_good(tmp_path: Path, how: str):
    path = tmp_path / "log"
    disk = Disk(path)
    log = AppendLog(disk, path)
    log.append([b"first"], durable=True)
    if how == "write":
        disk.room, disk.stuck = disk.tell() + 3, True
    else:
        disk.deaf = 2
    with pytest.raises(StoreError):
        log.append([b"second"], durable=True)
    disk.room, disk.stuck = 10**6, False
    with pytest.raises(StoreError, match="closed for good"):
        log.append([b"third"], durable=True)
    assert b"third" not in path.read_bytes()
    assert read_lines(path).whole[0] == b"first"


def test_a_durable_line_is_synced_and_another_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    synced: list[bytes] = []
    fsync = os.fsync

    def watched(descriptor: int) -> None:
        synced.append(path.read_bytes())
        fsync(descriptor)

    path = tmp_path / "log"
    monkeypatch.setattr(os, "fsync", watched)
    with AppendLog.create(path) as log:
        log.append([b"quick"], durable=False)
        assert synced == []
        log.append([b"durable"], durable=True)
        assert synced == [b"quick\ndurable\n"]
        log.append([b"last"], durable=False)
    assert synced[-1] == b"quick\ndurable\nlast\n"


@pytest.mark.parametrize("torn", [b"half", b"\0\0\0", b"x" * 200_000])
def test_what_a_crash_left_half_is_removed_when_the_log_goes_on(tmp_path: Path, torn: bytes):
    path = tmp_path / "log"
    path.write_bytes(b"whole\n" + torn)
    assert read_lines(path) == ((b"whole",), True)
    with AppendLog.reopen(path) as log:
        log.append([b"next"], durable=True)
    assert path.read_bytes() == b"whole\nnext\n"


def test_a_log_is_never_written_through_a_link(tmp_path: Path):
    theirs, path = tmp_path / "theirs", tmp_path / "log"
    theirs.write_bytes(b"precious\n")
    path.symlink_to(theirs)
    for opening in (AppendLog.create, AppendLog.reopen):
        with pytest.raises(StoreError):
            opening(path)
    assert theirs.read_bytes() == b"precious\n"
