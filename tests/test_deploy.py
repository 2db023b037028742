"""The unit and the container file say what the command can be told, and are well formed."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.command_line import here

DEPLOY = Path(__file__).parents[1] / "deploy"
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


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not on this machine")
def test_systemd_takes_the_unit(tmp_path):
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text().replace("/opt/twinops/bin/twinops", shutil.which("true")))
    done = subprocess.run(["systemd-analyze", "verify", str(copy)], capture_output=True, text=True, check=False)
    assert (done.returncode, [x for x in done.stderr.splitlines() if UNIT.name in x]) == (0, [])
