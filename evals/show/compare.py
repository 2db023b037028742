"""Two evaluations side by side, on the cases that both have; and systems against the product within one."""

from collections.abc import Mapping, Sequence

from pydantic import Field

from agents.show.fitted import Fitted
from evals.cases.result import Result, steady
from evals.run.record import Record
from evals.score.paired import mcnemar, paired_difference
from evals.suites import suite_of
from twin.errors import InputError
from twin.model import Frozen


class MeasureChange(Frozen):
    """Mean of one measure in both, and the difference with its 95 % interval over the shared cases."""

    name: str
    first: float
    second: float
    difference: float
    low: float
    high: float
    cases: int

    @property
    def certain(self) -> bool:
        """Whether the interval of the difference leaves out 0."""
        return self.low > 0 or self.high < 0


class SuiteComparison(Frozen):
    """One suite: cases passed by either, and the chance of a split as uneven by chance alone (exact McNemar test)."""

    suite: str
    first: str = Field(description="What answered in the first.")
    second: str
    cases: int
    first_passed: int
    second_passed: int
    gained: int = Field(description="Cases that only the second passed.")
    lost: int
    probability: float
    measures: tuple[MeasureChange, ...]


class Comparison(Frozen):
    """Two evaluations by name, and what differs."""

    first: str
    second: str
    suites: tuple[SuiteComparison, ...]


def compare_runs(first: Record, second: Record) -> Comparison:
    """Compare the product's answers in two runs, suite by suite.

    Raises `InputError` when they share no case.
    """
    heads = first.head, second.head
    results = first.results(), second.results()
    found: list[SuiteComparison] = []
    for name in (x for x in heads[0].spec.suites if x in heads[1].spec.suites):
        suite = suite_of(name)
        mine = [[x for x in each if x.suite == suite.name and x.system == suite.product] for each in results]
        labels = f"{suite.product} on {heads[0].spec.model}", f"{suite.product} on {heads[1].spec.model}"
        if (one := compare_systems(suite.name, labels, mine[0], mine[1])) is not None:
            found.append(one)
    if not found:
        raise InputError(f"{heads[0].name} and {heads[1].name} share no case", fix="compare runs of the same suites")
    return Comparison(first=heads[0].name, second=heads[1].name, suites=tuple(found))


def compare_systems(
    suite: str, labels: tuple[str, str], first: Sequence[Result], second: Sequence[Result]
) -> SuiteComparison | None:
    """Compare two sets of answers to the same cases; None when they share no case."""
    pairs = _paired(first, second)
    if not pairs:
        return None
    passed = [x.passed for x, _ in pairs], [y.passed for _, y in pairs]
    difference = mcnemar(*passed)
    names = sorted({name for x, y in pairs for name in x.values if name in y.values})
    changes = (_change(name, pairs) for name in names)
    return SuiteComparison(
        suite=suite,
        first=labels[0],
        second=labels[1],
        cases=len(pairs),
        first_passed=sum(passed[0]),
        second_passed=sum(passed[1]),
        gained=difference.gained,
        lost=difference.lost,
        probability=steady(difference.probability),
        measures=tuple(x for x in changes if x.difference != 0),
    )


def comparison_table(found: Comparison) -> Fitted:
    """One line a suite, and one for each measure that differs by more than chance."""
    from agents.show.tables import text_table

    rows: list[tuple[str, ...]] = []
    for x in found.suites:
        verdict = f"p = {x.probability:.3g}" if x.gained + x.lost else "the same"
        split = f"+{x.gained} -{x.lost}"
        rows.append((x.suite, "passed", f"{x.first_passed}/{x.cases}", f"{x.second_passed}/{x.cases}", split, verdict))
        rows += [
            ("", change.name, f"{change.first:.4g}", f"{change.second:.4g}", f"{change.difference:+.4g}",
             f"{change.low:+.3g} to {change.high:+.3g}")
            for change in x.measures
            if change.certain
        ]  # fmt: skip
    return text_table(("suite", "measure", f"{found.first}>", f"{found.second}>", "difference>", "certainty"), rows)


def _paired(first: Sequence[Result], second: Sequence[Result]) -> list[tuple[Result, Result]]:
    """Answers to the same case in the same trial, without cases that could not be set up."""
    others: Mapping[tuple[str, int], Result] = {(x.case, x.repeat): x for x in second if not x.void}
    mine = [x for x in first if not x.void]
    return [(x, others[x.case, x.repeat]) for x in mine if (x.case, x.repeat) in others]


def _change(name: str, pairs: Sequence[tuple[Result, Result]]) -> MeasureChange:
    both = [(x.values[name], y.values[name], x.case) for x, y in pairs if name in x.values and name in y.values]
    before, after, cases = [x for x, _, _ in both], [y for _, y, _ in both], [case for _, _, case in both]
    difference, low, high = (steady(x) for x in paired_difference(before, after, cases))
    means = (steady(sum(values) / len(values)) for values in (before, after))
    first, second = means
    return MeasureChange(
        name=name, first=first, second=second, difference=difference, low=low, high=high, cases=len(both)
    )  # fmt: skip
