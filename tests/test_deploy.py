"""The unit and the container file say what the command can be told, and are well formed."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.command_line import here

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
UNIT, IMAGE = DEPLOY / "twinops.service", DEPLOY / "Containerfile"
INSTRUCTIONS = {
    "FROM",
    "RUN",
    "WORKDIR",
    "COPY",
    "USER",
    "ENV",
    "VOLUME",
    "STOPSIGNAL",
    "HEALTHCHECK",
    "ENTRYPOINT",
    "CMD",
}


def unit():
    lines = (x for x in UNIT.read_text().splitlines() if x and not x.startswith(("#", "[")))
    return [tuple(x.split("=", 1)) for x in lines]


def instructions():
    lines = (x for x in IMAGE.read_text().splitlines() if x and not x.startswith("#"))
    return [tuple(x.split(" ", 1)) for x in lines]


def test_the_options_that_both_give_are_options_of_the_command():
    told = here("serve", "--help").stdout
    (command,) = [shlex.split(value) for key, value in unit() if key == "ExecStart"]
    (image,) = [value for key, value in instructions() if key == "CMD"]
    given = [*command[1:], *re.findall(r'"([^"]+)"', image)]
    assert given.count("serve") == 2
    assert [x for x in given if x.startswith("--") and x not in told] == []


def test_the_unit_ends_gracefully_and_runs_without_rights():
    kept = dict(unit())
    assert kept["KillSignal"] == "SIGINT"
    assert int(kept["TimeoutStopSec"]) > 120  # a run that is under way is taken back in that time
    assert {kept[x] for x in ("NoNewPrivileges", "ProtectHome", "PrivateDevices", "DynamicUser")} == {"yes"}
    assert kept["StateDirectoryMode"] == "0700"


def test_the_image_is_built_of_known_instructions_and_runs_as_nobody():
    known = instructions()
    assert {x for x, _ in known} <= INSTRUCTIONS
    assert known[0][0] == "FROM"
    assert ":latest" not in known[0][1]
    names = [x for x, _ in known]
    assert names.index("USER") < names.index("ENTRYPOINT")
    assert dict(known)["USER"] not in ("root", "0")
    assert dict(known)["STOPSIGNAL"] == "SIGINT"


def test_the_image_holds_what_the_wheel_is_made_of_in_the_versions_that_were_tested_and_nothing_else():
    kept = [x for x in (ROOT / ".dockerignore").read_text().splitlines() if x and not x.startswith("#")]
    assert kept[0] == "*"  # whatever else lies there: keys, records of runs, a virtual environment
    taken = {x[1:] for x in kept if x.startswith("!")}
    hook = (ROOT / "hatch_build.py").read_text()
    needed = {x for x in ("agents", "evals", "prompts", "tools", "twin") if f'"{x}"' in hook}
    assert len(needed) == 5
    assert needed | {"twinops.py", "hatch_build.py", "pyproject.toml", "README.md", "LICENSE"} < taken
    assert all((ROOT / x).exists() for x in taken)
    (installs,) = [x for name, x in instructions() if name == "RUN" and "pip install" in x]
    (edits,) = re.findall(r"sed '([^']+)' (requirements-dev\.lock) ", installs)
    done = subprocess.run(["sed", *edits], cwd=ROOT, capture_output=True, text=True, check=True)
    pins = [Requirement(x) for x in done.stdout.splitlines()]
    assert len(pins) > 50
    assert all(str(x.specifier).startswith("==") for x in pins)
    assert "--no-cache-dir" in installs
    assert {x for name, x in instructions() if name in ("CMD", "ENTRYPOINT") and not x.startswith("[")} == set()


@pytest.mark.skipif(sys.platform != "linux", reason="the unit is for Linux")
def test_the_unit_s_own_line_serves_a_site_that_it_may_only_read_and_ends_at_its_signal(tmp_path):
    pytest.importorskip("uvicorn", reason="the extra `console` is not installed")
    kept, state, etc = dict(unit()), tmp_path / "state", tmp_path / "etc"
    state.mkdir(mode=int(kept["StateDirectoryMode"], 8))
    etc.mkdir()
    for file in (ROOT / "examples" / "own-network").iterdir():
        shutil.copy(file, etc)
    sources = ("topology.json", "traffic.csv", "interfaces.csv", "counters.csv", "flows.csv")
    named = "".join(f'{x.partition(".")[0]} = "{x}"\n' for x in sources)
    (etc / "site.toml").write_text(f'clock = "newest"\n[sources]\n{named}calendar = "webcal://127.0.0.1:9/a.ics"\n')
    etc.chmod(0o500)
    here_and_now = {"/var/lib/twinops": str(state), "/etc/twinops": str(etc)}
    line, told = kept["ExecStart"], kept["Environment"]
    for there, at in here_and_now.items():
        line, told = line.replace(there, at), told.replace(there, at)
    command = [sys.executable, str(ROOT / "twinops.py"), *shlex.split(line)[1:], "--port", "0"]
    stated = dict(x.split("=", 1) for x in told.split())
    del stated["NUMBA_CACHE_DIR"]  # kernels that are there are used: compiling them is no part of this
    environment = {**{k: v for k, v in os.environ.items() if k in ("PATH", "LANG", "NUMBA_CACHE_DIR")}, **stated}
    begun = subprocess.Popen(command, cwd=state, env=environment, stderr=subprocess.PIPE, text=True)
    try:
        said = next(x for x in begun.stderr if "the console is at" in x)
        port = re.search(r"localhost:(\d+)/", said)[1]
        assert urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=20).read() == b"ok\n"
        begun.send_signal(getattr(signal, kept["KillSignal"]))
        _, rest = begun.communicate(timeout=60)
    finally:
        begun.kill()
        etc.chmod(0o700)
    assert (begun.returncode, "Traceback" in rest) == (0, False)
    assert (state / "room" / "lease").exists()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not on this machine")
def test_systemd_takes_the_unit(tmp_path):
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text().replace("/opt/twinops/bin/twinops", shutil.which("true")))
    done = subprocess.run(["systemd-analyze", "verify", str(copy)], capture_output=True, text=True, check=False)
    assert (done.returncode, [x for x in done.stderr.splitlines() if UNIT.name in x]) == (0, [])
