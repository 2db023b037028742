"""What `import` answers when measurements come with the network."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from pydantic import JsonValue
from rich.console import RenderableType

from twin.errors import InputError
from twin.formats.build import Choices
from twin.formats.stored import Imported
from twin.observe.readings.imported import Files, import_measured
from twin.observe.readings.prometheus import prometheus_at

from .answer import Answer
from .measurements import Brought
from .plan_text import imported


def import_with_measurements(
    sources: tuple[Sequence[Path], Path | None, Sequence[Path], str | None],
    brought: Brought,
    into: Path,
    *,
    now: datetime,
    choices: Choices,
) -> Answer:
    """Read one network, its traffic if a file of it is given, and its measurements into a twin file, all or nothing."""
    networks, traffic, measured, url = sources
    if len(networks) != 1:
        raise InputError("measurements belong to one network", fix="import the networks one by one")
    server = None if url is None else prometheus_at(url)
    files = Files(measured, brought.ports, brought.prefixes, traffic, server)
    found, added = import_measured(networks[0], files, into, now=now, choices=choices, said=brought.said)
    document: dict[str, JsonValue] = {
        "into": str(into),
        "networks": [found.model_dump(mode="json")],
        "measured": [*map(str, measured), *([url] if url else [])],
        "samples": added,
    }
    return Answer(document, _lines(found, added, into))


def _lines(found: Imported, added: int, into: Path) -> Iterator[RenderableType]:
    yield from imported([found], into)
    yield f"{added:,} new rows of measurements are in it: `twinops quality {into}` says how far to trust them"
