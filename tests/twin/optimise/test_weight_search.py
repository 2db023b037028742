from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.depth import DEEP
from tests.twin.optimise.networks import data_folder, network_of, random_network
from twin.formats import read_network
from twin.gate.verdict import verify
from twin.model import Network
from twin.optimise.lp import lowest_utilisation
from twin.optimise.weight_search import relieve_by_weight_search, search_weights
from twin.plan import apply_all
from twin.policy import Policy
from twin.sim.simulate import simulate


def with_weights(network: Network, weights) -> Network:
    pairs = zip(network.links, weights, strict=True)
    return replace(network, links=tuple(link._replace(weight=int(weight)) for link, weight in pairs))


@settings(max_examples=12)
@given(st.integers(0, 10_000))
def test_the_peak_is_what_the_simulator_measures_with_these_weights(seed):
    network = random_network(seed, load=1.5)
    found = search_weights(network, seed=seed, evaluations=200)
    peak = simulate(with_weights(network, found.weight)).max_utilisation
    assert found.max_utilisation == pytest.approx(peak)
    assert simulate(apply_all(network, found.changes)).max_utilisation == pytest.approx(peak)
    assert lowest_utilisation(network).max_utilisation - 1e-6 <= peak
    assert peak <= simulate(network).max_utilisation + 1e-9


def test_on_tiny_networks_it_is_as_good_as_the_best_of_all_small_weights():
    for seed in range(4):
        rng = np.random.default_rng(seed)
        pairs = [("a", "b"), ("b", "c"), ("c", "a")]
        demands = {(s, t): float(rng.integers(1, 50)) for s, t in (*pairs, ("a", "c"), ("b", "a"))}
        network = network_of([(a, b, float(rng.integers(30, 90)), 1) for a, b in pairs], demands)
        best = min(simulate(with_weights(network, w)).max_utilisation for w in product((1, 2, 3), repeat=6))
        assert search_weights(network, seed=1, evaluations=1500).max_utilisation <= best + 1e-9


def test_the_same_seed_gives_the_same_weights_and_the_bound_lies_below():
    network = random_network(7, nodes=8, extra=7)
    first, again = (search_weights(x, seed=5, evaluations=400) for x in (network, replace(network)))
    assert first.weight.tolist() == again.weight.tolist()
    assert first.gap >= -1e-6
    assert first.evaluations <= 400 + 2 + 2 * len(network.links)


def test_a_network_without_traffic_keeps_its_weights():
    network = random_network(2)
    idle = network.with_demands(np.zeros_like(network.demands))
    assert search_weights(idle, evaluations=50).changes == ()


@pytest.mark.parametrize("most", [1, 3])
def test_no_more_weights_change_than_allowed_and_none_that_is_fixed(most):
    improved = 0
    for seed in range(5):
        network = random_network(seed, nodes=8, extra=8, load=2)
        fine = with_weights(network, [link.weight * 100 for link in network.links])
        fixed = {link.name for link in network.links[::3]}
        found = search_weights(fine, seed=seed, evaluations=400, most=most, fixed=fixed)
        assert len(found.changes) <= most
        assert not {change.link for change in found.changes} & fixed
        peak = simulate(apply_all(fine, found.changes)).max_utilisation
        assert found.max_utilisation == pytest.approx(peak)
        improved += peak < simulate(fine).max_utilisation - 1e-9
    assert improved >= 3


def test_plans_fit_the_steps_that_the_policy_allows_and_pass_the_gate():
    loose = Policy(max_blast_radius=1, max_delay_stretch=50, max_failure_utilisation=50, max_utilisation=0.3)
    plans = 0
    for seed, most in product(range(0 if DEEP else 2, 4), (1, 4)):
        network = random_network(seed, nodes=5, extra=3, load=2)
        fine = with_weights(network, [link.weight * 100 for link in network.links])
        policy = loose.model_copy(update={"max_steps": most})
        proposal = relieve_by_weight_search(fine, policy, seed=seed)
        assert "steps" not in proposal.reason
        if proposal.plan:
            plans += 1
            assert proposal.steps <= most
            assert verify(proposal.plan, fine, policy).passed
    assert plans > 2


def test_a_published_network_comes_close_to_its_known_optimum():
    folder = data_folder("repetita")
    network = read_network(folder / "Abilene.graph", folder / "Abilene.0000.demands")
    assert search_weights(network, evaluations=6000).max_utilisation <= 1.1 * 0.9
