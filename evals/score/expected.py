"""Whether an answer is what a written case expects of it."""

from collections.abc import Sequence
from typing import Protocol

from twin.faults import Fault
from twin.gate.verdict import Verdict

from .sets import same, same_for_telemetry


class NamesFaults(Protocol):
    """What names faults: an answer of some system."""

    @property
    def faults(self) -> tuple[Fault, ...]:
        """The faults, in any order; none for a healthy network."""
        ...


def cause(text: str) -> Fault:
    """Read `kind at element`, with `towards target` where the kind has one. Raises `ValueError` for anything else."""
    kind, _, place = text.partition(" at ")
    element, _, target = place.partition(" towards ")
    return Fault.model_validate({"kind": kind, "element": element, "target": target or None})


def names_causes(wanted: Sequence[str], named: Sequence[Fault]) -> bool:
    """Whether exactly these causes were named, up to kinds that no measurement can tell apart; none for healthy."""
    there = [cause(text) for text in wanted]
    return same(named, there) or same_for_telemetry(named, there)


def causes_as_expected(wanted: Sequence[str], scene: object, found: "NamesFaults") -> bool:
    """Whether exactly these causes were named, whatever the scene."""
    del scene
    return names_causes(wanted, found.faults)


def at_most(limit: float, peak: float | None) -> bool:
    """Whether a peak was measured, and is within a limit."""
    return peak is not None and peak <= limit


def fails(wanted: str, verdict: Verdict) -> bool:
    """Whether this check failed; one that could not be evaluated has no counterexample, and does not count."""
    return any(x.name == wanted and not x.passed and x.counterexample is not None for x in verdict.checks)
