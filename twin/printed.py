"""How elements and figures are printed in a sentence: the same in a refusal, a symptom, a report and on a terminal.

Names are those that people know and that every command takes; a figure has its unit, and as many digits as are read.
"""

import math
import re
from datetime import UTC, datetime
from decimal import Decimal

from .untrusted import visible

_MOST_DECIMALS = 4
_MEMBER = "member of "  # how the failure of one of the members of a bundle is named
_SIZES = (("Tbit/s", 1e6), ("Gbit/s", 1e3))
_ROUNDED = 0.9995  # three digits of it are 1
_BIT = 1e-6  # Mbit/s


def share(value: float | None) -> str:
    """Write a share of capacity as a percentage, `83 %`; `not measured` when there is none."""
    if value is None or not math.isfinite(value) or value < 0:
        return "not measured"
    return f"{100 * value:.0f} %"


def stated(value: float) -> str:
    """Write a share that somebody has set, a limit for one, with the digits that it was set with: `82.5 %`."""
    return f"{100 * value:.5g} %"


def percent(value: float) -> str:
    """Write a share with one decimal, `82.4 %`; below one percent with two digits."""
    whole = 100 * value
    return f"{whole:.1f} %" if abs(whole) >= 1 or abs(whole) < 1e-6 else f"{whole:.2g} %"


def percents(first: float, second: float) -> tuple[str, str]:
    """Write two shares that are compared: with as many decimals, up to four, as it takes to tell them apart."""
    for decimals in range(1, _MOST_DECIMALS + 1):
        told = f"{100 * first:.{decimals}f} %", f"{100 * second:.{decimals}f} %"
        if told[0] != told[1]:
            return told
    return percent(first), percent(second)


def written(value: float, digits: int = 3) -> str:
    """Write a number with that many digits that count and never with an exponent: `0.00123`, `12.3`, `12,345`."""
    if abs(value) >= 10**digits - 0.5:
        return f"{value:,.0f}"
    return f"{Decimal(f'{value:.{digits}g}'):f}"


def mbps(value: float | None) -> str:
    """Write Mbit/s with the unit that reads best, `2.31 Gbit/s`; less than a bit a second is rounding, and nothing."""
    if value is None or not math.isfinite(value):
        return "not measured"
    if abs(value) < _BIT:
        return "0 Mbit/s"
    size, unit = _size(value)
    return f"{written(value / size)} {unit}"


def _size(value: float) -> tuple[float, str]:
    """The unit that a rate in Mbit/s reads best in: the largest of which, rounded, it has one."""
    return next(((size, unit) for unit, size in _SIZES if abs(value) >= size * _ROUNDED), (1.0, "Mbit/s"))


def rates(first: float, second: float) -> tuple[str, str]:
    """Write two rates in Mbit/s that are compared: with as many digits, up to six, as tell them apart."""
    size, unit = _size(max(abs(first), abs(second)))
    for digits in range(3, 7):
        told = f"{written(first / size, digits)} {unit}", f"{written(second / size, digits)} {unit}"
        if told[0] != told[1]:
            return told
    return mbps(first), mbps(second)


def utc(moment: datetime) -> str:
    """Write a moment by the clock of UTC, and say so: `2026-03-04 15:17:00 UTC`; one without a zone as it is."""
    return f"{moment.astimezone(UTC):%F %T} UTC" if moment.tzinfo else f"{moment:%F %T}"


def counted(number: int, plural: str) -> str:
    """A number with its noun: 1 step, 2 steps."""
    if number != 1:
        return f"{number} {plural}"
    for ending, single in (("ies", "y"), ("eses", "esis"), ("s", "")):
        if plural.endswith(ending):
            return f"1 {plural.removesuffix(ending)}{single}"
    return f"1 {plural}"


def place(element: str) -> str:
    """Name an element as people do: `A--B` for a circuit, `A->B` for one direction or probe, a node by its name.

    Every command takes these names; screens spell them with an arrow and a dash (`agents.wording.on_screen`).
    """
    kind, _, rest = element.partition("/")
    if kind in ("interface", "probe") and "/" in rest:
        return visible(rest.replace("/", "->", 1))
    if kind == "link" and "--" in rest:
        low, _, high = rest.partition("--")
        index = low.partition(":")[2].removeprefix(high.partition(":")[0])
        return visible(f"{low.partition(':')[0]}--{high.partition(':')[0]}{index}")
    return visible(rest if kind == "node" else element)


def short(element: str) -> str:
    """Write an element as one may type it: `circuit A--B`, `node A`; several that fail together joined by `+`."""
    return " + ".join(_short(part) for part in re.split(r" [+&] ", element))


def _short(element: str) -> str:
    if element.startswith(_MEMBER):
        return f"{_MEMBER}{_short(element.removeprefix(_MEMBER))}"
    kind, _, name = element.partition("/")
    if kind == "link" and "--" in name:
        return f"circuit {place(element)}"
    if kind in ("interface", "probe") and "/" in name:
        return f"{'probe ' if kind == 'probe' else ''}{place(element)}"
    return f"{kind} {visible(name)}" if name else visible(element)
