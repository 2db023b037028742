"""A suite: cases, the scene of each, the systems that answer, the score of an answer, and what is reported."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple

from twin.errors import InputError
from twin.model import Network

from .case import Case, Split
from .result import Measures

SEEDS: Mapping[str, range] = {"dev": range(40_000, 50_000), "held-out": range(1_000_000, 1_010_000)}
"""Seeds of each split: neither overlaps the other, nor what tests and benchmarks use."""

NETWORKS: Mapping[str, tuple[str, ...]] = {
    "dev": (
        "sndlib/polska",
        "sndlib/nobel-us",
        "sndlib/newyork",
        "sndlib/norway",
        "synthetic/16-4101",
        "synthetic/24-4102",
    ),
    "held-out": ("sndlib/atlanta", "sndlib/france", "sndlib/nobel-eu", "sndlib/india35", "synthetic/16-9101"),
}
"""Topologies of each split; smoke's and the tests' are in neither."""

Kind = Literal["share", "mean", "f1", "p50", "p90", "p99", "sum", "calibration"]


class Metric(NamedTuple):
    """One column of the scoreboard.

    `of` names a measure; for `f1` it is the prefix of `_hit`, `_false` and `_missed`. `where` names a measure that must
    be 1 for a case to count; a mean may be of what is `spent`, too. `higher` says which way is better, None that
    neither is; `bar` is what is wanted.
    """

    name: str
    kind: Kind
    of: str = "passed"
    where: str | None = None
    higher: bool | None = True
    bar: float | None = None


SECONDS = (
    Metric("seconds of models", "mean", "model_seconds", higher=None),
    Metric("seconds of tools", "mean", "tool_seconds", higher=None),
    Metric("seconds besides", "mean", "own_seconds", higher=None),
)
"""Where a run's time goes: no figure that machines are compared by."""


class Check(NamedTuple):
    """How a suite checks one field of an `Expectation`.

    `holds(expected, scene, answer)` is None where an answer says nothing of it, as that of a system without agents does
    of outcomes. `needs` names a field of the case without which there would be nothing to check.
    """

    holds: Callable[[Any, Any, Any], bool | None]
    needs: str | None = None


@dataclass(frozen=True)
class Workplace:
    """Where a case may leave things: a folder of its run, and the folder with the signing key."""

    folder: Path
    home: Path


Stage = Callable[[Case, Workplace], Any]
System = Callable[[Any], Any]


@dataclass(frozen=True)
class Suite:
    """How cases are made, asked and scored.

    `draw(split)` yields the cases in an order in which every beginning is a fair slice. `stage` sets a scene up once a
    case, each of `systems` answers it (the first is the product, the others are what it is compared with), `score`
    judges one answer, and `checks` what a written case expects of it, by field. A system that raises has failed the
    case; a stage that raises breaks the case itself. Every build is held to a slice of at least `slice` cases; no kind
    is absent from it; `by_kind` is off where the suite's first cases are its slice. A system that `every`
    names with n is asked on every n-th case alone.
    """

    name: str
    purpose: str
    draw: Callable[[Split], Iterable[Case]]
    stage: Stage
    systems: Mapping[str, System]
    score: Callable[[Any, Any], Measures]
    metrics: tuple[Metric, ...]
    cases: int
    slice: int = 12
    by_kind: bool = True
    agents: bool = False
    checks: Mapping[str, Check] = field(default_factory=dict[str, Check])
    every: Mapping[str, int] = field(default_factory=dict[str, int])

    @property
    def product(self) -> str:
        """Name of the first system."""
        return next(iter(self.systems))

    def asked(self, number: int, *, baselines: bool) -> tuple[str, ...]:
        """Names of the systems that answer the case of this number, counted from 0."""
        names = self.systems if baselines else (self.product,)
        return tuple(x for x in names if number % self.every.get(x, 1) == 0)

    def judge(self, case: Case, scene: Any, answer: Any) -> Measures:  # noqa: ANN401 - each suite has its own
        """Score one answer; it fails where it is not what its case expects, whatever else it is worth."""
        measures = self.score(scene, answer)
        given = case.expect.given if case.expect else {}
        held = {name: self.checks[name].holds(value, scene, answer) for name, value in given.items()}
        if all(holds is None for holds in held.values()):
            return measures
        broken = [name for name, holds in held.items() if holds is False]
        values = {**measures.values, "judged": 1.0, "expected": float(not broken)}
        words = "; ".join([measures.truth, *(f"expected {name}: {given[name]}" for name in broken)])
        return replace(measures, passed=measures.passed and not broken, values=values, truth=words)

    def take(self, split: Split, *, cases: int | None = None, seeds: range | None = None) -> tuple[Case, ...]:
        """Return the cases of a split, those of some seeds if so asked. Raises `InputError` when none is left."""
        most = self.cases if cases is None else cases
        found: list[Case] = []
        for case in self.draw(split):
            if len(found) >= most:
                break
            if seeds is None or case.seed in seeds:
                found.append(case)
        if not found:
            raise InputError(
                f"no case of {self.name} is left", fix=f"seeds of the {split} split are {_shown(SEEDS.get(split))}"
            )
        return tuple(found)

    def sample(self, split: Split, *, cases: int | None = None, seeds: range | None = None) -> tuple[Case, ...]:
        """Return the slice of a split: one case of every kind, then the first of the others. Raises `InputError`.

        Of fewer `cases` than these, spread over the kinds: as few of all of them as will do.
        """
        drawn = self.take(split, cases=None if self.by_kind else self.slice, seeds=seeds)
        first = {case.kind: case for case in reversed(drawn)}
        chosen = {case.id for case in first.values()} if self.by_kind else set[str]()
        others = [case.id for case in drawn if case.id not in chosen]
        chosen.update(others[: max(self.slice - len(chosen), 0)])
        found = [case for case in drawn if case.id in chosen]
        return tuple(found[:: -(-len(found) // cases)] if cases else found)


def rounds(suite: str, kinds: Sequence[str], split: Split, networks: Sequence[str] | None = None) -> Iterator[Case]:
    """Deal seeds out over kinds and networks in turn, so that every beginning of the list holds a bit of everything."""
    places = networks or NETWORKS[split]
    for number, seed in enumerate(SEEDS[split]):
        turn, which = divmod(number, len(kinds))
        network = places[(turn + which) % len(places)]
        yield Case(suite=suite, kind=kinds[which], network=network, seed=seed, split=split)


def of_split(split: Split, dev: Iterable[str], held_out: Iterable[str]) -> tuple[str, ...]:
    """Kinds of one split. Raises `InputError` for a split that is neither."""
    if split == "own":
        raise InputError("a suite that draws its cases has no own split", fix="use dev or held-out")
    return tuple(dev if split == "dev" else held_out)


def scaled(network: Network, case: Case) -> Network:
    """The case's network under the traffic that the case asks for."""
    return network if case.traffic == 1 else network.with_demands(network.demands * case.traffic)


def _shown(seeds: range | None) -> str:
    return f"{seeds.start} to {seeds.stop - 1}" if seeds else "in its file"
