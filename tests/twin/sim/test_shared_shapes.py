"""States of a network share what is worked out of what they have in common, and nothing else."""

import copy
import pickle
from dataclasses import replace

import numpy as np
import pytest

from tests.twin.optimise.networks import network_of
from tests.twin.sim.oracle import random_network, with_exits
from twin.errors import TopologyError
from twin.formats import load_network
from twin.model import Astray, DemandLimit
from twin.sim.arrays import compile_network
from twin.sim.kernels import shortest_paths
from twin.sim.remembered import remembered_paths


def same(one, other):
    for a, b in zip(one, other, strict=True):
        if hasattr(a, "_fields"):
            same(a, b)
        else:
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("seed", range(6))
def test_another_matrix_gives_what_a_network_made_anew_gives(seed):
    network = with_exits(random_network(seed), seed) if seed % 2 else random_network(seed)
    a, b = next((s, t) for s, t in np.argwhere(network.demands > 0) if network.nodes[t].kind != "exits")
    names = network.nodes[a].name, network.nodes[b].name
    network = replace(network, limits=(DemandLimit(*names, 0.5),), astray=(Astray("refuse", *names),))
    compile_network(network)  # so that there is something to share
    assert network.id
    demands = network.demands * np.random.default_rng(seed).uniform(0, 2, network.demands.shape)
    shared, anew = network.with_demands(demands), replace(network, demands=demands)
    assert shared.id == anew.id != network.id
    np.testing.assert_array_equal(shared.offered, anew.offered)
    same(compile_network(shared), compile_network(anew))
    for copied in (copy.deepcopy(shared), pickle.loads(pickle.dumps(shared))):
        assert copied == shared
        same(compile_network(copied), compile_network(anew))


def test_a_change_of_anything_else_shares_nothing():
    network = network_of([("A", "B", 10, 1), ("B", "C", 10, 1)], {("A", "C"): 1.0})
    compile_network(network)
    lighter = replace(network.with_demands(network.demands), links=tuple(x._replace(weight=7) for x in network.links))
    assert compile_network(lighter).weight.tolist() == [7] * 4


@pytest.mark.parametrize(("seed", "heaviest", "drained"), [(0, 300, 0), (1, 300, 9), (2, 4, 0), (3, 4, 9)])
def test_paths_found_from_another_state_are_those_found_anew(seed, heaviest, drained):
    network, rng = load_network(f"synthetic/110-{seed + 1}"), np.random.default_rng(seed)
    light = (x._replace(weight=1 + x.weight % heaviest) for x in network.links)
    nodes = (x._replace(drained=i < drained, cost_out=i % 2 == 0) for i, x in enumerate(network.nodes))
    network = replace(network, links=tuple(light), nodes=tuple(nodes))
    known = remembered_paths(compile_network(network))
    for step in range(12):
        links, nodes = list(network.links), list(network.nodes)
        for i in map(int, rng.choice(len(links), 3, replace=False)):
            links[i] = links[i]._replace(weight=int(rng.integers(1, heaviest)), up=bool(rng.random() < 0.7))
        if step % 3 == 2:
            i = int(rng.integers(len(nodes)))
            nodes[i] = nodes[i]._replace(up=False)
        arrays = compile_network(replace(network, links=tuple(links), nodes=tuple(nodes)))
        found, anew = remembered_paths(arrays), shortest_paths(arrays)
        np.testing.assert_array_equal(found.dist, anew.dist)
        np.testing.assert_array_equal(found.sources, anew.sources)
        for row, other, number in zip(found.order, anew.order, anew.sources, strict=True):
            np.testing.assert_array_equal(row[:number], other[:number])
    np.testing.assert_array_equal(known.dist, shortest_paths(compile_network(network)).dist)


def test_names_are_shared_by_states_that_have_the_same_and_links_of_others_are_looked_at():
    network = network_of([("A", "B", 10, 1), ("B", "C", 10, 1)], {("A", "C"): 1.0})
    first, *rest = network.links
    other = replace(network, links=(first._replace(weight=7), *rest))
    assert other.link_index is network.link_index
    with pytest.raises(TopologyError, match="weight"):
        replace(other, links=(first._replace(weight=0), *rest))
    renamed = replace(other, links=(first._replace(index=2), *rest))
    assert renamed.link("A->B.2") == 0
    with pytest.raises(TopologyError, match="repeat"):
        replace(other, links=(rest[0], *rest))


@pytest.mark.parametrize(
    ("demands", "wrong"),
    [
        (np.zeros((2, 2)), "shape"),
        (np.full((3, 3), np.nan), "finite"),
        (-np.ones((3, 3)), "negative"),
        (np.eye(3), "to itself"),
    ],
)
def test_a_matrix_that_cannot_be_is_refused(demands, wrong):
    network = network_of([("A", "B", 10, 1), ("B", "C", 10, 1)], {("A", "C"): 1.0})
    with pytest.raises(TopologyError, match=wrong):
        network.with_demands(demands)


def test_a_demand_from_a_group_of_exits_is_refused_in_another_matrix_too():
    network = with_exits(random_network(1), 1)
    group = next(i for i, x in enumerate(network.nodes) if x.kind == "exits")
    demands = network.demands.copy()
    demands[group, (group + 1) % len(network.nodes)] = 1.0
    with pytest.raises(TopologyError, match="group of exits"):
        network.with_demands(demands)
