"""Results that are too long to be read again and again: their shape and their figures, and a handle to the rest."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from pydantic import JsonValue

SHORTENED = "shortened"
SHORT = 1_200  # characters of a result that need never be shortened
_ROWS = (8, 4, 2, 1, 0)
_TEXTS = (600, 160, 60)


@dataclass
class LongResults:
    """The long results of a run, whole, by their handles."""

    kept: dict[str, str] = field(default_factory=dict[str, str])

    def put(self, content: str) -> str:
        """Keep a result and return its handle."""
        handle = handle_of(content)
        self.kept[handle] = content
        return handle


def handle_of(content: str) -> str:
    """The handle of a result, by what it says: the same in every process."""
    return f"result-{hashlib.sha256(content.encode()).hexdigest()[:10]}"


def shorten(content: str, limit: int) -> str:
    """Shorten a JSON result to at most `limit` characters where it can be done, keeping its shape.

    Lists keep their first rows; `shortened` says how many there are and the least and greatest of every number in
    them, and names the handle of the whole. A result that is none, or that is short already, stays as it is.
    """
    try:
        document = json.loads(content)
    except ValueError:
        return content
    if len(content) <= limit or not isinstance(document, dict):
        return content
    whole = cast(dict[str, JsonValue], document)
    earlier = whole.pop(SHORTENED, None)
    past = earlier if isinstance(earlier, dict) else {}
    handle = past.get("handle") or handle_of(content)
    found = content
    for texts in _TEXTS:
        for rows in _ROWS:
            found = dumped(_summary(whole, handle, rows, texts, past.get("lists")))
            if len(found) <= limit:
                return found
    return found if len(found) < len(content) else content


def _summary(
    document: dict[str, JsonValue], handle: JsonValue, rows: int, texts: int, past: JsonValue
) -> dict[str, JsonValue]:
    lists: dict[str, JsonValue] = {}
    kept = cast(dict[str, JsonValue], _cut(document, "", rows, texts, lists))
    if isinstance(past, dict):  # of a result that was shortened before, the whole is what counts
        lists |= {path: {**entry, "shown": min(rows, _shown(entry))} for path, entry in _entries(past)}
    return {**kept, SHORTENED: {"handle": handle, "lists": lists}}


def _entries(past: dict[str, JsonValue]) -> list[tuple[str, dict[str, JsonValue]]]:
    return [(path, entry) for path, entry in past.items() if isinstance(entry, dict)]


def _shown(entry: dict[str, JsonValue]) -> int:
    shown = entry.get("shown")
    return shown if isinstance(shown, int) else 0


def _cut(value: JsonValue, path: str, rows: int, texts: int, lists: dict[str, JsonValue]) -> JsonValue:
    match value:
        case str():
            return value if len(value) <= texts else f"{value[:texts]}…"
        case list():
            if len(value) > rows:
                lists[path] = {"of": len(value), "shown": rows, **_ranges(value)}
            return [_cut(item, f"{path}.{i}", rows, texts, lists) for i, item in enumerate(value[:rows])]
        case dict():
            return {
                name: _cut(item, f"{path}.{name}" if path else name, rows, texts, lists) for name, item in value.items()
            }
        case _:
            return value


def _ranges(rows: Sequence[JsonValue]) -> dict[str, JsonValue]:
    """The least and the greatest of every number in the rows."""
    columns: dict[str, list[float]] = {}
    for row in rows:
        cells = row.items() if isinstance(row, dict) else (("value", row),)
        for name, cell in cells:
            if isinstance(cell, int | float) and not isinstance(cell, bool):
                columns.setdefault(name, []).append(cell)
    if not columns:
        return {}
    least: dict[str, JsonValue] = {name: min(cells) for name, cells in columns.items()}
    greatest: dict[str, JsonValue] = {name: max(cells) for name, cells in columns.items()}
    return {"min": least, "max": greatest}


def dumped(value: JsonValue) -> str:
    """Write a JSON value as results are written."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
