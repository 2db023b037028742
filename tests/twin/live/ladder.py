"""A small network full of equal paths, its emulated live twin, and readings to compare."""

from datetime import UTC, datetime

import numpy as np

from twin.live.emulated import EmulatedNetwork
from twin.live.network import Telemetry
from twin.live.sensors import Noise
from twin.model import Link, Network, Node

START = datetime(2026, 3, 2, 20, 0, tzinfo=UTC)


def ladder(rungs: int = 4, capacity: float = 10_000.0, demand: float = 300.0) -> Network:
    """Two rails of nodes with rungs between: equal paths wherever one looks, no longitude."""
    names = [f"{rail}{i}" for i in range(rungs) for rail in "ab"]
    circuits = [(f"a{i}", f"b{i}") for i in range(rungs)]
    circuits += [(f"{rail}{i}", f"{rail}{i + 1}") for rail in "ab" for i in range(rungs - 1)]
    links = [Link(s, t, capacity, 10, 1.0) for pair in circuits for s, t in (pair, pair[::-1])]
    n = len(names)
    demands = demand * (1 + np.arange(n * n).reshape(n, n) % 5)
    np.fill_diagonal(demands, 0)
    return Network("ladder", tuple(Node(x, 0.0, 0.0) for x in names), tuple(links), demands)


def live(network: Network | None = None, *, seed: int = 1, noise: Noise | None = None) -> EmulatedNetwork:
    return EmulatedNetwork(network or ladder(), seed=seed, start=START, noise=noise)


def last(network: EmulatedNetwork, samples: int = 1) -> Telemetry:
    before = network.now
    network.wait(samples)
    return network.read_telemetry(before)


def same(one: Telemetry, other: Telemetry) -> bool:
    return one.events == other.events and all(
        np.array_equal(a, b, equal_nan=a.dtype.kind == "f") for a, b in zip(columns(one), columns(other), strict=True)
    )


def columns(telemetry: Telemetry) -> list[np.ndarray]:
    series = (telemetry.links, telemetry.nodes, telemetry.probes, telemetry.traffic)
    return [column for group in (*series, telemetry.interfaces, telemetry.flows) for column in group]
