"""`twinops forecast --until`: in which week each link passes the policy's limit."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from pydantic import JsonValue
from rich.console import RenderableType

from twin.errors import InputError
from twin.forecast.growth import Growth, SeriesGrowth, growth, passing
from twin.forecast.sources import load_series
from twin.live.network import Telemetry
from twin.model import Network
from twin.policy import Policy

from .measurements import Brought, measured_in
from .planning import Answer
from .tables import text_table


def link_growth(
    sources: Sequence[Path],
    network: str | None,
    until: datetime,
    policy: Policy,
    brought: Brought | None = None,
    *,
    top: int = 12,
) -> Answer:
    """Tell the growth of the links measured in files, or in a twin file."""
    if not sources:
        raise InputError("growth is told from measured links", fix="give a twin file, tables of counters, or --site")
    measured = measured_in(sources, network, brought)
    return told_growth(measured.network, measured.telemetry, measured.now, until, policy, top=top)


def told_growth(
    network: Network, telemetry: Telemetry, now: datetime, until: datetime, policy: Policy, *, top: int = 12
) -> Answer:
    """Tell of every link in which week its busy level first passes `max_utilisation` of its capacity."""
    limits = policy.max_utilisation * np.array([x.capacity for x in network.links], np.float64)
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    found = growth(load_series(network, telemetry, now=now), limits, until)
    links: list[JsonValue] = [passing(x).model_dump(mode="json") for x in found.series]
    document: dict[str, JsonValue] = {
        "until": until.isoformat(),
        "limit": policy.max_utilisation,
        "weeks": found.weeks,
        "links": links,
        "remarks": list[JsonValue](found.remarks),
    }
    return Answer(document, _lines(found, until, policy, top))


def _lines(found: Growth, until: datetime, policy: Policy, top: int) -> Iterator[RenderableType]:
    passes = [x for x in found.series if x.earliest is not None]
    yield (
        f"{found.weeks} weeks of history; {len(passes)} of {len(found.series)} links may pass "
        f"{policy.max_utilisation:.0%} in their busy hours by {until:%F}"
    )
    headings = ("link", "busy now>", "growth a year>", "week it passes", "90 % interval")
    yield text_table(headings, [_row(x, policy) for x in found.series[:top]])
    yield from found.remarks


def _row(found: SeriesGrowth, policy: Policy) -> tuple[str, ...]:
    now = policy.max_utilisation * found.level / found.limit
    grows = f"{found.per_year:+.0%} ({found.per_year_low:+.0%} to {found.per_year_high:+.0%})"
    return found.name, f"{now:.0%}", grows, _week(found.likely), f"{_week(found.earliest)} to {_week(found.latest)}"


def _week(moment: datetime | None) -> str:
    return f"{moment:%G-W%V}" if moment else "later"
