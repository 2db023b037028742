"""How the emulated routers mark what enters: which part of each demand is of which class, and how links schedule it."""

import numpy as np

from twin.model import Floats, Network

Scheduler = tuple[int, float]
"""Priority and weight of a queue."""


def marks(network: Network) -> list[tuple[Scheduler, Floats]]:
    """Return the scheduler of each class and its part of each demand [n, n]; what nobody claims comes last.

    In the order in which the network names its classes, the unclaimed one at the end if it is not among them.
    """
    n, node = len(network.nodes), network.node_index
    parts: dict[str, Floats] = {x.name: np.full((n, n), x.share) for x in network.classes if x.name != "default"}
    for entry in network.class_shares:
        parts[entry.name][node[entry.source], node[entry.target]] = entry.share
    rest = np.ones((n, n)) - sum(parts.values(), start=np.zeros((n, n)))
    own = {x.name: (x.priority, x.weight) for x in network.classes}
    found = [(own[name], part) for name, part in parts.items()]
    return [*found, (own.get("default", (8, 1.0)), rest.clip(min=0.0))]
