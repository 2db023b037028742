"""Growth over weeks and months: in which week a link passes its limit, with an interval.

Each week counts by its busy level, the 95th percentile of its samples, whatever their distance. A robust line is laid
through the logarithms of the weeks (Theil 1950, Sen 1968), so that holidays and outages do not bend it; weeks far below
it are named and left out, and so is what was before a change of level or growth. How sure the line is, and what weeks
do around it, is drawn from the posterior of a line with errors that are alike from week to week, as likely by any
amount (Zellner, Tiao 1964), which may have bent in any week: a few weeks tell little of that.
"""

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import numpy as np
from pydantic import AwareDatetime, Field

from twin.errors import InputError
from twin.live.network import Flags
from twin.model import Floats, Frozen, Ints

from .breaks import LEAST_SINCE, find_break
from .series import Series
from .trend import LASTS, draw_futures

LEAST_WEEKS = 6
_WEEK = timedelta(days=7)
_WEEK_S = _WEEK.total_seconds()
_BUSY = 0.95
_YEAR = 52.18  # weeks
_FULL = 0.5  # a week counts when this share of its samples is there
_FAR, _LEAST_DROP = 3.5, 0.1
_MOST_WEEKS = 520
_SHOWN = 5
_STAYS = (
    "growth is taken to stay as it is now; for one that has changed, which few weeks hardly show, "
    f"intervals leave room as if it did every {LASTS} weeks"
)


class SeriesGrowth(NamedTuple):
    """The busy level of one series, and the weeks in which it may first pass its limit; None where not by then."""

    name: str
    level: float  # Mbit/s, of the newest week, on the line
    limit: float
    per_year: float  # growth, as a share
    per_year_low: float
    per_year_high: float
    earliest: datetime | None  # first week in which it may, at the upper end of the interval
    likely: datetime | None
    latest: datetime | None  # week by which it will even at the lower end
    left_out: tuple[datetime, ...]  # weeks far below the line: holidays, outages
    changed: datetime | None  # the last week in which its level or its growth changed
    weeks: int  # of history that this rests on


class SeriesPassing(Frozen):
    """The same, to be written down."""

    name: str
    level: float = Field(description="Busy level now, Mbit/s.")
    limit: float = Field(description="Mbit/s.")
    per_year: tuple[float, float, float] = Field(description="Growth a year as a share: low, likely, high.")
    earliest: AwareDatetime | None
    likely: AwareDatetime | None
    latest: AwareDatetime | None
    changed: AwareDatetime | None = Field(description="The last week in which its level or its growth changed.")
    weeks: int = Field(description="Weeks of history that this rests on: those since that change.")


class LinkGrowth(NamedTuple):
    """What was found of every series, the first to pass its limit first, and what limits it."""

    series: tuple[SeriesGrowth, ...]
    weeks: int
    remarks: tuple[str, ...]


def growth(series: Series, limits: Floats, until: datetime, *, coverage: float = 0.9, seed: int = 0) -> LinkGrowth:
    """Tell for each series in which week up to `until` its busy level first passes its limit [S], Mbit/s.

    A quantile of the resampled futures is the end of an interval: with probability (1 - coverage) / 2 a series passes
    before `earliest`. Raises `InputError` on less than six weeks of history, and an `until` that is past or ten years
    away.
    """
    begins, busy, remarks = _weeks(series)
    if len(begins) < LEAST_WEEKS:
        raise InputError(
            f"{len(begins)} whole weeks of history are too few to tell growth", fix=f"give {LEAST_WEEKS} or more"
        )
    last = begins[-1]
    ahead = int(np.ceil((until.timestamp() - last - _WEEK_S) / _WEEK_S))
    if not 1 <= ahead <= _MOST_WEEKS:
        raise InputError(f"until {until:%F} is no time to look ahead to", fix="name a day weeks or months from now")
    rng = np.random.default_rng(seed)
    found = [_one(series.names[i], begins, busy[:, i], float(limits[i]), (ahead, coverage, rng)) for i in _able(busy)]
    order = sorted(found, key=lambda x: (_when(x.likely), _when(x.earliest), -x.level / x.limit, x.name))
    flat = len(series.names) - len(found)
    remarks += [f"{flat} series carry next to nothing: not told"] if flat else []
    held = sum(bool(x.left_out) for x in found)
    remarks += [f"weeks far below the trend were left out of {held} series"] if held else []
    remarks += [*_changes(order), _STAYS]
    return LinkGrowth(tuple(order), len(begins), tuple(remarks))


def _changes(found: list[SeriesGrowth]) -> list[str]:
    changed = sorted((x for x in found if x.changed), key=lambda x: -x.level)
    remarks = [
        f"{x.name} changed its level or its growth in the week of {x.changed:%F}: told by {x.weeks} weeks"
        + (" since" if x.weeks >= LEAST_WEEKS else " since, too few, and by the growth before")
        for x in changed[:_SHOWN]
    ]
    more = len(changed) - len(remarks)
    return remarks + ([f"{more} more series changed"] if more > 0 else [])


def passing(found: SeriesGrowth) -> SeriesPassing:
    """Write a finding down."""
    return SeriesPassing(
        name=found.name,
        level=round(found.level, 3),
        limit=found.limit,
        per_year=(round(found.per_year_low, 4), round(found.per_year, 4), round(found.per_year_high, 4)),
        earliest=found.earliest,
        likely=found.likely,
        latest=found.latest,
        changed=found.changed,
        weeks=found.weeks,
    )


def _when(moment: datetime | None) -> float:
    return moment.timestamp() if moment else float("inf")


def _able(busy: Floats) -> list[int]:
    return [int(i) for i in np.flatnonzero((busy > 1e-6).sum(axis=0) >= LEAST_WEEKS)]


def _weeks(series: Series) -> tuple[Floats, Floats, list[str]]:
    """The first second of each whole week, and the busy level of each series in it [W, S]; NaN without samples."""
    begins = series.time - series.interval_s
    number = np.floor((begins - begins[0]) / _WEEK_S).astype(np.int64)
    known = np.where(series.known, series.values, np.nan)
    starts, rows = list[float](), list[Floats]()
    short = 0
    for week in range(int(number[-1]) + 1):
        chosen = known[number == week]
        if len(chosen) * series.interval_s < _FULL * _WEEK_S:
            short += 1
            continue
        enough = np.isfinite(chosen).mean(axis=0) >= _FULL
        level = np.nanquantile(np.where(enough, chosen, 0.0), _BUSY, axis=0)
        starts.append(float(begins[0] + week * _WEEK_S))
        rows.append(np.where(enough, level, np.nan))
    remarks = [f"{short} of {len(rows) + short} weeks were not whole: left out"] if short else []
    empty = np.zeros((0, len(series.names)))
    return np.array(starts, np.float64), np.stack(rows) if rows else empty, remarks


def _one(
    name: str, begins: Floats, busy: Floats, limit: float, how: tuple[int, float, np.random.Generator]
) -> SeriesGrowth:
    ahead, coverage, rng = how
    usable = np.isfinite(busy) & (busy > 1e-6)
    week = ((begins - begins[-1]) / _WEEK_S)[usable]
    level = np.log(busy[usable])
    low = _far_below(week, level)
    gone = tuple(datetime.fromtimestamp(float(x), UTC) for x in begins[usable][low])
    if low.any() and (~low).sum() >= LEAST_WEEKS:
        week, level = week[~low], level[~low]
    since = _since(week, level)
    slope, start = _line(since.week, since.level)
    paths = draw_futures(since.week, since.level - start - slope * since.week, (slope, start), ahead, rng)
    paths.levels[:] += since.error * rng.standard_normal((len(paths.slopes), 1))
    tail = (1 - coverage) / 2
    slower, middle, faster = (float(x) for x in np.expm1(_YEAR * np.quantile(paths.slopes, [tail, 0.5, 1 - tail])))
    first = _first_week(paths.levels, np.log(limit))
    early, likely, late = (float(x) for x in np.quantile(first, [tail, 0.5, 1 - tail], method="inverted_cdf"))
    return SeriesGrowth(
        name=name,
        level=float(np.exp(start)),
        limit=limit,
        per_year=middle,
        per_year_low=slower,
        per_year_high=faster,
        earliest=_moment(begins[-1], early, ahead),
        likely=_moment(begins[-1], likely, ahead),
        latest=_moment(begins[-1], late, ahead),
        left_out=gone,
        changed=None if since.first is None else datetime.fromtimestamp(begins[-1] + since.first * _WEEK_S, UTC),
        weeks=since.weeks,
    )


def _far_below(week: Floats, level: Floats) -> Flags:
    """Weeks far below the line through all: holidays and outages. A level that begins or stays is none of them."""
    slope, start = _line(week, level)
    rest = level - start - slope * week
    spread = 1.4826 * float(np.median(np.abs(rest - np.median(rest))))
    low: Flags = rest < -max(_FAR * spread, _LEAST_DROP)
    for way in (slice(None), slice(None, None, -1)):
        stays = int(np.argmin(np.append(low[way], False)))
        if stays >= LEAST_SINCE:
            low[way][:stays] = False
    return low


class _Since(NamedTuple):
    """The weeks that tell of what comes, their logarithms, and what is known of the last change, if there was one."""

    week: Floats
    level: Floats
    weeks: int
    first: float | None = None  # the week of the change, 0 is the newest
    error: float = 0.0  # of the level since, where weeks before were moved to it


def _since(week: Floats, level: Floats) -> _Since:
    """The weeks since the last change of level or growth; with too few of them those before, moved to the new level."""
    found = _Since(week, level, week.size)
    while (change := find_break(found.week, found.level)) is not None:
        week, level, first = found.week, found.level, change.first
        if week.size - first < LEAST_WEEKS:
            moved = level + np.where(np.arange(week.size) < first, change.moved, 0.0)
            return _Since(week, moved, week.size - first, float(week[first]), change.error)
        found = _Since(week[first:], level[first:], week.size - first, float(week[first]))
    return found


def _first_week(levels: Floats, limit: float) -> Floats:
    """In which week ahead each future first passes [D]; one more than there are where it does not."""
    over: Flags = levels > limit
    first: Ints = np.argmax(over, axis=1)
    return np.where(np.any(over, axis=1), first.astype(np.float64) + 1, float(levels.shape[1] + 1))


def _moment(last: float, week: float, ahead: int) -> datetime | None:
    return None if week > ahead else datetime.fromtimestamp(last + week * _WEEK_S, UTC)


def _line(week: Floats, level: Floats) -> tuple[float, float]:
    """Slope and value at week 0 of the line that half of all pairs of weeks are above."""
    i, j = np.triu_indices(len(week), 1)
    slope = float(np.median((level[j] - level[i]) / (week[j] - week[i])))
    return slope, float(np.median(level - slope * week))
