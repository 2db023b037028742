"""Readings of plain words: every name, number, time and zone in its place, nothing left over; else one question."""

import asyncio
from datetime import UTC, datetime

import pytest

from agents.goals import Goal, Limits, Question, Statement
from agents.goals.by_model import checked, read_goal_with
from tests.agents.characters import Actor, calls, says
from twin.formats import load_network

NETWORK = load_network("sndlib/germany50")
NOW = datetime(2026, 3, 4, 14, 30, tzinfo=UTC)
EARLY = {"start": "02:00", "until": "04:00"}


def read(text, verb="drain", **statement):
    return checked(Statement(verb=verb, **statement), text, NETWORK, now=NOW)


ASIDE = "drain Greifswald, the Norden team is on site"
ZONED = "drain Hamburg 02:00-04:00 Berlin time"


@pytest.mark.parametrize(
    ("text", "statement"),
    [
        (ASIDE, {"elements": ("Greifswald", "Norden")}),
        (ASIDE, {"elements": ("Greifswald",)}),
        (ASIDE, {"elements": ("Norden",)}),
        (ZONED, {"elements": ("Hamburg",), **EARLY}),
        (ZONED, {"elements": ("Hamburg", "Berlin"), **EARLY}),
        (ZONED, {"elements": ("Hamburg",), "zone": "UTC", **EARLY}),
        (ZONED, {"elements": ("Hamburg",), "zone": "Europe/London", **EARLY}),
        (ZONED, {"elements": ("Hamburg",)}),
        (ZONED, {"elements": ("Hamburg",), "start": "04:00", "until": "02:00", "zone": "Europe/Berlin"}),
        (ZONED, {"elements": ("Hamburg",), "zone": "Europe/Berlin", "start": "2026-03-06T02:00", "until": "04:00"}),
        ("undrain Ulm", {"elements": ("Ulm",)}),
        ("drain Ulm", {"elements": ("Ulm",), "mode": "cost_out"}),
        ("drain Ulm as the last resort", {"elements": ("Ulm",)}),
        ("drain Ulm", {"elements": ("Berlin",)}),
        ("drain Ulm", {"elements": ("Ulm",), "max_utilisation": 0.8}),
        ("drain Ulm", {"elements": ("Ulm",), "rehearse": True}),
        ("rehearse the drain of Ulm", {"elements": ("Ulm",)}),
        ("drain Ulm, nothing above 80 %", {"elements": ("Ulm",)}),
        ("drain Ulm, nothing above 80 %", {"elements": ("Ulm",), "max_utilisation": 0.9}),
        ("drain Ulm, nothing above 80 %", {"elements": ("Ulm",), "max_failure_utilisation": 0.8}),
        ("drain Ulm, nothing above 80 %", {"elements": ("Ulm",), "max_blast_radius": 0.8}),
        ("drain Ulm, nothing above 80 % under any failure", {"elements": ("Ulm",), "max_utilisation": 0.8}),
        ("drain Ulm, hands off Berlin", {"elements": ("Ulm",)}),
        ("drain Ulm, hands off Berlin", {"elements": ("Ulm", "Berlin")}),
        ("drain Ulm, hands off Berlin", {"elements": ("Berlin",), "protected": ("Ulm",)}),
        ("drain Ulm and Berlin", {"elements": ("Ulm",)}),
        ("drain Ulm and Berlin", {"elements": ("Ulm",), "protected": ("Berlin",)}),
        ("drain Ulm and not Berlin", {"elements": ("Ulm",)}),
        ("drain Ulm and not Berlin", {"elements": ("Ulm", "Berlin")}),
        ("drain Ulm until Berlin is back", {"elements": ("Ulm",)}),
        ("drain Ulm if Berlin fails", {"elements": ("Ulm",)}),
        ("drain Ulm except on Sundays", {"elements": ("Ulm",)}),
        ("do not drain Ulm", {"elements": ("Ulm",)}),
        ("drain Ulm 02:00-04:00 and 22:00-23:00", {"elements": ("Ulm",), **EARLY}),
        ("drain Ulm tomorrow 02:00-04:00", {"elements": ("Ulm",), "start": "2026-03-06T02:00", "until": "04:00"}),
        ("drain Ulm tonight 13:00-14:00", {"elements": ("Ulm",), "start": "13:00", "until": "14:00"}),
        ("drain Ulm on 2026-03-09 02:00-04:00", {"elements": ("Ulm",), **EARLY}),
        ("drain Ulm now", {"elements": ("Ulm",), **EARLY}),
        ("drain Ulm\u200b", {"elements": ("Ulm",)}),
        ("drain \u202eUlm", {"elements": ("Ulm",)}),
        ("drain Ulm\x00 Berlin", {"elements": ("Ulm",)}),
        ("drain Ulm. Also drain Berlin", {"elements": ("Ulm",)}),
        ("drain Ulm?", {"elements": ("Ulm",)}),
        ("drain the link Ulm", {"elements": ("Ulm",)}),
    ],
)
def test_a_reading_that_does_not_account_for_the_text_is_a_question_and_never_a_goal(text, statement):
    found = read(text, **statement)
    assert isinstance(found, Question), found.words
    assert "\n" not in found.question


@pytest.mark.parametrize(
    ("text", "statement"),
    [
        ("drain Greifswald and Norden", {"elements": ("Greifswald", "Norden")}),
        ("Please drain the routers Greifswald, Norden and Ulm.", {"elements": ("Greifswald", "Norden", "Ulm")}),
        (ZONED, {"elements": ("Hamburg",), "zone": "Europe/Berlin", **EARLY}),
        (
            "drain Ulm tonight 02:00-04:00, nothing above 80 %, hands off Berlin",
            {"elements": ("Ulm",), "max_utilisation": 0.8, "protected": ("Berlin",), **EARLY},
        ),
        (
            "drain Ulm tomorrow 02:00-04:00 UTC",
            {"elements": ("Ulm",), "zone": "UTC", "start": "2026-03-05T02:00", "until": "04:00"},
        ),
        ("simulate draining Ulm, do not execute it", {"elements": ("Ulm",), "rehearse": True}),
        ("drain Ulm, leaving it as the last resort", {"elements": ("Ulm",), "mode": "cost_out"}),
    ],
)
def test_a_reading_that_accounts_for_the_text_is_the_goal(text, statement):
    found = read(text, **statement)
    assert isinstance(found, Goal), found.question
    assert found.text == text
    assert [x.removeprefix("node/") for x in found.elements] == [*statement["elements"]]


def test_the_question_shows_the_reading_in_its_written_form_for_a_person_to_confirm():
    found = read(ASIDE, elements=("Greifswald",))
    assert found.choices == ("drain:node/Greifswald",)
    assert "drain:node/Greifswald" in found.question


def with_model(text, **statement):
    return asyncio.run(
        read_goal_with(Actor(lambda _talk, _names: calls("state_goal", **statement)), text, NETWORK, now=NOW)
    )


def test_a_model_fills_the_schema_and_code_resolves_and_checks_it():
    found = with_model(
        "drain Ulm 02:00-04:00 Berlin time, nothing above 80 %",
        verb="drain", elements=["Ulm"], start="02:00", until="04:00", zone="Europe/Berlin", max_utilisation=0.8,
    )  # fmt: skip
    assert isinstance(found, Goal), found.question
    assert (found.elements, found.limits) == (("node/Ulm",), Limits(max_utilisation=0.8))
    assert found.window.start == datetime(2026, 3, 5, 1, tzinfo=UTC)


def test_a_written_form_never_reaches_a_model():
    def play(_talk, _names):
        raise AssertionError

    found = asyncio.run(read_goal_with(Actor(play), "drain:Ulm", NETWORK, now=NOW))
    assert found.elements == ("node/Ulm",)


def test_a_model_that_asks_is_passed_on_and_one_that_does_something_else_is_asked_back():
    for character in (lambda _t, _n: says("Which node?"), lambda _t, _n: calls("decide", decision="approve")):
        found = asyncio.run(read_goal_with(Actor(character), "drain it", NETWORK, now=NOW))
        assert found.code == "not understood"


def test_an_answer_outside_the_schema_is_asked_for_once_more():
    seen = []

    def play(_talk, _names):
        seen.append(1)
        return (
            calls("state_goal", verb="drain", what=["Ulm"])
            if len(seen) == 1
            else calls("state_goal", verb="drain", elements=["Ulm"])
        )

    found = asyncio.run(read_goal_with(Actor(play), "drain Ulm", NETWORK, now=NOW))
    assert (found.elements, len(seen)) == (("node/Ulm",), 2)
