"""The state of a run on a real emulated network."""

from datetime import UTC, datetime

import numpy as np
import pytest

from tools.box.run_state import ReadSide, RunState
from twin.live.emulated import EmulatedNetwork
from twin.model import Link, Network, Node
from twin.policy import Policy

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def square() -> Network:
    names = "ABCD"
    nodes = tuple(Node(name, float(i), float(i % 2)) for i, name in enumerate(names))
    pairs = [("A", "B"), ("B", "C"), ("C", "D"), ("D", "A"), ("A", "C")]
    links = tuple(Link(x, y, 1000.0, 10, 1.0) for a, b in pairs for x, y in ((a, b), (b, a)))
    demands = np.full((4, 4), 60.0)
    np.fill_diagonal(demands, 0.0)
    return Network("square", nodes, links, demands)


@pytest.fixture
def run_state() -> RunState:
    network = square()
    live = EmulatedNetwork(network, seed=3, start=NOON)
    return RunState(inventory=network, policy=Policy(), live=ReadSide(live), since=NOON)
