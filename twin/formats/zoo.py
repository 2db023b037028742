"""Speeds as the Topology Zoo writes them: a number and its unit in fields of their own, or the name of a carrier.

The rates of carriers are those of ITU-T G.707 (SDH), ANSI T1.105 (SONET) and ITU-T G.702 (PDH), in Mbit/s.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from pydantic import JsonValue

from .account import FieldUse
from .records import LinkRecord, Records

_PDH: Mapping[str, float] = MappingProxyType(
    {"E1": 2.048, "E3": 34.368, "T1": 1.544, "T3": 44.736, "DS1": 1.544, "DS3": 44.736, "FE": 100.0, "GE": 1_000.0}
)
_SDH = re.compile(r"STM-?(\d{1,3})", re.IGNORECASE)
_SONET = re.compile(r"OC-?(\d{1,4})c?", re.IGNORECASE)
_STM, _OC = 155.52, 51.84


def with_speeds(records: Records) -> Records:
    """Join speeds to their units, and take the rate of the carrier that a link names where it states no speed."""
    links = [_joined(link) for link in records.links]
    by_carrier = sum(carrier for _, carrier in links)
    noted = records.noted
    if by_carrier:
        note = f"of {by_carrier} links: the rate of the carrier that LinkType names, as no speed is stated"
        noted = (*noted, FieldUse(field="capacities", became="assumed", count=by_carrier, note=note))
    return replace(records, links=[link for link, _ in links], noted=noted)


def carrier_rate(name: str) -> float | None:
    """Return the rate of a carrier such as STM-16, OC-48 or E3 in Mbit/s, None when it is not the name of one."""
    plain = name.strip()
    sdh, sonet = _SDH.fullmatch(plain), _SONET.fullmatch(plain)
    if sdh is not None:
        return int(sdh[1]) * _STM
    return int(sonet[1]) * _OC if sonet is not None else _PDH.get(plain.upper().replace("-", ""))


def _joined(link: LinkRecord) -> tuple[LinkRecord, bool]:
    fields: dict[str, JsonValue] = dict(link.fields)
    speed, unit, raw = (fields.get(x) for x in ("LinkSpeed", "LinkSpeedUnits", "LinkSpeedRaw"))
    if speed not in (None, "") and (raw not in (None, "") or unit not in (None, "")):
        fields.pop("LinkSpeedUnits", None)
        fields.pop("LinkSpeed")
        if raw in (None, ""):
            fields["LinkSpeedRaw"] = f"{speed} {unit}"
    elif speed in (None, "") and raw in (None, ""):
        rate = carrier_rate(str(fields.get("LinkType", "")))
        if rate:
            del fields["LinkType"]
            return link._replace(fields={**fields, "capacity_mbps": rate}), True
    return link._replace(fields=fields), False
