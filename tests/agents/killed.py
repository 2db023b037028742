"""Runs in processes of their own that are killed, with SIGKILL, right after a given record or change.

One process imports everything and then forks a child for each job: a JSON line in, a JSON line out.
"""

import asyncio
import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from evals.suites.resume import PRELOADED

ROOT = Path(__file__).resolve().parents[2]


class Killer:
    """Starts runs and resumptions; each answer says which signal ended the child, and what it gave back."""

    def __init__(self, process: subprocess.Popen[str], home: Path) -> None:
        self._process, self.home = process, home

    def run(
        self, tmp: Path, request: dict[str, Any], *, at: int | None = None, effect: int | None = None
    ) -> dict[str, Any]:
        """Run an incident; kill it after its record number `at`, or right after the change number `effect`, from 1."""
        return self._ask({"do": "run", "tmp": str(tmp), "at": at, "effect": effect, "request": request})

    def resume(self, tmp: Path, *, at: int | None = None, effect: int | None = None) -> dict[str, Any]:
        """Take the run up again; kill it after its new record number `at`, not counting that it was resumed."""
        return self._ask({"do": "resume", "tmp": str(tmp), "at": at, "effect": effect})

    def strike_line(self, do: str, tmp: Path, request: dict[str, Any], line: int | None) -> dict[str, Any]:
        """Run, or resume; kill it after it has written so many lines, of whatever record: journal, network, effects."""
        return self._ask({"do": do, "tmp": str(tmp), "at": None, "effect": None, "request": request, "line": line})

    def strike_moment(self, tmp: Path, request: dict[str, Any], moment: int | None) -> dict[str, Any]:
        """Run on a lab; kill it at so manyth a moment of making changes, as `killed_hand` counts them."""
        return self._ask(
            {"do": "run", "tmp": str(tmp), "at": None, "effect": None, "request": request, "moment": moment}
        )

    def _ask(self, job: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({**job, "home": str(self.home)}) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the process that forks has ended"
        return json.loads(answer)


@contextmanager
def killer(home: Path) -> Iterator[Killer]:
    """Start the process that forks; `home` holds the key of all its runs."""
    command = [sys.executable, "-m", "tests.agents.killed"]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with process:
        yield Killer(process, home)
        assert process.stdin is not None
        process.stdin.close()


def folder_of(tmp: Path) -> Path:
    (folder,) = (tmp / "runs").iterdir()
    return folder


def _serve() -> None:
    for module in PRELOADED:  # before the fork, so that children start at once
        import_module(module)
    _load_kernels()

    for line in sys.stdin:
        job = json.loads(line)
        said, say = os.pipe()
        child = os.fork()
        if not child:
            os.close(said)
            _child(job, say)
        os.close(say)
        _, status = os.waitpid(child, 0)
        with os.fdopen(said) as answer:
            given = answer.read()
        ended = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        print(json.dumps({"signal": ended, **(json.loads(given) if given else {})}), flush=True)


def _load_kernels() -> None:
    """Plan and judge once, so that no child loads compiled kernels anew. It starts no thread: a fork would lose it."""
    from twin.formats import load_network
    from twin.gate.verdict import verify
    from twin.optimise.relieve import relieve
    from twin.policy import Policy

    network = load_network("synthetic/8-1")
    crowded = network.with_demands(1.8 * network.demands)
    plans = (x.plan for x in relieve(crowded, Policy(), reference=crowded, time_limit_s=5) if x.plan)
    verify(next(plans), crowded, Policy())


def _child(job: dict[str, Any], say: int) -> None:
    code = 1
    try:
        result = _work(job)
        with os.fdopen(say, "w") as answer:
            answer.write(json.dumps(result))
        code = 0
    finally:
        os._exit(code)


def _work(job: dict[str, Any]) -> dict[str, Any]:
    from agents.record.records import Record
    from agents.run.resume import resume_run
    from agents.run.run import RunRequest, run_incident
    from tests.twin.live.lab.killed_hand import strike_at

    tmp, home, new = Path(job["tmp"]), Path(job["home"]), itertools.count(1)

    def strike(record: Record) -> None:
        if record.event.kind != "run resumed" and next(new) == job["at"]:
            os.kill(os.getpid(), signal.SIGKILL)

    _strike_after_effect(job["effect"])
    lines = _strike_after_line(job.get("line"))
    moments = strike_at(job.get("moment"))
    if job["do"] == "resume":
        result = asyncio.run(resume_run(folder_of(tmp), home=home, on_event=strike))
    else:
        asked = RunRequest.model_validate(job["request"])
        result = asyncio.run(run_incident(asked, runs=tmp / "runs", home=home, on_event=strike))
    return {
        "outcome": result.finished.outcome,
        "error": str(result.error or ""),
        "lines": next(lines) - 1,
        "moments": next(moments) - 1,
    }


def _strike_after_line(last: int | None) -> "itertools.count[int]":
    """Count the lines that are written from now on, and kill this process after the last of them."""
    from twin import append_log

    append, number = append_log.AppendLog.append, itertools.count(1)

    def counted(log: append_log.AppendLog, lines: Any, **how: Any) -> None:
        append(log, lines, **how)
        if next(number) == last:
            os.kill(os.getpid(), signal.SIGKILL)

    append_log.AppendLog.append = counted
    return number


def _strike_after_effect(effect: int | None) -> None:
    from twin.live import recorded

    kept = recorded.RecordedNetwork.apply

    def apply(network: recorded.RecordedNetwork, change: Any, **more: Any) -> None:
        kept(network, change, **more)
        if effect is not None and not network.ahead and len(network.effects) == effect:
            os.kill(os.getpid(), signal.SIGKILL)

    recorded.RecordedNetwork.apply = apply


if __name__ == "__main__":
    _serve()
