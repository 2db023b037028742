"""Times as files write them: epoch numbers of any unit, ISO 8601, and the dates that vendors and spreadsheets print."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from types import MappingProxyType
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from twin.errors import InputError
from twin.formats.source import Source
from twin.model import Floats, Ints

EPOCHS: Mapping[str, float] = MappingProxyType({"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9})
"""How many of each unit are a second."""
ORDERS = ("dmy", "mdy")
"""Orders in which a date with slashes may be written."""
_FIRST, _LAST = datetime(1980, 1, 1, tzinfo=UTC).timestamp(), datetime(2200, 1, 1, tzinfo=UTC).timestamp()
_SMALL = 1e8  # numbers below it are seconds or bins of a clock that begins anywhere
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)?(?:[eE]\+?\d{1,2})?")
_COMPACT = re.compile(r"(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[01]\d|2[0-3])[0-5]\d(?:[0-5]\d)?")
_ZONES = {
    **dict.fromkeys(("UTC", "GMT", "Z", "WET"), 0.0),
    **dict.fromkeys(("CET", "WEST", "MEZ"), 1.0),
    **dict.fromkeys(("CEST", "MEST", "EET", "MESZ"), 2.0),
    **dict.fromkeys(("EEST", "MSK"), 3.0),
    **{"JST": 9.0, "EST": -5.0, "EDT": -4.0, "CDT": -5.0, "MDT": -6.0, "PST": -8.0, "PDT": -7.0},
}
"""Offsets of zone abbreviations that mean one zone, hours."""
_SLASHES = re.compile(r"(\d{1,2})/(\d{1,2})/\d{4}")
_FORMATS = (
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%d-%b-%Y %H:%M:%S",
    "%d/%b/%Y:%H:%M:%S",
    "%d %b %Y %H:%M:%S",
    "%b %d %Y %H:%M:%S",
    "%Y %b %d %H:%M:%S",
    "%a %b %d %H:%M:%S %Y",
    "%a %d %b %Y %H:%M:%S",
    "%Y%m%d %H:%M:%S",
    "%Y%m%dT%H%M%S",
)
_SLASHED = {
    "dmy": ("%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M"),
    "mdy": ("%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %I:%M %p"),
}
_OFFSET = re.compile(r"\s*(?:(?:UTC|GMT)?([+-])(\d{2}):?(\d{2})|([A-Z]{1,4}))$")
_FRACTION = re.compile(r"(?<=:\d{2})[.,](\d{1,9})")


class Moments(NamedTuple):
    """Epoch seconds of each text, NaN where it is empty or no time, and in words how they were read."""

    seconds: Floats
    note: str
    zoneless: bool
    """Whether any named no zone, so that the one that was said, or UTC, was taken."""


def read_zone(name: str) -> tzinfo:
    """Return a time zone by its name, `UTC` or `Europe/Berlin`. Raises `InputError`."""
    try:
        return UTC if name.upper() in ("UTC", "Z") else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InputError(f"no time zone {name!r}", fix="give a name such as UTC or Europe/Berlin") from error


def read_moments(
    source: Source, texts: Sequence[str | None], column: str, *, zone: tzinfo = UTC, unit: str | None = None
) -> Moments:
    """Read a column of times.

    `unit` is one of `EPOCHS` or `ORDERS` and settles what numbers or dates with slashes leave open; epoch numbers tell
    their unit by their size. Raises `FormatError` with the row, where a text is no time or could be two.
    """
    distinct, place = _distinct(texts)
    known = [text for text in distinct if text]
    if not known:
        return Moments(np.full(len(texts), np.nan), "no times", zoneless=False)
    numbers = [text for text in known if _NUMBER.fullmatch(text)]
    compact = sum(bool(_COMPACT.fullmatch(text)) for text in numbers)
    if len(numbers) > len(known) / 2 and compact <= len(numbers) / 2:
        values, zoneless = _epochs(numbers, unit), False
        note = f"time, epoch {_unit_of(numbers, unit)}"
    else:
        values = _dates(known, unit, zone)
        zoneless = not all(is_zoned(text) for text in values)
        note = "time" + (f", in {zone.tzname(None) or zone} where it names no zone" if zoneless else "")
    wrong = next((text for text in known if text not in values), None)
    if len(values) <= len(known) / 2 and wrong is not None:
        raise source.error(_row_of(texts, wrong), f"{column} as {_wanted(known, numbers, unit)}, not {wrong[:40]!r}")
    found = np.array([values.get(text, np.nan) for text in distinct], dtype=np.float64)[place]
    lost = int(np.isnan(found).sum())
    return Moments(found, note + (f"; {lost} rows have none" if lost else ""), zoneless)


def moment(text: str, *, zone: tzinfo = UTC, order: str | None = None) -> float | None:
    """Return the epoch seconds of one date, None when it is none; `order` is one of `ORDERS`."""
    plain = " ".join(text.split())
    iso = _iso(plain, zone) if re.match(r"\d{4}-\d{2}-\d{2}(?!\d)|\d{8}T", plain) else None
    if iso is not None:
        return iso
    offset, plain = _split_zone(plain)
    if offset is None:
        return None
    if _COMPACT.fullmatch(plain):
        plain = f"{plain[:8]} {plain[8:10]}:{plain[10:12]}:{plain[12:14] or '00'}"
    fraction = _FRACTION.search(plain)
    if fraction:
        plain = plain[: fraction.start()] + plain[fraction.end() :]
    formats = (*_FORMATS, *_SLASHED.get(order or "", ()))
    date = next((x for form in formats if (x := _parsed(plain, form)) is not None), None)
    if date is None:
        return None
    date = date.replace(tzinfo=zone if isinstance(offset, str) else offset)
    return date.timestamp() + (float(f"0.{fraction[1]}") if fraction else 0.0)


def is_zoned(text: str) -> bool:
    """Whether a date names its zone."""
    return bool(re.search(r"(?:Z|[+-]\d{2}:?\d{2})$", text.strip())) or _split_zone(text.strip())[0] not in ("", None)


def _distinct(texts: Sequence[str | None]) -> tuple[list[str], Ints]:
    index: dict[str, int] = {}
    place = np.array([index.setdefault((text or "").strip(), len(index)) for text in texts], dtype=np.int64)
    return list(index), place


def _row_of(texts: Sequence[str | None], wrong: str) -> str:
    return f"row {next(row for row, text in enumerate(texts, start=1) if (text or '').strip() == wrong)}"


def _wanted(known: Sequence[str], numbers: Sequence[str], unit: str | None) -> str:
    if numbers:
        return "one unit of epoch time in all rows (s, ms, us or ns), or said with --unit time=ms"
    if unit is None and _order(known) is None and any(_SLASHES.match(text) for text in known):
        return "a date that is not two dates: say --unit time=dmy or time=mdy"
    return "epoch seconds or a date such as 2026-01-05T00:15:00Z"


def _unit_of(texts: Iterable[str], unit: str | None) -> str:
    if unit is not None and unit in EPOCHS:
        return unit
    sizes = sorted(abs(float(text.replace(",", "."))) for text in texts)
    size = sizes[len(sizes) // 2]
    return "s" if size < 1e11 else "ms" if size < 1e14 else "us" if size < 1e17 else "ns"


def _epochs(texts: Sequence[str], unit: str | None) -> dict[str, float]:
    """Seconds by text; of those that fit no calendar, or another clock than most, there are none."""
    per_s = EPOCHS[_unit_of(texts, unit)]
    found: dict[str, float] = {}
    for text in texts:
        plain = text.replace(",", ".")
        found[text] = int(plain) / per_s if plain.lstrip("+-").isdigit() and len(plain) < 25 else float(plain) / per_s
    counting = sum(0 <= x < _SMALL for x in found.values()) > len(found) / 2
    low, high = (0.0, _SMALL) if counting else (_FIRST, _LAST)
    return {text: x for text, x in found.items() if low <= x <= high}


def _dates(texts: Sequence[str], unit: str | None, zone: tzinfo) -> dict[str, float]:
    order = unit if unit in ORDERS else _order(texts)
    found = ((text, moment(text, zone=zone, order=order)) for text in texts)
    return {text: x for text, x in found if x is not None and _FIRST <= x <= _LAST}


def _order(texts: Iterable[str]) -> str | None:
    """Whether the day or the month comes first in dates with slashes, as far as their numbers tell."""
    matches = [match for text in texts if (match := _SLASHES.match(text))]
    if any(int(match[1]) > 12 for match in matches):
        return "dmy"
    return "mdy" if any(int(match[2]) > 12 for match in matches) else None


def _iso(text: str, zone: tzinfo) -> float | None:
    offset, plain = _split_zone(text.replace(",", "."))
    if offset is None:
        return None
    plain = re.sub(r"(\.\d{6})\d+", r"\1", plain)
    try:
        date = datetime.fromisoformat(plain)
        if date.tzinfo is None:
            date = date.replace(tzinfo=zone if isinstance(offset, str) else offset)
        return date.timestamp()
    except (ValueError, OverflowError):
        return None


def _split_zone(text: str) -> tuple[tzinfo | str | None, str]:
    """The zone at the end of a date, "" where it has none and None where it is unknown; and the date before it."""
    if text.endswith((" AM", " PM")):
        return "", text
    match = _OFFSET.search(text)
    if match is None or (match[1] and ":" not in text):
        return "", text
    if match[4] is not None:
        hours = _ZONES.get(match[4])
        return (None if hours is None else timezone(timedelta(hours=hours))), text[: match.start()]
    minutes = int(match[2]) * 60 + int(match[3])
    if minutes >= 24 * 60:
        return None, text
    return timezone(timedelta(minutes=minutes if match[1] == "+" else -minutes)), text[: match.start()]


def _parsed(text: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(text, form)  # noqa: DTZ007 - the zone is put in by the caller
    except ValueError:
        return None
