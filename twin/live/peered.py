"""What the routers of the emulated network say of their peerings, faults included."""

from collections.abc import Sequence

import numpy as np

from twin.faults import USUAL_PREFERENCE, Fault, FaultKind
from twin.model import Floats, Ints, Network

from .network import Flags
from .peerings import NOBODY, REASONS, UNTOLD, PeeringSamples, claim_by_link, claim_by_node

_K = FaultKind
LOCAL_PREF = float(USUAL_PREFERENCE)


def peered(
    configured: Network, truth: Network, faults: Sequence[Fault], answered: Flags, time: float
) -> PeeringSamples:
    """Ask the router of every exit at a time, epoch seconds; one that does not answer the poll says nothing.

    A preference is the length of a path, as it is configured, under the local preference of a fault. A router hears
    from a peering what is announced there, whether or not policy lets it in; without a session it hears nothing.
    """
    links = [truth.links[i] for i in truth.exits]
    gone = {x.element for x in faults if x.kind is _K.BGP_PROCESS}
    at = [truth.nodes[truth.node_index[x.tail]] for x in links]
    there = np.array([bool(answered[truth.node_index[x.name]]) and x.id not in gone for x in at], dtype=bool)
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
        reachable=np.where(let_in, said(~_struck(truth, faults, _K.BGP_NEXT_HOP)), np.nan),
        discards=np.where(let_in, said(_struck(truth, faults, _K.BGP_DISCARD)), np.nan),
        local_pref=np.where(let_in & there, _local_preferences(truth, faults), np.nan),
        path_length=np.where(let_in & there, _lengths(configured, truth, faults), np.nan),
        claimed=np.where(there, _claims(truth, [x.head for x in links]), UNTOLD),
    )


def _local_preferences(network: Network, faults: Sequence[Fault]) -> Floats:
    """Of each exit."""
    given = {x.element: x.severity for x in faults if x.kind is _K.BGP_PREFERENCE}
    return np.array([given.get(network.links[i].interface, LOCAL_PREF) for i in network.exits])


def _lengths(configured: Network, truth: Network, faults: Sequence[Fault]) -> Floats:
    """Of the path by each exit: its preference is its length, as it is configured."""
    longer = {x.element: x.severity for x in faults if x.kind is _K.BGP_LONGER_PATH}
    links = [configured.links[i] for i in truth.exits]
    return np.array([x.weight + longer.get(x.interface, 0.0) for x in links])


def _claims(network: Network, groups: Sequence[str]) -> Ints:
    """Who else announces the group of each exit, by what the routers say of it."""
    said = dict.fromkeys(groups, NOBODY)
    for entry in network.astray:
        if entry.does == "claim":
            inside = entry.at in network.node_index
            said[entry.target] = (
                claim_by_node(network, network.node_index[entry.at])
                if inside
                else claim_by_link(network.link_index[entry.at])
            )
    return np.array([said[x] for x in groups], dtype=np.int64)


def _struck(network: Network, faults: Sequence[Fault], kind: FaultKind) -> Flags:
    """The exits at which there is a fault of this kind."""
    at = {fault.element for fault in faults if fault.kind == kind}
    return np.array([network.links[i].interface in at for i in network.exits], dtype=bool)
