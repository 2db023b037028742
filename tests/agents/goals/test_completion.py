"""Completion of a goal: what is offered can be gone on with, and a whole offer reads as a goal."""

from datetime import UTC, datetime

import pytest

from agents.goals import Goal
from agents.goals.completion import completions
from agents.goals.written import read_goal
from twin.formats import load_network

NETWORK = load_network("sndlib/nobel-germany")
NOW = datetime(2026, 3, 4, 15, 17, tzinfo=UTC)


@pytest.mark.parametrize(
    ("typed", "offers"),
    [
        ("dr", ["drain:"]),
        ("re", ["relieve", "restore", "reweight"]),
        ("drain:ber", ["drain:Berlin", "drain:Berlin--Leipzig"]),
        ("drain:Ulm,kar", ["drain:Ulm,Karlsruhe"]),
        ("drain:Ulm from:02:00 unt", ["drain:Ulm from:02:00 until:"]),
        ("drain:Ulm from:02:00 zone:europe/berl", ["drain:Ulm from:02:00 zone:Europe/Berlin"]),
        ("drain:Ulm mode:c", ["drain:Ulm mode:cost_out"]),
        ("relieve objective:e", ["relieve objective:energy"]),
        ("relieve prefer:delay>m", ["relieve prefer:delay>margin", "relieve prefer:delay>money"]),
        ("relieve prefer:delay>de", []),
        ("relieve rehearse reh", []),
        ("nonsense:x", []),
    ],
)
def test_what_may_stand_next_is_offered(typed, offers):
    found = completions(typed, NETWORK)
    assert set(offers) <= set(found)
    assert all(x.lower().startswith(typed.lower()) for x in found)
    assert bool(found) == bool(offers)


@pytest.mark.parametrize("typed", ["drain:", "sleep:", "restore:", "drain:Ulm protect:B"])
def test_every_element_that_is_offered_reads_as_a_goal(typed):
    for offer in completions(typed, NETWORK):
        assert isinstance(read_goal(offer, NETWORK, now=NOW), Goal), offer
