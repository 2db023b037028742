"""When: relative words and hours, counted from a given moment in a given zone."""

from datetime import UTC, datetime, timedelta

import pytest

from agents.intent import Intent, Question, read_intent
from agents.intent.inquiry import local_hours
from agents.intent.types import TimeWindow
from twin.formats import load_network

NETWORK = load_network("sndlib/nobel-germany")
WEDNESDAY = datetime(2026, 3, 4, 15, 17, tzinfo=UTC)


def window(words, now=WEDNESDAY, zone="UTC"):
    found = read_intent(f"drain Ulm {words}", NETWORK, now=now, zone=zone)
    assert isinstance(found, Intent), found.question
    when = found.when
    return when and (
        when.start.astimezone(UTC).strftime("%m-%d %H:%M"),
        when.end.astimezone(UTC).strftime("%m-%d %H:%M"),
    )


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("now", None),
        ("tonight 02:00-04:00", ("03-05 02:00", "03-05 04:00")),
        ("tonight from 10 pm to 1 am", ("03-04 22:00", "03-05 01:00")),
        ("tomorrow 02:00-04:00", ("03-05 02:00", "03-05 04:00")),
        ("tomorrow night 02:00-04:00", ("03-06 02:00", "03-06 04:00")),
        ("today 18:00 to 19:30", ("03-04 18:00", "03-04 19:30")),
        ("02:00-04:00", ("03-05 02:00", "03-05 04:00")),
        ("from 15:00 to 16:00", ("03-04 15:00", "03-04 16:00")),
        ("between 2 and 4 am", ("03-05 02:00", "03-05 04:00")),
        ("on Saturday 23:30-01:30", ("03-07 23:30", "03-08 01:30")),
        ("on 2026-04-01 00:00-24:00", ("04-01 00:00", "04-02 00:00")),
        ("on 7 March 02:00-03:00", ("03-07 02:00", "03-07 03:00")),
        ("day after tomorrow 02:00-03:00", ("03-06 02:00", "03-06 03:00")),
        ("at 23:00 for 90 minutes", ("03-04 23:00", "03-05 00:30")),
        ("in 2 hours for 30 minutes", ("03-04 17:17", "03-04 17:47")),
        ("for the next 2 hours", ("03-04 15:17", "03-04 17:17")),
        ("tomorrow 02:00-04:00 CET", ("03-05 01:00", "03-05 03:00")),
        ("tomorrow 02:00-04:00 UTC+05:30", ("03-04 20:30", "03-04 22:30")),
        ("tomorrow 02:00-04:00 America/New_York", ("03-05 07:00", "03-05 09:00")),
    ],
)
def test_a_window_is_counted_from_now(words, expected):
    assert window(words) == expected


def test_tonight_said_after_midnight_is_the_night_that_is_under_way():
    assert window("tonight 02:00-04:00", datetime(2026, 3, 5, 0, 40, tzinfo=UTC)) == ("03-05 02:00", "03-05 04:00")


def test_hours_are_those_of_the_zone_that_is_given():
    assert window("tomorrow 02:00-04:00", zone="Europe/Berlin") == ("03-05 01:00", "03-05 03:00")


def test_a_night_when_the_clocks_change_keeps_the_hours_that_are_written():
    found = read_intent("drain Ulm on 2026-03-29 01:00-04:00 Europe/Berlin", NETWORK, now=WEDNESDAY)
    assert found.when.end - found.when.start == timedelta(hours=3)  # by the clock on the wall
    assert found.when.end.astimezone(UTC) - found.when.start.astimezone(UTC) == timedelta(hours=2)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("tonight", "incomplete window"),
        ("at 02:00", "incomplete window"),
        ("on Friday", "incomplete window"),
        ("02:00-02:00", "incomplete window"),
        ("today 02:00-04:00", "past window"),
        ("on 2026-03-03 02:00-04:00", "past window"),
        ("next Friday 02:00-04:00", "ambiguous time"),
        ("at the weekend 02:00-04:00", "ambiguous time"),
        ("tomorrow 02:00-04:00 IST", "ambiguous time"),
        ("on 2026-02-30 02:00-04:00", "ambiguous time"),
    ],
)
def test_a_window_that_is_open_or_over_is_asked_about(words, code):
    found = read_intent(f"drain Ulm {words}", NETWORK, now=WEDNESDAY)
    assert isinstance(found, Question)
    assert found.code == code


def test_the_hours_of_a_window_are_the_networks_own():
    start = datetime(2026, 3, 5, 2, tzinfo=UTC)
    when = TimeWindow(start=start, end=start + timedelta(hours=2), zone="UTC")
    assert local_hours(when, NETWORK) == (2, 3)  # Germany lies 40 minutes ahead of UTC by the sun
