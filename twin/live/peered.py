"""What the routers of the emulated network say of their peerings."""

import numpy as np

from twin.model import Network

from .network import Flags
from .peerings import REASONS, PeeringSamples

LOCAL_PREF = 100.0
"""What routers give a route where policy says nothing."""


def peered(truth: Network, answered: Flags, time: float) -> PeeringSamples:
    """Ask the router of every exit at a time, epoch seconds; one that does not answer the poll says nothing.

    A preference is the length of a path: that is all that the twin knows of it. A router hears from a peering what is
    announced there, whether or not policy lets it in; without a session it hears nothing.
    """
    links = [truth.links[i] for i in truth.exits]
    there = np.array([bool(answered[truth.node_index[x.tail]]) for x in links], dtype=bool)
    light = np.array([x.up and not x.asleep for x in links], dtype=bool)
    reason = np.where(light, REASONS.index("none"), REASONS.index("carrier"))

    def said(values: Flags) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        return np.where(there, values.astype(np.float64), np.nan)

    return PeeringSamples(
        time=np.full(len(links), time),
        link=np.array(truth.exits, dtype=np.int64),
        established=said(light),
        reason=np.where(there, reason, 0).astype(np.int64),
        received=said(light),
        accepted=np.where(light, said(light), np.nan),
        reachable=np.where(light, said(np.ones(len(links), dtype=bool)), np.nan),
        discards=np.where(light, said(np.zeros(len(links), dtype=bool)), np.nan),
        local_pref=np.where(light & there, LOCAL_PREF, np.nan),
        path_length=np.where(light & there, np.array([float(x.weight) for x in links]), np.nan),
    )
