"""Walks of IF-MIB (RFC 2863) as a table of one value a row: `time, node, object, index, value`.

The object is a name, with or without its module and its index, or an OID; what an interface is called and how it is
described counts for all times of it.
"""

import re
from collections.abc import Mapping, Sequence

from ..source import Source
from ..vocabulary import plain
from .sheet import Sheet, header_of

_IF, _IFX, _SYSTEM = "1.3.6.1.2.1.2.2.1.", "1.3.6.1.2.1.31.1.1.1.", "1.3.6.1.2.1.1."
_OIDS: Mapping[str, str] = {
    _IF + "2": "ifDescr",
    _IF + "5": "ifSpeed",
    _IF + "7": "ifAdminStatus",
    _IF + "8": "ifOperStatus",
    _IF + "9": "ifLastChange",
    _IF + "10": "ifInOctets",
    _IF + "14": "ifInErrors",
    _IF + "16": "ifOutOctets",
    _IF + "19": "ifOutDiscards",
    _IFX + "1": "ifName",
    _IFX + "6": "ifHCInOctets",
    _IFX + "10": "ifHCOutOctets",
    _IFX + "15": "ifHighSpeed",
    _IFX + "18": "ifAlias",
    _SYSTEM + "3": "sysUpTime",
}
_LASTING = ("ifName", "ifDescr", "ifAlias")
_READ = (
    *("ifInOctets", "ifOutOctets", "ifHCInOctets", "ifHCOutOctets"),
    *("ifOperStatus", "ifLastChange", "ifInErrors", "ifOutDiscards"),
)
_OBJECT = ("oid", "object", "metric", "objectname", "mib", "variable", "name")
_WORDS: Mapping[str, Sequence[str]] = {
    "time": ("time", "timestamp", "datetime", "ts", "polltime", "date", "epoch"),
    "node": ("node", "host", "hostname", "device", "agent", "router", "sysname", "instance"),
    "object": _OBJECT,
    "index": ("index", "ifindex", "instanceindex"),
    "value": ("value", "val", "result"),
}
_TYPE = re.compile(r"\s*(?:Counter32|Counter64|Gauge32|INTEGER|STRING|Timeticks|OID|Hex-STRING):\s*")
_NAMED = re.compile(r"(?:[\w-]+::)?([A-Za-z]\w*?)(?:\.(\d+))?")
_NUMBERED = re.compile(r"\.?(?:iso|1)\.((?:\d+\.)*\d+)\.(\d+)")


def is_walk(path: str, _head: bytes) -> bool:
    """Whether a file is a table of one value a row, by its first line."""
    if path.lower().endswith(".parquet"):
        return False
    words = {plain(word) for word in header_of(path)}
    return all(words & set(_WORDS[x]) for x in ("time", "node", "object", "value"))


def walk_sheet(path: str) -> Sheet:
    """Turn a walk into a table of one row a time and interface. Raises `FormatError` where nothing is of IF-MIB."""
    source = Source(path)
    with Sheet(source) as sheet:
        names = {plain(column): column for column in sheet.header}
        of = {x: next((names[word] for word in words if word in names), None) for x, words in _WORDS.items()}
        texts = {x: sheet.texts(column) if column else [None] * sheet.rows for x, column in of.items()}
    entries: dict[tuple[str, str, str], dict[str, str]] = {}
    lasting: dict[tuple[str, str], dict[str, str]] = {}
    uptime: dict[tuple[str, str], str] = {}
    for time, node, name, index, value in zip(*(texts[x] for x in _WORDS), strict=True):
        found = _object(name or "", index)
        if found is None or value is None or not time or not node:
            continue
        what, at = found
        text = _TYPE.sub("", value).strip('" ')
        ticks = re.match(r"\((\d+)\)", text)
        text = ticks[1] if ticks else text
        if what == "sysUpTime":
            uptime[time, node] = text
        elif what in _LASTING:
            lasting.setdefault((node, at), {})[what] = text
        elif what in _READ:
            entries.setdefault((time, node, at), {})[what] = text
    if not entries:
        raise source.error("the rows", "objects of IF-MIB such as ifHCInOctets.3 or .1.3.6.1.2.1.31.1.1.1.6.3")
    return Sheet(source, _wide(entries, lasting, uptime))


def _wide(
    entries: Mapping[tuple[str, str, str], Mapping[str, str]],
    lasting: Mapping[tuple[str, str], Mapping[str, str]],
    uptime: Mapping[tuple[str, str], str],
) -> Mapping[str, Sequence[str | None]]:
    keys = list(entries)
    columns: dict[str, Sequence[str | None]] = {
        "time": [key[0] for key in keys],
        "node": [key[1] for key in keys],
        "ifIndex": [key[2] for key in keys],
    }
    for name in _LASTING:
        columns[name] = [lasting.get(key[1:], {}).get(name) for key in keys]
    for name in _READ:
        columns[name] = [entries[key].get(name) for key in keys]
    if uptime:
        columns["sysUpTime"] = [uptime.get(key[:2]) for key in keys]
    return {name: values for name, values in columns.items() if any(value is not None for value in values)}


def _object(name: str, index: str | None) -> tuple[str, str] | None:
    """The object that a row is of, and the index of its interface; None where it is of no known one."""
    numbered = _NUMBERED.fullmatch(name)
    if numbered:
        of = _OIDS.get(f"1.{numbered[1]}")
        return (of, numbered[2]) if of else None
    named = _NAMED.fullmatch(name)
    if named is None:
        return None
    what = "sysUpTime" if named[1].startswith("sysUpTime") else named[1]
    return what, (named[2] or index or "")
