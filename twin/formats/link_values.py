"""Directed links from records: capacities, weights, delays and states, and what of that the file leaves open."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from statistics import median
from typing import NamedTuple

from pydantic import JsonValue

from twin.model import UNUSED_METRIC
from twin.untrusted import NAME, clean

from .account import FieldUse
from .arcs import FileArc, both_ways, numbered_arcs, one_way
from .node_values import PlacedNode
from .provision import MS_PER_KM, distance_km
from .records import LinkRecord, Records
from .source import MAX_WEIGHT
from .values import field_of, is_costed_out, is_drained, is_up, unread, value_of, yes_or_no
from .vocabulary import LINK_QUANTITIES, NO_MEANING, RATE, amount, recognise

_NO_METRIC = 2**32 - 1  # the largest value of the leaf of RFC 8346: no metric of a protocol
_PLAUSIBLE = (1.0, 1e8)  # Mbit/s: what one circuit of a wide-area network may have
_DELAY = next(x for x in LINK_QUANTITIES if x.name == "delay")
_LENGTH = next(x for x in LINK_QUANTITIES if x.name == "length")


class _Stated(NamedTuple):
    """What a record states; None where it is silent."""

    capacity: float | None
    weight: int | None
    delay: float | None
    km: float | None
    record: LinkRecord


def arcs_of(
    records: Records, ends: Sequence[tuple[int, int]], nodes: Sequence[PlacedNode], units: Mapping[str, str]
) -> tuple[list[FileArc], list[FieldUse]]:
    """Read every link; an undirected one becomes two arcs, and loops are left out. Raises `FormatError`."""
    kept = [(record, pair) for record, pair in zip(records.links, ends, strict=True) if pair[0] != pair[1]]
    loops = len(records.links) - len(kept)
    units = {**records.units, **units}
    stated = [_stated(records, record, pair, nodes, units) for record, pair in kept]
    stated, segments = _over_segments(stated, [pair for _, pair in kept], nodes)
    filled, assumed = _filled(stated)
    both = both_ways(records, [record for record, _ in kept])
    arcs: list[FileArc] = []
    for (record, (tail, head)), values, undirected in zip(kept, filled, both, strict=True):
        arc = _arc(records, record, tail, head, values)
        arcs.append(arc)
        if undirected:
            far = _interface(record, "far interface")
            arcs.append(replace(arc, tail=head, head=tail, interface=far))
    uses = [*_used(records, units), *segments, *assumed, *one_way(records, [record for record, _ in kept], arcs, both)]
    uses += _uncounted(records.links)
    if loops:
        note = "a link from a node to itself carries nothing: left out"
        uses.append(FieldUse(field="loops", became="not modelled", count=loops, note=note))
    return numbered_arcs(arcs, kept, both), [*uses, *unread(records.links, "link", NO_MEANING)]


def _stated(
    records: Records,
    record: LinkRecord,
    ends: tuple[int, int],
    nodes: Sequence[PlacedNode],
    units: Mapping[str, str],
) -> _Stated:
    a, b = (nodes[end] for end in ends)
    km = _amount(records, record, "length", _LENGTH.units, units)
    if km is None and a.placed and b.placed:
        km = _distance(records, a, b)
    return _Stated(
        _capacity(records, record, units), _weight(records, record), _delay(records, record, units), km, record
    )


def _over_segments(
    stated: list[_Stated], ends: Sequence[tuple[int, int]], nodes: Sequence[PlacedNode]
) -> tuple[list[_Stated], list[FieldUse]]:
    """Part the metric of a LAN, all of which is on the way onto it, so that no link has metric 0.

    The way onto it gets one less and the way off it gets 1: every path over it costs what it did. A note says where a
    LAN has metric 1, of which nothing can be taken, and where a link that is no LAN's has metric 0 and gets 1.
    """
    free = {tail for (tail, _), x in zip(ends, stated, strict=True) if nodes[tail].kind == "lan" and x.weight == 0}
    found: list[_Stated] = []
    parted = tight = raised = 0
    for (tail, head), values in zip(ends, stated, strict=True):
        if values.weight == 0 and tail in free:
            found.append(values._replace(weight=1))
        elif values.weight == 0:
            raised += 1
            found.append(values._replace(weight=1))
        elif head in free and values.weight is not None and values.weight < UNUSED_METRIC:
            parted, tight = parted + 1, tight + (values.weight == 1)
            found.append(values._replace(weight=max(values.weight - 1, 1)))
        else:
            found.append(values)
    uses: list[FieldUse] = []
    if raised:
        note = f"{raised} links have metric 0 and cost 1 here: paths over them are that much dearer than others"
        uses.append(FieldUse(field="metric 0", became="not modelled", count=raised, note=note, decides_routing=True))
    if not parted:
        return found, uses
    less = f"; {tight} of them had metric 1 and cost 1 too much" if tight else ""
    note = f"of {parted} links onto a LAN, 1 of the metric is on the way off it: paths cost what they did{less}"
    became = "assumed" if tight else "used"
    return found, [*uses, FieldUse(field="LAN metrics", became=became, count=parted, note=note)]


def _distance(records: Records, a: PlacedNode, b: PlacedNode) -> float:
    if records.planar:
        return round(((a.longitude - b.longitude) ** 2 + (a.latitude - b.latitude) ** 2) ** 0.5, 2)
    return distance_km(a.node("a"), b.node("b"))


def _amount(
    records: Records, record: LinkRecord, quantity: str, factors: Mapping[str, float], units: Mapping[str, str]
) -> float | None:
    field = field_of(record.fields, "link", quantity)
    if field is None or record.fields[field] in (None, ""):
        return None
    read = amount(record.fields[field], factors)
    if read is None:
        wanted = f"{field} as a number with or without a unit, not {str(record.fields[field])[:40]!r}"
        raise records.source.error(_at(record, field), wanted)
    known = recognise(field, "link")
    unit = read[1] or (known.unit if known else "") or units.get(quantity, "")
    if unit and unit not in factors:
        raise records.source.error(_at(record, field), f"{quantity} in one of {', '.join(factors)}, not {unit}")
    if not unit:
        fix = f"a unit for {field}; say it, such as --unit {quantity}={next(iter(list(factors)[2:3]), 'ms')}"
        raise records.source.error(_at(record, field), fix)
    return read[0] * factors[unit]


def _capacity(records: Records, record: LinkRecord, units: Mapping[str, str]) -> float | None:
    value = _amount(records, record, "capacity", RATE, units)
    if value is None or value == 0:
        return None
    field = field_of(record.fields, "link", "capacity") or "capacity"
    if value < 0 or value > 1e15:
        raise records.source.error(_at(record, field), f"{field} greater than 0 and of a network, not {value:g} Mbit/s")
    known = recognise(field, "link")
    said = (known is not None and known.unit) or (
        "capacity" in units and units["capacity"] != records.units.get("capacity")
    )
    written = amount(record.fields[field], RATE)
    if not said and not (written and written[1]) and not _PLAUSIBLE[0] <= value <= _PLAUSIBLE[1]:
        convention = records.units.get("capacity", "")
        wanted = (
            f"a unit for {field}: as {convention}, {record.fields[field]} would be {value:g} Mbit/s; "
            "say it with --unit capacity=mbps, gbps, kbps or bps, or under [units] of a site file"
        )
        raise records.source.error(_at(record, field), wanted)
    return value


def _weight(records: Records, record: LinkRecord) -> int | None:
    field = field_of(record.fields, "link", "weight")
    if field is None or record.fields[field] in (None, ""):
        return None
    value, where = record.fields[field], _at(record, field)
    number = value if isinstance(value, int) and not isinstance(value, bool) else None
    if number is None:
        parsed = records.source.number(str(value), where, f"{field} as a whole number")
        if parsed != int(parsed):
            raise records.source.error(where, f"{field} as a whole number, not {value!r}")
        number = int(parsed)
    if number == _NO_METRIC:
        return UNUSED_METRIC
    if not 0 <= number <= MAX_WEIGHT:
        raise records.source.error(where, f"{field} as a whole number in 1..{MAX_WEIGHT}, not {number}")
    return number


def _delay(records: Records, record: LinkRecord, units: Mapping[str, str]) -> float | None:
    value = _amount(records, record, "delay", _DELAY.units, units)
    if value is not None and not 0 <= value <= 1e9:
        raise records.source.error(
            _at(record, field_of(record.fields, "link", "delay") or "delay"), "a delay of at least 0"
        )
    return value


def _at(record: LinkRecord, field: str) -> str:
    return f"{record.where}.{field}" if record.where.startswith("$") else f"{record.where}, {field}"


class _Filled(NamedTuple):
    capacity: float | None
    weight: int
    delay: float


def _filled(stated: Sequence[_Stated]) -> tuple[list[_Filled], list[FieldUse]]:
    """Fill weights and delays that are not stated, from lengths where there are some."""
    known = [values.weight for values in stated if values.weight is not None]
    lengths = [values.km for values in stated if values.km is not None]
    usual = int(median(known)) if known else None
    middle = median(lengths) if lengths else None
    uses: list[FieldUse] = []
    without = [values for values in stated if values.weight is None]
    if without and usual is not None:
        note = f"of {len(without)} of {len(stated)} links: {usual}, the median of those that are stated"
        uses.append(FieldUse(field="weights", became="assumed", count=len(without), note=note))
    elif without:
        uses.extend(_from_lengths("weights", "one per km", "1", without, middle))
    late = [values for values in stated if values.delay is None]
    uses.extend(_from_lengths("delays", "5 us per km", "0 ms", late, middle))
    filled = [
        _Filled(
            values.capacity,
            values.weight if values.weight is not None else usual or _weight_of(values.km, middle),
            values.delay if values.delay is not None else _delay_of(values.km, middle),
        )
        for values in stated
    ]
    return filled, uses


def _from_lengths(
    field: str, rule: str, otherwise: str, without: Sequence[_Stated], middle: float | None
) -> Iterator[FieldUse]:
    if not without:
        return
    if middle is None:
        note = f"all {otherwise}, as the file gives neither {field} nor lengths nor places"
        yield FieldUse(field=field, became="assumed", count=len(without), note=note)
        return
    measured = sum(values.km is not None for values in without)
    if measured:
        yield FieldUse(field=field, became="assumed", count=measured, note=f"from the lengths, {rule}")
    if measured < len(without):
        count = len(without) - measured
        note = f"of {count} links whose length is not known: as for {middle:,.0f} km, the median length"
        yield FieldUse(field=field, became="assumed", count=count, note=note)


def _weight_of(km: float | None, middle: float | None) -> int:
    length = middle if km is None else km
    return 1 if length is None else min(max(round(length), 1), 65_535)


def _delay_of(km: float | None, middle: float | None) -> float:
    length = middle if km is None else km
    return 0.0 if length is None else round(length * MS_PER_KM, 6)


def _arc(records: Records, record: LinkRecord, tail: int, head: int, values: _Filled) -> FileArc:
    up = is_up(records, record, "link")
    adjacent = yes_or_no(records, record, "link", "adjacent")
    loss = value_of(record.fields, "link", "loss")
    share = 0.0 if loss in (None, "") else records.source.number(str(loss), _at(record, "loss"), "loss", least=0)
    if share > 1:
        raise records.source.error(_at(record, "loss"), "loss as a share of 1")
    index = value_of(record.fields, "link", "index")
    return FileArc(
        tail,
        head,
        values.capacity,
        values.weight,
        values.delay,
        0
        if index in (None, "")
        else records.source.whole(str(index), _at(record, "index"), "index", least=1, most=10_000),
        up=up,
        drained=is_drained(records, record, "link"),
        cost_out=is_costed_out(records, record, "link"),
        asleep=bool(yes_or_no(records, record, "link", "asleep")),
        loss=share,
        adjacent=True if adjacent is None else adjacent,
        **_bundle(records, record),
        risks=_risks(value_of(record.fields, "link", "srlg")),
        interface=_interface(record, "interface"),
    )


def _is_uncounted(record: LinkRecord) -> bool:
    """Whether a link says how many members of a bundle it needs, and not how many it has."""
    members, least = (value_of(record.fields, "link", name) for name in ("members", "min_members"))
    return members in (None, "") and least not in (None, "", 0, 1, "0", "1")


def _uncounted(links: Sequence[LinkRecord]) -> Iterator[FieldUse]:
    count = sum(_is_uncounted(link) for link in links)
    if count:
        note = f"{count} need a least number of members and do not say how many they have: they fail as a whole here"
        yield FieldUse(field="bundles", became="not modelled", count=count, note=note, decides_routing=True)


def _bundle(records: Records, record: LinkRecord) -> dict[str, int]:
    """How many circuits a link is made of, and how many of them it needs."""
    found = {"members": 1, "min_members": 1, "degraded_weight": 0}
    bounds = {"members": (1, 1_000), "min_members": (1, 1_000), "degraded_weight": (0, MAX_WEIGHT)}
    for quantity, (least, most) in bounds.items():
        value = value_of(record.fields, "link", quantity)
        if isinstance(value, list):
            value = len(value)  # the names of the members
        if value not in (None, ""):
            found[quantity] = records.source.whole(str(value), _at(record, quantity), quantity, least=least, most=most)
    if _is_uncounted(record):
        return {**found, "min_members": 1}
    if found["min_members"] > found["members"]:
        wanted = f"at most {found['members']}, which is how many members it has"
        raise records.source.error(_at(record, "min_members"), wanted)
    return found


def _interface(record: LinkRecord, quantity: str) -> str:
    value = value_of(record.fields, "link", quantity)
    return clean(value, NAME) if isinstance(value, str) else ""


def _risks(value: JsonValue) -> tuple[str, ...]:
    if value in (None, ""):
        return ()
    parts = value if isinstance(value, list) else str(value).replace(";", ",").split(",")
    return tuple(dict.fromkeys(str(part).strip() for part in parts if str(part).strip()))


def _used(records: Records, units: Mapping[str, str]) -> Iterator[FieldUse]:
    seen: Counter[tuple[str, str, str]] = Counter()
    for link in records.links:
        for field in link.fields:
            known = recognise(field, "link")
            if known is not None and field_of(link.fields, "link", known.quantity.name) == field:
                unit = known.unit or (units.get(known.quantity.name, "") if known.quantity.units else "")
                seen[field, known.quantity.what, unit] += 1
    for (field, what, unit), count in seen.items():
        yield FieldUse(field=f"link {field}", became="used", count=count, note=f"{what}{f', {unit}' if unit else ''}")
