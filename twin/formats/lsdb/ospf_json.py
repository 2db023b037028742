"""`show ip ospf database router|network json` of FRR: router LSAs and network LSAs by area."""

import json
from collections.abc import Iterator
from string import hexdigits
from typing import cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from twin.errors import FormatError
from twin.formats.build import Choices
from twin.formats.content import Content
from twin.formats.records import Records
from twin.formats.source import Source
from twin.formats.text import first_problem

from .database import Database, Neighbour, System, chosen
from .lsps import Lsp, join
from .ospf_text import LAN, MAX_AGE, finish
from .topology import records_of


class _Foreign(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Link(_Foreign):
    kind: str = Field(alias="linkType")
    router: str | None = Field(default=None, alias="neighborRouterId")
    designated: str | None = Field(default=None, alias="designatedRouterAddress")
    metric: int | None = Field(default=None, alias="tos0Metric", ge=0, le=65_535)
    address: str = Field(default="", alias="routerInterfaceAddress")


class _Attached(_Foreign):
    router: str = Field(alias="attachedRouterId")


class _Lsa(_Foreign):
    kind: str = Field(alias="lsaType")
    state_id: str = Field(alias="linkStateId")
    origin: str | None = Field(default=None, alias="advertisingRouter")
    age: int = Field(default=0, alias="lsaAge")
    sequence: str = Field(default="", alias="lsaSeqNumber")
    count: int | None = Field(default=None, alias="numOfLinks")
    links: dict[str, _Link] = Field(default={}, alias="routerLinks")
    attached: dict[str, _Attached] = Field(default={}, alias="attchedRouters")
    attached_too: dict[str, _Attached] = Field(default={}, alias="attachedRouters")


class _States(_Foreign):
    areas: dict[str, list[_Lsa]] = {}


class _Document(_Foreign):
    routers: _States = Field(default=_States(), alias="routerLinkStates")
    networks: _States = Field(default=_States(), alias="networkLinkStates")


def read_ospf_json(content: Content, choices: Choices) -> Records:
    """Read the database; the two commands' outputs may stand one after the other. Raises `FormatError`."""
    source = content.source
    one = read_database(source, content.text)
    return records_of(chosen([one], choices.network_id, source.path), source, "OSPF", content.stem)


def read_database(source: Source, text: str) -> Database:
    """Read every JSON document of a text into one database."""
    found, areas, blocks = Database("OSPF"), set[str](), list[Lsp]()
    for output, document in enumerate(_documents(source, text)):
        for states in (document.routers, document.networks):
            areas.update(states.areas)
            for area, listed in states.areas.items():
                blocks += [_block(found, lsa, area, output) for lsa in listed]
    join(source, found, blocks)
    if not any(system.neighbours for system in found.systems.values()):
        raise source.error("the whole file", "links of each router: `show ip ospf database router json`")
    finish(source, found, len(areas))
    return found


def _documents(source: Source, text: str) -> Iterator[_Document]:
    decoder, at = json.JSONDecoder(), 0
    while at < len(text):
        start = text.find("{", at)
        if start < 0:
            return
        try:
            value, at = cast("tuple[object, int]", decoder.raw_decode(text, start))
            yield _Document.model_validate(_of_each_vrf(value))
        except ValidationError as error:
            raise FormatError(source.path, *first_problem(error)) from error
        except (ValueError, RecursionError) as error:
            raise source.error(f"line {text.count(chr(10), 0, start) + 1}", "valid JSON") from error


def _of_each_vrf(value: object) -> object:
    """The document itself, or with `vrf all` the only one that has link states."""
    if not isinstance(value, dict):
        return value
    inner = [cast("dict[str, object]", x) for x in cast("dict[str, object]", value).values() if isinstance(x, dict)]
    full = [x for x in inner if "routerLinkStates" in x or "networkLinkStates" in x]
    return full[0] if len(full) == 1 else cast("object", value)


def _block(database: Database, lsa: _Lsa, area: str, output: int) -> Lsp:
    """One LSA. The state id of a router LSA is its router (RFC 2328, section 12.1.4), also where nothing else is."""
    where = f"area {area}"
    is_lan = lsa.kind.startswith("network")
    system = System(LAN + lsa.state_id, where, lan=True) if is_lan else System(lsa.origin or lsa.state_id, where)
    system.purged = lsa.age >= MAX_AGE
    digits = lsa.sequence.removeprefix("0x")
    sequence = int(digits, 16) ^ 0x80000000 if digits and all(x in hexdigits for x in digits) else None
    if is_lan:
        attached = {**lsa.attached, **lsa.attached_too}
        system.neighbours.extend(Neighbour(x.router, 0, where, stated=x.router) for x in attached.values())
    else:
        system.neighbours.extend(_neighbours(database, lsa, where))
        if lsa.count is not None and lsa.count > len(lsa.links):
            database.unmodelled["links that LSAs count and do not list"] += 1
    return Lsp(system, area, output=output, sequence=sequence)


def _neighbours(database: Database, lsa: _Lsa, where: str) -> Iterator[Neighbour]:
    for link in lsa.links.values():
        kind = link.kind.lower()
        if "stub" in kind:
            continue
        if "virtual" in kind:
            database.unmodelled["virtual links"] += 1
            continue
        name = link.router if link.router else f"{LAN}{link.designated}"
        metric = -1 if link.metric is None else link.metric
        near = "" if link.address.startswith("0.") else link.address
        yield Neighbour(name, metric, where, stated=name, near=near)
