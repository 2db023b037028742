"""Published data sets, where they are at hand: the folder is named by TWINOPS_DATA."""

import os
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.sparse import lil_array

from twin.formats import read_network, read_traffic, write_ietf
from twin.sim.simulate import simulate

DATA = Path(os.environ.get("TWINOPS_DATA", Path(__file__).parents[4] / "shared" / "data"))
REPETITA = sorted((DATA / "repetita").glob("*.graph"))
needs_repetita = pytest.mark.skipif(
    not REPETITA, reason=f"no REPETITA networks in {DATA / 'repetita'}; set TWINOPS_DATA"
)
needs_geant = pytest.mark.skipif(
    not (DATA / "geant").is_dir(), reason=f"no GEANT data in {DATA / 'geant'}; set TWINOPS_DATA"
)


@needs_repetita
@pytest.mark.parametrize("path", REPETITA, ids=lambda path: path.stem)
def test_a_repetita_network_is_read_whole_and_routes_above_its_known_optimum(path):
    network = read_network(path, path.with_suffix(".0000.demands"))
    edges = [line.split() for line in path.read_text().splitlines() if line.startswith("edge_")]
    assert f"NODES {len(network.nodes)}\n" in path.read_text()
    assert len(network.links) == sum(edge[1] != edge[2] for edge in edges)
    outcome = simulate(network)
    assert outcome.lost == 0
    assert outcome.max_utilisation >= 0.9 - 0.002


@needs_repetita
def test_parallel_links_of_a_repetita_network_stay_apart():
    network = read_network(DATA / "repetita" / "Interoute.graph")
    pairs = {(link.tail, link.head) for link in network.links}
    assert (len(network.links), len(pairs)) == (312, 292)


@needs_repetita
def test_a_repetita_network_survives_the_ietf_format(tmp_path):
    path = DATA / "repetita" / "Interoute.graph"
    network = read_network(path, path.with_suffix(".0000.demands"))
    write_ietf(network, tmp_path / "interoute.json")
    assert read_network(tmp_path / "interoute.json").id == network.id


@needs_geant
def test_geant_loads_from_the_generic_formats():
    folder = DATA / "geant"
    network = read_network(folder / "GEANT.json", folder / "traffic.parquet")
    traffic = read_traffic(folder / "traffic.parquet", network)
    assert (len(network.nodes), len(network.links), len(traffic.times)) == (22, 72, 480)
    assert {link.capacity for link in network.links} <= {10_000.0, 2_400.0, 2_500.0, 155.0, 100.0, 1_000.0}
    assert network.demands.sum() == pytest.approx(traffic.demands.sum(axis=(1, 2)).max())
    assert simulate(network).lost == 0


def listed(path):
    """Paths by pair of nodes, from lines such as `0 2:0-1-2,0-3-2`."""
    lines = (line.partition(":") for line in path.read_text().splitlines() if line)
    return {tuple(pair.split()): [x.strip().split("-") for x in paths.split(",")] for pair, _, paths in lines}


def least_mlu(network, tunnels, demands):
    """Smallest possible utilisation of the busiest link when every demand may split freely over its tunnel's paths."""
    capacity = np.array([link.capacity for link in network.links])
    columns, pairs = [], []
    for (source, target), paths in tunnels.items():
        for path in paths:
            columns.append([network.link(f"{tail}->{head}") for tail, head in pairwise(path)])
            pairs.append((network.node(source), network.node(target)))
    usage = lil_array((len(capacity), len(columns) + 1))
    shares = lil_array((len(tunnels), len(columns) + 1))
    rows = {pair: row for row, pair in enumerate(dict.fromkeys(pairs))}
    for column, (links, pair) in enumerate(zip(columns, pairs, strict=True)):
        usage[links, column] = demands[pair] / capacity[links]
        shares[rows[pair], column] = 1.0
    usage[:, -1] = -1.0
    cost = np.eye(1, len(columns) + 1, len(columns))[0]
    solved = linprog(
        cost, usage.tocsr(), np.zeros(len(capacity)), shares.tocsr(), np.ones(len(tunnels)), method="highs"
    )
    return solved.fun


@needs_geant
@pytest.mark.parametrize("moment", [0, 133, 479])
def test_geant_as_read_has_the_published_optimum(moment):
    folder = DATA / "geant"
    network = read_network(folder / "GEANT.json")
    demands = read_traffic(folder / "traffic.parquet", network).demands[moment]
    tunnels = listed(folder / "tunnels.txt")
    published = np.loadtxt(folder / "optimal_mlu.csv", skiprows=1)[moment]
    assert least_mlu(network, tunnels, demands) == pytest.approx(published, abs=1e-4)
