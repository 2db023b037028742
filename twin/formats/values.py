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
    {
        *("1", "true", "yes", "y", "on", "up", "upup", "full", "established"),
        *("enabled", "active", "connected", "reachable", "operational", "inservice", "live", "running", "ok", "okay"),
    }
)
_NO = frozenset(
    {
        *("0", "false", "no", "n", "off", "down", "downdown", "admindown", "administrativelydown", "lowerlayerdown"),
        *("disabled", "failed", "offline", "unreachable", "inactive", "shutdown", "outofservice", "notpresent", "dead"),
        *(
            "planned", "staged", "provisioning", "deprovisioning", "decommissioning", "decommissioned", "retired",
            "testing",
        ),
    }
)  # fmt: skip
"""What is planned or taken out carries nothing today, as what is down."""
_DRAINED = frozenset({"maintenance", "inmaintenance", "undermaintenance", "maint", "drained", "draining", "costedout"})
"""States in which something is up and carries no transit traffic."""
_IF_STATES = frozenset({"ifoperstatus", "operstatus", "ifadminstatus", "adminstatus"})
"""States of IF-MIB (RFC 2863): 1 is up, and 2 to 7 are not."""


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
        if word in _YES or word in _DRAINED:
            return True
        if word in set("234567") and plain(field_of(entry.fields, of, quantity) or "") in _IF_STATES:
            return False
        if word in _NO:
            return False
        raise records.source.error(entry.where, f"{field_of(entry.fields, of, quantity)} as up or down, not {value!r}")
    return None


def is_up(records: Records, entry: NodeRecord | LinkRecord, of: str) -> bool:
    """Whether a node or a link is up: not said to be down, and not disabled. Raises `FormatError`."""
    up = yes_or_no(records, entry, of, "up", "status")
    return up is not False and yes_or_no(records, entry, of, "enabled") is not False


def is_drained(records: Records, entry: NodeRecord | LinkRecord, of: str) -> bool:
    """Whether a node or a link is kept free of transit traffic, by a field of its own or by its state."""
    states = (value_of(entry.fields, of, name) for name in ("status", "enabled"))
    return any(yes_or_no(records, entry, of, name) for name in ("drained", "cost_out")) or any(
        plain(str(x)) in _DRAINED for x in states
    )


def is_costed_out(records: Records, entry: NodeRecord | LinkRecord, of: str) -> bool:
    """Whether what is drained has the largest metric, so that transit traffic takes it as the last resort."""
    states = (value_of(entry.fields, of, name) for name in ("status", "enabled"))
    return bool(yes_or_no(records, entry, of, "cost_out")) or any(plain(str(x)) == "costedout" for x in states)


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
