"""`quality`, `forecast` and `diagnose`: questions to what was measured, in a twin file or in tables of one's own."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .measured import Mapped, Ports, Prefixes, Sampling, TimeZone, Unit, brought
from .options import Json, PolicyFile, SiteFile, Top, limits
from .output import give

if TYPE_CHECKING:
    from agents.show.answer import Answer

Measurements = Annotated[
    list[Path] | None,
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
    measurements: Measurements = None,
    network: Of = None,
    site: SiteFile = None,
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
    from twin.clock import utc_now

    if measurements or site is None:
        told = brought(columns, unit, ports=interfaces, prefixes=prefixes, sampling=sampling, zone=time_zone)
        answer = judge_quality(measurements or [], network, limits(policy), interval_s=interval, brought=told)
    else:
        from agents.show.own_network import site_quality
        from twin.site import read_site

        opened = read_site(site)
        answer = site_quality(opened, limits(policy, opened), utc_now)
    give("quality", answer, as_json=as_json)


def forecast(
    measurements: Measurements = None,
    network: Of = None,
    site: SiteFile = None,
    ahead: Annotated[
        list[float] | None, typer.Option("--ahead", min=1.0, help="Minutes ahead; again for more.")
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option("--until", formats=["%Y-%m-%d"], help="Weeks ahead: in which one does each link pass its limit?"),
    ] = None,
    interval: Interval = 900.0,
    columns: Mapped = None,
    unit: Unit = None,
    time_zone: TimeZone = "UTC",
    policy: PolicyFile = None,
    top: Top = 12,
    as_json: Json = False,
) -> None:
    """Forecast the whole traffic matrix, with intervals, and say how much better than the plainest methods that is.

    With --until, tell of every link in which week its busy level passes the policy's limit.
    """
    horizons = ahead or [15.0, 60.0]
    if site is not None and not measurements:
        answer = _foreseen_at(site, until, horizons, policy, top)
    elif until is not None:
        from agents.show.growth import link_growth

        told = brought(columns, unit, zone=time_zone)
        answer = link_growth(measurements or [], network, until, limits(policy), told, top=top)
    else:
        from agents.show.measurements import forecast_demand

        said = brought(columns, unit, zone=time_zone).said
        answer = forecast_demand(measurements or [], network, horizons, interval_s=interval, top=top, said=said)
    give("forecast", answer, as_json=as_json)


def _foreseen_at(site: Path, until: datetime | None, horizons: list[float], policy: Path | None, top: int) -> "Answer":
    """Forecast of one's own network: the growth of its links until a day, or its demands so many minutes ahead."""
    from agents.show.growth import told_growth
    from agents.show.own_network import site_forecast
    from twin.clock import utc_now
    from twin.site import read_site
    from twin.site_state import history

    opened = read_site(site)
    if until is None:
        return site_forecast(opened, horizons, utc_now, top=top)
    look = history(opened, utc_now)
    return told_growth(look.network, look.telemetry, look.now, until, limits(policy, opened), top=top)


def diagnose(
    measurements: Measurements = None,
    network: Of = None,
    columns: Mapped = None,
    unit: Unit = None,
    interfaces: Ports = None,
    prefixes: Prefixes = None,
    sampling: Sampling = None,
    time_zone: TimeZone = "UTC",
    site: SiteFile = None,
    policy: PolicyFile = None,
    top: Top = 5,
    as_json: Json = False,
) -> None:
    """Rank what can have caused the newest measurements: evidence, what cannot be told apart, what to measure next.

    With --site, the state that the answer leads to is kept in the site's twin file, for `plan` and `verify`.

    Exit code 3 means that there is a fault, or that it cannot be told whether there is one.
    """
    from agents.show.measurements import find_causes
    from twin.clock import utc_now

    if measurements or site is None:
        told = brought(columns, unit, ports=interfaces, prefixes=prefixes, sampling=sampling, zone=time_zone)
        answer = find_causes(measurements or [], network, limits(policy), top=top, brought=told)
    else:
        from agents.show.own_network import site_causes
        from twin.site import read_site

        opened = read_site(site)
        answer = site_causes(opened, limits(policy, opened), utc_now, top=top)
    give("diagnose", answer, as_json=as_json)
