"""`twinops forecast --until`: in which week each link passes the policy's limit."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from pydantic import AwareDatetime, Field, JsonValue
from rich.console import RenderableType

from agents.wording import counted, share, stated
from twin.errors import InputError
from twin.forecast.growth import LEAST_WEEKS, LinkGrowth, SeriesGrowth, growth, passing
from twin.forecast.series import Series, arrange
from twin.forecast.sources import PairSeries, load_series, measured_series
from twin.live.network import Telemetry
from twin.model import Floats, Frozen, Network
from twin.optimise.demand_growth import MOST_MEASURED, DemandGrowth, growth_of_demands, growth_of_measured
from twin.optimise.money import worded
from twin.optimise.upgrade import WEEKS_A_YEAR, DueUpgrade, upgrades_due, upgrades_due_by_demand
from twin.policy import Policy
from twin.printed import mbps, short
from twin.sim.simulate import simulate

from .answer import Answer
from .measurements import Brought, measured_in
from .tables import text_table

_SIGMA_90 = 1.645
"""Standard errors from the middle of a 90 % interval to its ends."""


class GrowingDemand(Frozen):
    """How one demand grows, where links tell that not all grow alike."""

    name: str
    mbps: float = Field(description="In the busy hours of now.")
    per_year: tuple[float, float, float] = Field(description="Growth a year as a share: low, likely, high (90 %).")


class NeededUpgrade(Frozen):
    """A circuit that the growth of the traffic fills, as routed now, intact or under a single failure."""

    circuit: str
    capacity: float = Field(description="Mbit/s that it needs by the day asked for, a standard size.")
    cost: float | None = Field(description="By the policy's prices; null where it has none for the circuit.")
    earliest: AwareDatetime | None = Field(description="When it is full at the upper end of the growth.")
    likely: AwareDatetime | None
    latest: AwareDatetime | None


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
    series = load_series(network, telemetry, now=now)
    found = growth(series, limits, until)
    links: list[JsonValue] = [passing(x).model_dump(mode="json") for x in found.series]
    exported = exported_demands(network, telemetry, now)
    foreseen = foresee(series, network, until, policy, links=found.series, exported=exported)
    upgrades = foreseen.needed if foreseen else ()
    wanted: list[JsonValue] = [x.model_dump(mode="json") for x in upgrades]
    demands: list[JsonValue] = [x.model_dump(mode="json") for x in (foreseen.demands if foreseen else ())]
    document: dict[str, JsonValue] = {
        "until": until.isoformat(),
        "limit": policy.max_utilisation,
        "weeks": found.weeks,
        "links": links,
        "demands": demands,
        "growth_told_by": foreseen.told_by if foreseen else None,
        "upgrades": wanted,
        "remarks": list[JsonValue](found.remarks),
    }
    grow = () if foreseen is None else _demand_lines(foreseen, top)
    return Answer(document, chain(_lines(found, until, policy, top), grow, bought(upgrades, until, policy, top)))


class ForeseenGrowth(NamedTuple):
    """What growth will fill: the network in its busy hours now, from when on and how far it grows, and what is due."""

    begin: datetime
    busy: Network
    growth: Floats | float  # up to the day asked for, the likely one, of all demands or of each [n, n]
    due: tuple[DueUpgrade, ...]  # the first week first
    demands: tuple[GrowingDemand, ...] = ()  # the largest first; none where all grow alike, as far as can be told
    told_by: Literal["demands", "links", "all traffic"] = "all traffic"

    @property
    def factor(self) -> float:
        """How far all traffic together grows."""
        total = float(self.busy.demands.sum())
        return float((self.busy.demands * self.growth).sum()) / total if total > 0 else 1.0

    @property
    def needed(self) -> tuple[NeededUpgrade, ...]:
        """What is due, by the calendar."""
        return tuple(
            NeededUpgrade(
                circuit=x.circuit, capacity=x.capacity, cost=x.cost, earliest=self._at(x.weeks[0]),
                likely=self._at(x.weeks[1]), latest=self._at(x.weeks[2]),
            )
            for x in self.due
        )  # fmt: skip

    def _at(self, weeks: float | None) -> datetime | None:
        return None if weeks is None else self.begin + timedelta(weeks=weeks)


def exported_demands(network: Network, telemetry: Telemetry, now: datetime) -> PairSeries | None:
    """The demands that were exported, the largest of them, where there are weeks enough to tell growth from."""
    try:
        pairs = measured_series(network, telemetry, now=now)
    except InputError:  # nothing was exported
        return None
    series = pairs.series
    if float(series.time[-1] - series.time[0]) + series.interval_s < timedelta(weeks=LEAST_WEEKS).total_seconds():
        return None
    largest: list[int] = sorted(np.argsort(-series.values.mean(axis=0), kind="stable")[:MOST_MEASURED].tolist())
    kept = np.where(series.known, series.values, np.nan)[:, largest]
    few = arrange(series.time, kept, [series.names[i] for i in largest], interval_s=series.interval_s)
    return PairSeries(few, pairs.source[largest], pairs.target[largest])


def _growth_of_all(series: Series, until: datetime) -> SeriesGrowth | None:
    """How all links together grow; None where nothing tells."""
    known = np.where(series.known, series.values, 0.0).sum(axis=1, keepdims=True)
    whole = arrange(series.time, known, ["all links"], interval_s=series.interval_s)
    (total,) = growth(whole, np.array([np.inf]), until).series or (None,)
    return total


def foresee(
    series: Series,
    network: Network,
    until: datetime,
    policy: Policy,
    *,
    links: Sequence[SeriesGrowth] | None = None,
    exported: PairSeries | None = None,
) -> ForeseenGrowth | None:
    """What growth fills by a day, from the busy level of now; None without demands or loads.

    Where demands were exported for weeks enough each grows by what they tell; else, where links grow differently beyond
    their own errors, by what these tell of it; else all alike, by the growth of all links together. `links` is how each
    link grows, where that has been found. Raises `InputError` on too little history, and a day that is none to look
    ahead to.
    """
    network = network if exported is None else network.with_demands(_lately(exported, network))
    carried = simulate(network).load.sum()
    if carried <= 0:
        return None
    if (total := _growth_of_all(series, until)) is None:
        return None
    begin = datetime.fromtimestamp(float(series.time[-1]), UTC)
    weeks = (until - begin) / timedelta(weeks=1)
    busy = network.with_demands(network.demands * (total.level / float(carried)))
    own = None if exported is None else growth_of_measured(busy, *_measured_rates(exported, until, busy))
    told_by: Literal["demands", "links"] = "links" if own is None else "demands"
    if own is None:
        if links is None:
            links = growth(series, np.full(len(series.names), np.inf), until).series
        own = growth_of_demands(busy, *_rates(links, busy))
    if own is not None:
        grows: Floats = np.maximum(np.exp(own.likely * weeks / WEEKS_A_YEAR), 1.0)
        due = upgrades_due_by_demand(busy, policy, own, weeks)
        return ForeseenGrowth(begin, busy, grows, due, _demands(busy, own), told_by)
    rates = (total.per_year_low, total.per_year, total.per_year_high)
    factor = max((1 + total.per_year) ** (weeks / WEEKS_A_YEAR), 1.0)
    return ForeseenGrowth(begin, busy, factor, upgrades_due(busy, policy, rates, weeks))


def _rates(links: Sequence[SeriesGrowth], network: Network) -> tuple[Floats, Floats]:
    """Logarithm of the growth a year of each link, and its standard error [m]; NaN where nothing is told of it."""
    rates, errors = np.full((2, len(network.links)), np.nan)
    for found in links:
        at = network.link(found.name)
        rates[at], errors[at] = _rate(found)
    return rates, errors


def _lately(exported: PairSeries, network: Network) -> Floats:
    """What was exported of each demand in the last week, in the mean; of others what the network has [n, n]."""
    series, demands = exported.series, network.demands.copy()
    week = series.time > series.time[-1] - timedelta(weeks=1).total_seconds()
    demands[exported.source, exported.target] = series.values[week].mean(axis=0)
    return demands


def _measured_rates(exported: PairSeries, until: datetime, network: Network) -> tuple[Floats, Floats]:
    """The same of each demand that was exported [n, n]."""
    rates, errors = np.full((2, len(network.nodes), len(network.nodes)), np.nan)
    limits = np.full(len(exported.series.names), np.inf)
    places = dict(zip(exported.series.names, zip(exported.source, exported.target, strict=True), strict=True))
    for found in growth(exported.series, limits, until).series:
        rates[places[found.name]], errors[places[found.name]] = _rate(found)
    return rates, errors


def _rate(found: SeriesGrowth) -> tuple[float, float]:
    """Logarithm of a growth a year, and its standard error."""
    low, likely, high = np.log1p(np.maximum((found.per_year_low, found.per_year, found.per_year_high), -0.999))
    return float(likely), float(high - low) / (2 * _SIGMA_90)


def _demands(network: Network, own: DemandGrowth) -> tuple[GrowingDemand, ...]:
    found = list[GrowingDemand]()
    for place in np.argsort(-network.demands, axis=None, kind="stable")[: int((network.demands > 0).sum())]:
        s, t = divmod(int(place), len(network.nodes))
        likely, error = float(own.likely[s, t]), _SIGMA_90 * float(own.error[s, t])
        low, middle, high = (round(float(np.expm1(likely + x)), 4) for x in (-error, 0.0, error))
        name = f"{network.nodes[s].name}->{network.nodes[t].name}"
        found.append(
            GrowingDemand(name=name, mbps=round(float(network.demands[s, t]), 3), per_year=(low, middle, high))
        )
    return tuple(found)


def _demand_lines(foreseen: ForeseenGrowth, top: int) -> Iterator[RenderableType]:
    if not foreseen.demands:
        yield "all demands are taken to grow as all links together do: nothing tells them apart"
        return
    yield (
        "demands grow differently, by what was exported of them"
        if foreseen.told_by == "demands"
        else "links grow differently: so do demands, as far as the links tell"
    )
    rows = [(x.name, mbps(x.mbps), _yearly(*x.per_year)) for x in foreseen.demands if mbps(x.mbps) != mbps(0.0)]
    yield text_table(("demand", "busy now>", "growth a year>"), rows[:top])


def bought(found: Sequence[NeededUpgrade], until: datetime, policy: Policy, top: int) -> Iterator[RenderableType]:
    """Say which circuits will be full, in which week, and what the size that they then need costs."""
    if not found:
        return
    likely = [x for x in found if x.likely is not None]
    priced = [x.cost for x in likely if x.cost is not None]
    cost = f", for {worded(sum(priced), policy)}" if likely and len(priced) == len(likely) else ""
    more = f"; {len(found) - len(likely)} {'more ' if likely else ''}may" if len(likely) < len(found) else ""
    need = f"{counted(len(likely), 'circuits')} {'needs' if len(likely) == 1 else 'need'} more capacity by {until:%F}"
    yield f"{need}, as routed now and under every single failure{cost}{more}"
    yield text_table(("circuit", "to>", "in week", "90 % interval", "cost>"), [_due(x, policy) for x in found[:top]])


def _due(found: NeededUpgrade, policy: Policy) -> tuple[str, ...]:
    cost = "" if found.cost is None else worded(found.cost, policy)
    between = _between(found.earliest, found.latest)
    return (
        short(found.circuit).removeprefix("circuit "),
        f"{found.capacity / 1000:g} Gbit/s",
        week(found.likely),
        between,
        cost,
    )


def _lines(found: LinkGrowth, until: datetime, policy: Policy, top: int) -> Iterator[RenderableType]:
    passes = [x for x in found.series if x.earliest is not None]
    yield (
        f"{found.weeks} weeks of history; {len(passes)} of {len(found.series)} links may pass "
        f"{stated(policy.max_utilisation)} in their busy hours by {until:%F}"
    )
    headings = ("link", "busy now>", "growth a year>", "week it passes", "90 % interval")
    yield text_table(headings, [_row(x, policy) for x in found.series[:top]])
    yield from found.remarks


def _yearly(low: float, middle: float, high: float) -> str:
    return f"{100 * middle:+.0f} % ({100 * low:+.0f} to {100 * high:+.0f} %)"


def _row(found: SeriesGrowth, policy: Policy) -> tuple[str, ...]:
    now = policy.max_utilisation * found.level / found.limit
    grows = _yearly(found.per_year_low, found.per_year, found.per_year_high)
    return found.name, share(now), grows, week(found.likely), _between(found.earliest, found.latest)


def _between(earliest: datetime | None, latest: datetime | None) -> str:
    """Write from which week to which, the year of the second only where it is another."""
    first, last = week(earliest), week(latest)
    if first == last:
        return first
    return f"{first} to {last.removeprefix(f'{first[:4]}-')}"


def week(moment: datetime | None) -> str:
    """Write the week of a moment, `2027-W03`."""
    return f"{moment:%G-W%V}" if moment else "later"
