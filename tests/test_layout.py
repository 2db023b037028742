"""The house stands as designed: our folders are the ones imported, and the rooms stay small."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("twin", "tools", "prompts", "agents", "evals")
SOURCES = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))] + [ROOT / "twinops.py"]


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_imported_package_is_ours(folder):
    assert Path(importlib.import_module(folder).__file__).is_relative_to(ROOT)


def test_no_file_outgrows_its_room():
    too_long = {str(path.relative_to(ROOT)): n for path in SOURCES if (n := len(path.read_text().splitlines())) > 400}
    assert too_long == {}


def test_no_function_outgrows_a_page():
    too_long = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno - node.lineno + 1 > 60
    ]
    assert too_long == []


def test_importing_the_twin_pulls_in_no_agent_framework():
    heavy = ("autogen_core", "autogen_agentchat", "anthropic", "opentelemetry", "typer", "rich", "numba", "scipy")
    code = f"import sys, twin; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
