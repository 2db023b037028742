"""What routers say of their peerings: one reading a sample and exit, and the words for why a session is down.

An exit is a link into a group of exits. Adapters that read a BGP daemon fill `PeeringSamples`; a network without exits,
or one that nobody asks for its peerings, has none.
"""

from typing import Literal, NamedTuple, get_args

from twin.model import Floats, Ints, Network
from twin.numeric import np

DownReason = Literal[
    "none", "hold timer", "bad AS", "de-configured", "max prefix", "shut down", "configuration", "carrier", "other"
]
"""Why a session was lost last; `none` where it stands, or where nobody says."""

REASONS: tuple[DownReason, ...] = get_args(DownReason)
"""The words, in the order of the numbers that stand for them in samples."""

_BY_CODE: dict[str, DownReason] = {
    "0202": "bad AS",
    "0601": "max prefix",
    "0602": "shut down",
    "0603": "de-configured",
    "0606": "configuration",
}


class PeeringSamples(NamedTuple):
    """What the router of each exit says of it; 1 is yes, 0 is no, NaN is that nobody says."""

    time: Floats  # epoch seconds
    link: Ints  # the exit, by its position in the inventory
    established: Floats  # the session to the neighbour
    reason: Ints  # position in `REASONS`
    received: Floats  # the neighbour announces the group
    accepted: Floats  # and policy lets it in
    reachable: Floats  # the other routers know the next hop that they are told
    discards: Floats  # the next hop is one that drops
    local_pref: Floats  # higher is better
    path_length: Floats  # of the AS path; shorter is better at equal local preference
    claimed: Ints  # who else announces the group, or a part of it: a position among `claimants`


def no_peerings() -> PeeringSamples:
    """No reading."""
    none, rows = np.zeros(0), np.zeros(0, np.int64)
    return PeeringSamples(none, rows, none, rows, none, none, none, none, none, none, rows)


UNTOLD, NOBODY = 0, 1
"""Among `claimants`: nobody says who announces a group, and its exits alone do."""


def claimants(network: Network) -> tuple[str, ...]:
    """Who may announce a group falsely: the neighbour behind a link, by its name, or a router, by its id."""
    return ("unknown", "nobody", *(x.name for x in network.links), *(x.id for x in network.nodes))


def claim_by_link(position: int) -> int:
    """The position among `claimants` of the neighbour behind a link."""
    return NOBODY + 1 + position


def claim_by_node(network: Network, position: int) -> int:
    """The position among `claimants` of a router."""
    return NOBODY + 1 + len(network.links) + position


def reason_of(state: str, code: str = "", *, carrier: bool = True) -> DownReason:
    """Why a session is down, from what FRR has of a neighbour in JSON: `bgpState` and `lastErrorCodeSubcode`.

    The code is error code and subcode of the last NOTIFICATION, two hexadecimal digits each (RFC 4271, section 4.5;
    those of Cease: RFC 4486). `carrier` is whether the interface towards the neighbour has light.
    """
    if state == "Established":
        return "none"
    if not carrier:
        return "carrier"
    said = code.strip().lower().removeprefix("0x").zfill(4)
    if said.startswith("04"):
        return "hold timer"
    return _BY_CODE.get(said, "other")
