"""The simulator against other software, and its growth with size: `python -m tests.benchmarks.engine [--quick]`.

CPU seconds of this process, compiled code warm, best of several runs; the loads of all evaluations are compared first.
Every network is generated, but for those that the environment variable TWINOPS_DATA points to. Exits with 1 when a
ratio falls below a third of what the project claims, or when what is too large for the others takes three times as long
as the claimed growth makes it from the network before: a slow or busy machine does not fail it, a lost algorithm does.
"""

import argparse
import os
import platform
import resource
import sys
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tests.benchmarks.peers import NetworkxPeer, ngraph_installed, ngraph_peer
from twin.formats import load_network, read_network
from twin.model import Network
from twin.sim.arrays import compile_network
from twin.sim.delta import WeightProbe
from twin.sim.failure_sets import circuit_pairs
from twin.sim.failure_sweep import sweep_failures
from twin.sim.kernels import shortest_paths
from twin.sim.route import route
from twin.sim.simulate import Failure, simulate, single_failures

ROOT = Path(__file__).resolve().parents[2]
CLAIMS = {"full": 20.0, "failure": 100.0, "ngraph": 300.0}
GROWTH = {"full": 2.1, "failure": 1.8}
"""Exponents of the number of nodes."""
CLAIMED_FROM = 100  # nodes
PEER_LIMIT = 600  # nodes beyond which the others take minutes
SAMPLE = 100  # failures on the largest networks


class Row(NamedTuple):
    """What was measured on one network; milliseconds of CPU, None where not measured."""

    network: Network
    full: float
    full_networkx: float | None
    failure: float
    failure_networkx: float | None
    failure_ngraph: float | None
    sweep_seconds: float
    failures: int


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="leave out the networks above 200 nodes")
    options = parser.parse_args(arguments)
    sizes = (12, 40, 110, 200) if options.quick else (12, 40, 110, 200, 500, 1000, 1700)
    warm_up()
    rows = [measure(network) for network in (*map(generated, sizes), *published())]
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} CPUs, Python {platform.python_version()}\n")
    print_table(rows)
    print_other_work([row.network for row in rows if len(row.network.nodes) <= 200])
    print(f"\nlargest resident memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
    broken = [text for row in rows for text in shortfalls(row)]
    broken += [text for before, row in pairwise(rows) for text in outgrown(before, row)]
    print("\n".join(broken) or "every ratio is above its gate, and nothing grows faster than its own")
    return 1 if broken else 0


def generated(nodes: int) -> Network:
    """A planar network with a demand between every two nodes."""
    return load_network(f"synthetic/{nodes}-1")


def published() -> list[Network]:
    folder = Path(os.environ.get("TWINOPS_DATA", ROOT.parent / "shared" / "data")) / "repetita"
    names = [name for name in ("Interoute", "Cogentco") if (folder / f"{name}.graph").exists()]
    return [read_network(folder / f"{x}.graph", folder / f"{x}.0000.demands") for x in names]


def warm_up() -> None:
    network = generated(12)
    simulate(network, failures=single_failures(network))


def measure(network: Network) -> Row:
    arrays, failures = compile_network(network), single_failures(network)
    circuits = [failure for failure in failures if failure.links]
    if len(network.nodes) > PEER_LIMIT:
        circuits = failures = spread_over(circuits, SAMPLE)
    routing = route(arrays)
    large = len(network.nodes) > 200
    peer = NetworkxPeer(network) if len(network.nodes) <= PEER_LIMIT else None
    if peer:
        check(network, peer, circuits)
    few = spread_over(circuits, 1 if large else 3)  # each takes networkx as long as a full evaluation
    return Row(
        network=network,
        full=cpu(lambda: route(arrays, shortest_paths(arrays)), 3 if large else 9) * 1e3,
        full_networkx=cpu(peer.loads, 1 if large else 3) * 1e3 if peer else None,
        failure=cpu(lambda: sweep_failures(network, circuits, routing), 3) / len(circuits) * 1e3,
        failure_networkx=cpu(lambda: [peer.loads(x.links) for x in few], 1) / len(few) * 1e3 if peer else None,
        failure_ngraph=ngraph_cpu(network) if ngraph_installed() and not large else None,
        sweep_seconds=cpu(lambda: simulate(network, failures=failures), 1),
        failures=len(failures),
    )


def check(network: Network, peer: NetworkxPeer, circuits: Sequence[Failure]) -> None:
    """Refuse to time evaluations that do not agree."""
    capacity = np.array([link.capacity for link in network.links])
    np.testing.assert_allclose(simulate(network).load, peer.loads(), rtol=1e-9, atol=1e-6)
    failure = circuits[len(circuits) // 2]
    sweep = simulate(network, failures=(failure,)).sweep
    assert sweep is not None
    np.testing.assert_allclose(sweep.max_utilisation[0], (peer.loads(failure.links) / capacity).max(), rtol=1e-9)


def spread_over(failures: Sequence[Failure], count: int) -> list[Failure]:
    return [failures[i] for i in np.linspace(0, len(failures) - 1, min(count, len(failures))).astype(int)]


def ngraph_cpu(network: Network) -> float:
    peer = ngraph_peer(network)
    peer.run(None)
    links = peer.link_ids[:: max(1, len(peer.link_ids) // 3)][:3]
    return cpu(lambda: [peer.run(link) for link in links], 1) / len(links) * 1e3


def cpu(work: Callable[[], Any], runs: int) -> float:
    """Least CPU seconds of several runs."""
    least = np.inf
    for _ in range(runs):
        start = time.process_time()
        work()
        least = min(least, time.process_time() - start)
    return least


def ratio(other: float | None, own: float) -> float | None:
    return None if other is None else other / own


def print_table(rows: Sequence[Row]) -> None:
    columns = "network | nodes | links | demands | full ms | networkx ms | ratio"
    columns += " | failure ms | networkx ms | ratio | ngraph ms | ratio | simulate and sweep s | failures"
    print(f"| {columns} |\n|{' --- |' * (columns.count('|') + 1)}")
    for row in rows:
        network = row.network
        sizes = network.name, len(network.nodes), len(network.links), int((network.demands > 0).sum())
        full = f"{row.full:.3f}", shown(row.full_networkx, 1), times(ratio(row.full_networkx, row.full))
        failure = f"{row.failure:.3f}", shown(row.failure_networkx, 1), times(ratio(row.failure_networkx, row.failure))
        ngraph = shown(row.failure_ngraph, 1), times(ratio(row.failure_ngraph, row.failure))
        cells = *sizes, *full, *failure, *ngraph, f"{row.sweep_seconds:.3f}", row.failures
        print(f"| {' | '.join(map(str, cells))} |")


def print_other_work(networks: Sequence[Network]) -> None:
    """Milliseconds of one more case of everything else that is swept."""
    print("\n| network | nodes | one weight changed ms | one pair of circuits ms |")
    print(f"|{' --- |' * 4}")
    for network in networks:
        cells = network.name, len(network.nodes), *(f"{value:.3f}" for value in other_work(network))
        print(f"| {' | '.join(map(str, cells))} |")


def other_work(network: Network) -> tuple[float, float]:
    probe, routing = WeightProbe(network), route(compile_network(network))
    weights = [link.weight for link in network.links]
    changes = [{link: new} for link, old in enumerate(weights) for new in (max(1, old // 2), 2 * old)]
    pairs = spread_over(circuit_pairs(network), 500)
    return (
        cpu(lambda: probe.loads(changes), 3) / len(changes) * 1e3,
        cpu(lambda: sweep_failures(network, pairs, routing), 3) / len(pairs) * 1e3,
    )


def shown(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def times(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}x"


def shortfalls(row: Row) -> list[str]:
    """Sentences on the ratios that are below a third of the claim."""
    if len(row.network.nodes) < CLAIMED_FROM:
        return []
    measured = {
        "full": ratio(row.full_networkx, row.full),
        "failure": ratio(row.failure_networkx, row.failure),
        "ngraph": ratio(row.failure_ngraph, row.failure),
    }
    return [
        f"{row.network.name}: {name} is {value:.0f}x, below the gate of {CLAIMS[name] / 3:.0f}x"
        for name, value in measured.items()
        if value is not None and value < CLAIMS[name] / 3
    ]


def outgrown(before: Row, row: Row) -> list[str]:
    """Sentences on what takes three times as long as its growth makes it, on a network that no other is measured on."""
    if row.full_networkx is not None:
        return []
    size = len(row.network.nodes) / len(before.network.nodes)
    measured = {"full": row.full / before.full, "failure": row.failure / before.failure}
    return [
        f"{row.network.name}: {name} takes {times:.1f} times what {before.network.name} does, more than {most:.1f}"
        for name, times in measured.items()
        if times > (most := 3 * size ** GROWTH[name])
    ]


if __name__ == "__main__":
    sys.exit(main())
