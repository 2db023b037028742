"""Scorers follow their definitions, and a scorer with one comparison turned round is caught."""

import ast
import importlib
from pathlib import Path
from types import ModuleType

import pytest

import evals.score
from tests.evals.score_facts import FACTS

FOLDER = Path(evals.score.__file__).parent
FLIPPED = {
    ast.Lt: ast.GtE,
    ast.LtE: ast.Gt,
    ast.Gt: ast.LtE,
    ast.GtE: ast.Lt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}


def comparisons(tree: ast.Module) -> list[tuple[ast.Compare, int]]:
    return [(x, i) for x in ast.walk(tree) if isinstance(x, ast.Compare) for i in range(len(x.ops))]


def mutants() -> list[tuple[str, int]]:
    return [
        (path.stem, number)
        for path in sorted(FOLDER.glob("[a-z]*.py"))
        for number in range(len(comparisons(ast.parse(path.read_text()))))
    ]


def mutated(name: str, number: int) -> tuple[ModuleType, str]:
    """The module with one comparison turned round, and the line that it is in."""
    source = (FOLDER / f"{name}.py").read_text()
    tree = ast.parse(source)
    compare, place = comparisons(tree)[number]
    line = source.splitlines()[compare.lineno - 1].strip()
    compare.ops[place] = FLIPPED[type(compare.ops[place])]()
    module = ModuleType(f"evals.score.{name}")
    module.__package__ = "evals.score"
    exec(
        compile(ast.fix_missing_locations(tree), f"{name} with comparison {number} turned round", "exec"), vars(module)
    )
    return module, line


@pytest.mark.parametrize(("name", "fact"), [(name, fact) for name, facts in FACTS.items() for fact in facts])
def test_the_scorers_follow_their_definitions(name, fact):
    fact(importlib.import_module(f"evals.score.{name}"))


def test_every_scorer_has_facts():
    assert {path.stem for path in FOLDER.glob("[a-z]*.py")} == set(FACTS)


@pytest.mark.parametrize(("name", "number"), mutants())
@pytest.mark.filterwarnings("ignore")
def test_a_scorer_with_a_comparison_turned_round_is_caught(name, number):
    module, line = mutated(name, number)
    for fact in FACTS[name]:
        try:
            fact(module)
        except (Exception, pytest.fail.Exception):
            return
    pytest.fail(f"{name}: nothing notices that this is turned round: {line}")
