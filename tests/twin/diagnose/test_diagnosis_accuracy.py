import pytest

from tests.benchmarks.diagnosis_accuracy import calibration, measure, table


@pytest.mark.slow
def test_causes_are_found_and_healthy_networks_left_alone():
    cases = measure(("sndlib/nobel-germany", "topozoo/Abilene"), range(500, 503))
    print(table(cases), calibration(cases), sep="\n")
    healthy = [x.right for x in cases if x.fault is None]
    traced = [x.right for x in cases if x.fault and x.traced]
    assert sum(healthy) / len(healthy) >= 0.95
    assert sum(traced) / len(traced) >= 0.95
