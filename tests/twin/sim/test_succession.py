"""The states of a plan swept together under their failures, against a sweep of each and against routing each anew."""

from contextlib import suppress
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.depth import examples
from tests.twin.sim.oracle import broken, with_exits
from tests.twin.sim.test_pairs import mesh
from twin.engines.seam import Serial
from twin.errors import PlanError
from twin.formats import load_network
from twin.model import Link, Network, Node, SegmentList, Tunnel
from twin.plan import (
    Change,
    DrainLink,
    DrainNode,
    LimitDemand,
    RemoveTunnel,
    SetCapacity,
    SetTunnel,
    SetWeight,
    UndrainLink,
    UndrainNode,
    apply,
)
from twin.sim.arrays import compile_network
from twin.sim.failure_sweep import sweep_failures
from twin.sim.route import route
from twin.sim.simulate import Failure, FailureSweep, simulate, single_failures
from twin.sim.succession import SuccessiveSweeps, can_follow, sweep_states

NETWORK = load_network("synthetic/30-3")
FAILURES = single_failures(NETWORK)


class Many(Serial):
    """Does everything here, cut as for several workers."""

    workers = 3


def assert_same(found: FailureSweep, truth: FailureSweep) -> None:
    assert found.failures == truth.failures
    for name in ("max_utilisation", "worst_utilisation"):
        np.testing.assert_allclose(getattr(found, name), getattr(truth, name), rtol=1e-9, atol=1e-12, err_msg=name)
    for name in ("lost", "severed", "overload", "excess", "dropped"):
        np.testing.assert_allclose(getattr(found, name), getattr(truth, name), rtol=1e-9, atol=1e-5, err_msg=name)


def agree(networks: list[Network], failures: tuple[Failure, ...], factors: tuple[float, ...] = (1.0, 1.3)) -> None:
    assert can_follow(networks)
    variants = [(k, factor) for factor in factors for k, x in enumerate(networks) if factor == 1 or not x.limits]
    found = sweep_states(networks, failures, 0.8, variants)
    for (k, factor), sweep in zip(variants, found, strict=True):
        state = networks[k].with_demands(networks[k].demands * factor)
        assert_same(sweep, sweep_failures(state, failures, route(compile_network(state)), 0.8))


def change(data, network: Network) -> Change:
    """Any change that leaves circuits and exits as they are."""
    names = st.sampled_from([x.name for x in network.nodes])
    link, node = data.draw(st.sampled_from(network.links)), data.draw(names)
    source, target = data.draw(st.lists(names, min_size=2, max_size=2, unique=True))
    tunnels = st.lists(names.filter(lambda x: x not in (source, target)), max_size=2, unique=True)
    kinds: list[Change] = [
        SetWeight(link=link.name, weight=data.draw(st.one_of(st.integers(1, 60), st.integers(1, 2000)))),
        DrainLink(circuit=link.circuit) if not link.drained else UndrainLink(circuit=link.circuit),
        DrainNode(node=node) if not network.nodes[network.node(node)].drained else UndrainNode(node=node),
        LimitDemand(source=source, target=target, limit=data.draw(st.floats(0, 50))),
        SetCapacity(circuit=link.circuit, capacity=link.capacity * 2),
    ]
    known = next((x for x in network.tunnels if (x.source, x.target) == (source, target)), None)
    lists = (SegmentList(via=tuple(data.draw(tunnels)), share=0.5), SegmentList(via=(), share=0.5))
    tunnel = Tunnel(name=f"{source}-{target}", source=source, target=target, paths=lists, on_invalid="igp")
    kinds += [SetTunnel(tunnel=tunnel)] if known is None else [RemoveTunnel(name=known.name)]
    return kinds[data.draw(st.integers(0, len(kinds) - 1))]


@settings(max_examples=examples(12))
@given(data=st.data(), steps=st.integers(1, 6))
def test_every_state_of_any_plan_does_under_every_failure_what_a_sweep_of_it_alone_finds(data, steps):
    reached = [NETWORK]
    for _ in range(steps):
        with suppress(PlanError):  # what would change nothing is no step
            reached.append(apply(reached[-1], change(data, reached[-1])))
    agree(reached, FAILURES)


@pytest.mark.parametrize("seed", range(4))
def test_loss_ties_parallel_links_and_drained_routers_change_nothing_of_that(seed):
    network = mesh(seed, lossless=False)
    link, other = network.links[2], network.links[-5]
    drained = next(x.name for x in network.nodes if not x.drained)
    steps = [
        SetWeight(link=link.name, weight=link.weight + 1),
        DrainNode(node=drained),
        SetWeight(link=other.name, weight=other.weight + 2),
        DrainLink(circuit=other.circuit),
        SetWeight(link=link.name, weight=1),
        UndrainNode(node=drained),
    ]
    reached = [network]
    for step in steps:
        with suppress(PlanError):
            reached.append(apply(reached[-1], step))
    agree(reached, single_failures(network))


def test_every_failure_of_every_state_is_what_routing_the_broken_network_anew_finds():
    network = mesh(7)
    reached = [network, apply(network, SetWeight(link=network.links[3].name, weight=9))]
    reached.append(apply(reached[-1], DrainLink(circuit=network.links[8].circuit)))
    failures = single_failures(network)
    for state, sweep in zip(reached, sweep_states(reached, failures, 1.0, [(0, 1), (1, 1), (2, 1)]), strict=True):
        for row, failure in enumerate(failures):
            outcome = simulate(broken(state, failure))
            figures = sweep.max_utilisation[row], sweep.lost[row], sweep.severed[row]
            assert figures == pytest.approx(
                (outcome.max_utilisation, outcome.lost, outcome.severed), rel=1e-9, abs=1e-7
            )


def test_a_tunnel_that_a_failure_leaves_without_a_path_is_followed_to_the_igp():
    """A line with a bridge at its end: tunnels over nodes that fail, or that are cut off."""
    ends = [(0, 1), (1, 2), (2, 0), (2, 3), (3, 4), (4, 2), (4, 5)]
    links = [Link(f"n{a}", f"n{b}", 100.0, 1, 1.0) for x, y in ends for a, b in ((x, y), (y, x))]
    demands = np.full((6, 6), 7.0) * (1 - np.eye(6))
    network = Network("bridge", tuple(Node(f"n{i}", 0, 0) for i in range(6)), tuple(links), demands)
    over = [("T1", "n0", "n4", "n3"), ("T2", "n1", "n3", "n5"), ("T3", "n5", "n0", "n1")]
    reached = [network]
    for name, source, target, via in over:
        lists = (SegmentList(via=(via,), share=0.7), SegmentList(via=(), share=0.3))
        tunnel = Tunnel(name=name, source=source, target=target, paths=lists, on_invalid="igp")
        reached.append(apply(reached[-1], SetTunnel(tunnel=tunnel)))
        reached.append(apply(reached[-1], SetWeight(link="n2->n3", weight=len(reached))))
    agree(reached, single_failures(network))


def test_bundles_that_lose_a_member_are_swept_with_the_rest():
    links = tuple(x._replace(members=4, degraded_weight=900) if i < 8 else x for i, x in enumerate(NETWORK.links))
    network = replace(NETWORK, links=links)
    reached = [network, apply(network, SetWeight(link=links[4].name, weight=77))]
    failures = single_failures(network)
    assert any(x.members for x in failures)
    agree(reached, failures)


def test_whoever_does_it_the_figures_are_the_same_to_the_last_bit():
    reached = [NETWORK, apply(NETWORK, SetWeight(link=NETWORK.links[4].name, weight=777))]
    reached.append(apply(reached[-1], DrainLink(circuit=NETWORK.links[20].circuit)))
    variants = [(0, 1.0), (1, 1.0), (2, 1.0), (2, 1.2)]
    for one, other in zip(
        sweep_states(reached, FAILURES, 1.0, variants),
        sweep_states(reached, FAILURES, 1.0, variants, Many()),
        strict=True,
    ):
        for name in (x.name for x in fields(one) if x.name != "failures"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


def test_many_states_are_swept_some_at_a_time(monkeypatch):
    monkeypatch.setattr("twin.sim.succession._MEMORY", 0)
    reached = [NETWORK]
    for i in range(4):
        reached.append(apply(reached[-1], SetWeight(link=NETWORK.links[9 * i].name, weight=500)))
    swept = SuccessiveSweeps(reached, FAILURES, 0.8, grown=[(4, 1.2)])
    for state in reached:
        found = swept.sweep(state, 0.8)
        assert found is not None
        assert_same(found, sweep_failures(state, FAILURES, route(compile_network(state)), 0.8))
    assert swept.sweep(reached[4], 0.8, factor=1.2) is not None
    assert swept.sweep(reached[0], 0.8, factor=1.2) is None
    assert swept.sweep(reached[0], 0.9) is None
    assert swept.sweep(NETWORK.with_demands(NETWORK.demands), 0.8) is None


def test_states_that_differ_in_more_and_those_with_exits_are_swept_one_by_one():
    lossy = replace(NETWORK, links=tuple(x._replace(loss=0.1) if i == 3 else x for i, x in enumerate(NETWORK.links)))
    down = replace(NETWORK, nodes=tuple(x._replace(up=i != 3) for i, x in enumerate(NETWORK.nodes)))
    assert can_follow([NETWORK, NETWORK])
    assert not can_follow([NETWORK, lossy])
    assert not can_follow([NETWORK, down])
    assert not can_follow([with_exits(mesh(1), 3)] * 2)
