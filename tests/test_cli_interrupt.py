"""Ctrl-C in any stage: exit 130, an intact record that says so, and nothing half applied."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from agents.record.audit.audit import audit_run
from agents.record.events import ExecutionStep, RunFinished
from agents.record.journal import read_journal
from tests.depth import thinned

ROOT = Path(__file__).resolve().parents[1]
INCIDENT = ["--network", "sndlib/abilene", "--seed", "5", "--fault", "wrong_igp_weight@IPLSng->KSCYng=10000"]

# Strikes from inside, right after a given record is written: no other moment can be hit for sure.
STRIKER = """
import os, signal, sys
import twinops
from agents.show.console import Screen

moment, times = sys.argv.pop(1), int(sys.argv.pop(1))
shown = Screen.show

def show(self, record):
    shown(self, record)
    said = record.event.model_dump()
    if moment in (f"{said['kind']} {said.get('stage', '')}".strip(), f"{said['kind']} {said.get('action', '')}"):
        for _ in range(times):
            os.kill(os.getpid(), signal.SIGINT)

Screen.show = show
twinops.main()
"""


def interrupted(tmp_path, moment, *, times=1):
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            STRIKER,
            moment,
            str(times),
            "run",
            *INCIDENT,
            "--runs",
            str(tmp_path / "runs"),
            "--json",
        ],
        cwd=ROOT,
        env={**os.environ, "TWINOPS_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    (folder,) = (tmp_path / "runs").iterdir()
    reading = read_journal(folder / "journal.jsonl")
    return done, folder, [record.event for record in reading.records], reading.torn


@pytest.mark.parametrize(
    ("moment", "times"),
    thinned(
        [
            ("execution step apply", 3),  # impatience must not leave a plan half applied
            ("stage started diagnose", 1),
            ("stage started confirm", 1),
        ],
        2,
    ),
)
def test_an_interrupt_ends_the_run_in_good_order(tmp_path, moment, times):
    done, folder, events, torn = interrupted(tmp_path, moment, times=times)
    assert done.returncode == 130, done.stderr
    assert "Traceback" not in done.stderr
    assert not torn
    assert isinstance(events[-1], RunFinished)
    assert events[-1].outcome == "interrupted"
    assert json.loads(done.stdout)["outcome"] == "interrupted"
    assert (folder / "report.html").is_file()
    steps = [event for event in events if isinstance(event, ExecutionStep)]
    announced = [step.step for step in steps if step.action == "apply"]
    undone = [step.step for step in steps if step.action == "roll back" and "is undone" in step.detail]
    assert bool(announced) == (moment in ("execution step apply", "stage started confirm"))
    # a run that is told to stop does so as it announces a step, which then is not made
    assert len(announced) - len(undone) == (moment == "execution step apply")
    assert undone == announced[: len(undone)][::-1]
    audited = audit_run(folder, home=tmp_path / "home")  # asks the network's own account of what was made
    assert audited.effects == "holds", audited.reasons
    if undone:
        assert (steps[-1].step, steps[-1].action) == (0, "agree")
        assert "as before the plan" in steps[-1].detail


def test_an_interrupt_from_outside_is_one_line_and_130(tmp_path):
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "twinops.py"), "run", *INCIDENT, "--runs", str(tmp_path / "runs")],
        env={**os.environ, "TWINOPS_HOME": str(tmp_path / "home"), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("── observe"):
                process.send_signal(signal.SIGINT)
                break
        rest = process.stderr.read()
        assert process.wait(60) == 130
        assert process.stdout is not None
        assert "interrupted" in process.stdout.read()
    assert "Traceback" not in rest


def test_an_interrupt_before_the_run_began_leaves_no_traceback():
    code = (
        "import os, signal, twinops, twin.formats; "
        "signal.signal(signal.SIGINT, signal.default_int_handler); "  # ignored where the tests run in the background
        "twin.formats.load_network = lambda name: os.kill(os.getpid(), signal.SIGINT)"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"{code}; twinops.main()", "whatif", "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 130
    assert json.loads(done.stdout)["error"]["code"] == "interrupted"
    assert done.stderr == "error: interrupted\n"
