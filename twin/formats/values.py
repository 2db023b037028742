"""Values of fields: the one that a quantity has in an entry, read as yes or no, as a number or as an amount."""

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import lru_cache

from pydantic import JsonValue

from .account import FieldUse
from .records import Fields, LinkRecord, NodeRecord, Records
from .vocabulary import decides_routing, plain, recognise

_SHOWN = 40  # characters of a value, to tell it from others
_YES = frozenset(
    {"1", "true", "yes", "up", "on", "enabled", "active", "connected", "reachable", "operational", "planned"}
)
_NO = frozenset({"0", "false", "no", "down", "off", "disabled", "failed", "offline", "unreachable", "inactive"})


@lru_cache(maxsize=4096)
def _named(fields: tuple[str, ...], of: str, quantity: str) -> str | None:
    found = [field for field in fields if (known := recognise(field, of)) and known.quantity.name == quantity]
    return found[0] if found else None


def field_of(fields: Fields, of: str, quantity: str) -> str | None:
    """Return the name of the field that holds a quantity of a node or a link (`of`), None when there is none."""
    return _named(tuple(fields), of, quantity)


def value_of(fields: Fields, of: str, quantity: str) -> JsonValue:
    """Return the value of a quantity as the file writes it, None when it is not there."""
    name = field_of(fields, of, quantity)
    return None if name is None else fields[name]


def yes_or_no(records: Records, entry: NodeRecord | LinkRecord, of: str, *quantities: str) -> bool | None:
    """Read the first of some quantities that is stated as yes or no; None when none is. Raises `FormatError`."""
    for quantity in quantities:
        value = value_of(entry.fields, of, quantity)
        if value in (None, ""):
            continue
        if isinstance(value, bool):
            return value
        word = plain(str(value))
        word = word[:-1] if word.endswith("0") and word[:-1] in ("0", "1") else word  # 1.0
        if word in _YES:
            return True
        if word in _NO:
            return False
        raise records.source.error(entry.where, f"{field_of(entry.fields, of, quantity)} as up or down, not {value!r}")
    return None


def unread(entries: Iterable[NodeRecord | LinkRecord], of: str, no_meaning: Iterable[str]) -> Iterator[FieldUse]:
    """Name every field that has no known meaning, once, with how many entries state it and what that leaves open."""
    ignored = frozenset(no_meaning)
    seen: Counter[tuple[str, str | None]] = Counter()
    values: dict[str, set[str]] = {}
    for entry in entries:
        for field, value in entry.fields.items():
            if value in (None, "", [], {}) or plain(field) in ignored:
                continue
            known = recognise(field, of)
            chosen = field_of(entry.fields, of, known.quantity.name) if known else None
            if chosen != field:
                seen[field, chosen] += 1
                values.setdefault(field, set()).add(str(value)[:_SHOWN])
    for (field, chosen), count in seen.items():
        meaning = "of no known meaning" if chosen is None else f"beside {chosen}, which counts"
        decides = chosen is None and decides_routing(field, values[field])
        effect = "not read" + (", and loads may run elsewhere for it" if decides else "")
        note = f"stated by {count} {of}s, {meaning}: {effect}"
        yield FieldUse(field=f"{of} {field}", became="not modelled", count=count, note=note, decides_routing=decides)
