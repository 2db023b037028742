"""The rulebook against a computation with networkx that shares no code with it."""

from dataclasses import replace

import numpy as np
import pytest

from evals.oracle.carried import carried, failures
from evals.oracle.passing import excess, looping, rise
from tests.twin.optimise.networks import network_of
from tests.twin.sim.oracle import broken, random_network, reference
from tests.twin.square import OPEN, plan_for
from twin.gate.checks.rehearsal import Rehearsal
from twin.gate.rules import may_pass
from twin.gate.verdict import verify
from twin.model import Network
from twin.plan import Change, DrainLink, DrainNode, SetWeight, SleepLink, UndrainLink, apply, states
from twin.sim.arrays import compile_network
from twin.sim.loops import loops_between
from twin.sim.route import route
from twin.sim.shortfall import Shortfall
from twin.sim.simulate import simulate, single_failures


@pytest.mark.parametrize("seed", range(60))
def test_what_each_demand_misses_under_each_failure_is_what_the_broken_network_does_not_deliver(seed):
    network = random_network(seed)
    shortfall = Shortfall(network)
    sweep = simulate(network, failures=single_failures(network), limit=0.5).sweep
    for row, failure in enumerate(single_failures(network)):
        state = broken(network, failure)
        expected, missed = reference(state), shortfall.under(failure)
        assert missed.sum() == pytest.approx(expected.lost + expected.dropped, abs=1e-6)
        assert (np.isinf(expected.delay) & (state.offered > 0) & both_up(state) <= (missed.T > 0)).all()
        assert sweep.dropped[row] == pytest.approx(expected.dropped, abs=1e-6)
        over = np.maximum(expected.load - 0.5 * np.array([x.capacity for x in network.links]), 0).sum()
        assert sweep.excess[row] == pytest.approx(over, abs=1e-6)


def both_up(network: Network) -> np.ndarray:
    up = np.array([node.up for node in network.nodes])
    return np.outer(up, up)


def lossless(seed: int) -> Network:
    network = random_network(seed, lossless=True)
    nodes = tuple(x._replace(up=True) for x in network.nodes)
    return replace(network, nodes=nodes, tunnels=())


def igp_steps(network: Network, rng: np.random.Generator, count: int) -> tuple[Change, ...]:
    steps: list[Change] = []
    state = network
    for _ in range(count):
        link = state.links[int(rng.integers(len(state.links)))]
        node = state.nodes[int(rng.integers(len(state.nodes)))]
        options: list[Change] = [SetWeight(link=link.name, weight=link.weight % 5 + 1)]
        if not any(state.links[i].drained for i in state.circuits[link.circuit]):
            options.append(DrainLink(circuit=link.circuit))
        elif all(state.links[i].drained for i in state.circuits[link.circuit]):
            options.append(UndrainLink(circuit=link.circuit))
        if not any(state.links[i].asleep for i in state.circuits[link.circuit]):
            options.append(SleepLink(circuit=link.circuit))
        if not node.drained:
            options.append(DrainNode(node=node.name))
        step = options[int(rng.integers(len(options)))]
        state = apply(state, step)
        steps.append(step)
    return tuple(steps)


@pytest.mark.parametrize("seed", range(80))
def test_loops_are_the_cycles_of_old_and_new_next_hops(seed):
    network = lossless(seed)
    step = igp_steps(network, np.random.default_rng(seed), 1)[0]
    after = apply(network, step)
    found = [(compile_network(x), route(compile_network(x))) for x in (network, after)]
    loops = loops_between(*found)
    expected = looping(network, after)
    names = [node.name for node in network.nodes]
    assert {names[t] for t in np.flatnonzero(loops.caught.any(axis=1))} == set(expected)
    for t, name in enumerate(names):
        assert loops.volume[t] == pytest.approx(expected.get(name, 0.0), abs=1e-6)


@pytest.mark.parametrize("seed", range(60))
def test_a_state_may_be_passed_exactly_when_the_oracle_finds_nothing_worse(seed):
    network = lossless(seed)
    steps = igp_steps(network, np.random.default_rng([seed, 5]), 3)
    reached = states(network, steps)
    rehearsal = Rehearsal(plan_for(network, *steps), OPEN, reached)
    ends = reached[0], reached[-1]
    for step in range(1, 4):
        worse = rise(reached[step - 1], reached[step], ends, OPEN)
        found = may_pass(*rehearsal.stressed[step - 1 : step + 1], rehearsal.ends, OPEN, step)
        if not 0 < worse < 1e-3:  # by a hair is nobody's case
            assert (found is None) == (worse == 0), (worse, found)


@pytest.mark.parametrize("seed", range(60))
def test_survivable_passes_exactly_when_the_oracle_finds_no_failure_worse(seed):
    network = lossless(seed)
    steps = igp_steps(network, np.random.default_rng([seed, 6]), 2)
    final = states(network, steps)[-1]
    plan = plan_for(network, *steps)
    if final.id == network.id:
        return
    rules = OPEN.model_copy(update={"max_failure_utilisation": 0.8})
    rehearsal = Rehearsal(plan, rules, states(network, steps))
    worse = []
    for failure in rehearsal.stressed[0].failures:
        before, after = (broken(x, failure) for x in (network, final))
        worse.append(excess((before,), after, 0.8))
    check = next(x for x in verify(plan, network, rules).checks if x.name == "survivable")
    if not any(0 < x < 1e-3 for x in worse) and "not evaluated" not in check.detail:
        assert check.passed == (max(worse, default=0.0) == 0)


def test_a_drain_that_loops_is_told_and_with_a_limit_rejected():
    # B reaches D through A until A stops using A-D: then A turns to B while B still points at A
    circuits = [("A", "D", 10.0, 1), ("A", "B", 10.0, 1), ("B", "C", 10.0, 2), ("C", "D", 10.0, 2)]
    network = network_of(circuits, {("B", "D"): 3.0, ("A", "D"): 1.0, ("C", "D"): 1.0})
    plan = plan_for(network, DrainLink(circuit="link/A:D--D:A"), objective="drain")
    told = verify(plan, network, OPEN)
    assert [(x.step, x.worst) for x in told.convergence] == [(1, "node/D")]
    assert told.convergence[0].mbps == pytest.approx(looping(network, apply(network, plan.steps[0]))["D"])
    transient = {x.name: x for x in told.checks}["transient"]
    assert "may loop" in transient.detail or not transient.passed
    strict = verify(plan, network, OPEN.model_copy(update={"max_loop_share": 0.1}))
    check = {x.name: x for x in strict.checks}["transient"]
    assert (check.passed, check.counterexample.element, check.counterexample.step) == (False, "node/D", 1)


def test_swapping_which_node_one_failure_cuts_off_is_no_survival_whatever_the_sums():
    ends = [("A", "B"), ("A", "X"), ("A", "Y"), ("B", "X"), ("B", "Y")]
    plain = network_of([(a, b, 1000.0, 10) for a, b in ends], {("B", "X"): 100.0, ("B", "Y"): 101.0})
    network = apply(plain, DrainLink(circuit="link/B:Y--Y:B"))
    swap = (UndrainLink(circuit="link/B:Y--Y:B"), DrainLink(circuit="link/B:X--X:B"))
    final = states(network, swap)[-1]
    lost = [carried(x, dead).lost for x in (network, final) for dead in [node_a(network)]]
    assert (lost[0], lost[1]) == (frozenset({("B", "Y")}), frozenset({("B", "X")}))
    check = {x.name: x for x in verify(plan_for(network, *swap, objective="drain"), network, OPEN).checks}["survivable"]
    assert (check.passed, check.counterexample.element, check.counterexample.measured) == (False, "node/X", 100.0)


def node_a(network: Network):
    return next(x for x in failures(network) if x.node == "A")
