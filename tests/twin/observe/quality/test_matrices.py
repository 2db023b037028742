"""Data quality of a twin file and of matrices that somebody brings."""

from datetime import timedelta

import numpy as np
import pytest

from tests.benchmarks.data_quality import scene
from tests.benchmarks.geant_forecast import DATA
from twin.errors import InputError
from twin.forecast import arrange
from twin.formats import read_network
from twin.observe.quality.assess import quality_of
from twin.observe.quality.matrices import quality_of_file, quality_of_series, quality_of_store
from twin.store import TwinStore


def test_a_twin_file_is_judged_as_its_telemetry_is():
    true = scene("topozoo/Abilene", 1)
    with TwinStore.open() as store:
        store.append_telemetry(true.telemetry, true.network)
        report = quality_of_store(store, true.network, since=true.now - timedelta(hours=2), now=true.now)
        with pytest.raises(InputError, match="no telemetry"):
            quality_of_store(store, true.network, since=true.now, now=true.now)
    plain = quality_of(true.network, true.telemetry, now=true.now)
    assert report.demand.factor == pytest.approx(plain.demand.factor, abs=1e-6)
    assert report.lines[0].startswith("quality 1.00 of topozoo/Abilene: 0 of 56")


def test_holes_and_spikes_of_matrices_are_named():
    clock, rng = 900.0 * np.arange(200), np.random.default_rng(1)
    values = 100 + rng.standard_normal((200, 5))
    clean = quality_of_series(arrange(clock, values, list("abcde")))
    assert (clean.score, clean.holes, clean.spikes) == (1.0, (), ())
    values[50], values[90, 2] = 1.0, 5000.0
    values[120:130] = np.nan
    report = quality_of_series(arrange(clock, values, list("abcde")))
    assert report.holes == (50,)
    assert "c" in report.spikes
    assert report.missing == pytest.approx(0.05)
    assert report.score < 0.95


@pytest.mark.skipif(not DATA.is_dir(), reason=f"no GEANT data in {DATA}; set TWINOPS_DATA")
def test_the_geant_file_is_judged():
    report = quality_of_file(DATA / "traffic.parquet", read_network(DATA / "GEANT.json"))
    assert (report.series, report.bins, report.missing) == (429, 480, 0.0)
    assert 0.9 < report.score <= 1
