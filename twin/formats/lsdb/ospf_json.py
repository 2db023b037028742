"""`show ip ospf database router|network json` of FRR: router LSAs and network LSAs by area."""

import json
from collections.abc import Iterator
from typing import cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from twin.errors import FormatError
from twin.formats.build import Choices
from twin.formats.content import Content
from twin.formats.records import Records
from twin.formats.source import Source
from twin.formats.text import first_problem

from .database import Database, Neighbour, System, chosen, records_of
from .ospf_text import LAN, finish


class _Foreign(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Link(_Foreign):
    kind: str = Field(alias="linkType")
    router: str | None = Field(default=None, alias="neighborRouterId")
    designated: str | None = Field(default=None, alias="designatedRouterAddress")
    metric: int | None = Field(default=None, alias="tos0Metric", ge=0, le=65_535)


class _Attached(_Foreign):
    router: str = Field(alias="attachedRouterId")


class _Lsa(_Foreign):
    kind: str = Field(alias="lsaType")
    state_id: str = Field(alias="linkStateId")
    origin: str = Field(alias="advertisingRouter")
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
    found, areas = Database("OSPF"), set[str]()
    for document in _documents(source, text):
        for states in (document.routers, document.networks):
            areas.update(states.areas)
            for area, listed in states.areas.items():
                for lsa in listed:
                    _add(found, lsa, f"area {area}")
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
            yield _Document.model_validate(value)
        except ValidationError as error:
            raise FormatError(source.path, *first_problem(error)) from error
        except (ValueError, RecursionError) as error:
            raise source.error(f"line {text.count(chr(10), 0, start) + 1}", "valid JSON") from error


def _add(database: Database, lsa: _Lsa, where: str) -> None:
    if lsa.kind.startswith("network"):
        system = database.systems.setdefault(LAN + lsa.state_id, System(LAN + lsa.state_id, where, lan=True))
        attached = {**lsa.attached, **lsa.attached_too}
        system.neighbours.extend(Neighbour(x.router, 0, where, stated=x.router) for x in attached.values())
        return
    system = database.systems.setdefault(lsa.origin, System(lsa.origin, where))
    for link in lsa.links.values():
        kind = link.kind.lower()
        if "stub" in kind:
            continue
        if "virtual" in kind:
            database.unmodelled["virtual links"] += 1
            continue
        name = link.router if link.router else f"{LAN}{link.designated}"
        metric = -1 if link.metric is None else link.metric
        system.neighbours.append(Neighbour(name, metric, where, stated=name))
