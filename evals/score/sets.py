"""Named faults against those that are there: precision, recall and F1 on (element, kind) pairs, top-k, calibration."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from twin.faults import Fault, indistinguishable

Pair = tuple[str, str]


class Counts(NamedTuple):
    """How many pairs were named rightly, named wrongly, and not named."""

    hit: int
    false: int
    missed: int

    @property
    def precision(self) -> float:
        """Share of the named ones that are there; 1 when none is named and none is there."""
        named = self.hit + self.false
        return self.hit / named if named else float(self.missed == 0)

    @property
    def recall(self) -> float:
        """Share of those that are there that were named; 1 when none is there and none was named."""
        there = self.hit + self.missed
        return self.hit / there if there else float(self.false == 0)

    @property
    def f1(self) -> float:
        """Harmonic mean of both; two empty sets agree fully, as NIKA's scorer has it."""
        total = 2 * self.hit + self.false + self.missed
        return 2 * self.hit / total if total else 1.0


def pairs(faults: Iterable[Fault]) -> frozenset[Pair]:
    """Element and kind of each fault; severity, target and onset do not count."""
    return frozenset((fault.element, str(fault.kind)) for fault in faults)


def count(named: Iterable[Fault], there: Iterable[Fault]) -> Counts:
    """Compare two sets of faults by their pairs."""
    said, true = pairs(named), pairs(there)
    return Counts(len(said & true), len(said - true), len(true - said))


def count_elements(named: Iterable[Fault], there: Iterable[Fault]) -> Counts:
    """Compare two sets of faults by where they are alone."""
    said, true = ({fault.element for fault in faults} for faults in (named, there))
    return Counts(len(said & true), len(said - true), len(true - said))


def same(named: Iterable[Fault], there: Iterable[Fault]) -> bool:
    """Whether exactly the faults that are there were named."""
    return pairs(named) == pairs(there)


def same_for_telemetry(named: Sequence[Fault], there: Sequence[Fault]) -> bool:
    """The same up to what no measurement can tell apart: kinds listed as indistinguishable, at the same element."""
    if len(named) != len(there):
        return False
    left = list(there)
    for fault in named:
        twin = next((x for x in left if x.element == fault.element and _one_kind(x, fault)), None)
        if twin is None:
            return False
        left.remove(twin)
    return True


def rank_of(ranked: Sequence[Sequence[Fault]], there: Sequence[Fault]) -> int:
    """Place of the right answer in a ranking, counted from 1; 0 when it is not in it."""
    return next((place for place, named in enumerate(ranked, start=1) if same(named, there)), 0)


def within(rank: int, most: int) -> bool:
    """Whether a place is among the first `most`."""
    return 1 <= rank <= most


def calibration_error(confidence: Sequence[float], right: Sequence[bool], bins: int = 10) -> float:
    """Expected calibration error: mean distance of stated confidence from the share that was right, by bin.

    Guo, Pleiss, Sun, Weinberger, "On calibration of modern neural networks", ICML 2017.
    """
    found: dict[int, list[tuple[float, bool]]] = {}
    for stated, ok in zip(confidence, right, strict=True):
        found.setdefault(min(int(stated * bins), bins - 1), []).append((stated, ok))
    distances = (abs(sum(stated for stated, _ in rows) - sum(ok for _, ok in rows)) for rows in found.values())
    return sum(distances) / len(confidence) if confidence else 0.0


def _one_kind(one: Fault, other: Fault) -> bool:
    return one.kind == other.kind or indistinguishable(one.kind, other.kind) is not None


def in_words(faults: Iterable[Fault]) -> str:
    """Name faults by kind and element in one line, `healthy` for none."""
    return " and ".join(f"{kind} at {element}" for element, kind in sorted(pairs(faults))) or "healthy"
