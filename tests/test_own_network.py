"""The newcomer's walk: the commands of `docs/your-network.md`, from an empty folder, show what the page says."""

import contextlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.command_line import here
from twin.site_file import Site

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "your-network.md").read_text(encoding="utf-8")
EXAMPLE = ROOT / "examples" / "own-network"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.S | re.M)
# a cause is found; a run waits for a person, and then needs one: the changes are made by hand
ENDS = {"diagnose": 3, "run": 3, "approve": 3}


@pytest.fixture(scope="module")
def walk(tmp_path_factory):
    """Every command of the page with its exit code, and all that was shown between two blocks of commands."""
    folder = tmp_path_factory.mktemp("walk")
    for file in EXAMPLE.iterdir():
        shutil.copy(file, folder)
    environment = {"PYTHONPATH": str(ROOT)}
    codes, shown, blocks = [], [], []
    for kind, text in BLOCK.findall(PAGE):
        if kind == "sh":
            shown = []
            for line in text.splitlines():
                words = [_run_name(folder) if word == "RUN" else word for word in shlex.split(line)]
                if words[0] == "export":
                    environment.update([words[1].split("=")])
                    continue
                done = _done(words, folder, environment)
                codes.append((line, done.returncode, done.stderr[-600:]))
                shown.append(done.stdout + done.stderr)
        elif kind == "toml":
            (folder / "my-network" / "site.toml").write_text(text, encoding="utf-8")
        elif kind == "text":
            blocks.append((text, "\n".join(shown)))
    return codes, blocks


def _done(words, folder, environment):
    if words[0] != "twinops":
        return subprocess.run(words, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True)
    with contextlib.chdir(folder):
        return here(*words[1:], home=folder / "home", **environment)


def _run_name(folder):
    (run,) = (folder / "runs").iterdir()
    return run.name


def test_every_command_of_the_page_ends_as_it_should(walk):
    for line, code, told in walk[0]:
        words = line.split()
        expected = ENDS.get(words[1], 0) if words[0] == "twinops" and "--new-key" not in words else 0
        assert (line, code) == (line, expected), told


def test_every_line_that_the_page_shows_is_shown(walk):
    assert walk[1]
    for wanted, shown in walk[1]:
        for line in filter(None, wanted.splitlines()):
            assert line.strip() in shown, f"{line!r} is not in\n{shown[-3000:]}"


def test_every_piece_of_a_site_file_that_the_page_shows_is_one():
    pieces = [text for kind, text in BLOCK.findall(PAGE) if kind in ("ini", "toml")]
    assert len(pieces) > 5
    for text in pieces:
        said = tomllib.loads(text)
        said["sources"] = {"topology": "topology.json", **said.get("sources", {})}
        Site.model_validate(said)


def test_the_files_of_the_example_are_those_that_its_script_makes(tmp_path):
    shutil.copy(EXAMPLE / "make.py", tmp_path)
    subprocess.run([sys.executable, "make.py"], cwd=tmp_path, check=True)
    for file in EXAMPLE.iterdir():
        if file.suffix in (".csv", ".json"):
            assert (tmp_path / file.name).read_bytes() == file.read_bytes(), file.name
