"""A tunnel that splits a pair over ways of different length: a probe takes one of them, and neither is late."""

from dataclasses import replace

import numpy as np
import pytest

from tests.twin.live.ladder import ladder
from twin.live.declared import Declaration
from twin.model import Network, SegmentList, Tunnel
from twin.observe.expect.prediction import export_noise, predict
from twin.observe.expect.probing import delay_error
from twin.sim.simulate import simulate


def split(whole: Network, *lists: SegmentList) -> Network:
    """The ladder with links of 1, 2, 3, … ms, and what goes from a0 to b2 in a tunnel."""
    links = tuple(x._replace(delay_ms=1.0 + i) for i, x in enumerate(whole.links))
    tunnel = Tunnel(name="T", source="a0", target="b2", paths=lists, on_invalid="igp")
    return replace(whole, links=links, tunnels=(tunnel,))


def predicted(network: Network, *pairs: tuple[int, int]):
    nothing = np.zeros(len(network.links))
    noise = export_noise(network, nothing, Declaration(), samples=2, interval_s=300.0)
    source, target = np.array(pairs).T
    return predict(network, nothing, noise, pairs=(source, target))


def alone(network: Network, via: tuple[str, ...]) -> float:
    """Delay of the pair on one way alone."""
    pair = network.node("a0"), network.node("b2")
    return float(simulate(split(network, SegmentList(via=via))).delay_ms[pair])


@pytest.mark.parametrize("share", [0.25, 0.75])
def test_the_ways_of_a_split_tunnel_are_as_far_apart_as_their_lists(share):
    whole = ladder(demand=30)
    network = split(whole, SegmentList(via=("a3",), share=share), SegmentList(via=("b0",), share=1 - share))
    pair = network.node("a0"), network.node("b2")
    ways = [alone(whole, ("a3",)), alone(whole, ("b0",))]
    found = predicted(network, pair)
    assert found.delay_ms[0] == pytest.approx(share * ways[0] + (1 - share) * ways[1])
    assert found.delay_spread_ms[0] >= abs(ways[0] - ways[1]) - 1e-9
    late = max(ways) - found.delay_ms[0]
    assert late < 3 * delay_error(found, Declaration(probe_ports=1))[0]


def test_a_tunnel_of_one_list_has_the_spread_of_its_legs_alone():
    whole = ladder(demand=30)
    network = split(whole, SegmentList(via=("a1",)))
    first, middle, last = (network.node(x) for x in ("a0", "a1", "b2"))
    whole_way, *legs = predicted(network, (first, last), (first, middle), (middle, last)).delay_spread_ms
    assert whole_way == pytest.approx(sum(legs))
