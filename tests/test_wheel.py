"""What `pip install` leaves: one name, which works without the repository and takes nothing of its neighbours."""

import json
import os
import subprocess
import sys
import venv
from importlib.util import find_spec
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("agents", "evals", "prompts", "tools", "twin")
NEIGHBOUR = {"agents/__init__.py": b"OWNER = 'somebody else'\n", "tools/__init__.py": b"", "twin.py": b"OWNER = 3\n"}
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("hatchling") is None, reason="a wheel is built by hatchling, of the extra `dev`"),
    pytest.mark.skipif(find_spec("pip") is None, reason="a wheel is built and installed by pip"),
]


def pip(*arguments):
    done = subprocess.run(
        [sys.executable, "-m", "pip", *map(str, arguments)], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    pip("wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", folder, ROOT)
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory, wheel):
    """An environment of its own, in which another package owns some of our folders' names; ours is installed last."""
    folder = tmp_path_factory.mktemp("elsewhere")
    venv.create(folder / "venv", with_pip=False, symlinks=True)
    (site,) = (folder / "venv/lib").glob("python*/site-packages")
    dependencies = next(path for path in map(Path, sys.path) if (path / "duckdb").is_dir())
    (site / "dependencies.pth").write_text(f"{dependencies}\n")
    neighbour = folder / "neighbour-1-py3-none-any.whl"
    with ZipFile(neighbour, "w") as archive:
        about = "neighbour-1.dist-info"
        for name, content in NEIGHBOUR.items():
            archive.writestr(name, content)
        archive.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: neighbour\nVersion: 1\n")
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nGenerator: a test\nTag: py3-none-any\n")
        archive.writestr(f"{about}/RECORD", "".join(f"{name},,\n" for name in NEIGHBOUR))
    python = folder / "venv/bin/python"
    for one in (neighbour, wheel):
        pip("--python", python, "install", "--quiet", "--no-deps", "--no-index", one)
    return folder, site


def run(folder, *command, fine=(0,)):
    done = subprocess.run(
        [folder / "venv/bin" / command[0], *map(str, command[1:])],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=800,
        env={
            "PATH": os.defpath,
            "TWINOPS_HOME": str(folder / "home"),
            "NUMBA_CACHE_DIR": str(folder / "kernels"),
            "NUMBA_OPT": "0",  # kernels run once here: most of the time would go into making them fast
        },
    )
    assert done.returncode in fine, (done.stdout[-2000:], done.stderr[-2000:])
    return done.stdout


def test_a_wheel_has_one_top_level_name_and_ships_no_tests(wheel):
    names = ZipFile(wheel).namelist()
    assert {name.partition("/")[0] for name in names if ".dist-info/" not in name} == {"twinops"}
    tracked = subprocess.run(
        ["git", "ls-files", *FOLDERS], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.split()
    assert {f"twinops/{name}" for name in tracked if (ROOT / name).exists()} <= set(names)


def test_every_module_of_it_is_imported_below_that_name_and_no_other(elsewhere):
    code = """
import importlib, json, pkgutil, sys, twinops
ours, outside = [], []
for module in pkgutil.walk_packages(twinops.__path__, "twinops."):
    if module.name.endswith("__main__"):
        continue
    try:
        ours.append(importlib.import_module(module.name).__name__)
    except ModuleNotFoundError as error:
        outside.append(error.name)
import agents, twin
print(json.dumps({"ours": len(ours), "outside": outside, "owners": [agents.OWNER, twin.OWNER],
                  "there": [name for name in twinops.__all__ if not hasattr(twinops, name)],
                  "folders": sorted(x for x in sys.modules if x.partition(".")[0] in ("evals", "prompts", "tools"))}))
"""
    found = json.loads(run(elsewhere[0], "python", "-W", "ignore", "-c", code))
    assert found["ours"] > 350
    assert not [name for name in found["outside"] if name.partition(".")[0] in (*FOLDERS, "twinops")]
    assert found["owners"] == ["somebody else", 3]
    assert (found["there"], found["folders"]) == ([], [])


@pytest.mark.timeout(900)  # every kernel is compiled anew here, and once for both: in one test they are on one worker
def test_it_works_on_an_incident_and_answers_a_suite_without_the_repository(elsewhere):
    folder, _ = elsewhere
    suite = ("-m", "twinops", "eval", "run", "verify", "--cases", "1", "--json")
    scored = json.loads(run(folder, "python", *suite))  # compiles the kernels, which no stage has to wait for then
    assert (scored["status"], scored["sound"]) == ("complete", True)
    ended = json.loads(run(folder, "twinops", "run", "--network", "synthetic/8-1", "--seed", "1", "--json"))
    assert ended["outcome"] == "resolved"
    assert "<svg" in (folder / ended["folder"] / "report.html").read_text()


def test_taken_away_again_it_leaves_the_neighbour_whole(elsewhere):
    folder, site = elsewhere
    pip("--python", folder / "venv/bin/python", "uninstall", "--quiet", "--yes", "twinops")
    assert {name: (site / name).read_bytes() for name in NEIGHBOUR} == NEIGHBOUR
    assert not [path for path in (site / "twinops").rglob("*") if path.is_file() and path.suffix != ".pyc"]
