# ruff: noqa: E501 (sentences as people write them, on one line)
"""Goals that a model takes down: checked against the text, resolved by code, and vetoed by the grammar."""

import asyncio
from datetime import UTC, datetime

import pytest

from agents.intent import Intent, Limits, Question
from agents.intent.dictation import dictate
from tests.agents.characters import Actor, calls, says
from twin.formats import load_network

NETWORK = load_network("sndlib/nobel-germany")
NOW = datetime(2026, 3, 4, 15, 17, tzinfo=UTC)


def taken_down(text, **statement):
    return asyncio.run(dictate(text, NETWORK, Actor(lambda _talk, _names: calls("state_goal", **statement)), now=NOW))


def test_what_a_model_takes_down_is_resolved_by_code():
    found = taken_down(
        "Kindly see to it that Frankfurt-Leipzig carries nothing from 02:00 to 04:00 UTC on 2026-03-05, below 80 % elsewhere",
        verb="drain",
        what=["Frankfurt-Leipzig"],
        start="2026-03-05T02:00:00+00:00",
        end="2026-03-05T04:00:00+00:00",
        max_utilisation=0.8,
    )
    assert isinstance(found, Intent), found.question
    assert found.what == ("link/Frankfurt:Leipzig--Leipzig:Frankfurt",)
    assert found.limits == Limits(max_utilisation=0.8)
    assert found.when.start == datetime(2026, 3, 5, 2, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "statement"),
    [
        ("drain Ulm", {"verb": "drain", "what": ["Berlin"]}),
        ("drain Ulm", {"verb": "drain", "what": ["Ulm"], "max_utilisation": 0.95}),
        ("drain Ulm", {"verb": "drain"}),
        ("do not drain Ulm", {"verb": "drain", "what": ["Ulm"]}),
        ("drain Ulm or Berlin", {"verb": "drain", "what": ["Ulm"]}),
        ("drain Ulm unless Berlin is down", {"verb": "drain", "what": ["Ulm", "Berlin"]}),
        ("undrain Ulm", {"verb": "drain", "what": ["Ulm"]}),
        ("take care of Ullm", {"verb": "drain", "what": ["Ullm"]}),
        ("see to Ulm", {"verb": "drain", "what": ["Ulm"], "protected": ["Ulm"]}),
        ("see to Ulm 02:00-04:00", {"verb": "drain", "what": ["Ulm"], "start": "2026-03-01T02:00Z", "end": "2026-03-01T04:00Z"}),
        ("see to Ulm, at most 300 %", {"verb": "drain", "what": ["Ulm"], "max_utilisation": 3.0}),
    ],
)  # fmt: skip
def test_what_the_text_does_not_say_is_asked_and_never_taken_from_a_model(text, statement):
    assert isinstance(taken_down(text, **statement), Question)


def test_a_model_that_asks_puts_its_question():
    found = asyncio.run(
        dictate("do something", NETWORK, Actor(lambda _talk, _names: says("What is to be done?")), now=NOW)
    )
    assert found.question == "What is to be done?"


def test_an_answer_that_does_not_follow_the_schema_is_asked_for_once_more():
    answers = [calls("state_goal", verb="explode"), calls("state_goal", verb="relieve")]
    found = asyncio.run(dictate("ease the strain on us", NETWORK, Actor(lambda _talk, _names: answers.pop(0)), now=NOW))
    assert isinstance(found, Intent)
    assert found.verb == "relieve"
    assert answers == []


def test_a_model_that_never_follows_the_schema_ends_in_a_question():
    assert isinstance(taken_down("drain Ulm", verb="explode"), Question)


def test_a_call_of_any_other_tool_is_not_taken_for_the_goal():
    actor = Actor(lambda _talk, _names: calls("decide", verb="drain", what=["Ulm"]))
    found = asyncio.run(dictate("drain Ulm", NETWORK, actor, now=NOW))
    assert isinstance(found, Question)
    assert "something else" in found.question
