"""Whether an interface is up, as files say it: words, yes and no, or the numbers of IF-MIB (RFC 2863)."""

from collections.abc import Mapping

import numpy as np

from twin.formats.vocabulary import plain
from twin.model import Floats

from .sheet import Coded

_UP = frozenset(
    {"1", "1.0", "true", "t", "yes", "y", "up", "on", "enabled", "active", "connected", "up/up", "upup", "established"}
)
_DOWN = frozenset(
    {"0", "0.0", "false", "f", "no", "n", "down", "off", "disabled", "failed", "inactive", "notconnect", "notpresent"}
    | {"lowerlayerdown", "dormant", "testing", "admindown", "administrativelydown", "downdown", "updown", "errdisabled"}
)
_IF_MIB: Mapping[str, float] = {"1": 1.0, "2": 0.0, "3": 0.0, "5": 0.0, "6": 0.0, "7": 0.0}


def states(column: str, told: Coded) -> Floats:
    """1 where up, 0 where down, NaN where neither is said.

    A column that is called a status and holds small numbers holds those of IF-MIB: 1 is up, 2 is down, 4 is unknown.
    """
    numbers = [text.removesuffix(".0") for text in told.values]
    mib = "status" in plain(column) or "state" in plain(column)
    mib = mib and all(text in ("1", "2", "3", "4", "5", "6", "7") for text in numbers) and bool(numbers)
    meaning = [_IF_MIB.get(text, np.nan) for text in numbers] if mib else [_state(text) for text in told.values]
    return np.array([*meaning, np.nan], dtype=np.float64)[told.codes]


def _state(text: str) -> float:
    word = text.strip().lower()
    word = word.partition("(")[0].strip() if "(" in word else word  # up(1), as snmpwalk prints it
    for form in (word, plain(word)):
        if form in _UP:
            return 1.0
        if form in _DOWN:
            return 0.0
    return np.nan
