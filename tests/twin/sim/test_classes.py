"""Classes of traffic in the simulator and in the emulated network, against a computation apart from both."""

from dataclasses import replace

import numpy as np
import pytest

from evals.oracle.carried import Failed
from evals.oracle.classes import by_class, filled, parts
from tests.twin.optimise.networks import network_of
from tests.twin.sim.oracle import random_network, time_at_a_server, with_exits
from twin.errors import TopologyError
from twin.live.forwarding import even_flows, router_salts
from twin.live.plane import data_plane
from twin.live.probes import probe_flows
from twin.model import Network
from twin.sim.classes import VALID_UTILISATION, class_delays, class_loads, class_losses, cumulative, served, waiting_ms
from twin.sim.simulate import simulate, single_failures
from twin.traffic_classes import ClassShare, TrafficClass

VOICE, GOLD, REST = TrafficClass("voice", 1), TrafficClass("gold", 2, 3.0, 0.4), TrafficClass("default", 2, 1.0)


def full_pipe(mbps: float = 1_500.0) -> Network:
    """A and C send to B over X--B, 1,000 Mbit/s: what A sends is voice by a tenth, what C sends by none."""
    network = network_of(
        [("A", "X", 10_000, 1), ("C", "X", 10_000, 1), ("X", "B", 1_000, 1)],
        {("A", "B"): mbps * 2 / 3, ("C", "B"): mbps / 3},
    )
    return replace(network, classes=(VOICE, GOLD, REST), class_shares=(ClassShare("A", "B", "voice", 0.1),))


def classed(seed: int) -> Network:
    """A random network with up to eight classes of random rules, some demands of which are marked otherwise."""
    rng = np.random.default_rng([seed, 9])
    network = random_network(seed, lossless=True)
    told = tuple(x.model_copy(update={"on_invalid": "igp"}) for x in network.tunnels)  # else demands are lost in part
    network = replace(network, tunnels=told)
    network = with_exits(network, seed) if seed % 3 == 0 else network
    number = int(rng.integers(1, 8))
    shares = rng.dirichlet(np.ones(number + 1)) * 0.9
    rules = [(int(rng.integers(1, 5)), float(rng.integers(1, 4))) for _ in range(number)]
    classes = [TrafficClass(f"c{i}", *rule, float(shares[i])) for i, rule in enumerate(rules)]
    if rng.random() < 0.5:
        classes.append(TrafficClass("default", int(rng.integers(1, 9)), 2.0))
    pairs = np.argwhere(network.demands > 0)[:5]
    own = tuple(
        ClassShare(network.nodes[s].name, network.nodes[t].name, f"c{i}", float(shares[(i + 1) % number]))
        for s, t in pairs
        for i in range(number)
    )
    return replace(network, classes=tuple(classes), class_shares=own)


@pytest.mark.parametrize("block", range(4))
def test_what_each_class_loads_and_loses_equals_the_oracle_intact_and_under_failures(block):
    for seed in range(10 * block, 10 * block + 10):
        network = classed(seed)
        failures = [x for x in single_failures(network) if not x.name.startswith(("risk-group", "member"))][::3]
        loads = class_loads(network, failures)
        losses = class_losses(network, failures, loads)
        names = [x.name for x in loads.classes]
        dead = [Failed("nothing"), *(
            Failed(x.name, node=x.name.removeprefix("node/")) if x.nodes else Failed(x.name, frozenset((x.name,)))
            for x in failures
        )]  # fmt: skip
        for row, failed in enumerate(dead):
            expected = by_class(network, failed)
            load = loads.failing[:, row - 1] if row else loads.intact
            lost = loads.lost_failing[:, row - 1] if row else loads.lost
            for c, name in enumerate(names):
                wanted = [expected[name].load[x.name] for x in network.links]
                np.testing.assert_allclose(load[c], wanted, atol=1e-7, err_msg=f"seed {seed} {failed.name} {name}")
                gone = [expected[name].dropped[x.name] for x in network.links]
                np.testing.assert_allclose(
                    losses.dropped[c, row], gone, atol=1e-5, err_msg=f"seed {seed} {failed.name}"
                )
                assert losses.missing[c, row] == pytest.approx(expected[name].missing, abs=1e-4)
                assert lost[c] == pytest.approx(expected[name].stranded, abs=1e-7)
                use = list(filled(network, name, failed).values())
                np.testing.assert_allclose(cumulative(loads.classes, load)[c] / loads.capacity, use, atol=1e-8)


def test_a_full_link_serves_voice_then_shares_what_is_left_by_weight():
    loads = class_loads(full_pipe())
    names = [x.name for x in loads.classes]
    link = full_pipe().link("X->B")
    got = dict(zip(names, served(loads.classes, loads.intact, loads.capacity)[:, link], strict=True))
    offered = dict(zip(names, loads.intact[:, link], strict=True))
    assert offered == pytest.approx({"voice": 100, "gold": 600, "default": 800})
    assert got == pytest.approx({"voice": 100, "gold": 600, "default": 300})
    more = class_loads(full_pipe(3_000.0))
    got = served(more.classes, more.intact, more.capacity)[:, link]
    assert dict(zip(names, got, strict=True)) == pytest.approx({"voice": 200, "gold": 600, "default": 200})


def test_classes_take_together_what_one_class_takes():
    network = full_pipe()
    loads = class_loads(network)
    np.testing.assert_allclose(loads.intact.sum(axis=0), simulate(network).load)
    taken = served(loads.classes, loads.intact, loads.capacity).sum(axis=0)
    np.testing.assert_allclose(taken, np.minimum(loads.intact.sum(axis=0), loads.capacity))


def test_the_waiting_of_classes_is_that_of_one_queue_where_they_are_equal():
    network = full_pipe(800.0)
    equal = replace(network, classes=(TrafficClass("a", 3, 1.0, 0.5), TrafficClass("default", 3)), class_shares=())
    own, propagation = class_delays(equal).mean, simulate(equal).delay_ms
    a, b, x = map(equal.node, "ABX")
    load = simulate(equal).load
    queued = [6.4 / link.capacity / (1 - load[equal.link(link.name)] / link.capacity) for link in equal.links]
    added = queued[equal.link("A->X")] + queued[equal.link("X->B")]
    for c in range(2):
        assert own[c][a, b] == pytest.approx(propagation[a, b] + added, rel=1e-12)
        assert own[c][x, b] == pytest.approx(propagation[x, b] + queued[equal.link("X->B")], rel=1e-12)
        assert (own[c] >= propagation).all()
    first = replace(equal, classes=(TrafficClass("a", 1, 1.0, 0.5), TrafficClass("default", 3)))
    loads = class_loads(first)
    quick, slow = waiting_ms(loads.classes, loads.intact, loads.capacity, 800.0)[:, first.link("X->B")]
    sending = 800 * 8 / 1e6
    assert quick == pytest.approx(sending + 0.8 * sending / (1 - 0.4))
    assert slow == pytest.approx(sending + 0.8 * sending / ((1 - 0.4) * (1 - 0.8)))


def test_a_queue_is_as_long_as_its_utilisation_says_and_beyond_the_model_as_one_that_is_nearly_full():
    waited = waiting_ms([REST], np.array([[0.0, 50.0, 200.0]]), np.full(3, 100.0), 1250)[0]
    assert waited == pytest.approx([0.1, 0.2, 0.1 + 0.1 / (1 - VALID_UTILISATION)])


def test_a_queue_follows_the_simulated_single_server():
    rho = 0.7
    waited = waiting_ms([REST], np.array([[100.0 * rho]]), np.array([100.0]), 1250)
    assert waited[0, 0] / 0.1 == pytest.approx(time_at_a_server(rho), rel=0.03)


def test_the_emulated_network_serves_classes_the_same_by_its_own_code():
    for mbps in (900.0, 1_500.0, 3_000.0):
        network = full_pipe(mbps)
        source, target = np.nonzero(network.demands)
        flows, salts = even_flows(source, target, 50, 1), router_salts(len(network.nodes), 1)
        plane = data_plane(network, flows, probe_flows(network, 1), salts)
        through = plane.carry_classes(plane.entering(plane.offered(np.ones_like(network.demands))))
        expected = by_class(network)
        lost = (through.arrived - through.sent).sum(axis=0)
        order = [*(x.name for x in network.classes if x.name != "default"), "default"]
        assert dict(zip(order, lost, strict=True)) == pytest.approx(
            {name: expected[name].missing for name in order}, abs=1e-4
        )
        assert through.whole.sent[network.link("X->B")] == pytest.approx(min(mbps, 1_000.0), rel=1e-6)


def test_what_no_class_claims_is_of_the_default_one_and_all_sum_to_the_demands():
    network = full_pipe()
    np.testing.assert_allclose(network.class_share.sum(axis=0), 1)
    np.testing.assert_allclose(sum(parts(network).values()), network.offered)
    assert network.with_demands(network.demands * 2).classes == network.classes
    assert replace(network, classes=(), class_shares=()).id != network.id


@pytest.mark.parametrize(
    ("classes", "shares", "wrong"),
    [
        ([TrafficClass(f"c{i}") for i in range(8)], [], "at most 8"),
        ([TrafficClass("a", 0)], [], "priority"),
        ([TrafficClass("a", 1, 0.0)], [], "weight"),
        ([TrafficClass("a"), TrafficClass("a", 2)], [], "repeat"),
        ([TrafficClass("a", share=0.7), TrafficClass("b", share=0.4)], [], "more than all"),
        ([TrafficClass("a")], [ClassShare("A", "B", "b", 0.5)], "no class"),
        ([TrafficClass("a", share=0.5), TrafficClass("b")], [ClassShare("A", "B", "b", 0.6)], "more than all"),
    ],
)
def test_classes_that_cannot_be_are_refused(classes, shares, wrong):
    with pytest.raises(TopologyError, match=wrong):
        replace(full_pipe(), classes=tuple(classes), class_shares=tuple(shares))
