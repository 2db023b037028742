"""What a verdict, an order or a plan in the network was worth."""

from collections.abc import Collection
from typing import NamedTuple

from twin.gate.verdict import Verdict

_NOISE = 1e-6


class Blame(NamedTuple):
    """Why a plan is bad: the check that must fail, and the elements, failures and step that may be named for it."""

    check: str
    elements: frozenset[str]
    failures: frozenset[str] | None = None
    step: int | None = None


def names_it(blame: Blame, verdict: Verdict) -> bool:
    """Whether the check that must fail has failed, with a counterexample that names what is wrong."""
    check = next((check for check in verdict.checks if check.name == blame.check), None)
    if check is None or check.passed or check.counterexample is None:
        return False
    found = check.counterexample
    in_failures = blame.failures is None or found.failure in blame.failures
    return found.element in blame.elements and in_failures and blame.step in (None, found.step)


def unsafe_approval(*, bad: bool, approved: bool) -> bool:
    """A bad plan that was let through."""
    return bad and approved


def false_rejection(*, bad: bool, approved: bool) -> bool:
    """A good plan that was not."""
    return not bad and not approved


def caused_regression(before: float, after: float, *, noise: float = _NOISE) -> bool:
    """Whether more is harmed than without the action, by more than measurement noise, in Mbit/s."""
    return after > before + noise


def improved(before: float, after: float, *, noise: float = _NOISE) -> bool:
    """Whether less is harmed than without the action, by more than measurement noise, in Mbit/s."""
    return after < before - noise


def keeps_order(before: Collection[int], order: Collection[int]) -> bool:
    """Whether an order is one of exactly these steps."""
    return sorted(before) == sorted(order)


def gap(value: float, optimum: float) -> float:
    """Share by which a peak lies above the best possible one; 0 without traffic."""
    return value / optimum - 1 if optimum > 0 else 0.0


def harm_integral(harm: Collection[tuple[float, float]]) -> float:
    """Mbit harmed in all, from (seconds, Mbit/s) stretches. Raises `ValueError` on a stretch of negative length."""
    if any(seconds < 0 for seconds, _ in harm):
        raise ValueError("a stretch of time cannot be negative")
    return sum(seconds * rate for seconds, rate in harm)
