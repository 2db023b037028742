"""A run's trace as a picture: every span of `trace.jsonl` as a bar on the time it took, below what called it."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from pydantic import JsonValue

from agents.wording import duration, one_line
from twin.errors import InputError
from twin.files import parse_json, read_text

FILE = "trace.jsonl"
MOST = 2_000  # spans that are shown
_BYTES = 32 << 20
_TOLD = (
    ("gen_ai.agent.name", ""),
    ("gen_ai.request.model", "model "),
    ("gen_ai.usage.input_tokens", "tokens in "),
    ("gen_ai.usage.output_tokens", "tokens out "),
    ("twinops.stage", "stage "),
    ("twinops.outcome", ""),
    ("twin.snapshot", "snapshot "),
)


class Bar(NamedTuple):
    """One span: how deep it lies, when it began and how long it took as shares of the whole, and what it tells."""

    name: str
    depth: int
    begins: float
    takes: float
    words: str
    note: str
    failed: bool
    kind: str


class TraceView(NamedTuple):
    """A whole trace."""

    bars: tuple[Bar, ...]
    took: str
    spans: int


class _Span(NamedTuple):
    name: str
    id: str
    parent: str
    begins: float
    ends: float
    attributes: Mapping[str, JsonValue]
    failed: bool


def trace_view(folder: Path) -> TraceView:
    """Read the trace of a run. Raises `InputError` when there is none, `FormatError` when it is too large."""
    spans = [
        found for line in read_text(folder / FILE, most=_BYTES, below=folder).splitlines() if (found := _span(line))
    ]
    if not spans:
        raise InputError(f"{folder / FILE} holds no span yet", fix="look again when the run has ended")
    first, last = min(x.begins for x in spans), max(x.ends for x in spans)
    whole, known = max(last - first, 1e-9), {x.id for x in spans}
    below: dict[str, list[_Span]] = {}
    for span in sorted(spans, key=lambda x: x.begins):
        below.setdefault(span.parent if span.parent in known else "", []).append(span)
    bars: list[Bar] = []
    waits = [(x, 0) for x in reversed(below.get("", []))]
    seen = set[str]()
    while waits and len(bars) < MOST:
        span, depth = waits.pop()
        if span.id in seen:  # a file that was tampered with may lead in circles
            continue
        seen.add(span.id)
        bars.append(_bar(span, depth, first, whole))
        waits += [(x, depth + 1) for x in reversed(below.get(span.id, []))]
    return TraceView(tuple(bars), duration(whole), len(spans))


def _bar(span: _Span, depth: int, first: float, whole: float) -> Bar:
    told = [f"{words}{one_line(str(span.attributes[key]), 60)}" for key, words in _TOLD if span.attributes.get(key)]
    return Bar(
        name=one_line(span.name, 80),
        depth=min(depth, 12),
        begins=(span.begins - first) / whole,
        takes=(span.ends - span.begins) / whole,
        words=duration(span.ends - span.begins)
        if span.ends - span.begins >= 1
        else f"{1000 * (span.ends - span.begins):.0f} ms",
        note=", ".join(told),
        failed=span.failed,
        kind=span.name.partition(" ")[0].partition(".")[0],
    )


def _span(line: str) -> _Span | None:
    """Read a line; None for one that is no span, such as the last of a run that was killed."""
    try:
        content = parse_json(line)
        if not isinstance(content, dict) or not isinstance(context := content["context"], dict):
            return None
        begins, ends = (datetime.fromisoformat(str(content[x])).timestamp() for x in ("start_time", "end_time"))
        status, attributes = content.get("status"), content.get("attributes")
        return _Span(
            name=str(content["name"]),
            id=str(context["span_id"]),
            parent=str(content.get("parent_id") or ""),
            begins=begins,
            ends=max(ends, begins),
            attributes=attributes if isinstance(attributes, dict) else {},
            failed=isinstance(status, dict) and status.get("status_code") == "ERROR",
        )
    except (ValueError, KeyError, TypeError, OverflowError):
        return None
