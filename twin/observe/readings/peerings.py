"""The newest reading of every peering: what an exit's router says of its session, its routes and their preference."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from twin.live.network import Flags
from twin.live.peerings import REASONS, DownReason, PeeringSamples
from twin.model import Floats, Network

_SILENT = 2  # samples in a row without an answer: one alone is a process that was busy


def ways_out(established: Floats, received: Floats, accepted: Floats, reachable: Floats, discards: Floats) -> Floats:
    """Whether the network has a way by each exit: 1, 0, or NaN where what is said does not tell.

    Columns as in `PeeringSamples`. Its router has a route, which others can use, and does not drop what takes it; of
    a next hop that nobody speaks of no harm is thought.
    """
    steps = np.array((established, received, accepted))
    none = (steps == 0).any(axis=0) | (reachable == 0) | (discards > 0)
    return np.where(none, 0.0, np.where(np.isnan(steps).any(axis=0), np.nan, 1.0))


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
    claimed: str | None = None  # who else announces the group: the id of an interface or a node, empty for nobody
    silenced: bool = False  # its router has spoken of it, and has not in the newest samples

    @property
    def usable(self) -> bool | None:
        """Whether the network has a way by it; None where what is known does not say.

        Its router has a route, which other routers can use, and does not drop what takes it.
        """
        said = (self.established, self.received, self.accepted, self.reachable, self.discards)
        return _flag(ways_out(*(np.array([np.nan if x is None else float(x)]) for x in said)), 0)

    @property
    def preferred(self) -> tuple[float, float] | None:
        """What is compared before distances (RFC 4271, section 9.1), the lower the better; None where unknown."""
        if self.local_pref is None or self.path_length is None:
            return None
        return -self.local_pref, self.path_length


def read_peerings(network: Network, rows: PeeringSamples) -> tuple[Peering, ...]:
    """The newest reading of each exit, in the order of exits; none where nobody says."""
    if not rows.time.size:
        return ()
    exits, newest, spoke = set(network.exits), dict[int, int](), dict[int, list[bool]]()
    named = (None, "", *(x.interface for x in network.links), *(x.id for x in network.nodes))
    for row in np.argsort(rows.time, kind="stable").tolist():
        if int(rows.link[row]) in exits:
            newest[int(rows.link[row])] = row
            spoke.setdefault(int(rows.link[row]), []).append(not np.isnan(rows.established[row]))
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
            named[int(rows.claimed[row])] if 0 <= int(rows.claimed[row]) < len(named) else None,
            any(spoke[link]) and not any(spoke[link][-_SILENT:]),
        )
        for link, row in sorted(newest.items())
    )


def said_between(rows: PeeringSamples, after: float, until: float) -> PeeringSamples:
    """The readings of one interval, `after` itself left out; epoch seconds."""
    kept = (rows.time > after) & (rows.time <= until)
    return PeeringSamples._make(column[kept] for column in rows)


def without_routes(inventory: Network, peerings: Sequence[Peering], up: Flags) -> tuple[str, ...]:
    """Interfaces of exits that are in use by the inventory and `up` [m], and by which there is no way out.

    One that nobody speaks of is none of them, nor is one that is drained, or whose router is: no route is due there.
    """
    found: list[str] = []
    for peering in peerings:
        link = inventory.links[peering.link]
        router = inventory.nodes[inventory.node_index[link.tail]]
        due = link.usable and not link.drained and router.up and not router.drained
        if due and up[peering.link] and peering.usable is False:
            found.append(link.interface)
    return tuple(found)


def _flag(column: Floats, row: int) -> bool | None:
    value = float(column[row])
    return None if np.isnan(value) else value > 0


def _number(column: Floats, row: int) -> float | None:
    value = float(column[row])
    return None if np.isnan(value) else value
