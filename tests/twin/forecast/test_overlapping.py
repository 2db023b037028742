"""What errors of overlapping outcomes tell of the next one."""

import numpy as np
import pytest
from scipy.special import stdtrit

from twin.forecast.overlapping import independent_origins, next_error


@pytest.mark.parametrize("overlap", [1, 4, 9])
def test_squares_of_overlapping_sums_vary_as_those_of_so_many_independent_ones(overlap):
    rng = np.random.default_rng(8)
    walks = np.cumsum(rng.standard_normal((4000, 24 + overlap)), axis=1)
    squares = ((walks[:, overlap:] - walks[:, :-overlap]) ** 2).mean(axis=1)
    freedom = 2 * squares.mean() ** 2 / squares.var()
    assert independent_origins(24, overlap) == pytest.approx(freedom, rel=0.1)


def test_errors_that_share_nothing_tell_of_the_next_one_by_students_law():
    errors = np.random.default_rng(1).standard_normal(24)
    levels = np.linspace(0.005, 0.995, 100)
    assert next_error(errors, 1, levels) == pytest.approx(stdtrit(24, levels), abs=0.01)


@pytest.mark.parametrize(("kept", "least", "most"), [(1.0, 0.87, 0.92), (0.9, 0.87, 0.94), (0.0, 0.88, 0.92)])
@pytest.mark.parametrize("overlap", [4, 18])
def test_the_next_error_lies_as_far_as_is_told_whether_traffic_wanders_or_falls_back(kept, least, most, overlap):
    """Outcomes of 24 origins, by what is left of a shock after one of them: 1 is a random walk."""
    rng, held = np.random.default_rng(2), list[bool]()
    weights = kept ** np.arange(overlap)
    for shocks in rng.standard_normal((1500, 24 + overlap)):
        errors = np.convolve(shocks, weights, mode="valid")[:24]
        low, high = next_error(errors, overlap, np.array([0.05, 0.95]))
        came = rng.standard_normal(overlap) @ weights  # begins after the last outcome
        held.append(bool(low <= came / np.sqrt((errors**2).mean()) <= high))
    assert least <= np.mean(held) <= most


def test_what_falls_back_fast_is_told_more_surely_than_what_wanders():
    shocks = np.random.default_rng(3).standard_normal((50, 42))
    wanders, falls = (
        np.mean([next_error(np.convolve(x, kept ** np.arange(18), mode="valid"), 18, np.array([0.98])) for x in shocks])
        for kept in (1.0, 0.5)
    )
    assert falls < 0.8 * wanders
