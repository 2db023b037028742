"""The hours ahead: what traffic a plan will meet for as long as it stays."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from twin.errors import InputError
from twin.model import Floats, Network
from twin.numeric import np

HOUR = timedelta(hours=1)
_MOST_HOURS = 24 * 7


class Scenario(NamedTuple):
    """Another traffic matrix that may come: Mbit/s [n, n], in the order of the nodes."""

    name: str
    demands: Floats


class Hour(NamedTuple):
    """One hour ahead: its first moment, what the clock of the network shows then, and its demands, Mbit/s [n, n]."""

    begins: datetime
    clock: str
    demands: Floats


@dataclass(frozen=True)
class Outlook:
    """The hours from the execution of a plan on, without a gap; `source` says where their demands are from.

    `quantiles` are what a forecast says of each hour, from its middle up, worked out when somebody asks; without a
    forecast there are none.
    """

    hours: tuple[Hour, ...]
    source: str
    quantiles: Sequence[tuple[Scenario, ...]] = ()

    @property
    def ends(self) -> datetime:
        """The end of the last hour. Raises `IndexError` where there is no hour."""
        return self.hours[-1].begins + HOUR

    @property
    def fullest(self) -> Hour:
        """The hour with the most traffic, the first of equal ones. Raises `ValueError` where there is no hour."""
        return self.hours[self._fullest(None)]

    def fullest_before(self, until: datetime | None) -> Hour:
        """The fullest of the hours that begin before a moment, the first hour at least; of all where it is None."""
        return self.hours[self._fullest(until)]

    def quantiles_before(self, until: datetime | None) -> tuple[Scenario, ...]:
        """What a forecast says of the fullest hour before a moment, from its middle up; nothing without a forecast."""
        return self.quantiles[self._fullest(until)] if self.quantiles else ()

    def _fullest(self, until: datetime | None) -> int:
        stays = sum(until is None or hour.begins < until.astimezone(UTC) for hour in self.hours)
        return max(range(max(stays, 1)), key=lambda i: float(self.hours[i].demands.sum()))


def hours_to_judge(hours: float, begin: datetime, until: datetime | None) -> float:
    """Return how many hours ahead to look at a plan: the policy's `hours`, and up to its end where that is later.

    A week at most. No hours are none, whenever it ends.
    """
    stays = (until - begin) / HOUR if until is not None else 0.0
    return max(hours, min(stays, float(_MOST_HOURS))) if hours else hours


def local_shift(network: Network) -> timedelta:
    """How far the local time of a network is ahead of UTC: that of its mean longitude, an hour for every 15 degrees."""
    return timedelta(hours=sum(node.longitude for node in network.nodes) / len(network.nodes) / 15)


def outlook_by_day(
    network: Network,
    begin: datetime,
    hours: float,
    *,
    day: Sequence[float],
    share: float | None = None,
    source: str = "the declared profile of a day",
) -> Outlook:
    """Expect each of the next hours to carry what a day says, measured by what the network carries now.

    The network's demands are those of the hour of `begin`, or of an hour with the share `share`; every other hour has
    them in proportion to its own share `day` [24] of local time. Hours begun count whole. Raises `InputError` on a
    number of hours or a day that is none.
    """
    if len(day) != 24 or not all(np.isfinite(x) and x > 0 for x in day):
        raise InputError("a day has 24 shares of traffic, each above 0", fix="give 24 numbers such as 0.35")
    begins = _begins(network, begin, hours)
    shift = local_shift(network)
    now = day[(begins[0] + shift).hour] if share is None and begins else share or 1.0
    found = [_hour(x, shift, network.demands * (day[(x + shift).hour] / now)) for x in begins]
    return Outlook(tuple(found), source)


def outlook_at_peak(network: Network, begin: datetime, hours: float, *, planned: Network, because: str) -> Outlook:
    """Expect in each of the next hours what is planned for, or what is carried now where that is more.

    For networks of which nobody knows the day: each hour may be the fullest one. `because` says why that is so. Hours
    begun count whole. Raises `InputError` on a number of hours that is none.
    """
    shift = local_shift(network)
    demands = np.maximum(network.demands, planned.demands)
    found = [_hour(x, shift, demands) for x in _begins(network, begin, hours)]
    return Outlook(tuple(found), f"the planned peak in every one, as {because}")


def _begins(network: Network, begin: datetime, hours: float) -> list[datetime]:
    """The first moments of the hours ahead, which begin with those of the network's clock."""
    if not 0 <= hours <= _MOST_HOURS:
        raise InputError(f"an outlook of {hours:g} hours is none", fix=f"look ahead 0 to {_MOST_HOURS} hours")
    shift, first = local_shift(network), begin.astimezone(UTC)
    first = (first + shift).replace(minute=0, second=0, microsecond=0) - shift
    count = int(np.ceil((begin.astimezone(UTC) + timedelta(hours=hours) - first) / HOUR)) if hours else 0
    return [first + k * HOUR for k in range(count)]


def _hour(begins: datetime, shift: timedelta, demands: Floats) -> Hour:
    return Hour(begins, f"{begins + shift:%H:%M}", demands)
