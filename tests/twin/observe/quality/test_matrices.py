"""Data quality of a twin file and of matrices that somebody brings."""

import numpy as np
import pytest

from tests.benchmarks.geant_forecast import DATA
from twin.forecast import arrange
from twin.formats import read_network
from twin.observe.quality.matrices import quality_of_file, quality_of_series


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
