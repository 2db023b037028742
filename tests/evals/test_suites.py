"""What holds for every suite: its splits share nothing, its cases are its own, and its first cases are a fair slice."""

import pytest

from evals.cases.measured import DEV_KINDS, HELD_OUT_KINDS
from evals.cases.suite import NETWORKS, SEEDS
from evals.suites import NAMES, suite_of
from evals.suites.incident import SMOKE_NETWORKS
from evals.suites.verify import DEV, HELD_OUT
from twin.faults import EXIT_KINDS, FaultKind

DRAWN = [name for name in NAMES if name not in ("smoke", "healthy")]
APART = [name for name in DRAWN if name != "endings"]
"""Suites split by topology and kind as well: how runs end is asked of every kind on every network, by seeds apart."""
FAULTS = set(map(str, FaultKind))


def cases(name, split):
    return suite_of(name).take(split)


@pytest.mark.parametrize("name", NAMES)
def test_a_suite_has_as_many_cases_as_it_says_and_each_once(name):
    found = cases(name, "dev")
    assert len(found) == suite_of(name).cases
    assert len({case.id for case in found}) == len(found)
    assert found == cases(name, "dev")


def test_the_endings_of_the_splits_share_no_seed():
    seeds = [{case.seed for case in cases("endings", split)} for split in ("dev", "held-out")]
    assert not seeds[0] & seeds[1]


@pytest.mark.parametrize("name", APART)
def test_the_splits_share_no_seed_no_topology_and_no_fault(name):
    dev, held_out = cases(name, "dev"), cases(name, "held-out")
    assert {case.seed for case in dev} <= set(SEEDS["dev"])
    assert {case.seed for case in held_out} <= set(SEEDS["held-out"])
    places = {case.network for case in dev} & {case.network for case in held_out}
    assert places <= {"rings with chords"}  # their numbers are split, not their name
    assert {x.kind for x in dev} & {x.kind for x in held_out} & FAULTS <= {"link_down", "silent_egress_packet_loss"} & (
        FAULTS if name == "cost" else set()
    )


@pytest.mark.parametrize("name", APART)
def test_no_case_plays_where_tests_and_benchmarks_do(name):
    elsewhere = {*SMOKE_NETWORKS, "topozoo/Abilene"}
    assert not {case.network for split in ("dev", "held-out") for case in cases(name, split)} & elsewhere


def test_seeds_of_splits_and_of_tests_are_apart():
    assert not set(SEEDS["dev"]) & set(SEEDS["held-out"])
    assert min(SEEDS["dev"]) > 10_000
    assert not set(NETWORKS["dev"]) & set(NETWORKS["held-out"])


def test_every_fault_is_in_exactly_one_split():
    assert set(DEV_KINDS) | set(HELD_OUT_KINDS) == set(FaultKind) - set(EXIT_KINDS)
    assert not set(DEV_KINDS) & set(HELD_OUT_KINDS)


def test_the_gate_is_asked_about_a_dozen_classes_and_more_in_the_dev_split_alone():
    assert len(DEV) >= 12
    assert not set(DEV) & set(HELD_OUT)
    bad = [case for case in cases("verify", "dev") if case.kind in DEV]
    good = [case for case in cases("verify", "dev") if case.kind.startswith("good")]
    assert len(bad) >= 300
    assert len(good) >= 300


def test_the_dev_split_is_as_large_as_promised():
    assert sum(suite_of(name).cases for name in NAMES) >= 2_000


@pytest.mark.parametrize("name", NAMES)
def test_a_slice_holds_every_system_and_a_metric_for_each_suite(name):
    suite = suite_of(name)
    assert 0 < suite.slice <= suite.cases
    assert suite.metrics
    assert suite.product == next(iter(suite.systems))


def test_the_diagnose_suite_holds_singles_doubles_lies_and_healthy_networks():
    kinds = {case.kind for case in cases("diagnose", "dev")}
    assert {"double", "healthy", "surprise", "stuck_counter", "link_down"} <= kinds
    assert {case.kind for case in cases("diagnose", "dev")[:31]} >= {str(x) for x in DEV_KINDS}
