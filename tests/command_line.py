"""The command line from the outside: in this process, which is quick, or in one of its own, which hides nothing."""

import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import pytest

import twinops

ROOT = Path(__file__).resolve().parents[1]
SMALL = "synthetic/8-1"


class Done(NamedTuple):
    """What a command left."""

    returncode: int
    stdout: str
    stderr: str


def here(*arguments, home=ROOT / "nowhere", **environment):
    """Run the command line in this process."""
    out, err = StringIO(), StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        for name, value in {"TWINOPS_HOME": str(home), "COLUMNS": "200", **environment}.items():
            patch.setenv(name, value)
        code = twinops.run_command([str(argument) for argument in arguments])
    return Done(code, out.getvalue(), err.getvalue())


def apart(*arguments, home=ROOT / "nowhere", cwd=ROOT, command=(sys.executable, str(ROOT / "twinops.py"))):
    """Run the command line, or another command, in a process of its own."""
    done = subprocess.run(
        [*command, *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "NO_COLOR": "1", "TWINOPS_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)
