"""Rows in whatever order, dated wrong or told twice: counted and arranged as a plain loop over them does."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.twin.observe.readings.test_observation import pair_of_routers, telemetry
from twin.live.network import FlowSamples, TrafficSamples
from twin.observe.readings import samples
from twin.observe.readings.intake import take_in

TIMES = st.sampled_from([300.0, 600.0, 900.0, 1200.0, float("nan"), 9e9])
RATES = st.sampled_from([0.0, 1.0, 7.5, -1.0, 2e9, float("inf"), float("-inf"), float("nan")])
ROWS = st.lists(st.tuples(TIMES, st.integers(0, 1), st.integers(0, 1), RATES), max_size=12)
NOW = datetime.fromtimestamp(2000, UTC)


def table(rows, columns) -> TrafficSamples:
    time, source, target, mbps = zip(*rows, strict=True) if rows else ((), (), (), ())
    whole = (np.array(x, dtype=np.int64) for x in (source, target))
    return columns(np.array(time, dtype=float), *whole, np.array(mbps, dtype=float))


@settings(max_examples=150)
@given(rows=ROWS, tidy=st.booleans())
def test_what_is_wrong_with_rows_is_counted_and_left_out_in_whatever_order_they_come(rows, tidy):
    rows = sorted({row[:3]: row for row in rows if row[0] < 2000}.values()) if tidy else rows
    taken, tally = take_in(replace(telemetry([[1, 1]], [[1, 1]]), traffic=table(rows, TrafficSamples)), NOW)
    kept = sorted((row for row in rows if row[0] < 2000), key=lambda x: x[0])
    possible = [row if 0 <= row[3] <= 1e9 else (*row[:3], np.nan) for row in kept]
    np.testing.assert_array_equal(np.array(taken.traffic).T, np.array(possible).reshape(-1, 4))
    assert tally.undated == sum(np.isnan(row[0]) for row in rows)
    assert tally.future == sum(row[0] == 9e9 for row in rows)
    assert tally.duplicated == sum(count - 1 for count in Counter(row[:3] for row in kept).values())
    assert tally.impossible == sum(not np.isnan(row[3]) and not 0 <= row[3] <= 1e9 for row in kept)


@pytest.mark.parametrize("at_once", [1, 8, 4_000_000])
@settings(max_examples=40)
@given(flows=ROWS, traffic=ROWS, ordered=st.booleans())
def test_packets_per_megabit_are_the_same_however_many_samples_are_worked_on_at_once(at_once, flows, traffic, ordered):
    flows, traffic = ([row for row in x if row[0] < 2000 and 0 <= row[3] < 10] for x in (flows, traffic))
    if ordered:
        flows, traffic = (sorted(x, key=lambda row: row[0]) for x in (flows, traffic))
    given_ = telemetry([[1, 1]] * 4, [[1, 1]] * 4)
    both = table(flows, lambda *x: FlowSamples(*x, 2 * x[3]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(samples, "_AT_ONCE", at_once)
        found = samples.read_samples(
            pair_of_routers(), replace(given_, flows=both, traffic=table(traffic, TrafficSamples)), 4
        )
    counted, exported = ({row[:3]: row[3] for row in x} for x in (flows, traffic))  # of repeated rows the last counts
    for k, at in enumerate((300.0, 600.0, 900.0, 1200.0)):
        for target in (0, 1):
            pairs = [key for key in counted if key in exported and key[0] == at and key[2] == target]
            mbps = sum(exported[key] for key in pairs)
            expected = sum(counted[key] for key in pairs) / mbps if mbps > 0 else np.nan
            assert found.packets_per_mbit[k, target] == pytest.approx(expected, nan_ok=True)
            assert found.flows_per_mbit[k, target] == pytest.approx(2 * expected, nan_ok=True)
