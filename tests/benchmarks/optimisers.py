"""The planners against published optima: `python -m tests.benchmarks.optimisers [--quick | --second] [--zoo N]`.

CPU seconds of this process, compiled code warm. Needs the published data in the folder of TWINOPS_DATA. `--zoo N`
adds every Nth Topology Zoo network under a matrix of its own, against the flow bound; `--second` leaves out what takes
longer than a second on each network. Exits with 1 when a quality bar
is missed; times are printed, not judged.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np

from twin.formats import read_network
from twin.formats.load import load_network
from twin.formats.topohub import topohub_names
from twin.model import Network
from twin.optimise.lp import lowest_utilisation
from twin.optimise.segments import route_by_segments
from twin.optimise.sequential import route_in_sequence
from twin.optimise.weight_search import search_weights
from twin.sim.simulate import simulate

QUICK = ("Abilene", "Geant2012")
LARGE = 60
SEQUENTIAL = 120
TIME_LIMIT_S = 1.0
"""What weights and segments in sequence may take, computed."""
COMPILING_S = 60.0
NO_DATA = 2
Result = TypeVar("Result")


class Row(NamedTuple):
    name: str
    value: float
    above: float  # share above the bound or the published optimum
    bar: float
    seconds: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; 1 when a bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two networks, every twentieth matrix")
    parser.add_argument("--second", action="store_true", help="only what a second is enough for")
    parser.add_argument("--zoo", type=int, default=0, metavar="N", help="every Nth Topology Zoo network as well")
    options = parser.parse_args(arguments)
    quick = options.quick
    folder = Path(os.environ.get("TWINOPS_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
    if not (folder / "repetita").is_dir():
        print(f"no data in {folder}: set TWINOPS_DATA", file=sys.stderr)
        return NO_DATA
    rows: list[Row] = []
    graphs = [x for x in sorted((folder / "repetita").glob("*.graph")) if not quick or x.stem in QUICK]
    for graph in graphs[:1]:  # compiles: no network's second is for that
        route_in_sequence(repetita(graph), time_limit_s=COMPILING_S)
    for graph in graphs:
        rows += network_rows(graph, second=options.second)
    if options.zoo:
        rows += zoo_rows(options.zoo)
    print(f"{'what':44} {'peak':>8} {'above':>9} {'bar':>7} {'CPU s':>7}")
    for row in rows:
        print(f"{row.name:44} {row.value:8.4f} {row.above:9.4%} {row.bar:7.2%} {row.seconds:7.2f}")
    return int(any(row.above > row.bar for row in rows))


def network_rows(graph: Path, *, second: bool = False) -> list[Row]:
    network = repetita(graph)
    n = len(network.nodes)
    flow, seconds = timed(lambda: lowest_utilisation(network))
    optimum = flow.max_utilisation
    rows = [Row(f"{graph.stem} ({n} nodes) flow bound", optimum, abs(optimum - 0.9), 0.002, seconds)]
    if second:
        return [*rows, in_sequence(network, "  weights, then segments", optimum)]
    route_by_segments(small(network))
    routed, seconds = timed(lambda: route_by_segments(network))
    bar = 0.02 if n <= LARGE else 0.05
    rows.append(against(f"  {len(routed.moves)} tunnels, unsplit", routed.max_utilisation, optimum, bar, seconds))
    if n <= SEQUENTIAL:
        rows.append(in_sequence(network, "  weights, then segments", optimum))
    if n <= LARGE:
        simulate(network)
        found, seconds = timed(lambda: search_weights(network, evaluations=40_000))
        name = f"  weight search, {len(found.changes)} changes"
        rows.append(against(name, found.max_utilisation, optimum, 0.1, seconds))
    return rows


def repetita(graph: Path) -> Network:
    return read_network(graph, graph.with_suffix(".0000.demands"))


def in_sequence(network: Network, name: str, optimum: float, bar: float = 0.02) -> Row:
    found, seconds = timed(lambda: route_in_sequence(network, time_limit_s=TIME_LIMIT_S))
    return against(f"{name}, {len(found.weights)} weights", found.max_utilisation, optimum, bar, seconds)


def zoo_rows(every: int) -> list[Row]:
    """Networks of the Topology Zoo that no planner was tuned on: nine in ten within the bar, and the worst as it is."""
    names = sorted(name for name in topohub_names() if name.startswith("topozoo/"))[::every]
    rows: list[Row] = []
    for number, name in enumerate(names):
        network = crowded(load_network(name), number)
        if len(network.nodes) > SEQUENTIAL:
            continue
        optimum = lowest_utilisation(network).max_utilisation
        rows.append(in_sequence(network, f"{name} ({len(network.nodes)} nodes)", optimum, bar=np.inf))
    above = np.array([row.above for row in rows])
    for share, bar in ((50, np.inf), (90, 0.02), (100, np.inf)):
        level = float(np.percentile(above, share))
        rows.append(Row(f"{len(above)} networks of the zoo, p{share}", 0.0, level, bar, 0.0))
    return rows


def crowded(network: Network, seed: int) -> Network:
    """The network under a gravity model with a random weight per node, some pairs silent."""
    rng, n = np.random.default_rng([seed, 51]), len(network.nodes)
    weight = rng.gamma(1.0, 1.0, n) + 0.05
    demands = np.outer(weight, weight) * rng.uniform(0.5, 1.5, (n, n)) * (rng.random((n, n)) < 0.8)
    np.fill_diagonal(demands, 0.0)
    return network.with_demands(demands * float(network.demands.sum()) / float(demands.sum()))


def against(name: str, value: float, optimum: float, bar: float, seconds: float) -> Row:
    return Row(name, value, value / optimum - 1, bar, seconds)


def small(network: Network) -> Network:
    """The same network with hardly any traffic: compiles the code without the work."""
    return network.with_demands(network.demands * np.eye(len(network.nodes), k=1))


def timed(work: Callable[[], Result]) -> tuple[Result, float]:
    start = time.process_time()
    return work(), time.process_time() - start


if __name__ == "__main__":
    sys.exit(main())
