"""Exports of NetBox: cables, interfaces, circuits and devices as its REST API or its database dump gives them.

A cable is not a link: it may end at a panel or at a circuit that goes on elsewhere. From each interface the way is
followed over cables, panels and circuits until it comes to another interface; what ends on the way is counted. Which
end a cable has stands in the cable up to NetBox 3.2, and in rows of its own from 3.3.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from pydantic import JsonValue

from .account import FieldUse
from .build import Choices
from .content import Content
from .layout import at
from .records import LinkRecord, NodeRecord, Records

_Key = tuple[str, str]
_Object = dict[str, JsonValue]
_NOMINAL = re.compile(r"(\d+(?:\.\d+)?)(g?)base", re.IGNORECASE)
_INTERFACE = "interface"
_KBPS = 1e-3  # Mbit/s
_LONGEST = 64  # panels and circuits on one way


class _Port(NamedTuple):
    """An interface: its device, its name and its speed in Mbit/s, if stated; `nominal` is what its type allows."""

    device: str
    name: str
    speed: float | None
    nominal: float | None
    enabled: bool


@dataclass
class _Plant:
    """Everything that is cabled, by kind and number; `through` joins the two sides of a panel or a circuit."""

    ports: dict[_Key, _Port] = field(default_factory=dict[_Key, _Port])
    devices: dict[str, dict[str, JsonValue]] = field(default_factory=dict[str, dict[str, JsonValue]])
    cables: dict[_Key, list[_Key]] = field(default_factory=dict[_Key, list[_Key]])
    through: dict[_Key, list[_Key]] = field(default_factory=dict[_Key, list[_Key]])
    sides: dict[str, list[_Key]] = field(default_factory=dict[str, list[_Key]])
    rates: dict[str, float] = field(default_factory=dict[str, float])
    down: set[frozenset[_Key]] = field(default_factory=set[frozenset[_Key]])
    nominal: int = 0
    """How many links have the capacity of their port's type."""

    def connect(self, ones: Sequence[_Key], others: Sequence[_Key], *, up: bool) -> None:
        """Lay a cable, of which each end may be several terminations."""
        for one in ones:
            for other in others:
                self.cables.setdefault(one, []).append(other)
                self.cables.setdefault(other, []).append(one)
                if not up:
                    self.down.add(frozenset((one, other)))

    def join(self, one: _Key, other: _Key) -> None:
        """Let a way go on from one side to the other."""
        self.through.setdefault(one, []).append(other)
        self.through.setdefault(other, []).append(one)


def read_netbox(content: Content, _choices: Choices) -> Records:
    """Read an export. Raises `FormatError` when no two interfaces are joined by what is in the file."""
    tree = content.json()
    rows = list(_objects(tree))
    plant = _dumped(rows) if any("model" in row and "fields" in row for row in rows) else _listed(rows)
    for keys in plant.sides.values():
        if len(keys) == 2:
            plant.join(*keys)
    links, open_ends = _traced(plant)
    if not links:
        wanted = "interfaces that cables or circuits join: export cables (or interfaces), with circuits and front ports"
        raise content.source.error("the whole file", wanted)
    linked = {end for link in links for end in (link.source, link.target)}
    nodes = [NodeRecord(name, "devices", plant.devices.get(name, {})) for name in sorted(linked)]
    return Records(
        content.source,
        "NetBox export",
        content.stem,
        nodes=nodes,
        links=links,
        units={"capacity": "mbps"},
        noted=tuple(_noted(plant, open_ends, len(set(plant.devices) - linked))),
    )


def _objects(tree: JsonValue) -> Iterator[_Object]:
    """Objects of a dump, of an answer of the API (`results`), or of several answers by name."""
    if isinstance(tree, list):
        yield from (row for row in tree if isinstance(row, dict))
    elif isinstance(tree, dict) and isinstance(tree.get("results"), list):
        yield from _objects(tree["results"])
    elif isinstance(tree, dict):
        for part in tree.values():
            if isinstance(part, list | dict):
                yield from _objects(part)


# --- the REST API ----------------------------------------------------------------------------------------------------


def _listed(rows: Sequence[_Object]) -> _Plant:
    plant = _Plant()
    for row in rows:
        if "a_terminations" in row or "termination_a" in row:
            _cable(plant, row)
        elif "device_type" in row and row.get("name"):
            plant.devices[str(row["name"])] = _device_fields(row)
        elif "cid" in row:
            _circuit(plant, str(row["cid"]), row)
        elif "rear_port" in row and "id" in row:
            plant.join(("frontport", str(row["id"])), ("rearport", str(at(row, "rear_port.id") or row["rear_port"])))
        elif "device" in row and "id" in row and ("connected_endpoints" in row or "mgmt_only" in row):
            _interface(plant, row)
    return plant


def _cable(plant: _Plant, row: _Object) -> None:
    sides: list[list[_Key]] = []
    for side in "ab":
        ends = row.get(f"{side}_terminations")
        if ends is None:
            kind, end = row.get(f"termination_{side}_type"), row.get(f"termination_{side}")
            ends = [{"object_type": kind, "object_id": row.get(f"termination_{side}_id"), "object": end}]
        listed = ends if isinstance(ends, list) else []
        sides.append([key for key in (_termination(plant, end) for end in listed) if key is not None])
    status = at(row, "status.value") or row.get("status")
    plant.connect(sides[0], sides[1], up=status not in ("planned", "decommissioning"))


def _termination(plant: _Plant, end: JsonValue) -> _Key | None:
    kind = str(at(end, "object_type") or "").rpartition(".")[2].replace("-", "")
    thing = at(end, "object")
    device, name = at(thing, "device.name") or at(thing, "device.display"), str(at(thing, "name") or "")
    number = at(thing, "id") or at(end, "object_id") or f"{device}/{name}"
    key = (kind, str(number))
    if kind == _INTERFACE and device:
        plant.ports.setdefault(key, _port(str(device), name, thing))
    elif kind == "circuittermination":
        circuit = str(at(thing, "circuit.cid") or at(thing, "circuit.id") or number)
        _side(plant, circuit, key)
    return key if kind else None


def _side(plant: _Plant, circuit: str, key: _Key) -> None:
    keys = plant.sides.setdefault(circuit, [])
    if key not in keys:
        keys.append(key)


def _circuit(plant: _Plant, circuit: str, row: _Object) -> None:
    rate = row.get("commit_rate")
    if isinstance(rate, int | float) and rate > 0:
        plant.rates[circuit] = rate * _KBPS
    for side in "az":
        number = at(row, f"termination_{side}.id") or row.get(f"termination_{side}")
        if isinstance(number, int | str):
            _side(plant, circuit, ("circuittermination", str(number)))


def _interface(plant: _Plant, row: _Object) -> None:
    device, key = str(at(row, "device.name") or row["device"]), (_INTERFACE, str(row["id"]))
    plant.ports[key] = _port(device, str(row.get("name", "")), row)
    ends = row.get("connected_endpoints")
    for end in ends if isinstance(ends, list) else ():
        other = at(end, "device.name")
        if other and at(end, "id") is not None:
            theirs = (_INTERFACE, str(at(end, "id")))
            plant.ports.setdefault(theirs, _port(str(other), str(at(end, "name") or ""), end))
            if theirs not in plant.cables.get(key, []):
                plant.connect([key], [theirs], up=True)


def _port(device: str, name: str, thing: JsonValue) -> _Port:
    speed = at(thing, "speed")
    kind = at(thing, "type.value") or at(thing, "type")
    match = _NOMINAL.match(str(kind or ""))
    nominal = None if match is None else float(match[1]) * (1000.0 if match[2] else 1.0)
    stated = speed * _KBPS if isinstance(speed, int | float) and speed > 0 else None
    return _Port(device, name, stated, nominal, at(thing, "enabled") is not False)


def _device_fields(row: _Object) -> dict[str, JsonValue]:
    role = at(row, "role.name") or at(row, "device_role.name") or at(row, "role.slug")
    fields = {"role": role, "status": at(row, "status.value") or row.get("status")}
    fields |= {
        axis: row.get(axis) if row.get(axis) is not None else at(row, f"site.{axis}")
        for axis in ("latitude", "longitude")
    }
    return _stated(fields)


def _stated(fields: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    known = ("active", "offline", "failed")
    kept = {name: value for name, value in fields.items() if isinstance(value, str | float) and value != ""}
    return {name: value for name, value in kept.items() if name != "status" or value in known}


# --- the database dump -----------------------------------------------------------------------------------------------


def _dumped(rows: Sequence[_Object]) -> _Plant:
    plant = _Plant()
    tables: dict[str, dict[str, dict[str, JsonValue]]] = {}
    for row in rows:
        fields = row.get("fields")
        if isinstance(fields, dict):
            tables.setdefault(str(row.get("model", "")).rpartition(".")[2], {})[str(row.get("pk"))] = fields
    names = {pk: str(x.get("name") or f"device {pk}") for pk, x in tables.get("device", {}).items()}
    for pk, device in tables.get("device", {}).items():
        site = tables.get("site", {}).get(str(device.get("site")), {})
        role = tables.get("devicerole", {}).get(str(device.get("role", device.get("device_role"))), {})
        stated = {
            "role": role.get("name"),
            "status": device.get("status"),
            **{x: site.get(x) for x in ("latitude", "longitude")},
        }
        plant.devices[names[pk]] = _stated(stated)
    for pk, row in tables.get("interface", {}).items():
        device = str(row.get("device"))
        plant.ports[_INTERFACE, pk] = _port(names.get(device, f"device {device}"), str(row.get("name", "")), row)
    for pk, row in tables.get("frontport", {}).items():
        plant.join(("frontport", pk), ("rearport", str(row.get("rear_port"))))
    circuits = tables.get("circuit", {})
    for pk, row in tables.get("circuittermination", {}).items():
        circuit = str(circuits.get(str(row.get("circuit")), {}).get("cid", row.get("circuit")))
        _side(plant, circuit, ("circuittermination", pk))
    for row in circuits.values():
        rate = row.get("commit_rate")
        if isinstance(rate, int | float) and rate > 0:
            plant.rates[str(row.get("cid"))] = rate * _KBPS
    _dumped_cables(plant, tables)
    return plant


def _dumped_cables(plant: _Plant, tables: Mapping[str, Mapping[str, dict[str, JsonValue]]]) -> None:
    ends: dict[str, dict[str, list[_Key]]] = {}
    for row in tables.get("cabletermination", {}).values():
        key = (_model(row.get("termination_type")), str(row.get("termination_id")))
        ends.setdefault(str(row.get("cable")), {}).setdefault(str(row.get("cable_end")), []).append(key)
    for pk, cable in tables.get("cable", {}).items():
        for side in "ab":
            kind = cable.get(f"termination_{side}_type")
            if kind is not None:
                key = (_model(kind), str(cable.get(f"termination_{side}_id")))
                ends.setdefault(pk, {}).setdefault(side.upper(), []).append(key)
        sides = ends.get(pk, {})
        up = cable.get("status") not in ("planned", "decommissioning")
        plant.connect(sides.get("A", []), sides.get("B", []), up=up)


def _model(kind: JsonValue) -> str:
    """The model of a content type: its natural key is a list of application and model."""
    return str(kind[-1]) if isinstance(kind, list) and kind else str(kind).rpartition(".")[2]


# --- from cables to links --------------------------------------------------------------------------------------------


def _traced(plant: _Plant) -> tuple[list[LinkRecord], Counter[str]]:
    """Follow every interface to the one at the other end; count the ways that end before, by what they end at."""
    found: dict[frozenset[_Key], LinkRecord] = {}
    open_ends: Counter[str] = Counter()
    of_circuit = {key: name for name, keys in plant.sides.items() for key in keys}
    for start, port in plant.ports.items():
        for end, way in _ends(plant, start):
            other = plant.ports.get(end)
            pair = frozenset((start, end))
            if other is None:
                open_ends[end[0]] += 1
            elif other.device != port.device and pair not in found:
                found[pair] = _link(plant, port, other, way, of_circuit)
    return list(found.values()), open_ends


def _ends(plant: _Plant, start: _Key) -> Iterator[tuple[_Key, tuple[_Key, ...]]]:
    """Every place where the way from an interface ends, with what it passes."""
    ways: list[tuple[_Key, tuple[_Key, ...]]] = [(other, (start,)) for other in plant.cables.get(start, [])]
    while ways:
        here, passed = ways.pop()
        if here in passed or len(passed) > _LONGEST:
            continue
        if here[0] == _INTERFACE or here not in plant.through:
            yield here, (*passed, here)
            continue
        for side in plant.through[here]:
            if side in passed:
                continue
            beyond = plant.cables.get(side, [])
            ways.extend((other, (*passed, here, side)) for other in beyond)
            if not beyond:
                yield side, (*passed, here, side)


def _link(plant: _Plant, a: _Port, b: _Port, way: tuple[_Key, ...], circuits: Mapping[_Key, str]) -> LinkRecord:
    names = dict.fromkeys(circuits[key] for key in way if key in circuits)
    rates = [plant.rates[name] for name in names if name in plant.rates]
    stated = [speed for speed in (a.speed, b.speed) if speed is not None] + rates
    nominal = [speed for speed in (a.nominal, b.nominal) if speed is not None]
    speeds = stated or nominal
    fields: dict[str, JsonValue] = {"source_interface": a.name, "target_interface": b.name}
    if speeds:
        fields["capacity_mbps"] = min(speeds)
        plant.nominal += not stated
    if names:
        fields["circuit"] = ", ".join(names)
    cut = any(frozenset(pair) in plant.down for pair in pairwise(way))
    if cut or not (a.enabled and b.enabled):
        fields["up"] = False
    where = f"{a.device} {a.name} to {b.device} {b.name}"
    return LinkRecord(a.device, b.device, where, fields)


def _noted(plant: _Plant, open_ends: Counter[str], alone: int) -> Iterator[FieldUse]:
    if plant.nominal:
        note = f"of {plant.nominal} links: what the type of the port allows, as no speed and no commit rate is stated"
        yield FieldUse(field="capacities", became="assumed", count=plant.nominal, note=note)
    for kind, count in open_ends.items():
        note = f"{count} ways from an interface end at a {kind} whose other side is not in the file: no link"
        yield FieldUse(field="cables", became="not modelled", count=count, note=note)
    if alone:
        note = f"{alone} devices that no cable joins to another (panels, power, spares): left out"
        yield FieldUse(field="devices", became="not modelled", count=alone, note=note)
    used = sum(len(keys) == 2 for keys in plant.sides.values())
    if plant.sides and used < len(plant.sides):
        count = len(plant.sides) - used
        note = f"{count} circuits have one end in the file: no link"
        yield FieldUse(field="circuits", became="not modelled", count=count, note=note)
