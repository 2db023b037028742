"""What an ngraph scenario holds beside nodes and links: demands between patterns, and rules that make more of both."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from pydantic import JsonValue

from .account import FieldUse
from .build import Choices
from .layout import at, noted
from .records import DemandRecord, Fields, LinkRecord, NodeRecord, Records
from .source import Source
from .vocabulary import RATE, amount

_RULES = ("adjacency", "groups", "blueprints", "link_overrides", "node_overrides", "node_rules", "link_rules")
_PATTERN = re.compile(r"[\[\]{}*?|()$^\\]")


class _Flow(NamedTuple):
    source: str
    target: str
    volume: JsonValue


def demands_of_ngraph(records: Records, tree: JsonValue, choices: Choices) -> Records:
    """Add the demands of the set that is called default, or of the only one, and links as often as they are counted.

    Raises `FormatError` on a scenario whose rules make nodes and links: what they expand to is ngraph's to say.
    """
    for rule in _RULES:
        if at(tree, f"network.{rule}") or at(tree, rule):
            wanted = f"plain nodes and links: `{rule}` makes more of them; expand the scenario with ngraph first"
            raise records.source.error(f"network.{rule}", wanted)
    for node in records.nodes:
        if _PATTERN.search(node.id):
            raise records.source.error(node.where, f"a plain name: {node.id!r} stands for several nodes in ngraph")
    links = [one for link in records.links for one in _several(records.source, link)]
    records = replace(records, links=links, nodes=[_node(x) for x in records.nodes])
    name, flows = _flows(tree)
    if not flows:
        return records
    unit = choices.units.get("traffic") or choices.units.get("capacity", "")
    factor = RATE.get(unit, 1.0)
    demands: list[DemandRecord] = []
    wide = 0
    known = [node.id for node in records.nodes]
    for flow in flows:
        ends = [_matching(pattern, known) for pattern in (flow.source, flow.target)]
        read = amount(flow.volume, RATE)
        if read is None or read[0] < 0:
            raise records.source.error(f"demands of {name}", f"a volume as a number, not {str(flow.volume)[:40]!r}")
        if any(len(end) != 1 for end in ends):
            wide += 1
            continue
        demands.append(DemandRecord(ends[0][0], ends[1][0], read[0] * (RATE[read[1]] if read[1] else factor), name))
    return noted(replace(records, demands=tuple(demands)), *_said(tree, name, unit, len(demands), wide))


def _node(record: NodeRecord) -> NodeRecord:
    return record._replace(fields=_as_up(record.fields))


def _several(source: Source, link: LinkRecord) -> Iterator[LinkRecord]:
    """A link as often as it is counted."""
    counts = [link.fields[name] for name in ("count", "link_count") if name in link.fields]
    count = source.whole(str(counts[0]), link.where, "a count", least=1, most=1_000) if counts else 1
    fields = {key: value for key, value in _as_up(link.fields).items() if key not in ("count", "link_count")}
    yield from [link._replace(fields=fields)] * count


def _as_up(fields: Fields) -> Fields:
    """`disabled` as the state that it means."""
    if "disabled" not in fields:
        return fields
    rest = {key: value for key, value in fields.items() if key != "disabled"}
    return {**rest, "up": str(fields["disabled"]).lower() not in ("true", "1", "yes")}


def _sets(tree: JsonValue) -> dict[str, list[JsonValue]]:
    found = at(tree, "demands") or at(tree, "traffic_matrix_set")
    if isinstance(found, dict):
        return {name: rows for name, rows in found.items() if isinstance(rows, list)}
    return {"default": found} if isinstance(found, list) else {}


def _flows(tree: JsonValue) -> tuple[str, list[_Flow]]:
    sets = _sets(tree)
    name = "default" if "default" in sets else next(iter(sets), "")
    return name, [_flow(row) for row in sets.get(name, [])]


def _flow(row: JsonValue) -> _Flow:
    target = at(row, "target") or at(row, "sink") or at(row, "sink_path")
    volume = next((x for x in (at(row, "volume"), at(row, "demand")) if x is not None), None)
    return _Flow(str(at(row, "source") or at(row, "source_path") or ""), str(target or ""), volume)


def _matching(pattern: str, names: list[str]) -> list[str]:
    """Nodes that a pattern stands for, which matches from the beginning of a name; all where it is no name."""
    plain = pattern.removeprefix("^").removesuffix("$")
    if not _PATTERN.search(plain):
        exact = pattern.endswith("$")
        return [name for name in names if name == plain or (not exact and name.startswith(plain))]
    return names


def _said(tree: JsonValue, name: str, unit: str, count: int, wide: int) -> Iterator[FieldUse]:
    note = f"{count} of the set {name!r}" + (f", in {unit}" if unit else ", in Mbit/s as none is stated")
    yield FieldUse(field="demands", became="used" if unit else "assumed", count=count, note=note)
    if wide:
        note = f"{wide} demands stand for several nodes at an end: not read"
        yield FieldUse(field="demand patterns", became="not modelled", count=wide, note=note)
    others = [other for other in _sets(tree) if other != name]
    if others:
        note = f"{', '.join(others[:5])}: further sets of demands, not read"
        yield FieldUse(field="demand sets", became="not modelled", count=len(others), note=note)
