"""A small sweep over every kind of fault; tests/benchmarks/diagnosis_accuracy.py measures on as many cases as asked."""

import os

import pytest

from tests.benchmarks.diagnosis_accuracy import calibration, cells, doubles, singles, table, wilson
from tests.benchmarks.diagnosis_cases import single
from twin.faults import EXIT_KINDS, FaultKind

CASES = int(os.environ.get("TWINOPS_DIAGNOSIS_CASES", "1"))
KINDS = tuple(kind for kind in FaultKind if kind not in EXIT_KINDS)
SEEDS = range(500, 500 + CASES)


@pytest.mark.slow
def test_causes_of_every_kind_are_found():
    cases = singles([12], KINDS, SEEDS)
    print(table(cases, cells), calibration(cases), sep="\n")
    seen = [x.right for x in cases if x.identifiable]
    assert sum(seen) / len(seen) >= 0.9


@pytest.mark.slow
def test_two_faults_at_once_are_both_named():
    cases = doubles([12], KINDS, range(500, 500 + 6 * CASES))
    print(table(cases, cells))
    seen = [x.right for x in cases if x.identifiable]
    assert sum(seen) / len(seen) >= 0.66


def test_the_interval_of_a_share_is_wilson_s():
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)  # Newcombe, Stat. Med. 17 (1998), example
    assert wilson(0, 0) == (0, 1)


def test_what_one_error_of_the_export_does_to_every_link_of_its_way_convicts_no_router_of_a_healthy_network():
    found = single(200, None, 7)  # counted link by link, a router that drops was likelier than nothing at all
    assert found.diagnosis.best.name == "healthy"
    assert found.diagnosis.best.confidence > 0.9
