"""Counters become rates: over wraps, never over resets and gaps, and never negative."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.formats.measurements.counters import Readings, rates_of

MBIT = 125_000  # octets


def read(time, count, *, bits=64, ceiling=np.nan, uptime=None, series=None):
    n = len(time)
    of = np.zeros(n, dtype=np.int64) if series is None else np.array(series, dtype=np.int64)
    many = int(of.max()) + 1
    return rates_of(
        Readings(
            np.array(time, dtype=np.float64),
            of,
            np.array([x % 2**bits for x in count], dtype=np.uint64),
            np.ones(n, dtype=bool),
            np.full(many, 8e-6),  # Mbit of an octet
            np.full(many, ceiling),
            np.full(many, bits == 64),
            np.full(n, np.nan) if uptime is None else np.array(uptime, dtype=np.float64),
        )
    )


def test_a_rate_is_the_difference_over_the_samples_own_times():
    found = read([0, 290, 610], [0, 290 * MBIT, 610 * MBIT])
    assert found.rate == pytest.approx([1.0, 1.0])
    assert found.end.tolist() == [290, 610]


@pytest.mark.parametrize("bits", [32, 64])
def test_a_counter_that_wraps_goes_on(bits):
    start = 2**bits - 1_000 * MBIT
    time = np.arange(8) * 300.0
    found = read(time, [start + int(t) * MBIT for t in time], bits=bits, ceiling=100.0)
    assert found.rate == pytest.approx(np.ones(7), rel=1e-9)
    assert found.wrapped == 1


def test_a_restart_is_missing_with_and_without_the_uptime():
    count = [3_000 * MBIT, 3_300 * MBIT, 3_600 * MBIT, 40 * MBIT, 340 * MBIT]
    for uptime in (None, [9_000, 9_300, 9_600, 40, 340]):
        for bits in (32, 64):
            found = read(np.arange(5) * 300.0, count, bits=bits, ceiling=10_000.0, uptime=uptime)
            np.testing.assert_allclose(found.rate, [1.0, 1.0, np.nan, 1.0])
            assert (found.restarted, found.wrapped) == (1, 0)


def test_a_restart_after_which_the_counter_is_already_ahead_is_known_by_the_uptime_alone():
    found = read([0, 300, 600], [0, 1 * MBIT, 200 * MBIT], uptime=[5_000, 5_300, 200])
    np.testing.assert_allclose(found.rate, [1 / 300, np.nan])


def test_all_counters_of_a_device_that_fall_at_once_are_a_restart_and_no_wrap():
    before = 2**32 - 100 * MBIT
    time, count, series = [], [], []
    for i in range(6):
        time += [0.0, 300.0, 600.0]
        count += [before - 300 * MBIT, before, 200 * MBIT - MBIT * i]
        series += [i] * 3
    found = read(time, count, bits=32, series=series)
    assert found.wrapped == 0
    assert np.isnan(found.rate).sum() == 6


def test_what_was_counted_over_a_gap_is_missing_not_drawn_out():
    found = read([0, 60, 120, 180, 600, 660], [int(t) * MBIT for t in (0, 60, 120, 180, 600, 660)])
    np.testing.assert_allclose(found.rate, [1, 1, 1, np.nan, 1])
    assert found.gaps == 1


def test_more_than_the_interface_can_carry_is_missing():
    found = read([0, 60, 120], [0, 60 * MBIT, 600_000 * MBIT], ceiling=1_000.0)
    np.testing.assert_allclose(found.rate, [1.0, np.nan])
    assert found.impossible == 1


def test_counts_of_64_bits_are_exact():
    top = 2**63 + 2**53 + 1
    assert read([0, 0.008], [top, top + 1_000]).rate[0] == pytest.approx(1.0)


@given(
    st.lists(st.tuples(st.floats(0, 1e6), st.integers(0, 2**64 - 1)), min_size=1, max_size=30),
    st.sampled_from([32, 64]),
    st.sampled_from([np.nan, 1.0, 1e5]),
)
def test_no_reading_makes_a_rate_that_is_negative_or_infinite(rows, bits, ceiling):
    found = read([t for t, _ in rows], [c for _, c in rows], bits=bits, ceiling=ceiling)
    known = found.rate[np.isfinite(found.rate)]
    assert (known >= 0).all()
    assert not np.isinf(found.rate).any()
    if np.isfinite(ceiling):
        assert (known <= 1.05 * ceiling).all()
