"""Growth towards nodes, from matrices of sampled packets whose truth is drawn here."""

import numpy as np
import pytest

from twin.live.declared import Declaration
from twin.model import Floats
from twin.observe.readings.growth import Growth, growth, onsets

PER_SAMPLE = 0.027  # Mbit/s that one sampled packet stands for: one in a thousand of 8000 bits, in 300 s
NODES = 250


def seen(before: int, now: int, *, surge: float = 1.0, seed: int = 1) -> tuple[Growth, Floats]:
    """Growth that sampled packets show where all pairs carry the same as before, but those towards node 0; and rates.

    Nodes receive from 0.1 to 20 packets a sample and pair: some all but none, as on a large network.
    """
    rng = np.random.default_rng(seed)
    packets = np.exp(rng.normal(0, 0.7, (NODES, NODES))) * np.geomspace(0.1, 20, NODES)[None, :]
    later = packets.copy()
    later[:, 0] *= surge
    means = [rng.poisson(x * k) * PER_SAMPLE / k for x, k in ((packets, before), (later, now))]
    return growth(*means, PER_SAMPLE, (before, now), Declaration()), packets.mean(axis=0)


@pytest.mark.parametrize(("before", "now"), [(1, 1), (2, 3), (8, 3), (12, 3), (12, 1)])
def test_few_sampled_packets_are_neither_growth_nor_a_fall(before: int, now: int):
    found, packets = seen(before, now)
    assert np.abs(found.score).max() < 4.0  # 2 in 100 of 250 normal ones exceed it; logarithms of counts reached 9
    few = packets < np.median(packets)
    apart = found.log_factor[few].mean() - found.log_factor[~few].mean()
    assert abs(apart) < 4 * np.sqrt((found.sigma[few] ** 2).sum()) / few.sum()
    assert found.level == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize("factor", [0.4, 3.0])
def test_a_surge_at_a_node_of_few_packets_is_as_large_as_it_is(factor: float):
    found, _ = seen(12, 3, surge=factor)
    assert found.log_factor[0] == pytest.approx(np.log(factor), abs=4 * found.sigma[0])


def test_pairs_that_fell_silent_say_nothing_of_those_that_did_not():
    rates = np.full((6, 6), 100 * PER_SAMPLE)
    later = rates.copy()
    later[:3, 0] = 0.0
    found = growth(rates, later, PER_SAMPLE, (4, 4), Declaration())
    assert np.abs(found.log_factor).max() < 1e-9


@pytest.mark.parametrize("bend", [0.0, 0.4, -0.4])
@pytest.mark.parametrize("slope", [-0.5, 0.5])
def test_traffic_that_comes_or_goes_by_the_hour_has_no_onset_and_a_step_on_top_of_it_has(slope: float, bend: float):
    rng, x = np.random.default_rng(3), np.linspace(0, 1, 27)
    rates = np.exp(rng.normal(0, 0.02, (27, 9)))
    rates[:, 0] *= np.exp(slope * x + bend * x**2)
    assert not onsets(rates, Declaration()).any()
    rates[20:, 0] *= 3.0
    assert onsets(rates, Declaration()).tolist() == [20, *[0] * 8]
