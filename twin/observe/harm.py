"""How much the measured state hurts, from telemetry alone."""

import numpy as np

from twin.model import Floats

from .observation import Observation
from .samples import mean

WIRE_SCORE = 5.0
"""Standard errors above which a difference between the two ends of a wire is a loss."""
_DROPPING = 0.001  # share of its traffic that a full link drops


def measured_harm(observation: Observation, limit: float) -> float:
    """Mbit/s dropped by full queues, lost on the wire, above `limit` (share of capacity) or without a route.

    Mean over the window, so far as it can be measured: a link that drops is taken to be full, whatever the inventory
    says of its circuit's capacity; a pair has no route when no links that are up join its nodes; nodes that do not
    answer neither send nor receive.
    """
    window = observation.window
    arrived, dropped = observation.arrived_mbps, np.nan_to_num(window.dropped_mbps)
    above = np.maximum(arrived - limit * _effective_capacity(observation), 0.0)
    over = np.fmax(above, dropped)
    return float(np.nansum(mean(over)) + wire_loss_mbps(observation).sum() + _unrouted(observation))


def wire_loss_mbps(observation: Observation) -> Floats:
    """Mbit/s that are sent and not received on each link [m], beyond what reading times explain."""
    share = np.nan_to_num(observation.wire_loss)
    return np.where(share > WIRE_SCORE * observation.wire_error, share, 0.0) * np.nan_to_num(observation.out_mbps)


def _effective_capacity(observation: Observation) -> Floats:
    """Capacity of each link [m]: what its circuit sends while either direction drops, else what the inventory says."""
    capacity = np.array([link.capacity for link in observation.inventory.links])
    window = observation.window
    full = np.nan_to_num(window.dropped_mbps) > _DROPPING * np.nan_to_num(window.out_mbps)
    for positions in map(list, observation.inventory.circuits.values()):
        sent = window.out_mbps[:, positions][full[:, positions]]
        if sent.size:
            capacity[positions] = np.minimum(capacity[positions], float(sent.mean()))
    return capacity


def _unrouted(observation: Observation) -> float:
    """Measured demand between nodes that answer and that no links which are up join."""
    network, up, answered = observation.network, observation.up, observation.answered
    n = len(network.nodes)
    reach = np.eye(n, dtype=bool)
    for link, is_up in zip(network.links, up, strict=True):
        a, b = network.node_index[link.tail], network.node_index[link.head]
        reach[a, b] = is_up and link.usable and answered[a] and answered[b]
    np.fill_diagonal(reach, val=True)
    for _ in range(int(np.ceil(np.log2(max(n, 2))))):
        reach = (reach.astype(np.float64) @ reach.astype(np.float64)) > 0
    both = np.outer(answered, answered)
    return float(network.offered[both & ~reach].sum())
