"""What a tool answered, in one line: its figures in words with their units, and how many of what it lists."""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from pydantic import JsonValue

from agents.wording import amount, counted, duration, place, short, written
from twin.faults import FaultKind, label
from twin.files import parse_json
from twin.printed import percents, rates
from twin.untrusted import one_line

_LONGEST = 140
_Fields = Mapping[str, JsonValue]

# Fields that are said elsewhere, are too long for a line, or are for programs.
_UNTOLD = frozenset(
    {
        "snapshot",
        "network",
        "explanation",
        "reasons",
        "provenance",
        "live_time",
        "round",
        "total",
        "next_offset",
        "truncated",
        "busiest_links",
        "moved_most",
        "earlier_fidelity",
        "measurable",
    }
)
# What a list is of: its noun, and what follows that.
_LISTS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "without_plan": ("methods", " without a plan"),
        "evidence": ("readings", " as evidence"),
        "unexplained": ("readings", " unexplained"),
        "planned": ("works", " planned"),
        "down": ("elements", " down"),
        "because": ("reasons", ""),
        "lines": ("log lines", ""),
        "expected": ("outcomes", " possible"),
    }
)
# A field in words, and its unit; yes or no in words.
_FIGURES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "offered": ("{} offered", "Mbit/s"),
        "harm": ("{} lost or above the limit", "Mbit/s"),
        "overload": ("{} above the limit", "Mbit/s"),
        "lost": ("{} cut off", "Mbit/s"),
        "severed": ("{} from or to what is down", "Mbit/s"),
        "limit": ("limit {}", "share"),
        "max_utilisation": ("busiest link at {}", "share"),
        "mean_utilisation": ("mean load {}", "share"),
        "probability": ("probability {}", "share"),
        "interval_s": ("{} between samples", "s"),
        "mean_delay_ms": ("mean delay {}", "ms"),
        "false_alarms_per_week": ("{} false alarms a week put up with", ""),
        "information": ("tells {} nats", ""),
        "demand_factor": ("demands times {}", ""),
        "asked": ("{} asked for", ""),
    }
)
_ELEMENT = re.compile(r"(?:node|link|interface|probe)/\S")
_KINDS = frozenset(str(x) for x in FaultKind)
_FIRST = frozenset({"harm", "max_utilisation", "passed", "approved"})
_COUNTED = frozenset({"nodes", "circuits", "samples", "steps", "failures"})
_NUMBERS: Mapping[str, str] = MappingProxyType(
    {"simulated": "{} simulated", "severe": "{} severe", "answered_counterexamples": "{} counterexamples answered"}
    | {"doubted": "{} readings doubted"}
)
_YES_OR_NO: Mapping[str, tuple[str, str]] = MappingProxyType(
    {"passed": ("passed", "did not pass"), "demand_off": ("demands are off", ""), "repeated": ("repeated", "")}
)


def gist(content: str) -> str:
    """Fold a tool's result into one line: what it lists, and its figures."""
    try:
        value = parse_json(content)
    except ValueError:
        return one_line(content)
    if isinstance(value, list):
        return counted(len(value), "rows")
    if not isinstance(value, dict):
        return one_line(content)
    return one_line(", ".join((*_listed(value), *_compared(value), *_told(value))), _LONGEST) or "nothing"


def _listed(value: _Fields) -> Iterator[str]:
    """How many of what; empty lists where all are, of a page the number of all, and of causes the first."""
    lists = [(key, item) for key, item in value.items() if isinstance(item, list) and key not in _UNTOLD]
    some, total = any(item for _, item in lists), value.get("total")
    for number, (key, item) in enumerate(lists):
        noun, rest = _LISTS.get(key, (key.replace("_", " "), ""))
        if number == 0 and isinstance(total, int) and total > len(item):
            yield f"{len(item)} of {counted(total, noun)}{rest}"
        elif item or not some:
            yield f"{counted(len(item), noun)}{rest}"
        failed = [str(x.get("name")) for x in item if isinstance(x, dict) and x.get("passed") is False]
        if key == "checks" and failed:
            yield f"rejected on {', '.join(failed)}"
        if key == "causes" and item and isinstance(item[0], dict):  # the most likely comes first
            yield from _cause(item[0])


def _cause(first: _Fields) -> Iterator[str]:
    fault, probability = first.get("fault"), first.get("probability")
    what = "nothing is wrong"
    if isinstance(fault, dict):
        kind = str(fault.get("kind"))
        named = label(FaultKind(kind)) if kind in _KINDS else one_line(kind, 48)
        what = f"{named}, {place(str(fault.get('element')))}"
    if isinstance(probability, int | float):
        yield f"most likely {what} ({amount(probability, 'share')})"


def _compared(value: _Fields) -> Iterator[str]:
    """Two states side by side; of the steps of a plan, the last."""
    before, after, steps = value.get("before"), value.get("after"), value.get("steps")
    if after is None and isinstance(steps, list) and steps:
        after = steps[-1]
    if not isinstance(before, dict) or not isinstance(after, dict):
        return
    for key, words, write in (
        ("max_utilisation", "busiest link from {} to {}", percents),
        ("harm", "lost or above the limit from {} to {}", rates),
    ):
        first, second = before.get(key), after.get(key)
        if isinstance(first, int | float) and isinstance(second, int | float):
            yield words.format(*write(first, second))


def _told(value: _Fields) -> Iterator[str]:
    """The figures, those that a run is about first; nothing of what is empty, or told of something else already."""
    busiest, peak = value.get("busiest"), value.get("max_utilisation")
    untold = set(_UNTOLD)
    for key, instead in (("plan", "handle"), ("probability", "causes"), ("busiest", "max_utilisation")):
        untold |= {key} if instead in value else set()
    if isinstance(busiest, str) and isinstance(peak, int | float):
        untold |= {"max_utilisation"}
        yield f"busiest link {busiest} at {amount(peak, 'share')}"
    for key in sorted(value, key=lambda key: key not in _FIRST):
        if key not in untold and (words := _field(key, value[key])):
            yield words


def _field(key: str, item: JsonValue) -> str:
    name = key.replace("_", " ")
    match item:
        case "":
            return ""
        case bool():
            yes, no = _YES_OR_NO.get(key, (name, f"not {name}"))
            return yes if item else no
        case int() if key in _COUNTED:
            return counted(item, name)
        case int() if key in _NUMBERS:
            return _NUMBERS[key].format(item) if item else ""
        case int() | float() if key in _FIGURES:
            words, unit = _FIGURES[key]
            whole_minutes = unit == "s" and item >= 60 and item % 60 == 0
            return words.format(f"{item / 60:g} min" if whole_minutes else amount(item, unit))
        case int() | float():
            return f"{_without_unit(name)} {_measured(key, item)}"
        case str():
            element = short(item).removeprefix(f"{name.split()[-1]} ")  # `busiest circuit A--B`, not `circuit circuit`
            return f"{name} {one_line(element if _ELEMENT.match(item) else item, 48)}"
        case _:
            return ""


def _measured(key: str, item: float) -> str:
    """Write a figure whose name ends in its unit."""
    if key.endswith("_mbps") or key.startswith("harm_") or key in ("capacity", "headroom"):
        return amount(item, "Mbit/s")
    if key.endswith("_ms"):
        return amount(item, "ms")
    if key.endswith("utilisation") or key in ("share", "gap", "bound"):
        return amount(item, "share")
    return duration(item) if key.endswith("_s") else written(item, 4) if isinstance(item, float) else str(item)


def _without_unit(name: str) -> str:
    return next((name.removesuffix(unit) for unit in (" mbps", " ms", " s") if name.endswith(unit)), name)
