from dataclasses import replace
from datetime import UTC, datetime

import pytest

from agents.models.prices import Tokens, energy_range
from agents.show.energy import EnergyBalance, energy_balance
from agents.show.report.story import Round, tell
from twin.gate.verdict import Check
from twin.plan import SleepLink, WakeLink


def balance(saved, spent, low=None, high=None):
    return EnergyBalance(saved_wh=saved, hours=5, spent_wh=spent, low_wh=low or spent, high_wh=high or spent)


def test_the_words_say_saved_against_spent_and_whether_it_was_worth_it():
    assert balance(490, 2).words == "490 Wh saved in 5 h against 2 Wh taken by the models"
    assert balance(1.5, 2, 0.2, 20).words.endswith("(an estimate, 0.2 Wh to 20 Wh): less than they took")
    assert "saved" not in balance(0, 2).words


def test_tokens_that_nobody_has_stated_energy_for_are_estimated_by_class_with_a_range():
    low, likely, high = energy_range(Tokens(input=1_000_000, output=1_000_000, cache_read=400_000))
    assert likely == pytest.approx(600_000 * 120e-6 + 400_000 * 12e-6 + 600)
    assert (low, high) == (pytest.approx(likely / 10), pytest.approx(likely * 10))


def test_a_sleep_plan_with_an_end_is_counted_over_its_hours(records):
    story = tell(records)
    plan = next(r.submission.plan for r in story.rounds if r.submission)
    ends = plan.model_copy(
        update={
            "steps": (SleepLink(circuit="link/Aa:Bb--Bb:Aa"),),
            "closing": (WakeLink(circuit="link/Aa:Bb--Bb:Aa"),),
            "until": datetime(2026, 3, 3, 6, tzinfo=UTC),
        }
    )
    round_ = next(r for r in story.rounds if r.submission)
    checks = (Check(name="useful", passed=True, measured=98.0, limit=0, unit="W", detail="saves"),)
    judged = round_.verdict.model_copy(update={"checks": checks})
    submission = round_.submission.model_copy(update={"plan": ends})
    certificate = story.certificate.model_copy(
        update={"plan": ends.hash, "certificate": {"not_before": "2026-03-03T01:00:00+00:00"}}
    )
    story = replace(story, rounds=(Round(1, submission, judged, round_.decision),), certificate=certificate)
    found = energy_balance(story)
    assert (found.hours, found.saved_wh) == (5, 490)
