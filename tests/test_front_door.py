"""`import twinops`: a short list of names, each of which is where it says, and a start that costs nothing."""

import ast
import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

import twinops

ROOT = Path(__file__).resolve().parents[1]


def test_the_door_offers_its_names_and_nothing_else():
    assert dir(twinops) == sorted(twinops.__all__) == sorted(twinops._HOMES)
    assert all(getattr(twinops, name) is not None for name in twinops.__all__)
    with pytest.raises(AttributeError, match="no attribute 'network'"):
        twinops.network  # noqa: B018


def test_what_type_checkers_see_is_what_is_imported():
    tree = ast.parse((ROOT / "twinops.py").read_text())
    (guard,) = [x for x in tree.body if isinstance(x, ast.If) and getattr(x.test, "id", "") == "TYPE_CHECKING"]
    seen = {
        alias.asname: (node.module, alias.name)
        for node in guard.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    kept = {name: (home, twinops._CALLED.get(name, name)) for name, home in twinops._HOMES.items()}
    assert seen == kept


def test_opening_the_door_imports_no_library():
    code = "import sys; had = set(sys.modules); import twinops; print(*sorted(set(sys.modules) - had))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    added = {name.partition(".")[0] for name in done.stdout.split()}
    assert added - set(sys.stdlib_module_names) == {"twinops"}


def test_a_neighbour_in_the_place_of_our_folders_is_named(tmp_path):
    (tmp_path / "agents").mkdir()
    (tmp_path / "agents/__init__.py").write_text("")
    paths = [str(tmp_path), str(ROOT)]
    code = f"import sys; sys.path[:0] = {paths}; import twinops; sys.exit(twinops.run_command(['runs']))"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert f"the package 'agents' is not twinops': {tmp_path / 'agents'} is found" in done.stderr


SLOW = {"numba", "scipy", "highspy", "autogen_core", "autogen_agentchat", "anthropic", "networkx", "rapidfuzz"}


@pytest.mark.parametrize(
    ("arguments", "besides"),
    [
        (["--version"], {"numpy", "duckdb", "rich", "twin.model"}),
        (["runs", "--runs", "nowhere"], {"numpy", "agents.record.events", "agents.commands.incidents"}),
        (["faults"], {"numpy", "duckdb", "twin.sim"}),
        (["show", "nothing"], {"numpy", "twin.sim.route", "duckdb", "jinja2"}),
        (["audit", "nothing"], {"numpy", "duckdb", "twin.sim.route"}),
    ],
    ids=lambda x: x[0] if isinstance(x, list) else None,
)
def test_what_reads_records_waits_for_no_kernel_solver_or_agent_framework(arguments, besides):
    code = f"import sys, twinops; twinops.run_command({arguments}); print(*{SLOW | besides} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1].split() == []


@pytest.mark.parametrize(
    ("command", "besides"),
    [
        ("show", {"numpy", "twin.sim", "duckdb", "cryptography"}),
        ("audit", {"numpy.ma", "twin.sim.route", "twin.live.emulated"}),
    ],
)
def test_what_reads_a_whole_record_waits_for_no_simulator_and_no_network(command, besides, resolved):
    folder = resolved.result.folder
    told = f"twinops.run_command({[command, folder.name, '--runs', str(folder.parent)]})"
    script = f"import sys, twinops; print({told}, *{SLOW | besides} & set(sys.modules))"
    home = {**os.environ, "TWINOPS_HOME": str(folder.parent.parent / "home")}  # not that of whoever runs the tests
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=home, capture_output=True, text=True, check=True
    )
    code, *imported = done.stdout.splitlines()[-1].split()
    assert code == "0"
    assert not imported


@pytest.mark.parametrize("name", twinops._COMMANDS)
def test_a_command_found_alone_is_the_one_that_the_help_tells_of(name):
    module, _, found = twinops._COMMANDS[name].partition(":")
    assert hasattr(importlib.import_module(module), found)
