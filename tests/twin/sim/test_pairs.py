"""Two circuits at once, out of what each does alone, against a full evaluation and against networkx."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.depth import examples
from tests.twin.sim.oracle import broken, random_network, reference, with_exits
from twin.engines.seam import Serial
from twin.model import Link, Network, Node, SegmentList, Tunnel
from twin.sim.arrays import compile_network
from twin.sim.chunks import PAYS
from twin.sim.failure_sets import circuit_pairs
from twin.sim.failure_sweep import sweep_failures
from twin.sim.route import route
from twin.sim.simulate import Failure, FailureSweep, simulate


class Many(Serial):
    """Does everything here, cut as for several workers."""

    workers = 3


def mesh(seed: int, *, nodes: int = 14, lossless: bool = True) -> Network:
    """A connected network with long ways, ties and parallel links, and pairs enough for their shortcut."""
    rng = np.random.default_rng(seed)
    ring = [(i, (i + 1) % nodes) for i in range(nodes)]
    chords = [tuple(map(int, rng.choice(nodes, 2, replace=False))) for _ in range(nodes // 2)]
    links: dict[str, Link] = {}
    for a, b in [*ring, *chords]:
        weight, capacity = int(rng.integers(1, 4)), float(rng.choice([100, 400]))
        index = 1 + sum(x.tail == f"n{a}" and x.head == f"n{b}" for x in links.values())
        for tail, head in ((a, b), (b, a)):
            loss = 0.0 if lossless or rng.random() < 0.8 else float(rng.random())
            link = Link(f"n{tail}", f"n{head}", capacity, weight, 1.0, index, loss=loss)
            links[link.name] = link
    demands = rng.exponential(30, (nodes, nodes)) * (rng.random((nodes, nodes)) < 0.6) * (1 - np.eye(nodes))
    names = tuple(Node(f"n{i}", 0, 0, drained=bool(rng.random() < 0.07)) for i in range(nodes))
    return Network("mesh", names, tuple(links.values()), demands)


def assert_same(sweep: FailureSweep, network: Network) -> None:
    """Every figure of every pair as a full evaluation of the broken network has it."""
    capacity = np.array([link.capacity for link in network.links])
    worst = simulate(network).utilisation
    for row, pair in enumerate(sweep.failures):
        outcome = simulate(broken(network, pair))
        figures = sweep.max_utilisation[row], sweep.lost[row], sweep.overload[row], sweep.dropped[row]
        expected = (
            outcome.max_utilisation,
            outcome.lost,
            np.maximum(outcome.load - capacity, 0).sum(),
            outcome.dropped,
        )
        assert figures == pytest.approx(expected, rel=1e-9, abs=1e-7), pair.name
        worst = np.maximum(worst, outcome.utilisation)
    np.testing.assert_allclose(sweep.worst_utilisation, worst, rtol=1e-9, atol=1e-9)


def swept(network: Network, pairs: tuple[Failure, ...], engine: Serial = Serial()) -> FailureSweep:
    return sweep_failures(network, pairs, route(compile_network(network)), engine=engine)


@settings(max_examples=examples(2))
@given(st.integers(0, 10_000), st.booleans())
def test_every_pair_of_a_mesh_equals_a_full_evaluation(seed, lossless):
    network = mesh(seed, lossless=lossless)
    pairs = circuit_pairs(network)
    assert len(pairs) >= PAYS * len(network.circuits)
    assert_same(swept(network, pairs), network)


@settings(max_examples=examples(20))
@given(st.integers(0, 10_000), st.booleans())
def test_every_pair_of_a_torn_network_equals_a_full_evaluation(seed, exits):
    network = random_network(seed, lossless=True)
    network = with_exits(network, seed) if exits else network
    assert_same(swept(network, circuit_pairs(network)), network)


@pytest.mark.parametrize("seed", [3, 8])
def test_pairs_equal_what_networkx_finds_from_the_definitions(seed):
    network = mesh(seed, nodes=12)
    pairs = circuit_pairs(network)
    sweep = swept(network, pairs)
    for row in range(0, len(pairs), 17):
        expected = reference(broken(network, pairs[row]))
        capacity = np.array([link.capacity for link in network.links])
        figures = sweep.max_utilisation[row], sweep.lost[row]
        assert figures == pytest.approx(((expected.load / capacity).max(), expected.lost), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_a_tunnel_that_only_both_circuits_together_cut_falls_back_to_its_other_lists(seed):
    network = mesh(seed)
    rng = np.random.default_rng(seed)
    ends = {tuple(map(int, rng.choice(np.arange(1, 14), 2, replace=False))) for _ in range(4)}
    lists = (SegmentList(via=(), share=0.25), SegmentList(via=("n0",), share=0.75))
    tunnels = tuple(
        Tunnel(name=f"t{k}", source=f"n{s}", target=f"n{t}", paths=lists) for k, (s, t) in enumerate(sorted(ends))
    )
    network = replace(network, tunnels=tunnels)
    assert_same(swept(network, circuit_pairs(network)), network)


def test_where_the_first_circuit_sends_its_traffic_over_the_second_both_count():
    # a-b fails: its traffic takes c, then d; what c-b carries depends on a-b, and the reverse
    names = "abcd"
    pairs = [("a", "b", 1), ("a", "c", 1), ("c", "b", 1), ("a", "d", 5), ("d", "b", 5), *(("c", "d", 9),)]
    links = tuple(Link(x, y, 10, w, 1.0) for a, b, w in pairs for x, y in ((a, b), (b, a)))
    demands = np.zeros((4, 4))
    demands[0, 1], demands[2, 1] = 6.0, 3.0
    network = Network("square", tuple(Node(x, 0, 0) for x in names), links, demands)
    both = circuit_pairs(network)
    sweep = sweep_failures(network, both * 4, route(compile_network(network)))
    row = next(i for i, x in enumerate(both) if set(x.name.split(" & ")) == {"link/a:b--b:a", "link/b:c--c:b"})
    # 6 from a by d; 3 from c back to a (1) and over d (1 + 10), rather than straight to d (9 + 5)
    assert sweep.max_utilisation[row] == pytest.approx(0.9)
    assert len({sweep.lost[row + k * len(both)] for k in range(4)}) == 1


@settings(max_examples=8)
@given(st.integers(0, 10_000))
def test_pairs_have_the_same_figures_to_the_last_bit_however_they_are_cut(seed):
    network = mesh(seed % 50, nodes=30)
    pairs = circuit_pairs(network)
    rng = np.random.default_rng(seed)
    singles = tuple(Failure(f"node/n{i}", nodes=(i,)) for i in range(5))
    mixed = tuple((*pairs, *singles)[i] for i in rng.permutation(len(pairs) + 5))
    whole, cut = swept(network, mixed), swept(network, mixed, Many())
    for name in ("max_utilisation", "busiest", "lost", "severed", "overload", "excess", "dropped", "worst_failure"):
        assert getattr(whole, name).tolist() == getattr(cut, name).tolist(), name
    assert whole.worst_utilisation.tolist() == cut.worst_utilisation.tolist()
