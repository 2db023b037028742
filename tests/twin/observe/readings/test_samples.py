"""Samples one by one are those that are arranged all at once."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from twin.formats import load_network
from twin.live.emulated import EmulatedNetwork
from twin.live.network import Telemetry
from twin.observe.readings import samples
from twin.observe.readings.samples import each_sample, read_samples

NETWORK = load_network("synthetic/12-1")
SOME = NETWORK.with_demands(np.where(np.arange(144).reshape(12, 12) % 5 == 0, 0.0, NETWORK.demands))


@pytest.fixture(scope="module")
def measured() -> Telemetry:
    live = EmulatedNetwork(SOME, seed=3, start=datetime(2026, 3, 3, 5, tzinfo=UTC))
    live.wait(9)
    return live.read_telemetry(datetime(2026, 3, 3, 4, tzinfo=UTC))


@pytest.mark.parametrize("at_once", [1, 300, 1 << 30])
@pytest.mark.parametrize("kind", ["whole", "sparse", "disordered", "gaps"])
def test_samples_one_by_one_are_those_arranged_all_at_once(monkeypatch, measured, kind, at_once):
    monkeypatch.setattr(samples, "_AT_ONCE", at_once)
    rng = np.random.default_rng(5)
    telemetry = measured
    if kind == "sparse":
        telemetry = replace(measured, declared=measured.declared.model_copy(update={"sparse": True}))
    if kind != "whole":
        rows = rng.permutation(len(measured.traffic.time))[: 2 * len(measured.traffic.time) // 3]
        rows = rows if kind == "disordered" else np.sort(rows)
        telemetry = replace(telemetry, traffic=type(measured.traffic)(*(x[rows] for x in measured.traffic)))
    if kind == "gaps":  # no flow export at all for two samples, no counters for one
        times = np.unique(measured.links.time)
        kept = ~np.isin(telemetry.traffic.time, times[2:4])
        telemetry = replace(telemetry, traffic=type(measured.traffic)(*(x[kept] for x in telemetry.traffic)))
        kept = measured.links.time != times[5]
        telemetry = replace(telemetry, links=type(measured.links)(*(x[kept] for x in measured.links)))
    whole = read_samples(SOME, telemetry, 1000)
    after = float(whole.time[1])
    found = list(each_sample(SOME, telemetry, after))
    assert len(found) == whole.time.size - 2 >= 7
    for row, sample in enumerate(found, start=2):
        for name, one, other in zip(sample._fields, sample, whole.rows(slice(row, row + 1)), strict=True):
            if name == "demands":
                one, other = one.matrix(0), other.matrix(0)
            np.testing.assert_array_equal(one, other, err_msg=name)


def test_samples_from_before_any_flow_export_have_no_matrices_and_are_found_without(measured):
    times = np.unique(measured.links.time)
    kept = measured.traffic.time > times[5]
    telemetry = replace(measured, traffic=type(measured.traffic)(*(x[kept] for x in measured.traffic)))
    whole, late = read_samples(SOME, measured, 1000), read_samples(SOME, telemetry, 1000)
    assert (len(late.time), len(late.demands)) == (9, 3)
    expected = np.where(np.arange(9)[:, None, None] < 6, np.nan, np.array(list(whole.demands)))
    of_pairs = expected.reshape(9, -1)[:, late.demands.pair]
    np.testing.assert_array_equal(late.rates(), of_pairs)
    for chosen in (slice(0, -3), slice(-4, None), slice(2, 7), np.array([1, 5, 7, 8]), [8]):
        part = late.rows(chosen)
        np.testing.assert_array_equal(part.rates(), of_pairs[chosen])
        np.testing.assert_array_equal(part.rates(2), of_pairs[chosen][-2:])
        for row in range(len(part.time)):
            np.testing.assert_array_equal(part.matrix(row), expected[chosen][row])
        for one, other in zip(part[1:7], whole.rows(chosen)[1:7], strict=True):
            np.testing.assert_array_equal(one, other)


def test_only_pairs_that_may_have_traffic_are_kept_and_all_others_have_none(measured):
    n, demands = len(SOME.nodes), read_samples(SOME, measured, 1000).demands
    told = measured.traffic.source * n + measured.traffic.target
    assert demands.pair.tolist() == sorted({*np.flatnonzero(SOME.demands).tolist(), *told.tolist()})
    assert demands.mbps.shape == (9, demands.pair.size)
    assert demands.pair.size < n * n / 1.2
    dense = np.zeros((9, n * n))
    dense[np.searchsorted(np.unique(measured.traffic.time), measured.traffic.time), told] = measured.traffic.mbps
    dense = dense.reshape(9, n, n)
    np.testing.assert_array_equal(np.array(list(demands)), dense)
    np.testing.assert_array_equal(demands.mean(), dense.sum(axis=0) / 9)
    np.testing.assert_array_equal(demands.towards(4), dense[:, :, 4])
    np.testing.assert_array_equal(demands.arriving(demands.mbps[2]), dense[2].sum(axis=0))
    assert demands.known().all()
    assert not demands.rows([]).known().any()
    assert np.isnan(demands.rows([]).mean()).all()
