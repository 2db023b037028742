"""From results to the scoreboard: a row for each suite, system and metric, with its interval."""

from collections.abc import Iterable, Sequence
from itertools import groupby

from pydantic import Field

from evals.cases.result import Result, steady
from evals.cases.suite import Metric, Suite
from evals.score.intervals import ScoreInterval, all_of_k, f1_interval, mean_interval, quantile_interval, wilson
from evals.score.sets import calibration_error
from twin.model import Frozen


class Row(Frozen):
    """One figure: `value` with its 95 % interval over `cases` results. `higher` says which way is better, if any."""

    suite: str
    system: str
    metric: str
    value: float
    low: float
    high: float
    cases: int
    higher: bool | None = None
    bar: float | None = None
    share: bool = Field(default=False, description="Whether it is a share of cases, and reads best in per cent.")

    @property
    def meets(self) -> bool | None:
        """Whether the figure is at its bar or better; None without one."""
        if self.bar is None or self.higher is None:
            return None
        return self.value >= self.bar if self.higher else self.value <= self.bar

    @property
    def key(self) -> tuple[str, str, str]:
        """What the figure is of."""
        return self.suite, self.system, self.metric


def tabulate(suite: Suite, results: Iterable[Result], *, repeat: int = 1) -> tuple[Row, ...]:
    """Sum the results of one suite up, the product first; the order of the results does not matter."""
    places = {name: i for i, name in enumerate(suite.systems)}
    mine = sorted(
        (x for x in results if x.suite == suite.name),
        key=lambda x: (places.get(x.system, len(places)), x.key),
    )
    rows: list[Row] = []
    for system, group in groupby(mine, key=lambda x: x.system):
        found = list(group)
        rows += [row for metric in suite.metrics if (row := _row(suite, system, metric, found)) is not None]
        rows += _reliability(suite, system, found, repeat)
    return tuple(rows)


def figure(metric: Metric, results: Sequence[Result]) -> tuple[ScoreInterval, int] | None:
    """Return one figure over some results and how many count for it; None when none does.

    A crash counts as the worst answer to a yes-or-no metric about all cases; the others cannot know whether they are
    about it, and leave it out. Cases that could not be set up count nowhere.
    """
    counted = [x for x in results if _counts_for(metric, x)]
    match metric.kind:
        case "share":
            values = [_share_of(metric, x) for x in counted]
            interval = _share(values, counted)
        case "f1":
            found = [_counts(metric, x) for x in counted if x.error is None]
            interval = f1_interval(found, [x.case for x in counted if x.error is None])
        case _:
            told = [({**x.spent, **x.values}, x) for x in counted]
            rows = [(figures[metric.of], x) for figures, x in told if metric.of in figures]
            interval = _continuous(metric, rows)
            counted = [x for _, x in rows]
    if not counted:
        return None
    return ScoreInterval(*(steady(value) for value in interval)), len(counted)


def _counts_for(metric: Metric, result: Result) -> bool:
    if result.void or (result.error is not None and metric.where is not None):
        return False
    return result.error is not None or metric.where is None or result.values.get(metric.where) == 1


def _row(suite: Suite, system: str, metric: Metric, results: Sequence[Result]) -> Row | None:
    found = figure(metric, results)
    if found is None:
        return None
    (value, low, high), cases = found
    bar = metric.bar if system == suite.product else None
    return Row(
        suite=suite.name, system=system, metric=metric.name, value=value, low=low, high=high, cases=cases,
        higher=metric.higher, bar=bar, share=metric.kind == "share",
    )  # fmt: skip


def _reliability(suite: Suite, system: str, results: Sequence[Result], repeat: int) -> list[Row]:
    """Crashes, cases that could not be set up, and of repeated cases pass^k: the chance that all k trials pass."""
    void = sum(x.void for x in results)
    results = [x for x in results if not x.void]
    crashed = wilson(sum(x.error is not None for x in results), len(results))
    rows = [
        Row(suite=suite.name, system=system, metric="crashed", value=steady(crashed.value), low=steady(crashed.low),
            high=steady(crashed.high), cases=len(results), higher=False, share=True,
            bar=0.0 if system == suite.product else None)
    ]  # fmt: skip
    if void:
        rows.append(
            Row(
                suite=suite.name, system=system, metric="cases not set up", value=void, low=void, high=void, cases=void,
                higher=False,
            )
        )  # fmt: skip
    if repeat > 1:
        trials = {name: [x.passed for x in group] for name, group in groupby(results, key=lambda x: x.case)}
        for k in sorted({1, repeat}):
            each = [all_of_k(sum(passed), len(passed), k) for passed in trials.values()]
            value, low, high = (steady(x) for x in mean_interval(each, list(trials)))
            rows.append(
                Row(suite=suite.name, system=system, metric=f"pass^{k}", value=value, low=low, high=high,
                    cases=len(trials), higher=True, share=True)
            )  # fmt: skip
    return rows


def _share_of(metric: Metric, result: Result) -> float:
    if result.error is not None:
        return float(metric.higher is False)
    if metric.of == "passed":
        return float(result.passed)
    return result.values.get(metric.of, float(metric.higher is False))


def _share(values: Sequence[float], results: Sequence[Result]) -> ScoreInterval:
    """Wilson's interval where every case was tried once and is a yes or a no, else a bootstrap over cases."""
    once = len({x.case for x in results}) == len(results)
    if once and all(value in (0.0, 1.0) for value in values):
        return wilson(sum(values), len(values))
    return mean_interval(values, [x.case for x in results])


def _counts(metric: Metric, result: Result) -> tuple[float, float, float]:
    hit, false, missed = (result.values.get(f"{metric.of}_{part}", 0.0) for part in ("hit", "false", "missed"))
    return hit, false, missed


def _continuous(metric: Metric, rows: Sequence[tuple[float, Result]]) -> ScoreInterval:
    values, clusters = [value for value, _ in rows], [x.case for _, x in rows]
    if not values:
        return ScoreInterval(0.0, 0.0, 0.0)
    match metric.kind:
        case "p50" | "p90" | "p99":
            return quantile_interval(values, int(metric.kind[1:]) / 100)
        case "sum":
            total = sum(values)
            return ScoreInterval(total, total, total)
        case "calibration":
            error = calibration_error(values, [x.passed for _, x in rows])
            return ScoreInterval(error, error, error)
        case _:
            return mean_interval(values, clusters)
