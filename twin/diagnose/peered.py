"""How likely a hypothesis makes what routers say of their peerings; nothing where nobody says anything."""

from collections.abc import Iterator

import numpy as np

from twin.faults import TRAITS, Fault, FaultKind, with_faults
from twin.model import Floats
from twin.observe.readings.observation import Observation
from twin.observe.readings.peerings import Peering

from .density import FLIP
from .effects import operational

_Said = tuple[bool, bool, bool | None]

_K = FaultKind


def peered(seen: Observation, faults: tuple[Fault, ...]) -> Floats:
    """Log likelihood of what the router of each exit says of it [m]; 0 where nobody says."""
    found = np.zeros(len(seen.network.links))
    for peering, expected in _expected(seen, faults):
        said = (peering.established, peering.received, peering.accepted)
        wrong = sum(x is not None and y is not None and x is not y for x, y in zip(said, expected, strict=True))
        found[peering.link] = float(np.log(FLIP)) * wrong
    return found


def routes(seen: Observation, faults: tuple[Fault, ...]) -> tuple[Floats, Floats]:
    """Whether the router of each exit says that it has a route by it, and whether these faults leave it one [m]."""
    measured, predicted = np.full(len(seen.network.links), np.nan), np.full(len(seen.network.links), np.nan)
    for peering, expected in _expected(seen, faults):
        usable = peering.usable
        measured[peering.link] = np.nan if usable is None else float(usable)
        predicted[peering.link] = float(expected == (True, True, True))
    return measured, predicted


def _expected(seen: Observation, faults: tuple[Fault, ...]) -> Iterator[tuple[Peering, _Said]]:
    """What each router should say of its exit: whether the session stands, it hears the group, policy lets it in.

    Without a session it hears nothing, and policy has nothing to let in: None.
    """
    if not seen.peerings:
        return
    at = {(fault.kind, fault.element) for fault in faults}
    light = operational(with_faults(seen.network, [x for x in faults if TRAITS[x.kind].layer in ("physical", "exits")]))
    for peering in seen.peerings:
        link = seen.network.links[peering.link]
        stands = bool(light[peering.link]) and (_K.BGP_SESSION, link.interface) not in at
        heard = stands and (_K.BGP_ADVERTISEMENT, link.interface) not in at
        yield peering, (stands, heard, (_K.BGP_FILTER, link.interface) not in at if heard else None)
