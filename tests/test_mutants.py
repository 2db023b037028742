"""Faults put in on purpose: which are noticed, which are not, and which cannot be put in any more."""

from pathlib import Path

import pytest

from tests.mutants.declared import MUTANTS
from tests.mutants.mutant import Mutant, copy_of, fate_of, missing

ROOT = Path(__file__).resolve().parents[1]
MODULES = (
    "twin/gate/checks/", "twin/gate/verdict.py", "twin/gate/certificate.py", "twin/gate/signing.py",
    "twin/gate/passkey.py",
    "twin/execute/executor.py", "twin/execute/steps.py", "twin/execute/preflight.py", "twin/execute/agreement.py",
    "tools/box/registry.py", "tools/sql/grammar.py", "tools/sql/worker.py",
    "agents/record/records.py", "agents/record/journal.py", "agents/record/charter.py",
    "twin/append_log.py", "twin/untrusted.py", "twin/files.py",
)  # fmt: skip


def test_every_module_that_stands_between_a_model_and_a_network_has_faults_declared():
    assert [module for module in MODULES if not any(x.file.startswith(module) for x in MUTANTS)] == []
    assert len(MUTANTS) >= 52
    assert len({x.name for x in MUTANTS}) == len(MUTANTS)


def test_every_fault_can_still_be_put_in():
    """Whoever changes the code that a fault stands in declares it anew; `make mutants` tells whether it is noticed."""
    assert [f"{x.name}: {because}" for x in MUTANTS if (because := missing(x, ROOT))] == []


@pytest.fixture(name="checkout")
def _checkout(tmp_path: Path) -> Path:
    root = tmp_path / "root"
    (root / "tests").mkdir(parents=True)
    (root / "larger.py").write_text("def larger(a, b):\n    return a if a > b else b\n")
    (root / "tests" / "test_larger.py").write_text(
        "from larger import larger\n\n\ndef test_it():\n    assert larger(1, 2) == 2\n"
    )
    return root


TESTS = ("tests/test_larger.py",)


@pytest.mark.parametrize(
    ("fragment", "replacement", "how", "detail"),
    [
        ("a > b", "a < b", "killed", "tests/test_larger.py::test_it"),
        ("a > b", "a >= b", "survived", ""),
        ("a == b", "a < b", "error", "its fragment is 0 times in larger.py"),
        ("a", "c", "error", "not once"),
        ("a > b", "a > b", "error", "changes nothing"),
        ("a > b", "a >", "error", "expected"),
        ("def larger", "def smaller", "error", "pytest ended with"),
    ],
)
def test_a_fault_is_noticed_or_not_or_could_not_be_put_in(
    checkout: Path, tmp_path: Path, fragment: str, replacement: str, how: str, detail: str
):
    copy, before = copy_of(checkout, tmp_path), (checkout / "larger.py").read_text()
    fate = fate_of(Mutant("a fault", "larger.py", fragment, replacement, TESTS), checkout, copy)
    assert fate.how == how
    assert detail in fate.detail
    assert (copy / "larger.py").read_text() == (checkout / "larger.py").read_text() == before


def test_a_fault_in_a_file_or_for_a_test_that_is_gone_is_named(checkout: Path):
    assert "no smaller.py any more" in missing(Mutant("a", "smaller.py", "x", "y", TESTS), checkout)
    gone = Mutant("a", "larger.py", "a > b", "a < b", ("tests/test_smaller.py::test_it",))
    assert "no tests/test_smaller.py::test_it any more" in missing(gone, checkout)
