"""The hours ahead: what traffic a plan will meet for as long as it stays."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import numpy as np

from twin.errors import InputError
from twin.model import Floats, Network

_HOUR = timedelta(hours=1)
_MOST_HOURS = 24 * 7


def _share(hour: int) -> float:
    """Down from the peak at 20 to 35 % of it at 5 in the morning, and up again, in half cosines."""
    since_peak = (hour - 20) % 24
    phase = since_peak / 9 if since_peak < 9 else (24 - since_peak) / 15
    return 0.35 + 0.65 * (1 + float(np.cos(np.pi * phase))) / 2


DAY = tuple(_share(hour) for hour in range(24))
"""Traffic of each hour as a share of the provisioned matrix: the profile where no other is known."""


class Hour(NamedTuple):
    """One hour ahead: its first moment, what the clock of the network shows then, and its demands, Mbit/s [n, n]."""

    begins: datetime
    clock: str
    demands: Floats


@dataclass(frozen=True)
class Outlook:
    """The hours from the execution of a plan on, without a gap; `source` says where their demands are from."""

    hours: tuple[Hour, ...]
    source: str

    @property
    def fullest(self) -> Hour:
        """The hour with the most traffic, the first of equal ones. Raises `ValueError` where there is no hour."""
        return max(self.hours, key=lambda hour: float(hour.demands.sum()))


def local_shift(network: Network) -> timedelta:
    """How far the local time of a network is ahead of UTC: that of its mean longitude, an hour for every 15 degrees."""
    return timedelta(hours=sum(node.longitude for node in network.nodes) / len(network.nodes) / 15)


def outlook_by_day(
    network: Network, begin: datetime, hours: float, *, share: float | None = None, day: tuple[float, ...] = DAY
) -> Outlook:
    """Expect each of the next hours to carry what a stated day says, measured by what the network carries now.

    The network's demands are those of the hour of `begin`, or of an hour with the share `share`; every other hour has
    them in proportion to its own share `day` [24] of local time. Hours begun count whole. Raises `InputError` on a
    number of hours or a day that is none.
    """
    if not 0 <= hours <= _MOST_HOURS:
        raise InputError(f"an outlook of {hours:g} hours is none", fix=f"look ahead 0 to {_MOST_HOURS} hours")
    if len(day) != 24 or not all(np.isfinite(x) and x > 0 for x in day):
        raise InputError("a day has 24 shares of traffic, each above 0", fix="give 24 numbers such as 0.35")
    shift, first = local_shift(network), begin.astimezone(UTC)
    first = (first + shift).replace(minute=0, second=0, microsecond=0) - shift
    now = day[(first + shift).hour] if share is None else share
    count = int(np.ceil((begin.astimezone(UTC) + timedelta(hours=hours) - first) / _HOUR)) if hours else 0
    found = [
        Hour(first + k * _HOUR, f"{first + k * _HOUR + shift:%H:%M}", network.demands * (day[local] / now))
        for k in range(count)
        for local in ((first + k * _HOUR + shift).hour,)
    ]
    return Outlook(tuple(found), "the stated profile of a day")
