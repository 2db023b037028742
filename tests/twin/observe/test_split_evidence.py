"""A wrong inventory is noticed where paths tie: how evenly flows split is told by samples of the same split."""

from dataclasses import replace

import numpy as np
import pytest

from tests.twin.optimise.networks import network_of
from twin.live.declared import Declaration
from twin.live.network import LinkSamples, NodeSamples, ProbeSamples, Telemetry, TrafficSamples
from twin.observe import observe
from twin.observe.quality.fidelity import fidelity_of
from twin.observe.quality.split_evidence import split_concentration

# A to D over B or over C, equally far
NETWORK = network_of(
    [("A", "B", 100e3, 5), ("B", "D", 100e3, 5), ("A", "C", 100e3, 5), ("C", "D", 100e3, 5)],
    {("A", "D"): 40e3, ("B", "D"): 10e3, ("C", "A"): 10e3},
)
TOLD = Declaration(splits_told=True, interval_s=300.0)
UPPER = {"A->B", "B->D"}


def measured(share, declared=TOLD, samples=24, seed=1):
    """Counters and flows where `share(k, rng)` of what goes from A to D is sent over B in sample k."""
    rng = np.random.default_rng(seed)
    links, flows = [], []
    for k in range(samples):
        time, ad, bd, ca = 300.0 * (k + 1), *(NETWORK.demands[NETWORK.demands > 0] * rng.normal(1, 0.02, 3))
        over = share(k, rng)
        load = {"A->B": over * ad, "B->D": over * ad + bd, "A->C": (1 - over) * ad, "C->D": (1 - over) * ad, "C->A": ca}
        for i, link in enumerate(NETWORK.links):
            rate = load.get(link.name, 0.0)
            links.append((time, i, rate * rng.normal(1, 0.002), rate * rng.normal(1, 0.002), 0.0, np.nan))
        for s, t, volume in ((0, 3, ad), (1, 3, bd), (2, 0, ca)):
            flows.append((time, s, t, volume * rng.normal(1, 0.005)))
    names = NETWORK.node_index
    assert [NETWORK.nodes[i].name for i in range(4)] == list(names)
    time, link, out, received, dropped, up = (np.array(x) for x in zip(*links, strict=True))
    at, source, target, mbps = (np.array(x) for x in zip(*flows, strict=True))
    none, zero = np.zeros(0), np.zeros(0, dtype=np.int64)
    stamps = np.unique(time)
    every = np.tile(np.arange(4), stamps.size)
    return Telemetry(
        LinkSamples(time, link, out, received, dropped, up),
        NodeSamples(np.repeat(stamps, 4), every, np.ones(every.size, dtype=np.bool_)),
        ProbeSamples(none, zero, zero, none, none),
        TrafficSamples(at, source, target, mbps),
        (),
        declared=declared,
    )


def fidelity(share, **options):
    return fidelity_of(observe(NETWORK, measured(share, **options))).score


def even(_k, rng):
    return 0.5 + rng.normal(0, 0.005)


def test_an_even_split_that_stays_even_is_explained():
    assert fidelity(even) > 0.99


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_all_of_it_on_one_of_two_equal_paths_is_noticed_when_it_begins(seed):
    assert fidelity(lambda k, rng: 1.0 if k >= 20 else even(k, rng), seed=seed) < 0.8


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_it_is_noticed_when_it_was_so_all_along(seed):
    assert fidelity(lambda _k, _rng: 1.0, seed=seed) < 0.8


def test_few_heavy_flows_that_are_hashed_anew_each_time_are_no_wrong_inventory():
    assert fidelity(lambda _k, rng: rng.binomial(12, 0.5) / 12) > 0.95


def test_what_a_network_declares_of_its_flows_counts_where_it_declares_it():
    stated = TOLD.model_copy(update={"splits_told": False})
    assert fidelity(lambda _k, _rng: 1.0, declared=stated) > 0.95


def test_the_bound_is_near_what_the_draw_was_made_with_and_never_above_what_is_stated():
    flows = 50
    observation = observe(NETWORK, measured(lambda _k, rng: rng.binomial(flows, 0.5) / flows, seed=5))
    assert 0.3 / flows < split_concentration(observation, observation.network) < 8 / flows
    few = observe(NETWORK, measured(lambda _k, rng: rng.binomial(1, 0.5), seed=5))
    assert split_concentration(few, few.network) <= TOLD.concentration


def test_two_samples_tell_nothing():
    observation = observe(NETWORK, measured(even, samples=2))
    assert split_concentration(observation, observation.network) == TOLD.concentration
    assert split_concentration(replace(observation), observation.network) == TOLD.concentration
