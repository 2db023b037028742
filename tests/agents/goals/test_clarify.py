"""One question at a terminal: its answer goes into the place of what was open, or is the whole goal."""

from datetime import UTC, datetime

import pytest

from agents.goals import Goal, Question, Statement
from agents.goals.by_model import checked
from agents.goals.clarify import settle
from agents.goals.written import is_written, read_goal
from twin.formats import load_network

NETWORK = load_network("sndlib/nobel-germany")
NOW = datetime(2026, 3, 4, 15, 17, tzinfo=UTC)


def settled(text, reply, read=lambda words: read_goal(words, NETWORK, now=NOW)):
    asked = []

    def ask(question):
        asked.append(question)
        return reply

    return settle(text, read, ask), asked


@pytest.mark.parametrize(
    ("text", "reply", "what"),
    [
        ("drain:Muenchn rehearse", "1", ("node/Muenchen",)),
        ("drain:Ulm,Muenchn", "Muenchen", ("node/Ulm", "node/Muenchen")),
        ("drain:Muenchn", "drain:Ulm", ("node/Ulm",)),
        ("drian:Ulm", "yes", ("node/Ulm",)),
        ("drain:Ulm form:02:00 until:04:00", "y", ("node/Ulm",)),
    ],
)
def test_an_answer_settles_what_was_open(text, reply, what):
    found, asked = settled(text, reply)
    assert isinstance(found, Goal), found.question
    assert found.elements == what
    assert len(asked) == 1


def test_a_reading_that_a_person_confirms_is_the_goal():
    def read(words):
        if is_written(words):
            return read_goal(words, NETWORK, now=NOW)
        return checked(Statement(verb="drain", elements=("Ulm",)), words, NETWORK, now=NOW)

    assert settled("drain Ulm, Berlin knows", "yes", read)[0].elements == ("node/Ulm",)
    assert isinstance(settled("drain Ulm, Berlin knows", "no", read)[0], Question)


def test_plain_words_without_a_model_are_never_carried_out_whoever_is_there():
    found, asked = settled("drain Ulm", "yes")
    assert (found.code, asked) == ("plain words", [])


def test_nothing_is_asked_twice():
    found, asked = settled("drain:Muenchn", "the other one")
    assert isinstance(found, Question)
    assert len(asked) == 1


def test_without_an_answer_the_question_stays():
    assert settled("drain:Muenchn", "")[0].code == "unknown element"


def test_nobody_is_asked_where_nothing_is_open():
    assert settled("drain:Ulm", "drain:Berlin")[1] == []
