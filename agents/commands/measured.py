"""The options of commands that read measurements: what columns mean, in what unit, and whose interfaces those are."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from agents.show.measurements import Brought

Mapped = Annotated[
    list[str] | None,
    typer.Option("--map", help="What a column is, such as out=ifHCOutOctets or time=polled_at; commas or again."),
]
Unit = Annotated[
    list[str] | None,
    typer.Option("--unit", help="Unit of what a column leaves open: counters=mbps, traffic=kbps, time=ms, time=dmy."),
]
Ports = Annotated[
    Path | None, typer.Option("--interfaces", help="Table node,interface,link of which interface leads where.")
]
Prefixes = Annotated[
    Path | None, typer.Option("--prefixes", help="Table prefix,node of which addresses are behind which node.")
]
Sampling = Annotated[
    int | None, typer.Option("--sampling", min=1, help="Flows saw one packet in so many; 1 for all of them.")
]
TimeZone = Annotated[str, typer.Option("--time-zone", help="Of times that name none, such as Europe/Berlin.")]


def brought(
    columns: list[str] | None,
    units: list[str] | None,
    *,
    ports: Path | None = None,
    prefixes: Path | None = None,
    sampling: int | None = None,
    zone: str = "UTC",
) -> "Brought":
    """What was said of the files of measurements. Raises `InputError` on what is no mapping, no unit or no zone."""
    from agents.show.measurements import Brought
    from twin.formats.build import read_units
    from twin.formats.measurements.columns import read_mapping
    from twin.formats.measurements.moments import read_zone
    from twin.formats.measurements.part import Options

    now = datetime.now(UTC)
    said = Options(read_mapping(columns or ()), read_units(units or ()), read_zone(zone), sampling=sampling, now=now)
    return Brought(said, ports, prefixes)
