"""What still arrives where routers go astray, held against walking each source's traffic hop by hop."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.twin.random_networks import networks
from tests.twin.sim.test_pairs import mesh
from twin.gate.checks.stressed import under
from twin.model import Astray, SegmentList, Tunnel
from twin.sim.arrays import FAR, compile_network
from twin.sim.astray import arriving
from twin.sim.kernels import expect, shortest_paths
from twin.sim.shortfall import Shortfall
from twin.sim.simulate import simulate, single_failures
from twin.sim.superposed import Superposition
from twin.sim.trips import trips
from twin.sim.tunnelled import TunnelledStates
from twin.sim.walk import Deviation, walk
from twin.sim.walked import adds_up, walked_targets


@st.composite
def strays(draw, network):
    link, node = draw(st.sampled_from(network.links)), draw(st.sampled_from(network.nodes)).name
    target = draw(st.sampled_from(network.nodes)).name
    kind = draw(st.sampled_from(("drop", "send", "bar", "refuse")))
    at = node if kind in ("drop", "refuse") else link.name
    return Astray(does=kind, at=at, target=target)


@settings(max_examples=40)
@given(st.data())
def test_what_arrives_is_what_a_walk_of_each_source_brings(data):
    network = data.draw(networks())
    network = replace(network, tunnels=(), limits=(), astray=(data.draw(strays(network)),))
    arrays = compile_network(network)
    paths = shortest_paths(arrays)
    found = arriving(network, arrays, paths, expect(arrays, paths).survival)
    entry = network.astray[0]
    for target in range(len(network.nodes)):
        for source in range(len(network.nodes)):
            if source == target or paths.dist[target, source] >= FAR:
                continue
            start = np.zeros(len(network.nodes))
            start[source] = 1.0
            refused = entry.does == "refuse" and (entry.at, entry.target) == (
                network.nodes[source].name, network.nodes[target].name)  # fmt: skip
            ways = [x for x in _ways(arrays) if x[0] in (target, -1)]
            walked = 0.0 if refused else walk(arrays, paths, target, start, *(x[1] for x in ways)).arrived
            assert found[target, source] == pytest.approx(walked, abs=1e-9)


@settings(max_examples=40)
@given(networks())
def test_trips_of_all_pairs_are_what_a_walk_of_each_has_on_its_way(network):
    arrays = compile_network(replace(network, tunnels=(), limits=(), astray=()))
    paths, n = shortest_paths(arrays), len(network.nodes)
    source, target = (x.ravel() for x in np.meshgrid(np.arange(n), np.arange(n)))
    found = trips(arrays, paths, source, target)
    for p in range(source.size):
        arcs, nodes = slice(*found.by[p : p + 2]), slice(*found.at[p : p + 2])
        load = np.zeros(arrays.head.size)
        load[found.arc[arcs]] = found.load[arcs]
        walked = walk(arrays, paths, int(target[p]), np.eye(n)[source[p]]).load
        np.testing.assert_allclose(load, walked, atol=1e-9)
        left = np.bincount(found.node[nodes], found.share[nodes], n)
        np.testing.assert_allclose(left, np.bincount(arrays.tail, walked, n), atol=1e-9)


def _ways(arrays):
    return [(x.target, Deviation(x.node, x.via, x.barred, x.left_out)) for x in arrays.astray]


@settings(max_examples=30)
@given(st.data())
def test_who_misses_what_adds_up_to_what_is_lost_and_taken_off(data):
    network = data.draw(networks())
    network = replace(network, tunnels=(), astray=(data.draw(strays(network)),))
    outcome = simulate(network)
    assert outcome.undelivered.sum() == pytest.approx(outcome.lost + outcome.discarded, abs=1e-6)
    for failure in single_failures(network)[:4]:
        missed = Shortfall(network).under(failure)
        links, nodes = list(network.links), list(network.nodes)
        for i in failure.links:
            links[i] = links[i]._replace(up=False)
        for i in failure.nodes:
            nodes[i] = nodes[i]._replace(up=False)
        failed = simulate(replace(network, links=tuple(links), nodes=tuple(nodes)))
        refused = sum(
            float(failed.undelivered[network.node(x.at), network.node(x.target)])
            for x in network.astray
            if x.does == "refuse"
        )
        assert missed.sum() == pytest.approx(failed.undelivered.sum() - refused, abs=1e-6)


def astray_mesh(seed, kinds=("drop", "send", "bar")):
    """A network on which one or two targets are concerned, with tunnels to them and over them."""
    rng, network = np.random.default_rng(seed), mesh(seed, nodes=9)
    names = [x.name for x in network.nodes]
    entries = []
    for _ in range(1 + seed % 2):
        does = str(rng.choice(kinds))
        at = str(rng.choice(names)) if does == "drop" else network.links[rng.integers(len(network.links))].name
        entries.append(Astray(does=does, at=at, target=str(rng.choice(names))))
    tunnels: dict[tuple[str, str], Tunnel] = {}
    for number in range(seed % 4):
        source, via, target = map(str, rng.permutation(names)[:3])
        via = entries[0].target if entries[0].target not in (source, target) and number else via
        lists = SegmentList(via=(via,), share=0.5), SegmentList(via=(), share=0.5)
        told = ("igp", "blackhole")[int(rng.integers(2))]
        tunnels[source, target] = Tunnel(name=f"T{number}", source=source, target=target, paths=lists, on_invalid=told)
    return replace(network, astray=tuple(entries), tunnels=tuple(tunnels.values()))


@pytest.mark.parametrize("seed", range(16))
def test_failures_where_few_targets_are_walked_are_those_of_each_failed_state_routed_on_its_own(seed):
    network = astray_mesh(seed)
    assert walked_targets(compile_network(network)) is not None
    failures = single_failures(network)
    sweep, shortfall = simulate(network, failures=failures).sweep, Shortfall(network)
    for row, failure in enumerate(failures):
        alone = simulate(under(network, failure))
        assert sweep.lost[row] == pytest.approx(alone.lost + alone.discarded, abs=1e-6)
        assert sweep.max_utilisation[row] == pytest.approx(alone.max_utilisation, abs=1e-9)
        assert sweep.severed[row] == pytest.approx(alone.severed, abs=1e-6)
        where, missed = shortfall.missed(failure)
        assert (np.diff(where) > 0).all()
        dense = np.zeros(network.demands.size)
        dense[where] = missed
        np.testing.assert_allclose(dense.reshape(network.demands.shape).T, alone.undelivered, atol=1e-6)


@pytest.mark.parametrize("seed", range(12))
def test_where_routers_only_drop_tunnels_add_up_to_what_a_sweep_of_their_own_says(seed):
    network = astray_mesh(seed, kinds=("drop", "bar"))
    assert adds_up(compile_network(network))
    base, failures = replace(network, tunnels=()), single_failures(network)
    demands = Superposition(base, failures)
    added = TunnelledStates(base, failures, (demands, demands.total())).sweep(network, 0.8)
    swept = simulate(network, failures=failures, limit=0.8).sweep
    for name in ("max_utilisation", "lost", "severed", "overload", "excess", "worst_utilisation"):
        np.testing.assert_allclose(getattr(added, name), getattr(swept, name), atol=1e-6, err_msg=name)


def test_who_sends_by_a_way_of_its_own_may_fill_links_so_that_nothing_adds_up():
    network = astray_mesh(0, kinds=("send",))
    assert not adds_up(compile_network(network))
    state = replace(network, tunnels=())
    assert TunnelledStates(state, single_failures(state)).sweep(state, 0.8) is None
