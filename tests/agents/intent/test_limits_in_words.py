# ruff: noqa: E501 (sentences as people write them, on one line)
"""Limits: read wherever they stand, refused when they contradict, and only ever tightening a policy."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.intent import Limits, Question, read_intent
from agents.intent.limits import looser, tighten
from twin.formats import load_network
from twin.policy import Policy

NETWORK = load_network("sndlib/nobel-germany")
NOW = datetime(2026, 3, 4, 15, 17, tzinfo=UTC)


@pytest.mark.parametrize(
    ("words", "limits"),
    [
        ("nothing above 80 %", {"max_utilisation": 0.8}),
        ("utilisation <= 0.75", {"max_utilisation": 0.75}),
        ("all links stay under seventy five percent", {"max_utilisation": 0.75}),
        ("95 % at most when a node fails", {"max_failure_utilisation": 0.95}),
        ("no link over 70 % and no link over 90 % under any failure", {"max_utilisation": 0.7, "max_failure_utilisation": 0.9}),
        ("at most three steps", {"max_steps": 3}),
        ("fewer than 5 changes", {"max_steps": 4}),
        ("in a single step", {"max_steps": 1}),
        ("latency may grow by at most 20 %", {"max_delay_stretch": 1.2}),
        ("delay at most 1.3x", {"max_delay_stretch": 1.3}),
        ("moving at most 10 % of the traffic", {"max_blast_radius": 0.1}),
        ("hands off Bremen and Norden", {"protected": ("node/Bremen", "node/Norden")}),
        ("Bremen must not be touched", {"protected": ("node/Bremen",)}),
    ],
)  # fmt: skip
def test_a_limit_is_read(words, limits):
    found = read_intent(f"drain Ulm, {words}", NETWORK, now=NOW)
    assert not isinstance(found, Question), found.question
    assert found.limits == Limits(**limits)
    assert found.what == ("node/Ulm",)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("nothing above 120 %", "contradiction"),
        ("nothing above 0 %", "contradiction"),
        ("nothing above 80 %, nothing above 70 %", "contradiction"),
        ("nothing above 80 %, under failure nothing above 60 %", "contradiction"),
        ("hands off Ulm", "contradiction"),
        ("42 %", "not understood"),
        ("with 7 of them", "not understood"),
    ],
)
def test_limits_that_contradict_or_say_nothing_are_asked_about(words, code):
    assert read_intent(f"drain Ulm, {words}", NETWORK, now=NOW).code == code


SHARES = st.floats(0.05, 1.0)
LIMITS = st.builds(
    Limits,
    max_utilisation=st.none() | SHARES,
    max_failure_utilisation=st.none() | st.floats(0.05, 2.0),
    max_steps=st.none() | st.integers(1, 50),
    max_delay_stretch=st.none() | st.floats(1, 10),
    max_blast_radius=st.none() | SHARES,
    protected=st.sampled_from([(), ("node/Ulm",)]),
)
POLICIES = st.builds(
    Policy,
    max_utilisation=SHARES,
    max_failure_utilisation=st.floats(1.0, 2.0),
    max_steps=st.integers(1, 50),
    max_delay_stretch=st.floats(1, 10),
    max_blast_radius=SHARES,
    protected=st.sampled_from([(), ("node/Bremen",)]),
)


@given(POLICIES, LIMITS)
def test_a_goal_only_ever_tightens_the_policy(policy, limits):
    held = tighten(policy, limits)
    for name in ("max_utilisation", "max_failure_utilisation", "max_steps", "max_delay_stretch", "max_blast_radius"):
        asked = getattr(limits, name)
        assert getattr(held, name) <= getattr(policy, name)
        assert asked is None or getattr(held, name) <= asked
    assert set(held.protected) == set(policy.protected) | set(limits.protected)
    assert held.max_utilisation <= held.max_failure_utilisation
    assert tighten(held, limits) == held
    untouched = set(Policy.model_fields) - set(Limits.model_fields)
    assert held.model_dump(include=untouched) == policy.model_dump(include=untouched)


def test_a_looser_limit_than_the_policys_is_named():
    assert looser(Policy(max_utilisation=0.7), Limits(max_utilisation=0.9, max_steps=2)) == ("max_utilisation",)
