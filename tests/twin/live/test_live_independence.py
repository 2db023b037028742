"""The emulator may share the model with the twin, but no line of its routing."""

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def imported(path: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(path.read_text())))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return plain | {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}


def test_no_file_of_the_emulator_imports_the_simulator():
    files = sorted(set((ROOT / "twin" / "live").rglob("*.py")) - {ROOT / "twin" / "live" / "draw_fault.py"})
    assert len(files) > 5
    assert [path.name for path in files if any("sim" in name.split(".") for name in imported(path))] == []


def test_a_running_emulator_never_loads_the_simulator():
    code = """
import sys
from datetime import UTC, datetime
import numpy as np
from twin.faults import Fault, FaultKind
from twin.live.emulated import EmulatedNetwork
from twin.model import Link, Network, Node
nodes = (Node("a", 0, 0), Node("b", 0, 0))
links = (Link("a", "b", 10, 1), Link("b", "a", 10, 1))
network = Network("n", nodes, links, np.array([[0, 5], [5, 0]]))
live = EmulatedNetwork(network, seed=1, start=datetime(2026, 1, 1, tzinfo=UTC))
live.inject(Fault(kind=FaultKind.LINK_DOWN, element="link/a:b--b:a"))
live.wait()
print([name for name in sys.modules if name.startswith(("twin.sim", "numba", "scipy", "networkx"))])
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
