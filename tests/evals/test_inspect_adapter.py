"""Suites as Inspect AI tasks: run by Inspect itself, read back from its own log."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(find_spec("inspect_ai") is None, reason="the extra inspect is not installed")


def evaluated(folder: Path, *options: str) -> dict:
    """Run a task as a user would, and return its log."""
    command = [sys.executable, "-m", "inspect_ai", "eval", "evals/inspect_tasks.py", *options]
    settings = {"INSPECT_LOG_DIR": str(folder), "INSPECT_LOG_FORMAT": "json", "TWINOPS_HOME": str(folder / "home")}
    done = subprocess.run(
        [*command, "--model", "none", "--display", "plain"],
        env={**os.environ, **settings, "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (log,) = folder.glob("*.json")
    return json.loads(log.read_text())


def test_the_same_cases_get_the_same_scores_in_every_epoch(tmp_path: Path):
    log = evaluated(tmp_path, "-T", "suite=verify", "-T", "cases=4", "--epochs", "2")
    assert log["status"] == "success"
    values: dict[str, set[str]] = {}
    for sample in log["samples"]:
        values.setdefault(sample["id"], set()).add(str(sample["scores"]["passed"]["value"]))
    assert len(values) == 4
    assert all(len(found) == 1 for found in values.values())
    metrics = log["results"]["scores"][0]["metrics"]
    assert metrics["bad plans approved"]["value"] == 0


def test_a_run_of_agents_is_shown_with_its_conversation(tmp_path: Path):
    log = evaluated(tmp_path, "-T", "suite=incident", "-T", "cases=1")
    (sample,) = log["samples"]
    roles = {message["role"] for message in sample["messages"]}
    assert roles == {"system", "user", "assistant", "tool"}
    assert any(message.get("tool_calls") for message in sample["messages"])
