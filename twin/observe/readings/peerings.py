"""The newest reading of every peering: what an exit's router says of its session, its routes and their preference."""

from typing import NamedTuple

import numpy as np

from twin.live.network import Telemetry
from twin.live.peerings import REASONS, DownReason
from twin.model import Floats, Network


class Peering(NamedTuple):
    """One exit; None is that nobody says."""

    link: int  # position of the exit in the inventory
    established: bool | None
    reason: DownReason
    received: bool | None  # the neighbour announces the group
    accepted: bool | None  # and policy lets it in
    reachable: bool | None  # the other routers know the next hop that they are told
    discards: bool | None  # the next hop is one that drops
    local_pref: float | None  # higher is better
    path_length: float | None  # shorter is better at equal local preference

    @property
    def usable(self) -> bool | None:
        """Whether the exit's router has a route by it; None where what is known does not say."""
        said = (self.established, self.received, self.accepted)
        return False if False in said else None if None in said else True

    @property
    def preferred(self) -> tuple[float, float] | None:
        """What is compared before distances (RFC 4271, section 9.1), the lower the better; None where unknown."""
        if self.local_pref is None or self.path_length is None:
            return None
        return -self.local_pref, self.path_length


def read_peerings(network: Network, telemetry: Telemetry) -> tuple[Peering, ...]:
    """The newest reading of each exit at or before the last sample, in the order of exits; none where nobody says."""
    rows = telemetry.peerings
    if not rows.time.size:
        return ()
    exits, newest = set(network.exits), dict[int, int]()
    for row in np.argsort(rows.time, kind="stable").tolist():
        if int(rows.link[row]) in exits:
            newest[int(rows.link[row])] = row
    return tuple(
        Peering(
            link,
            _flag(rows.established, row),
            REASONS[int(rows.reason[row])],
            _flag(rows.received, row),
            _flag(rows.accepted, row),
            _flag(rows.reachable, row),
            _flag(rows.discards, row),
            _number(rows.local_pref, row),
            _number(rows.path_length, row),
        )
        for link, row in sorted(newest.items())
    )


def _flag(column: Floats, row: int) -> bool | None:
    value = float(column[row])
    return None if np.isnan(value) else value > 0


def _number(column: Floats, row: int) -> float | None:
    value = float(column[row])
    return None if np.isnan(value) else value
