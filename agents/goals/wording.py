"""A goal in its written form: what it was understood as, and what reads back as the same goal."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from .times import zone_of
from .types import Goal, TimeWindow


def written(goal: Goal) -> str:
    """Write a goal: `drain:node/Kassel from:2026-07-09T02:00 until:2026-07-09T04:00 zone:Europe/Berlin`."""
    head = (figure(goal.factor),) if goal.factor is not None else goal.elements
    return " ".join((":".join((goal.verb, *([",".join(head)] if head else ()))), *_words(goal)))


def _words(goal: Goal) -> Iterator[str]:
    if goal.window is not None:
        yield from _window(goal.window)
    for name, value in goal.limits.model_dump(exclude_none=True).items():
        yield f"{name}:{figure(value)}"
    if goal.protected:
        yield f"protect:{','.join(goal.protected)}"
    if goal.prefer:
        yield f"{'objective' if len(goal.prefer) == 1 else 'prefer'}:{'>'.join(goal.prefer)}"
    if goal.weight is not None:
        yield f"weight:{goal.weight}"
    if goal.capacity is not None:
        yield f"capacity:{figure(goal.capacity)}M"
    if goal.rate is not None:
        yield f"rate:{figure(goal.rate)}M"
    if goal.mode is not None:
        yield f"mode:{goal.mode}"
    if goal.rehearse:
        yield "rehearse"


def _window(window: TimeWindow) -> Iterator[str]:
    def clock(at: datetime) -> str:
        local = at.astimezone(zone_of(window.zone))
        if local.utcoffset() != local.replace(fold=1 - local.fold).utcoffset():  # which of the two it is
            return local.isoformat(timespec="minutes")
        return f"{local:%Y-%m-%dT%H:%M}"

    yield f"from:{clock(window.start)}"
    yield f"until:{clock(window.end)}"
    yield f"zone:{window.zone}"


def figure(value: float) -> str:
    """A number in full, without an exponent, that reads back as the same number."""
    return f"{Decimal(repr(value)):f}".removesuffix(".0")
