"""Windows: the next time that a clock of the zone shows, by an independent walk; what it skips or repeats is asked."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from agents.goals import Goal
from agents.goals.times import local_hours
from agents.goals.written import read_goal
from twin.formats import load_network

NETWORK = load_network("sndlib/nobel-germany")
NOW = datetime(2026, 3, 4, 15, 17, tzinfo=UTC)


def read(words, now=NOW, zone="UTC"):
    return read_goal(f"drain:Ulm {words}", NETWORK, now=now, zone=zone)


def window(words, now=NOW, zone="UTC"):
    found = read(words, now, zone)
    assert isinstance(found, Goal), found.question
    return found.window


def walked(after, clock, zone):
    """The first whole minute, not before a moment, at which a clock of the zone shows this."""
    at = after.replace(second=0, microsecond=0)
    at += timedelta(minutes=at < after)
    while f"{at.astimezone(ZoneInfo(zone)):%H:%M}" != clock:
        at += timedelta(minutes=1)
    return at


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Apia"])
@pytest.mark.parametrize("clocks", [("02:00", "04:00"), ("23:30", "01:30"), ("15:17", "15:18"), ("00:00", "23:59")])
@pytest.mark.parametrize("now", [NOW, NOW + timedelta(seconds=30), datetime(2026, 12, 31, 23, 59, tzinfo=UTC)])
def test_a_clock_time_is_its_next_occurrence_in_the_zone(zone, clocks, now):
    found = window(f"from:{clocks[0]} until:{clocks[1]} zone:{zone}", now)
    assert found.start == walked(now, clocks[0], zone)
    assert found.end == walked(found.start, clocks[1], zone)


def test_a_day_that_is_named_is_that_day():
    found = window("from:2026-07-09T02:00 until:2026-07-09T04:00 zone:Europe/Berlin")
    assert (found.start, found.end) == (datetime(2026, 7, 9, 0, tzinfo=UTC), datetime(2026, 7, 9, 2, tzinfo=UTC))


@pytest.mark.parametrize("start", ["2026-07-09T00:00Z", "2026-07-09T02:00+02:00", "2026-07-08T19:00:00-05:00"])
def test_an_offset_at_a_time_comes_before_the_zone(start):
    found = window(f"from:{start} until:03:00 zone:Europe/Berlin")
    assert (found.start, found.end) == (datetime(2026, 7, 9, 0, tzinfo=UTC), datetime(2026, 7, 9, 1, tzinfo=UTC))


@pytest.mark.parametrize("offset", ["+02:00", "+01:00"])
def test_a_time_that_is_shown_twice_is_told_apart_by_its_offset_and_printed_with_it(offset):
    found = read(f"from:2026-10-25T02:30{offset} until:04:00 zone:Europe/Berlin")
    assert found.window.start == datetime.fromisoformat(f"2026-10-25T02:30{offset}")
    assert read(found.words.removeprefix("drain:node/Ulm ")).window == found.window


@pytest.mark.parametrize("start", ["2026-07-09T00:00:00+02:00x", "02:00+25:00", "02:00ZZ", "02:00:30"])
def test_what_stands_behind_a_time_is_not_dropped(start):
    assert read(f"from:{start} until:03:00").question


def test_a_time_that_names_no_zone_is_the_sites_and_says_so():
    assert window("from:02:00 until:04:00").zone == "UTC"
    found = read("from:02:00 until:04:00", zone="Europe/Berlin")
    assert found.window.start == datetime(2026, 3, 5, 1, tzinfo=UTC)
    assert "zone:Europe/Berlin" in found.words
    assert window("from:02:00 until:04:00 zone:UTC", zone="Europe/Berlin").start.hour == 2


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("from:2026-03-29T02:30 until:04:00 zone:Europe/Berlin", "does not exist"),
        ("from:2026-03-29T01:00 until:02:00 zone:Europe/Berlin", "does not exist"),
        ("from:2026-10-25T02:30 until:04:00 zone:Europe/Berlin", "happens twice"),
        ("from:2026-10-25T00:00 until:02:00 zone:Europe/Berlin", "happens twice"),
        ("from:2026-11-01T01:30 until:03:00 zone:America/New_York", "happens twice"),
        ("from:2026-03-08T02:00 until:04:00 zone:America/New_York", "does not exist"),
        ("from:2026-10-04T02:15 until:04:00 zone:Australia/Lord_Howe", "does not exist"),
    ],
)
def test_a_time_that_the_clock_skips_or_shows_twice_is_asked(words, says):
    found = read(words)
    assert found.code == "ambiguous time"
    assert says in found.question


def test_a_window_across_a_change_of_the_clock_has_its_true_length():
    found = window("from:2026-03-29T01:00 until:03:30 zone:Europe/Berlin")
    assert found.end - found.start == timedelta(minutes=90)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("from:02:00", "incomplete window"),
        ("until:04:00", "incomplete window"),
        ("zone:Europe/Berlin", "incomplete window"),
        ("from:02:00 until:02:00", "contradiction"),
        ("from:2026-07-09T04:00 until:2026-07-09T02:00", "contradiction"),
        ("from:2020-01-01T02:00 until:2020-01-01T04:00", "past window"),
        ("from:2 until:4", "bad value"),
        ("from:24:00 until:25:00", "bad value"),
        ("from:tonight until:04:00", "bad value"),
        ("from:2026-13-40T02:00 until:04:00", "bad value"),
        ("from:2026-02-30T02:00 until:04:00", "bad value"),
        ("from:02:00 until:04:00 zone:Berlin", "unknown zone"),
        ("from:02:00 until:04:00 zone:Mars/Olympus", "unknown zone"),
        ("from:02:00 until:04:00 zone:../../etc/passwd", "unknown zone"),
        ("from:02:00 until:04:00 zone:UTC+25:00", "unknown zone"),
    ],
)
def test_a_window_that_is_open_is_asked_about(words, code):
    assert read(words).code == code


def test_a_window_that_has_begun_counts_and_does_not_lie_ahead():
    found = window("from:2026-03-04T15:00 until:2026-03-04T16:00")
    assert not found.lies_ahead(NOW)


def test_hours_are_counted_by_the_local_time_of_the_network():
    hours = local_hours(window("from:2026-07-09T02:30 until:2026-07-09T04:00"), NETWORK)
    longitude = sum(node.longitude for node in NETWORK.nodes) / len(NETWORK.nodes)
    begin = 2.5 + longitude / 15  # an hour for every 15 degrees
    assert hours == (int(begin), 2)
