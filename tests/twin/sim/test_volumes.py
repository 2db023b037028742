"""Many traffic matrices under the same failures, side by side, against a sweep of each and a full evaluation."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.twin.sim.oracle import broken, random_network, with_exits
from tests.twin.sim.test_pairs import Many, mesh
from twin.model import Network
from twin.sim.arrays import compile_network
from twin.sim.failure_sweep import sweep_failures
from twin.sim.route import route
from twin.sim.simulate import simulate, single_failures
from twin.sim.volumes import sweep_volumes

FIGURES = ("max_utilisation", "lost", "severed", "overload", "excess", "dropped", "worst_utilisation")


def hours(network: Network, seed: int, count: int = 3) -> list[Network]:
    """The network under other matrices, not in proportion, the last of them empty."""
    rng = np.random.default_rng(seed)
    shares = [
        rng.lognormal(0, 1, network.demands.shape) * (rng.random(network.demands.shape) < 0.8) for _ in range(count)
    ]
    return [network.with_demands(network.demands * x) for x in (*shares, 0.0)]


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.booleans(), st.booleans())
def test_each_matrix_has_the_figures_of_a_sweep_of_its_own(seed, lossless, exits):
    network = random_network(seed, lossless=lossless)
    network = with_exits(network, seed) if exits else network
    network = replace(network, tunnels=()) if seed % 4 else network
    failures, states = single_failures(network), hours(network, seed)
    for state, found in zip(states, sweep_volumes(states, failures, 0.7), strict=True):
        if not failures:
            continue
        alone = sweep_failures(state, failures, route(compile_network(state)), 0.7)
        for name in FIGURES:
            np.testing.assert_allclose(getattr(found, name), getattr(alone, name), rtol=1e-9, atol=1e-7, err_msg=name)


@pytest.mark.parametrize("seed", [1, 2])
def test_each_matrix_has_the_figures_of_the_broken_network_evaluated_in_full(seed):
    network = mesh(seed, nodes=11, lossless=False)
    failures, states = single_failures(network), hours(network, seed)
    for state, found in zip(states, sweep_volumes(states, failures), strict=True):
        for row, failure in enumerate(failures):
            outcome = simulate(broken(state, failure))
            figures = found.max_utilisation[row], found.lost[row], found.severed[row], found.dropped[row]
            expected = outcome.max_utilisation, outcome.lost, outcome.severed, outcome.dropped
            assert figures == pytest.approx(expected, rel=1e-9, abs=1e-7)


def test_however_the_failures_are_cut_the_figures_are_the_same_to_the_last_bit():
    network = mesh(5, nodes=20)
    failures, states = single_failures(network), hours(network, 5)
    whole, cut = sweep_volumes(states, failures), sweep_volumes(states, failures, engine=Many())
    for one, other in zip(whole, cut, strict=True):
        for name in (*FIGURES, "busiest", "worst_failure"):
            assert getattr(one, name).tolist() == getattr(other, name).tolist(), name
