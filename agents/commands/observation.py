"""`quality`, `forecast` and `diagnose`: questions to what was measured, in a twin file or in tables of one's own."""

from pathlib import Path
from typing import Annotated

import typer

from .measured import Mapped, Ports, Prefixes, Sampling, TimeZone, Unit, brought
from .options import Json, PolicyFile, Top, limits
from .output import give

Measurements = Annotated[
    list[Path],
    typer.Argument(
        help="A twin file, or files of measurements of any make, told by their content.", show_default=False
    ),
]
Of = Annotated[
    str | None, typer.Option("--network", "-n", help="Of which network; a twin file knows it.", show_default=False)
]
Interval = Annotated[
    float,
    typer.Option("--interval", min=1.0, help="Seconds from one matrix to the next, where times are numbers of bins."),
]


def quality(
    measurements: Measurements,
    network: Of = None,
    interval: Interval = 900.0,
    columns: Mapped = None,
    unit: Unit = None,
    interfaces: Ports = None,
    prefixes: Prefixes = None,
    sampling: Sampling = None,
    time_zone: TimeZone = "UTC",
    policy: PolicyFile = None,
    as_json: Json = False,
) -> None:
    """Say how far measurements can be trusted, which are wrong, and what they should have been.

    Exit code 3 means that the policy would not plan on them.
    """
    from agents.show.measurements import judge_quality

    told = brought(columns, unit, ports=interfaces, prefixes=prefixes, sampling=sampling, zone=time_zone)
    answer = judge_quality(measurements, network, limits(policy), interval_s=interval, brought=told)
    give("quality", answer, as_json=as_json)


def forecast(
    measurements: Measurements,
    network: Of = None,
    ahead: Annotated[
        list[float] | None, typer.Option("--ahead", min=1.0, help="Minutes ahead; again for more.")
    ] = None,
    interval: Interval = 900.0,
    top: Top = 12,
    as_json: Json = False,
) -> None:
    """Forecast the whole traffic matrix, with intervals, and say how much better than the plainest methods that is."""
    from agents.show.measurements import forecast_demand

    answer = forecast_demand(measurements, network, ahead or [15.0, 60.0], interval_s=interval, top=top)
    give("forecast", answer, as_json=as_json)


def diagnose(
    measurements: Measurements,
    network: Of = None,
    columns: Mapped = None,
    unit: Unit = None,
    interfaces: Ports = None,
    prefixes: Prefixes = None,
    sampling: Sampling = None,
    time_zone: TimeZone = "UTC",
    policy: PolicyFile = None,
    top: Top = 5,
    as_json: Json = False,
) -> None:
    """Rank what can have caused the newest measurements: evidence, what cannot be told apart, what to measure next."""
    from agents.show.measurements import find_causes

    told = brought(columns, unit, ports=interfaces, prefixes=prefixes, sampling=sampling, zone=time_zone)
    answer = find_causes(measurements, network, limits(policy), top=top, brought=told)
    give("diagnose", answer, as_json=as_json)
