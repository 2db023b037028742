"""Scores say what a run was worth, and a broken scorer is noticed."""

import pytest

from evals.score import Score, judge_diagnosis, summarise, wilson
from twin.faults import Fault, FaultKind

DOWN = Fault(kind=FaultKind.LINK_DOWN, element="link/A:B--B:A")
ELSEWHERE = Fault(kind=FaultKind.LINK_DOWN, element="link/A:C--C:A")
OTHER_KIND = Fault(kind=FaultKind.CAPACITY, element="link/A:B--B:A", severity=0.5)


@pytest.mark.parametrize(
    ("truth", "cause", "outcome", "judgement"),
    [
        (DOWN, DOWN, "resolved", "right"),
        (DOWN, ELSEWHERE, "resolved", "wrong"),
        (DOWN, OTHER_KIND, "resolved", "wrong"),
        (DOWN, None, "healthy", "none"),
        (None, None, "healthy", "right"),
        (None, DOWN, "no safe plan", "wrong"),
        (None, None, "no safe plan", "wrong"),
    ],
)
def test_a_diagnosis_is_right_when_kind_and_element_are(truth, cause, outcome, judgement):
    assert judge_diagnosis(truth, cause, outcome) == judgement


def test_another_severity_is_still_the_right_diagnosis():
    assert judge_diagnosis(OTHER_KIND, OTHER_KIND.model_copy(update={"severity": 0.4}), "resolved") == "right"


def score(**changes):
    figures = {"harm_before": 10.0, "harm_after": 0.0, "max_utilisation_before": 0.9, "max_utilisation_after": 0.7}
    facts = {
        "case": "smoke/x/1",
        "network": "x",
        "seed": 1,
        "outcome": "resolved",
        "truth": DOWN,
        "cause": DOWN,
        "diagnosis": "right",
        "verdict": "passed",
        "rounds": 1,
        "applied": True,
        "certified": True,
        "seconds": 1.0,
        "run": "",
    }
    return Score(**{**facts, **figures, **changes})


@pytest.mark.parametrize(
    ("changes", "improved"),
    [
        ({}, True),
        ({"harm_after": 10.0}, False),
        ({"harm_after": 11.0}, False),
        ({"harm_after": None}, False),
        ({"harm_before": 0.0, "harm_after": 0.0}, True),
        ({"harm_before": 0.0, "harm_after": 0.0, "max_utilisation_after": 0.95}, False),
    ],
)
def test_a_plan_improved_the_network_when_less_is_harmed(changes, improved):
    assert score(**changes).improved is improved


def test_the_summary_counts_what_was_applied_and_what_of_it_held():
    scores = [score(), score(certified=False), score(harm_after=20.0), score(applied=False, diagnosis="wrong")]
    summary = summarise("smoke", scores, 4.0)
    assert (summary.cases, summary.applied, summary.applied_certified, summary.applied_improved) == (4, 3, 2, 2)
    assert summary.diagnosis_right.share == 0.75
    assert not summary.safe


def test_a_suite_in_which_everything_held_is_safe():
    assert summarise("smoke", [score(), score()], 1.0).safe


def test_a_crash_makes_a_suite_unsafe():
    assert not summarise("smoke", [score(), score(error="boom", applied=False)], 1.0).safe


def test_the_interval_equals_the_published_example():
    # Newcombe, Statistics in Medicine 17 (1998), table I, method 3: 81 of 263
    interval = wilson(81, 263)
    assert (round(interval.low, 4), round(interval.high, 4)) == (0.2553, 0.3662)


def test_without_trials_nothing_is_known():
    assert wilson(0, 0) == (0.0, 0.0, 1.0)
