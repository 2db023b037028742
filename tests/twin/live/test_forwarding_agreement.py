"""The emulator and the simulator were written apart: where they agree, neither routes wrongly."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.twin.random_networks import RARELY, networks
from twin.faults import Fault, FaultKind, with_fault, with_one_way_fault
from twin.formats import load_network
from twin.live import forwarding
from twin.live.forwarding import draw_flows, even_flows, router_salts
from twin.live.plane import DataPlane, data_plane
from twin.live.probes import probe_flows
from twin.live.queues import CarriedLoads
from twin.model import Astray, Link, Network, Node, SegmentList, Tunnel
from twin.plan import DrainLink, DrainNode, SetTunnel, apply_all
from twin.sim.arrays import FAR, compile_network
from twin.sim.kernels import shortest_paths
from twin.sim.reflected import reflected_arcs
from twin.sim.simulate import simulate

FLOWS = 1000


def drains(count: int) -> st.SearchStrategy[list[bool]]:
    return st.lists(RARELY, min_size=count, max_size=count)


@st.composite
def leaving(draw, network: Network) -> Network:
    """The network with demands that leave it by some exits, of which some are preferred."""
    n = len(network.nodes)
    at = draw(st.lists(st.integers(0, n - 1), min_size=1, max_size=3))
    names = [network.nodes[i].name for i in at]
    exits = [Link(x, "world", 1.0, draw(st.integers(1, 2)), 0.0, 1 + names[:k].count(x)) for k, x in enumerate(names)]
    exits = [x._replace(drained=out, cost_out=out) for x, out in zip(exits, draw(drains(len(exits))), strict=True)]
    demands = np.zeros((n + 1, n + 1))
    demands[:n, :n] = network.demands
    demands[:n, n] = draw(st.lists(st.integers(0, 9), min_size=n, max_size=n))
    world = Node("world", 0.0, 0.0, kind="exits")
    return replace(network, nodes=(*network.nodes, world), links=(*network.links, *exits), demands=demands)


@st.composite
def struck_networks(draw) -> Network:
    """A random network without bottlenecks, some of its links, exits and nodes down or losing packets."""
    network = draw(networks())
    dead = draw(st.sets(st.integers(0, len(network.nodes) - 1), max_size=1))
    network = draw(leaving(network)) if draw(st.booleans()) else network
    position = st.integers(0, len(network.links) - 1)
    cut, lossy = draw(st.sets(position, max_size=3)), draw(st.sets(position, max_size=2))
    links = [
        link._replace(capacity=1e9, up=i not in cut, loss=0.25 * (i in lossy)) for i, link in enumerate(network.links)
    ]
    nodes = [node._replace(up=i not in dead) for i, node in enumerate(network.nodes)]
    return replace(network, nodes=tuple(nodes), links=tuple(links))


@settings(max_examples=40)
@given(networks(), st.data())
def test_both_route_over_what_one_end_alone_hears_where_circuits_are_not_checked_both_ways(
    network: Network, data: st.DataObject
) -> None:
    link = data.draw(st.sampled_from(network.links))
    kind = data.draw(st.sampled_from((FaultKind.ACL_BLOCK, FaultKind.MTU)))
    struck = with_one_way_fault(network, Fault(kind=kind, element=link.interface))
    arrays, usable = compile_network(struck), forwarding.usable_links(struck)
    np.testing.assert_array_equal(arrays.weight[arrays.arc_of] < FAR, usable)
    here, back = network.link(link.interface), network.reverse[network.link(link.interface)]
    before = forwarding.usable_links(network)
    assert not usable[here]
    assert usable[back] == before[back]
    down = with_fault(network, Fault(kind=kind, element=link.interface))
    assert not forwarding.usable_links(down)[[here, back]].any()


def carried(network: Network, *, even: bool = False, seed: int = 1) -> tuple[DataPlane, CarriedLoads]:
    """The provisioned demands, through flows that are all equal or heavy-tailed."""
    source, target = np.nonzero(network.demands)
    flows = even_flows(source, target, FLOWS, seed) if even else draw_flows(network.demands, seed)
    plane = data_plane(network, flows, probe_flows(network, seed), router_salts(len(network.nodes), seed))
    return plane, plane.carry(plane.entering(plane.offered(np.ones_like(network.demands))))


def deviation(network: Network, *, seed: int = 1) -> np.ndarray:
    """How far each link that carries more than 1 % of its capacity is from the simulated load, as a share of it."""
    load = simulate(network).load
    carries = load > 0.01 * np.array([link.capacity for link in network.links])
    return np.abs(carried(network, seed=seed)[1].arrived - load)[carries] / load[carries]


def with_links(network: Network, **values: float) -> Network:
    return replace(network, links=tuple(link._replace(**values) for link in network.links))


@pytest.fixture(scope="module")
def germany() -> Network:
    """Fifty nodes; ten times the capacity, so that failures reroute but do not congest."""
    network = load_network("sndlib/germany50")
    links = tuple(link._replace(capacity=link.capacity * 10) for link in network.links)
    return replace(network, links=links)


@pytest.fixture(scope="module")
def equal_weights(germany: Network) -> Network:
    return with_links(germany, weight=10)


def only_over_the_drained_node() -> Network:
    """From N0 to N1 the IGP has no way: N2, between them, is drained. One of the tunnel's lists has a label for it."""
    ends = [("N1", "N0", 1), ("N0", "N1", 1), ("N2", "N0", 1), ("N0", "N2", 1), ("N3", "N0", 1), ("N0", "N3", 1)]
    ends += [("N0", "N2", 2), ("N2", "N0", 2), ("N1", "N2", 1), ("N2", "N1", 1), ("N0", "N1", 2), ("N1", "N0", 2)]
    dark = {("N1", "N0", 1), ("N0", "N1", 2)}
    demands = np.zeros((4, 4))
    demands[0, 1] = 1.0
    paths = (SegmentList(via=(), share=0.25), SegmentList(via=("N2",), share=0.75))
    return Network(
        "labels",
        tuple(Node(f"N{i}", 0, 0, drained=i == 2) for i in range(4)),
        tuple(Link(a, b, 1e9, 1, 1.0, i, up=(a, b, i) not in dark) for a, b, i in ends),
        demands,
        (Tunnel(name="T1", source="N0", target="N1", paths=paths, on_invalid="igp"),),
    )


def labels_that_lead_on() -> Network:
    """From N0 to N1, and on to N2, from which nothing leads back: nobody verifies the labels."""
    ends = [("N0", "N1", True), ("N1", "N0", True), ("N0", "N2", True), ("N2", "N0", False)]
    demands = np.zeros((3, 3))
    demands[0, 1] = 1.0
    via = (SegmentList(via=("N1", "N2"), share=1.0),)
    return Network(
        "labels that lead on",
        tuple(Node(f"N{i}", i, 0) for i in range(3)),
        tuple(Link(a, b, 1e9, 1, 1.0, up=up) for a, b, up in ends),
        demands,
        (Tunnel(name="T1", source="N0", target="N1", paths=via, path="explicit", on_invalid="blackhole"),),
    )


@settings(max_examples=150)
@given(struck_networks(), st.integers(0, 99))
@example(only_over_the_drained_node(), 0)
def test_loads_and_losses_are_those_of_the_simulator_within_six_standard_errors_of_hashing(network: Network, seed: int):
    outcome = simulate(network)
    plane, got = carried(network, even=True, seed=seed)
    slack = 6 * np.sqrt((network.offered**2).sum() / (4 * FLOWS)) + 1e-6
    assert np.abs(got.arrived - outcome.load).max() <= slack
    assert abs((got.sent - got.received).sum() - outcome.dropped) <= slack
    harm = plane.harm(got, np.ones_like(network.demands), 1e9)
    assert abs(harm.unrouted + harm.severed - outcome.lost - outcome.severed) <= slack
    entered = network.offered.sum() - network.offered[[not x.up for x in network.nodes]].sum()
    assert np.isclose(got.leaving.sum() + (got.sent - got.received).sum(), entered)


@settings(max_examples=60)
@given(struck_networks())
@example(labels_that_lead_on())
def test_every_flow_is_on_an_unbroken_path_of_its_own_pair_which_carries_its_size(network: Network):
    flows, n = draw_flows(network.demands, 1), len(network.nodes)
    paths = data_plane(network, flows, flows, router_salts(n, 1)).paths
    size, total = np.zeros(paths.pair.size), np.zeros(n * n)
    pair_of = np.repeat(flows.source * n + flows.target, np.diff(flows.first))
    alone = np.setdiff1d(paths.pair, pair_of[paths.shared])
    assert (paths.share[np.isin(paths.pair, alone)] == 1).all()
    assert np.unique(paths.pair[np.isin(paths.pair, alone)]).size == alone.size
    assert sorted(paths.shared) == np.flatnonzero(~np.isin(pair_of, alone)).tolist()
    for flow, path in zip(paths.shared, paths.member, strict=True):
        assert paths.pair[path] == pair_of[flow]
        size[path] += flows.size[flow]
        total[pair_of[flow]] += flows.size[flow]
    split = ~np.isin(paths.pair, alone)
    assert np.allclose(paths.share[split], size[split] / total[paths.pair[split]])
    for pair, hops, end, delivered in zip(paths.pair, paths.hops, paths.end, paths.delivered, strict=True):
        links = [network.links[hop] for hop in hops if hop < len(network.links)]
        stops = [network.nodes[pair // n].name, *(link.head for link in links)]
        assert [link.tail for link in links] == stops[:-1]
        led_on = end == n  # it is at its target, where labels that nobody verifies lead on
        assert network.node(stops[-1]) == (pair % n if led_on else end)
        assert delivered == (end == pair % n)


@pytest.mark.parametrize("at_once", [1, 700])
def test_flows_walked_in_parts_take_the_same_paths_as_all_at_once(equal_weights: Network, at_once: int, monkeypatch):
    tunnel = Tunnel(
        name="split",
        source=equal_weights.nodes[0].name,
        target=equal_weights.nodes[9].name,
        paths=tuple(SegmentList(via=(equal_weights.nodes[k].name,), share=0.5) for k in (4, 6)),
        on_invalid="igp",
    )
    network = replace(equal_weights, tunnels=(tunnel,))
    whole, _ = carried(network)
    monkeypatch.setattr(forwarding, "FLOWS_AT_ONCE", at_once)
    parts, _ = carried(network)

    def ways(plane: DataPlane) -> dict[tuple[int, ...], float]:
        m = len(network.links)
        rows = zip(plane.paths.pair, plane.paths.hops, plane.paths.share, strict=True)
        return {(int(pair), *(int(x) for x in hops if x < m)): float(share) for pair, hops, share in rows}

    assert ways(parts) == pytest.approx(ways(whole))
    of = [dict(zip(x.paths.shared, x.paths.pair[x.paths.member], strict=True)) for x in (parts, whole)]
    assert of[0] == of[1]


def test_without_equal_paths_the_loads_are_the_simulated_ones(germany: Network):
    weights = np.random.default_rng(1).integers(10_000, 10_000_000, len(germany.circuits)).tolist()
    weight = dict(zip(germany.circuits, weights, strict=True))
    unique = replace(germany, links=tuple(link._replace(weight=weight[link.circuit]) for link in germany.links))
    assert deviation(unique).max() < 1e-9


def test_with_distance_weights_hashing_moves_a_link_by_one_percent_at_most(germany: Network):
    found = np.concatenate([deviation(germany, seed=seed) for seed in range(5)])
    assert found.mean() < 0.001
    assert found.max() < 0.03


def test_with_equal_weights_hashing_moves_links_by_three_percent_on_average(equal_weights: Network):
    found = np.concatenate([deviation(equal_weights, seed=seed) for seed in range(5)])
    assert 0.01 < found.mean() < 0.05
    assert np.quantile(found, 0.95) < 0.12
    assert found.max() < 0.5


@pytest.mark.parametrize("seed", range(4))
def test_failures_drains_and_tunnels_agree_as_well(equal_weights: Network, seed: int):
    rng = np.random.default_rng(seed)
    names = [node.name for node in equal_weights.nodes]
    circuits = list(equal_weights.circuits)
    one, two, three, drained = rng.choice(names, 4, replace=False).tolist()
    paths = (SegmentList(via=(two,), share=0.5), SegmentList(via=(), share=0.3), SegmentList(via=(drained,), share=0.2))
    steps = [
        SetTunnel(tunnel=Tunnel(name="t", source=one, target=three, paths=paths, on_invalid="igp")),
        DrainNode(node=drained),
        DrainLink(circuit=circuits[int(rng.integers(len(circuits)))]),
    ]
    changed = apply_all(equal_weights, steps)
    cut = rng.choice(len(circuits), 3, replace=False).tolist()
    down = {i for number in cut for i in equal_weights.circuits[circuits[number]]}
    struck = replace(changed, links=tuple(x._replace(up=i not in down) for i, x in enumerate(changed.links)))
    found = deviation(struck, seed=seed)
    assert found.mean() < 0.06
    assert np.quantile(found, 0.95) < 0.15


def test_a_tunnel_splits_its_flows_by_the_shares_of_its_valid_lists():
    names = ("s", "x", "y", "z", "t")
    ends = [(a, b) for m in "xyz" for a, b in (("s", m), (m, "s"), (m, "t"), ("t", m))]
    demands = np.zeros((5, 5))
    demands[0, 4] = 1000
    lists = tuple(SegmentList(via=(m,), share=share) for m, share in (("x", 0.5), ("y", 0.3), ("z", 0.2)))
    network = Network(
        "fan",
        tuple(Node(x, 0, 0, drained=x == "x") for x in names),
        tuple(Link(a, b, 1e5, 10) for a, b in ends),
        demands,
        (Tunnel(name="t", source="s", target="t", paths=lists, path="dynamic", on_invalid="igp"),),
    )
    got = carried(network, even=True)[1].arrived
    assert got[network.link("s->x")] == 0
    assert np.isclose(got[network.link("s->y")], 600, atol=50)
    assert np.isclose(got[network.link("s->z")], 400, atol=50)


@settings(max_examples=60)
@given(networks(), st.data())
def test_both_lead_to_the_exits_that_reflectors_tell_of(inner: Network, data: st.DataObject) -> None:
    """Every router's next hops to a group, its reflectors anywhere, exits at them or not, circuits and nodes down."""
    network = data.draw(leaving(inner))
    names = [x.name for x in network.nodes if x.kind == "router"]
    told = data.draw(st.lists(st.sampled_from(names), min_size=1, max_size=2, unique=True))
    cut = data.draw(st.sets(st.integers(0, len(network.links) - 1), max_size=2))
    dead = data.draw(st.sets(st.sampled_from(names), max_size=1))
    network = replace(
        network,
        astray=tuple(Astray("reflect", x) for x in told),
        links=tuple(x._replace(up=i not in cut) for i, x in enumerate(network.links)),
        nodes=tuple(x._replace(up=x.name not in dead) for x in network.nodes),
    )
    n, group = len(network.nodes), network.node("world")
    tables, arrays = forwarding.routing_tables(network), compile_network(network)
    leads = reflected_arcs(arrays, shortest_paths(arrays), [network.node(x) for x in told])
    by_twin = set(np.flatnonzero(leads[group][arrays.arc_of]).tolist()) if group in leads else set()
    slots = slice(tables.first[group * n], tables.first[(group + 1) * n])
    assert set(tables.links[slots].tolist()) == by_twin


def test_a_flow_that_goes_round_between_a_reflector_and_its_client_never_arrives_and_others_do() -> None:
    """A square of equal weights, two exits as near to the reflector, which tells of one: half of what takes a side."""
    names = ("reflector", "client", "one", "other")
    ends = (("reflector", "client"), ("client", "other"), ("reflector", "one"))
    links = [Link(a, b, 1e9, 10) for pair in ends for a, b in (pair, pair[::-1])]
    links = [x._replace(weight=20) if {x.tail, x.head} == {"reflector", "one"} else x for x in links]
    nodes = [Node(x, 0.0, 0.0) for x in names] + [Node("world", 0.0, 0.0, kind="exits")]
    demands = np.zeros((5, 5))
    demands[:4, 4] = 10.0
    exits = [Link(x, "world", 1e9, 1) for x in ("one", "other")]
    network = Network("square", tuple(nodes), (*links, *exits), demands, astray=(Astray("reflect", "reflector"),))
    missed = simulate(network).undelivered[:4, 4]
    # it is 20 from both and tells of the first; its client goes there by the reflector, which sends half back
    assert missed.tolist() == [5.0, 5.0, 0.0, 0.0]
    everybody = replace(network, astray=())
    assert simulate(everybody).undelivered.sum() == 0
