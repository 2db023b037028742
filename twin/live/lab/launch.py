"""A lab seen from outside: brought up, found again, taken down. It is one process; all else lives and dies with it."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Self, cast

from pydantic import JsonValue, ValidationError

from twin.errors import ExecutionError, InputError, StoreBusyError
from twin.files import read_bytes, write_text
from twin.model import Frozen

from .control import SOCKET, Ask, AskDown, ask
from .features import environment, isolation, require
from .keeper import DESIGN, ROOT
from .layout import Design

DEFAULT = "lab"
_NAME = re.compile(r"[a-z][a-z0-9-]{0,15}")
_UP_S = 180.0
_DOWN_S = 10.0


class _Entry(Frozen):
    """How a lab is found: its outer process and the first one inside, with the times they were started at."""

    outer: int
    outer_since: int
    inner: int
    inner_since: int


class Lab:
    """A lab that runs. Everything of it is read through the file system of its first process."""

    def __init__(self, name: str, entry: _Entry, process: subprocess.Popen[bytes] | None = None) -> None:
        """`process` is the outer one, where it is this process' own child."""
        self.name, self._entry, self._process = name, entry, process
        self.root = Path(f"/proc/{entry.inner}/root") / ROOT.relative_to("/")
        self.design = Design.model_validate_json((self.root / DESIGN).read_bytes())

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return _since(self._entry.inner) == self._entry.inner_since

    @property
    def pid(self) -> int:
        """The process whose end is the end of the lab."""
        return self._entry.outer

    @property
    def record(self) -> Path:
        """The file of what was done to it: of this lab alone, and gone with it."""
        return _place(self.name).with_suffix(".effects.jsonl")

    def ask(self, question: Ask, *, timeout_s: float = 30.0) -> JsonValue:
        """Ask the lab itself. Raises `ExecutionError`."""
        return ask(self.root / SOCKET, question, timeout_s=timeout_s)

    def down(self) -> None:
        """End it, politely first."""
        with contextlib.suppress(ExecutionError):
            self.ask(AskDown(), timeout_s=3)
        end = time.monotonic() + _DOWN_S
        while self.alive and time.monotonic() < end:
            time.sleep(0.02)
        if _since(self._entry.outer) == self._entry.outer_since:
            with contextlib.suppress(OSError):
                os.kill(self._entry.outer, signal.SIGKILL)
        if self._process is not None:
            self._process.wait(_DOWN_S)
        _forget(self.name)

    @classmethod
    def find(cls, name: str = DEFAULT) -> Self | None:
        """Find a lab that runs, None when there is none of this name."""
        place = _place(name)
        try:
            entry = _Entry.model_validate_json(read_bytes(place, most=10_000))
            found = cls(name, entry)
        except (InputError, ValidationError, OSError):
            return None
        return found if found.alive else None

    @classmethod
    def get(cls, name: str = DEFAULT) -> Self:
        """Find a lab that runs. Raises `InputError` when there is none."""
        found = cls.find(name)
        if found is None:
            raise InputError("no lab runs", fix="twinops lab up")
        return found


def up(design: Design) -> tuple[Lab, dict[str, JsonValue]]:
    """Bring a lab up and wait until it is ready; return it and what it says of itself.

    Raises `StoreBusyError` when one of its name runs, `InputError` with what this machine lacks, `ExecutionError` with
    what went wrong inside.
    """
    require()
    running = Lab.find(design.name)
    if running is not None:
        raise StoreBusyError(f"a lab runs already (process {running.pid})", fix="twinops lab down")
    _forget(design.name)
    process = subprocess.Popen(  # noqa: S603 - our own words
        [*isolation(), sys.executable, "-m", f"{__package__}.keeper"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment() | {"PYTHONPATH": _own_place()},
        cwd="/",
        start_new_session=True,
    )
    try:
        told = _first_line(process, design)
        inner = _child(process.pid)
        entry = _Entry(outer=process.pid, outer_since=_since(process.pid), inner=inner, inner_since=_since(inner))
        write_text(_place(design.name), entry.model_dump_json() + "\n")
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()
        return Lab(design.name, entry, process), told
    except BaseException:
        process.kill()
        process.communicate()
        raise


def _first_line(process: subprocess.Popen[bytes], design: Design) -> dict[str, JsonValue]:
    if process.stdin is None or process.stdout is None or process.stderr is None:
        raise ExecutionError("the lab cannot be spoken to", fix="twinops lab up")
    watchdog = threading.Timer(_UP_S, process.kill)
    watchdog.start()
    try:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(design.model_dump_json().encode())
            process.stdin.close()
        line = process.stdout.readline()
    finally:
        watchdog.cancel()
    if not line:
        process.kill()
        told = process.stderr.read().decode(errors="replace").strip().splitlines()
        raise ExecutionError(f"the lab did not come up: {told[-1][:300] if told else 'it ended'}", fix="lab status")
    said = cast("dict[str, JsonValue]", json.loads(line))
    if "error" in said:
        raise ExecutionError(f"the lab did not come up: {said['error']}", fix=str(said.get("fix", "")))
    return cast("dict[str, JsonValue]", said["ready"])


def _own_place() -> str:
    """Where our own packages are found from another folder."""
    own = str(Path(__file__).resolve().parents[3])
    return ":".join(filter(None, [own, os.environ.get("PYTHONPATH", "")]))


def _place(name: str) -> Path:
    if not _NAME.fullmatch(name):
        raise InputError(f"{name!r} is no name of a lab", fix="use up to 16 small letters, digits and hyphens")
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    folder = Path(base) / "twinops" / "labs"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder / f"{name}.json"


def _forget(name: str) -> None:
    for path in (_place(name), _place(name).with_suffix(".effects.jsonl")):
        path.unlink(missing_ok=True)


def _since(pid: int) -> int:
    """When a process was started, in ticks since the machine was; 0 when there is none, or only what is left of one."""
    try:
        told = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return 0 if told[0] in "ZX" else int(told[19])


def _child(pid: int) -> int:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    if len(children) != 1:
        raise ExecutionError("the lab's first process cannot be found", fix="twinops lab up")
    return int(children[0])
