"""What counterexamples of rejected plans ask of the next ones: links that may carry no more than so much."""

from typing import NamedTuple

import numpy as np

from twin.errors import UnknownElementError
from twin.gate.no_worse import SHARE_SLACK
from twin.model import Floats, Ints, Network
from twin.sim.simulate import Failure, Outcome


class Ceiling(NamedTuple):
    """Utilisation that links may not exceed, intact or under one failure."""

    links: Ints
    failure: Failure | None
    level: Floats  # one per link


def links_of(network: Network, element: str) -> Ints | None:
    """Positions of the links of a link, interface, circuit or node (those that lead to it); None for anything else."""
    try:
        if element in network.circuits:
            return np.array(network.circuits[element], dtype=np.int64)
        if element.startswith("node/") or element in network.node_index:
            name = network.nodes[network.node(element)].name
            return np.array([i for i, link in enumerate(network.links) if link.head == name], dtype=np.int64)
        return np.array([network.link(element)], dtype=np.int64)
    except UnknownElementError:
        return None


def is_above(ceiling: Ceiling, outcome: Outcome) -> bool:
    """Whether a state carries more than a ceiling allows."""
    return bool((outcome.utilisation[ceiling.links] > ceiling.level + SHARE_SLACK).any())
