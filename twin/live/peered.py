"""What the routers of the emulated network say of their peerings, faults included."""

from collections.abc import Sequence

import numpy as np

from twin.faults import Fault, FaultKind
from twin.model import Network

from .network import Flags
from .peerings import REASONS, PeeringSamples

_K = FaultKind
LOCAL_PREF = 100.0
"""What routers give a route where policy says nothing."""


def peered(truth: Network, faults: Sequence[Fault], answered: Flags, time: float) -> PeeringSamples:
    """Ask the router of every exit at a time, epoch seconds; one that does not answer the poll says nothing.

    A preference is the length of a path: that is all that the twin knows of it. A router hears from a peering what is
    announced there, whether or not policy lets it in; without a session it hears nothing.
    """
    links = [truth.links[i] for i in truth.exits]
    there = np.array([bool(answered[truth.node_index[x.tail]]) for x in links], dtype=bool)
    light = np.array([x.up and not x.asleep for x in links], dtype=bool)
    stands = light & ~_struck(truth, faults, _K.BGP_SESSION)
    heard = stands & ~_struck(truth, faults, _K.BGP_ADVERTISEMENT)
    let_in = heard & ~_struck(truth, faults, _K.BGP_FILTER)
    reason = np.where(light, np.where(stands, 0, REASONS.index("hold timer")), REASONS.index("carrier"))

    def said(values: Flags) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        return np.where(there, values.astype(np.float64), np.nan)

    return PeeringSamples(
        time=np.full(len(links), time),
        link=np.array(truth.exits, dtype=np.int64),
        established=said(stands),
        reason=np.where(there, reason, 0).astype(np.int64),
        received=said(heard),
        accepted=np.where(heard, said(let_in), np.nan),
        reachable=np.where(let_in, said(np.ones(len(links), dtype=bool)), np.nan),
        discards=np.where(let_in, said(np.zeros(len(links), dtype=bool)), np.nan),
        local_pref=np.where(let_in & there, LOCAL_PREF, np.nan),
        path_length=np.where(let_in & there, np.array([float(x.weight) for x in links]), np.nan),
    )


def _struck(network: Network, faults: Sequence[Fault], kind: FaultKind) -> Flags:
    """The exits at which there is a fault of this kind."""
    at = {fault.element for fault in faults if fault.kind == kind}
    return np.array([network.links[i].interface in at for i in network.exits], dtype=bool)
