# ruff: noqa: E501 (a pattern reads best on one line)
"""Claims: every number in an explanation is held against what the tools of its run answered.

A number is supported when some result, converted to its unit and rounded as it was written, is that number. Numbers
that models, devices or files wrote support nothing, whatever tool passed them on.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from pydantic import Field, JsonValue

from tools.box.handover import Decision, Diagnosis, Incident, NoPlan, PlanSubmission
from twin.files import parse_json
from twin.model import Frozen

from .events import (
    ChatAnswered,
    Event,
    ExecutionStep,
    LoadsTaken,
    Noted,
    RunFinished,
    RunStarted,
    StageFinished,
    ToolReturned,
    VerdictReached,
    WindowRehearsed,
)
from .journal import Record

Dimension = Literal["share", "rate", "time", "power", "energy", "plain", "any"]

_UNITS: Mapping[str, tuple[Dimension, float]] = {
    "%": ("share", 0.01),
    "percent": ("share", 0.01),
    "percentage points": ("share", 0.01),
    "points": ("share", 0.01),
    "bit/s": ("rate", 1e-6),
    "kbit/s": ("rate", 1e-3),
    "mbit/s": ("rate", 1.0),
    "gbit/s": ("rate", 1e3),
    "tbit/s": ("rate", 1e6),
    "g": ("rate", 1e3),
    "ms": ("time", 1e-3),
    "s": ("time", 1.0),
    "seconds": ("time", 1.0),
    "min": ("time", 60.0),
    "minutes": ("time", 60.0),
    "h": ("time", 3600.0),
    "hours": ("time", 3600.0),
    "w": ("power", 1.0),
    "watts": ("power", 1.0),
    "kw": ("power", 1e3),
    "wh": ("energy", 1.0),
    "kwh": ("energy", 1e3),
}
"""What a unit measures and its size in the unit that results are in: shares, Mbit/s, seconds, watts, watt-hours."""

_KEYS: tuple[tuple[re.Pattern[str], Dimension, float], ...] = (
    (re.compile(r"_ms$"), "time", 1e-3),
    (re.compile(r"(?:_s$|^seconds$|^age$)"), "time", 1.0),
    (re.compile(r"watts?$|_watts"), "power", 1.0),
    (re.compile(r"(?:_wh$|watt_hours)"), "energy", 1.0),
    (
        re.compile(r"utilisation|probability|share|quality|fidelity|^gap$|^bound$|confidence|^score$|^gain$"),
        "share",
        1.0,
    ),
    (
        re.compile(r"mbps$|^harm|^lost$|^severed$|overload$|^capacity$|^offered$|demand$|^load$|headroom|dropped$"),
        "rate",
        1.0,
    ),
)
_PLAIN_KEYS = re.compile(
    r"^(?:steps?|rounds?|nodes|circuits|total|severe|samples|rank|of|count|weight|max_steps|factor|residual)$"
)
_WRITTEN = frozenset({"explanation", "reasons", "reason_given", "untrusted", "provenance", "time", "live_time"})

_OF_RUN = {"nodes", "circuits"}
_OF_POLICY = {"max_utilisation", "max_failure_utilisation", "max_steps", "min_gain", "max_blast_radius"}

_NUMBER = re.compile(
    r"(?<![\w:/>#.])(?P<n>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?(?:e[+-]?\d+)?)"
    rf"(?:\s?(?P<unit>{'|'.join(re.escape(x) for x in sorted(_UNITS, key=len, reverse=True))})(?![\w/]))?(?![\w/>]|:\d|-[A-Za-z]|\.\d)",
    re.IGNORECASE,
)
_NAMES = re.compile(
    r"(?:node|link|interface|demand|tunnel|risk-group)/\S+|\S+->\S+|\b\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}\S*)?|\b\d{1,2}:\d{2}(?::\d{2})?\b"
    r"|\b(?=[0-9a-f]*[a-f])(?=[0-9a-f]*\d)[0-9a-f]{8,}\b|\b\d{12,}\b|\b[^\W\d_]\w*(?:-\w+)+|\(\d{1,2}\)"
)


class Claim(Frozen):
    """One number that an explanation states."""

    words: str = Field(description="The number with its unit, as written.")
    who: str = Field(description="Whose explanation states it.")
    supported: bool
    near: str = Field(default="", description="The words around it.")


class Claims(Frozen):
    """The numbers of a run's explanations."""

    checked: int
    unsupported: tuple[Claim, ...] = ()


class StatedFigure(NamedTuple):
    """A number that a tool answered: in Mbit/s, seconds, watts, or as a share; `any` where its field does not say."""

    value: float
    dimension: Dimension


@dataclass
class KnownFigures:
    """Everything that numbers may be held against."""

    known: set[StatedFigure] = field(default_factory=set[StatedFigure])

    def add_result(self, value: JsonValue) -> None:
        """Take in the result of a tool, without what its fields say that others wrote."""
        outside = value.get("untrusted") if isinstance(value, dict) else None
        paths = frozenset(outside) if isinstance(outside, dict) else frozenset[str]()
        self.known.update(_quantities(value, "", "", paths))

    def add_text(self, text: str) -> None:
        """Take in a sentence that code wrote."""
        self.known.update(_stated(text))

    def supports(self, value: float, unit: str, decimals: int) -> bool:
        """Whether some figure is this number in this unit, rounded to so many decimals."""
        dimension, size = _UNITS.get(unit.lower(), ("plain", 1.0))
        half = 0.5 * 10.0**-decimals * 1.001 + 1e-9 * abs(value)
        return any(
            abs(known.value / scale - value) <= half
            for known in self.known
            for scale in _scales(known.dimension, dimension, size)
        )


def claims_of(text: str, who: str, figures: KnownFigures) -> tuple[Claim, ...]:
    """Hold every number of a text against the figures. Names, times and dates are not numbers."""
    plain = _without_names(text)
    return tuple(
        Claim(
            words=" ".join(text[hit.start() : hit.end()].split()),
            who=who,
            supported=figures.supports(_value(hit), hit["unit"] or "", _decimals(hit["n"])),
            near=" ".join(text[max(0, hit.start() - 40) : hit.end() + 20].split()),
        )
        for hit in _NUMBER.finditer(plain)
    )


def check_claims(records: Sequence[Record]) -> Claims:
    """Check every explanation of a run, and what the driver said of it, against the results of its tools."""
    events = [record.event for record in records]
    figures = figures_of(events)
    found = [claim for text, who in _explanations(events) for claim in claims_of(text, who, figures)]
    open_ = tuple(dict.fromkeys(claim for claim in found if not claim.supported))
    return Claims(checked=len(found), unsupported=open_)


def figures_of(events: Iterable[Event]) -> KnownFigures:
    """Gather what tools, simulations, verdicts and measurements gave in a run; nothing that a model wrote."""
    figures = KnownFigures()
    for event in events:
        match event:
            case ToolReturned():
                figures.add_result(_parsed(event.content))
            case RunStarted():
                figures.add_result(event.model_dump(mode="json", include=_OF_RUN))
                if event.goal is not None:
                    figures.add_result(
                        event.goal.model_dump(mode="json", include={"limits", "factor", "weight", "capacity", "rate"})
                    )
                figures.add_result(event.policy.model_dump(mode="json", include=_OF_POLICY))
            case LoadsTaken():
                figures.add_result(event.model_dump(mode="json", include={"max_utilisation", "harm"}))
            case WindowRehearsed():
                figures.add_result(event.window.model_dump(mode="json"))
            case VerdictReached():
                figures.add_result(event.verdict.model_dump(mode="json"))
            case ExecutionStep():
                figures.add_result(event.model_dump(mode="json"))
            case StageFinished() if event.handover is not None:
                figures.add_result(event.handover.model_dump(mode="json"))
            case RunFinished():
                figures.add_result(event.figures.model_dump(mode="json"))
            case _:
                pass
    return figures


def _explanations(events: Iterable[Event]) -> Iterator[tuple[str, str]]:
    for event in events:
        match event:
            case StageFinished():
                yield event.because, "driver"
                yield from _handover_words(event)
            case ChatAnswered() if event.text.strip() and not event.tool_calls:
                yield event.text, event.role
            case RunFinished():
                yield event.because, "driver"
            case Noted():
                pass
            case _:
                pass


def _handover_words(event: StageFinished) -> Iterator[tuple[str, str]]:
    match event.handover:
        case Incident():
            yield event.handover.explanation, "monitoring"
        case Diagnosis():
            yield event.handover.explanation, "diagnosis"
        case PlanSubmission():
            yield event.handover.explanation, "planning"
        case NoPlan():
            yield event.handover.explanation, "planning"
        case Decision():
            yield event.handover.reasons, "verification"
        case _:
            pass


def _parsed(content: str) -> JsonValue:
    try:
        return parse_json(content)
    except ValueError:
        return None


def _quantities(value: JsonValue, key: str, path: str, outside: frozenset[str]) -> Iterator[StatedFigure]:
    if key in _WRITTEN or path in outside:
        return
    match value:
        case bool() | None:
            return
        case int() | float():
            yield _quantity(float(value), key)
        case str():
            yield from _stated(value)
        case list():
            yield StatedFigure(float(len(value)), "plain")
            for item in value:
                yield from _quantities(item, key, path, outside)
        case dict():
            for name, item in value.items():
                inner = key if name in ("before", "after") and key else name
                yield from _quantities(item, inner, f"{path}.{name}" if path else name, outside)


def _quantity(value: float, key: str) -> StatedFigure:
    for pattern, dimension, scale in _KEYS:
        if pattern.search(key):
            return StatedFigure(value * scale, dimension)
    return StatedFigure(value, "plain" if _PLAIN_KEYS.search(key) else "any")


def _stated(text: str) -> Iterator[StatedFigure]:
    for hit in _NUMBER.finditer(_without_names(text)):
        dimension, size = _UNITS.get((hit["unit"] or "").lower(), ("any", 1.0))
        yield StatedFigure(_value(hit) * size, dimension)


def _scales(known: Dimension, wanted: Dimension, size: float) -> tuple[float, ...]:
    """By what a figure is divided to be compared with a number that was written in a unit."""
    if known in (wanted, "any"):
        return (size,)
    return (1.0,) if wanted == "plain" and known in ("share", "rate", "power") else ()


def _without_names(text: str) -> str:
    return _NAMES.sub(lambda hit: "_" * len(hit.group()), text)


def _value(hit: "re.Match[str]") -> float:
    return float(hit["n"].replace(",", ""))


def _decimals(number: str) -> int:
    mantissa, _, exponent = number.lower().partition("e")
    return len(mantissa.partition(".")[2]) - int(exponent or 0)
