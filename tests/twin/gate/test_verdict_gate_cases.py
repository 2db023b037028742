"""The gate against labelled plans: TWINOPS_GATE_CASES=300 judges 300 good plans and 16 bad ones of each class."""

import os
from dataclasses import replace

import pytest
from hypothesis import given, settings

from evals.cases.gate.cases import BAD
from evals.cases.gate.good import first_of, gate_network, good_maintenance, good_relief, good_restoration, good_sleep
from evals.oracle.carried import carried, while_repaired
from evals.score.plans import names_it
from evals.suites.verify import verdict_on
from tests.depth import DEEP, examples
from tests.twin.random_networks import networks
from tests.twin.sim.oracle import random_network, reference, with_exits
from twin.sim.repair import repaired_failures, repairs

GOOD = int(os.environ.get("TWINOPS_GATE_CASES", "18"))
PER_CLASS = -(-GOOD // len(BAD)) if GOOD >= 100 else 2 if DEEP else 1


@pytest.mark.parametrize("name", BAD)
def test_no_bad_plan_is_approved_and_check_and_element_are_named_right(name):
    judged = [(case, verdict_on(case)) for case in first_of(PER_CLASS, BAD[name])]
    assert len(judged) == PER_CLASS
    assert not any(verdict.passed for _, verdict in judged)
    assert [case.name for case, verdict in judged if not names_it(case.blame, verdict)] == []


def test_at_least_ten_classes_of_bad_plans_are_judged():
    assert len(BAD) >= 10


def test_at_most_2_of_100_good_plans_are_rejected():
    rejected = []
    others = (good_maintenance, good_sleep, good_restoration)
    cases = [case for i, build in enumerate(others) for case in first_of((GOOD + 2 * i) // 6, build)]
    for case in [*first_of(GOOD - len(cases), good_relief), *cases]:
        verdict = verdict_on(case)
        rejected += [(case.name, [x.detail for x in verdict.checks if not x.passed])] if not verdict.passed else []
    assert len(rejected) <= 0.02 * GOOD, rejected


@pytest.mark.parametrize("seed", range(40))
def test_the_labels_come_from_an_oracle_that_agrees_with_another_one(seed):
    network = with_exits(random_network(seed), seed) if seed % 2 else random_network(seed)
    lossy = any(x.loss for x in network.links)
    told = [x.model_copy(update={"on_invalid": "igp"}) if lossy or len(x.paths) > 1 else x for x in network.tunnels]
    network = replace(network, tunnels=tuple(told))  # of a demand that is lost in part the labels name the whole
    found, expected = carried(network), reference(network)
    assert [found.load[link.name] for link in network.links] == pytest.approx(list(expected.load), abs=1e-6)
    lost = sum(network.offered[network.node(a), network.node(b)] for a, b in found.lost)
    assert lost == pytest.approx(expected.lost, abs=1e-6)
    for (a, b), delay in found.delay.items():
        assert delay == pytest.approx(expected.delay[network.node(a), network.node(b)])


@settings(max_examples=examples(20))
@given(networks())
def test_the_oracle_of_repairs_finds_the_peak_that_the_simulator_finds_with_tunnels_too(network):
    peaks = {x.failure: x.max_utilisation for x in repairs(network, repaired_failures(network))}
    assert {x: max(while_repaired(network, x).values()) for x in peaks} == pytest.approx(peaks, abs=1e-9)


def test_the_oracle_of_repairs_finds_the_peak_that_the_simulator_finds():
    network = gate_network(1)
    peaks = {x.failure: x.max_utilisation for x in repairs(network, repaired_failures(network))}
    assert {x: max(while_repaired(network, x).values()) for x in peaks} == pytest.approx(peaks, abs=1e-9)
