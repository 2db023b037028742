"""Small random networks and the data folder, shared by the planners' tests."""

import os
from pathlib import Path

import numpy as np
import pytest

from twin.model import Link, Network, Node

ROOT = Path(__file__).resolve().parents[3]


def data_folder(name: str) -> Path:
    folder = Path(os.environ.get("TWINOPS_DATA", ROOT.parent / "shared" / "data")) / name
    if not folder.is_dir():
        pytest.skip(f"needs the published data in {folder}: set TWINOPS_DATA to the folder that holds {name}/")
    return folder


def network_of(
    circuits: list[tuple[str, str, float, int]], demands: dict[tuple[str, str], float], **changes: object
) -> Network:
    """Build a network from (A, B, capacity, weight) circuits and demands by node names."""
    names = sorted({name for a, b, _, _ in circuits for name in (a, b)})
    links: list[Link] = []
    seen: dict[tuple[str, str], int] = {}
    for a, b, capacity, weight in circuits:
        seen[a, b] = seen.get((a, b), 0) + 1
        links += [Link(a, b, capacity, weight, 1.0, seen[a, b]), Link(b, a, capacity, weight, 1.0, seen[a, b])]
    matrix = np.zeros((len(names), len(names)))
    for (source, target), amount in demands.items():
        matrix[names.index(source), names.index(target)] = amount
    return Network("tiny", tuple(Node(name, 0.0, 0.0) for name in names), tuple(links), matrix, **changes)  # type: ignore[arg-type]


def random_network(seed: int, *, nodes: int = 6, extra: int = 4, load: float = 1.0) -> Network:
    """A connected random network: a tree plus `extra` circuits, some parallel, with a dense random matrix."""
    rng = np.random.default_rng(seed)
    names = [f"n{i}" for i in range(nodes)]
    ends = [(names[int(rng.integers(i))], names[i]) for i in range(1, nodes)]
    while len(ends) < nodes - 1 + extra:
        a, b = rng.choice(nodes, 2, replace=False)
        ends.append((names[min(a, b)], names[max(a, b)]))
    circuits = [(a, b, float(rng.choice([100.0, 200.0, 400.0])), int(rng.integers(1, 5))) for a, b in ends]
    pairs = {(s, t): float(rng.exponential(20 * load)) for s in names for t in names if s != t and rng.random() < 0.7}
    return network_of(circuits, pairs)
