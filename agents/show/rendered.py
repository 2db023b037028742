"""`twinops render`: a plan in the words of routers."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast, get_args

from pydantic import JsonValue
from rich.console import RenderableType

from agents.record.files import PLAN, TWIN
from twin.errors import InputError, PlanError, UnknownElementError
from twin.execute.render import Inventory, RenderedStep, Rendering, RouterLines, render
from twin.execute.routers import Dialect, Routers
from twin.files import exists
from twin.formats import load_network
from twin.formats.load import load_reading
from twin.formats.plan import PlanFile, read_plan_file
from twin.model import Network
from twin.site import OpenSite, read_site

from .answer import Answer, Verbatim


def render_plan(plan: str, dialect: str | None, *, network: str | None, site: Path | None, runs: Path) -> Answer:
    """Write a plan, or that of a run, as configuration; raises `InputError` that asks for what is not known."""
    spoken = _dialect(dialect)
    folder = next((x for x in (Path(plan), runs / plan) if exists(x / PLAN)), None)
    file = read_plan_file(folder / PLAN if folder else plan)
    opened = read_site(site) if site is not None else None
    own_twin = str(folder / TWIN) if folder else str(opened.twin) if opened else None
    state, known = _state(file, network, own_twin), _known(opened, network or own_twin)
    file.require_way_back(state)
    found = render(file.plan, state, known, spoken)
    return Answer(_document(found), told(found.steps))


def _state(file: PlanFile, network: str | None, twin: str | None) -> Network:
    """The state that the plan starts from: out of a twin file that has it, or the network as it is named."""
    for name in (network, twin):
        if name is None or not exists(name.partition("#")[0]):
            continue
        try:
            return load_network(f"{name}#{file.plan.base}") if name.endswith(".duckdb") else load_network(name)
        except UnknownElementError:
            continue
    if network is not None:
        return load_network(network)
    fix = "name the network with --network, or the site file with --site"
    raise PlanError(f"nothing here knows snapshot {file.plan.base}, which the plan starts from", fix=fix)


def _known(site: OpenSite | None, network: str | None) -> Inventory:
    interfaces = dict(load_reading(network).interfaces) if network and exists(network.partition("#")[0]) else {}
    if site is None:
        return Inventory(interfaces, Routers())
    return Inventory({**interfaces, **site.reading().interfaces}, site.site.routers)


def told(steps: Sequence[RenderedStep]) -> Iterator[RenderableType | Verbatim]:
    """Tell rendered steps, and the way back after them."""
    for step in steps:
        yield Verbatim(f"step {step.step}: {step.about}")
        if step.by_hand:
            yield Verbatim(f"  not written: {step.by_hand}")
        for part in step.routers:
            yield Verbatim(f"  on {part.router} ({part.dialect}), check with: {part.check}")
            yield from _typed(part, part.lines)
        if step.note:
            yield Verbatim(f"  note: {step.note}")
    if any(step.routers for step in steps):
        yield Verbatim("to take it back, the last step first:")
    for step in reversed(steps):
        for part in step.routers:
            yield Verbatim(f"  step {step.step}, on {part.router} ({part.dialect}):")
            yield from _typed(part, part.back)


def _typed(part: RouterLines, lines: Sequence[str]) -> Iterator[Verbatim]:
    yield from (Verbatim(f"    {line}") for line in lines)
    if part.keep:
        yield Verbatim(f"  {part.when_kept}")
        yield from (Verbatim(f"    {line}") for line in part.keep)


def _document(found: Rendering) -> dict[str, JsonValue]:
    return cast("dict[str, JsonValue]", found.model_dump(mode="json"))


def _dialect(name: str | None) -> Dialect | None:
    if name is not None and name not in get_args(Dialect):
        raise InputError(f"no dialect {name!r}", fix=f"choose one of {', '.join(get_args(Dialect))}")
    return cast("Dialect | None", name)
