"""What still arrives where routers go astray, held against walking each source's traffic hop by hop."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.twin.random_networks import networks
from twin.model import Astray
from twin.sim.arrays import FAR, compile_network
from twin.sim.astray import arriving
from twin.sim.kernels import expect, shortest_paths
from twin.sim.shortfall import Shortfall
from twin.sim.simulate import simulate, single_failures
from twin.sim.walk import Deviation, walk


@st.composite
def strays(draw, network):
    link, node = draw(st.sampled_from(network.links)), draw(st.sampled_from(network.nodes)).name
    target = draw(st.sampled_from(network.nodes)).name
    kind = draw(st.sampled_from(("drop", "send", "bar", "refuse")))
    at = node if kind in ("drop", "refuse") else link.name
    return Astray(does=kind, at=at, target=target)


@settings(max_examples=40, deadline=None)
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


def _ways(arrays):
    return [(x.target, Deviation(x.node, x.via, x.barred, x.left_out)) for x in arrays.astray]


@settings(max_examples=30, deadline=None)
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
