"""One question at a terminal: its answer goes into the place of what was open."""

from datetime import UTC, datetime

import pytest

from agents.intent import Intent, Question, read_intent
from agents.intent.clarify import settle
from twin.formats import load_network

NETWORK = load_network("sndlib/nobel-germany")
NOW = datetime(2026, 3, 4, 15, 17, tzinfo=UTC)


def settled(text, reply):
    asked = []

    def ask(question):
        asked.append(question)
        return reply

    found = settle(text, lambda words: read_intent(words, NETWORK, now=NOW), ask)
    return found, asked


@pytest.mark.parametrize(
    ("text", "reply", "what"),
    [
        ("drain Muenchn", "yes", ("node/Muenchen",)),
        ("drain Muenchn", "Ulm", ("node/Ulm",)),
        ("drain the router", "Ulm", ("node/Ulm",)),
        ("drain Berlin-Ulm", "Berlin-Hamburg", ("link/Berlin:Hamburg--Hamburg:Berlin",)),
        ("do not drain Ulm", "drain Berlin", ("node/Berlin",)),
        ("drain Ulm tonight", "02:00-04:00", ("node/Ulm",)),
        ("drain Ulm today 02:00-04:00", "tomorrow 02:00-04:00", ("node/Ulm",)),
    ],
)
def test_an_answer_settles_what_was_open(text, reply, what):
    found, asked = settled(text, reply)
    assert isinstance(found, Intent), found.question
    assert found.what == what
    assert len(asked) == 1


def test_a_window_that_was_open_is_counted_with_the_day_that_was_said():
    found, _ = settled("drain Ulm tonight", "02:00-04:00")
    assert found.when.start == datetime(2026, 3, 5, 2, tzinfo=UTC)


def test_nothing_is_asked_twice():
    found, asked = settled("drain the router", "the other one")
    assert isinstance(found, Question)
    assert len(asked) == 1


def test_without_an_answer_the_question_stays():
    found, _ = settled("drain Muenchn", "")
    assert found.code == "similar element"


def test_nobody_is_asked_where_nothing_is_open():
    assert settled("drain Ulm", "Berlin")[1] == []
