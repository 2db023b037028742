"""Mutants: one small fault each, put into the code on purpose, that some test has to notice."""

import ast
import gc
import importlib
import multiprocessing
import os
import re
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, NamedTuple

LEFT_OUT = (".git", ".venv", "runs", ".pytest_cache", ".ruff_cache", ".hypothesis")
LONGEST_S = 300
_LIBRARIES = ("numpy", "numba", "scipy.sparse.csgraph", "duckdb", "pydantic", "cryptography", "opentelemetry.sdk.trace")
_ROOT = Path(__file__).resolve().parents[2]
_FAILED = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)


class Mutant(NamedTuple):
    """A fragment of a file, which stands there once, what is put in its place, and the tests that have to notice."""

    name: str
    file: str
    fragment: str
    replacement: str
    tests: tuple[str, ...]


class Fate(NamedTuple):
    """What became of a mutant, and by which test, or why it could not be tried."""

    mutant: Mutant
    how: Literal["killed", "survived", "error", "declared"]
    detail: str = ""


def mutated(mutant: Mutant, root: Path) -> str:
    """Return the file's text with the fault in it. Raises `ValueError` when that cannot be had."""
    path = root / mutant.file
    if not path.is_file():
        raise ValueError(f"there is no {mutant.file} any more")
    text = path.read_text()
    if (times := text.count(mutant.fragment)) != 1:
        raise ValueError(f"its fragment is {times} times in {mutant.file}, not once: {mutant.fragment!r}")
    changed = text.replace(mutant.fragment, mutant.replacement)
    if changed == text:
        raise ValueError(f"it changes nothing in {mutant.file}")
    ast.parse(changed)
    return changed


def missing(mutant: Mutant, root: Path) -> str:
    """Say why a mutant cannot be tried, empty when it can."""
    try:
        mutated(mutant, root)
    except (ValueError, SyntaxError) as error:
        return str(error)
    gone = [test for test in mutant.tests if not _is_there(test, root)]
    return f"there is no {gone[0]} any more" if gone else ""


def _is_there(test: str, root: Path) -> bool:
    file, _, name = test.partition("::")
    return (root / file).is_file() and (not name or f"def {name}(" in (root / file).read_text())


def copy_of(root: Path, place: Path) -> Path:
    """Copy a checkout, to have faults put into it."""
    return Path(shutil.copytree(root, place / "checkout", ignore=shutil.ignore_patterns(*LEFT_OUT)))


def fate_of(mutant: Mutant, root: Path, copy: Path) -> Fate:
    """Put a mutant into the copy, run the tests that have to notice it there, and take it out again."""
    if because := missing(mutant, copy):
        return Fate(mutant, "error", because)
    with _in_place(mutant, copy):
        code, said = run(mutant.tests, copy)
    shutil.copy2(root / mutant.file, copy / mutant.file)
    if code == 0:
        return Fate(mutant, "survived")
    found = _FAILED.search(said)
    if code is not None and (code != 1 or found is None):
        return Fate(mutant, "error", f"pytest ended with {code}: {said.strip().splitlines()[-1:]}")
    return Fate(mutant, "killed", found[1] if found else f"not done in {LONGEST_S} s")


def run(tests: Sequence[str], copy: Path) -> tuple[int | None, str]:
    """Run tests in the copy until one fails; returns pytest's exit code, None when it took too long, and its words.

    In a fork, which has the large libraries imported already, and nothing of ours.
    """
    for name in _LIBRARIES:
        importlib.import_module(name)
    said = copy.parent / "said"
    process = multiprocessing.get_context("fork").Process(target=_pytest, args=(tests, copy, said))
    process.start()
    process.join(LONGEST_S)
    code = process.exitcode
    if code is None:
        process.kill()
        process.join()
    return code, said.read_text()


def _pytest(tests: Sequence[str], copy: Path, said: Path) -> None:
    file = said.open("w")
    os.dup2(file.fileno(), 1)
    os.dup2(file.fileno(), 2)
    sys.stdout = sys.stderr = file
    os.chdir(copy)
    os.environ["PYTHONPATH"] = str(copy)  # for the processes that tests start
    sys.dont_write_bytecode = True  # no fault may stay in a cache
    ours = str(_ROOT)
    sys.path[:] = [str(copy), *(x for x in sys.path if x not in ("", ours))]
    for name in [x for x in sys.modules if x == "tests" or x.startswith("tests.")]:
        del sys.modules[name]
    import pytest

    gc.freeze()  # what this process was forked with is not searched for garbage at its end, again and again
    code = pytest.main(["-x", "-n", "0", "-rfE", "--tb=no", "-p", "no:cacheprovider", *tests])
    file.flush()
    os._exit(code)


@contextmanager
def _in_place(mutant: Mutant, copy: Path) -> Iterator[None]:
    path = copy / mutant.file
    before = path.read_text()
    path.write_text(mutated(mutant, copy))
    try:
        yield
    finally:
        path.write_text(before)
