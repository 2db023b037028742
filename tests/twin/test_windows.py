"""Windows and freezes by the clock of their zone, over both changes of the clocks."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.windows import ClockSpan, read_either, read_span, read_weekly

ZURICH = ZoneInfo("Europe/Zurich")


def at(text, zone=UTC):
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def hours_in(window, day, zone):
    start = at(day, zone).astimezone(UTC)
    return sum(window.holds(start + timedelta(minutes=k)) for k in range(36 * 60)) / 60


@pytest.mark.parametrize(
    ("moment", "inside"),
    [
        ("2026-12-01T00:30", True),  # Tuesday, 01:30 in Zurich
        ("2026-11-30T23:59", False),
        ("2026-12-01T04:00", False),  # 05:00 there: the end is out
        ("2026-12-03T00:00", True),  # Thursday
        ("2026-12-04T00:30", False),  # Friday
        ("2026-07-07T23:00", True),  # in summer 01:00 of Wednesday
        ("2026-07-08T03:00", False),
    ],
)
def test_a_window_is_read_off_the_clock_of_its_zone(moment, inside):
    assert read_weekly("Tue-Thu 01:00-05:00 Europe/Zurich").holds(at(moment)) is inside


def test_a_window_past_midnight_belongs_to_the_day_it_begins_on():
    window = read_weekly("Sat,Sun 22:00-02:00 UTC")
    assert window.holds(at("2026-12-07T01:59"))  # Monday, begun on Sunday
    assert not window.holds(at("2026-12-05T01:59"))  # Saturday, begun on Friday
    assert read_weekly("22:00-24:00").holds(at("2026-12-07T23:59"))
    assert read_weekly("Sat-Mon 10:00-11:00").days == frozenset({5, 6, 0})


def test_an_hour_that_a_clock_skips_is_in_no_window_and_one_that_it_shows_twice_is_in_it_twice():
    window = read_weekly("02:00-03:00 Europe/Zurich")
    assert hours_in(window, "2026-03-28T12:00", ZURICH) == 0  # clocks go forward on the 29th
    assert hours_in(window, "2026-10-24T12:00", ZURICH) == 2  # and back on the 25th
    assert hours_in(window, "2026-06-01T12:00", ZURICH) == 1


def test_a_freeze_includes_its_last_day_in_its_zone():
    span = read_span("2026-12-20/2027-01-04 Europe/Zurich")
    assert span.begins == at("2026-12-19T23:00")
    assert span.holds(at("2027-01-04T22:59"))
    assert not span.holds(at("2027-01-04T23:00"))
    assert read_span("2026-12-20T18:00/2026-12-21T06:00").ends == at("2026-12-21T06:00")


@pytest.mark.parametrize(
    ("text", "begins", "ends"),
    [
        ("2026-10-24T18:00/2026-10-25T02:30 Europe/Berlin", "2026-10-24T16:00", "2026-10-25T01:30"),  # shown twice
        ("2026-10-25T02:30/2026-10-26 Europe/Berlin", "2026-10-25T00:30", "2026-10-26T23:00"),
        ("2026-03-29T02:30/2026-03-30 Europe/Berlin", "2026-03-29T01:00", "2026-03-30T22:00"),  # skipped
        ("2026-03-28/2026-03-29T02:30 Europe/Berlin", "2026-03-27T23:00", "2026-03-29T01:00"),
        ("2026-10-25/2026-10-25T24:00 Europe/Berlin", "2026-10-24T22:00", "2026-10-25T23:00"),  # a day of 25 hours
        ("2026-03-29/2026-03-29T24:00 Europe/Berlin", "2026-03-28T23:00", "2026-03-29T22:00"),  # and one of 23
        ("2026-04-05/2026-04-05T01:45 Australia/Lord_Howe", "2026-04-04T13:00", "2026-04-04T15:15"),  # half an hour
        ("2026-04-24/2026-04-24 Africa/Cairo", "2026-04-23T22:00", "2026-04-24T21:00"),  # midnight is skipped
        ("2026-10-24T18:00Z/2026-10-25T02:30+01:00 Asia/Tokyo", "2026-10-24T18:00", "2026-10-25T01:30"),
        ("2026-10-24T18:00:00-05:00/2026-10-25 UTC+02:00", "2026-10-24T23:00", "2026-10-25T22:00"),
    ],
)
def test_a_freeze_has_every_moment_that_its_words_may_mean_where_clocks_change(text, begins, ends):
    assert read_span(text) == ClockSpan(at(begins), at(ends))


@pytest.mark.parametrize(
    "text",
    ["", "Tue 01:00", "Xyz 01:00-02:00", "01:00-01:00", "25:00-26:00", "01:00-02:00 Mars/Olympus",
     "2026-13-01/2026-14-01", "2026-12-20/2026-12-19", "Tue-Thu 1-5",
     "2026-12-20T18:00+25:00/2026-12-21", "2026-12-20Z/2026-12-21", "01:00-02:00 UTC+99:00", "24:00-02:00",
     "2026-12-20"],
)  # fmt: skip
def test_what_is_no_time_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        read_either(text)


@given(st.integers(0, 730 * 1440), st.sampled_from(["Europe/Zurich", "America/New_York"]))
def test_every_moment_is_in_the_window_or_in_its_complement(moment, zone):
    moment = at("2026-01-01T00:00") + timedelta(minutes=moment)
    one, other = read_weekly(f"08:15-17:45 {zone}"), read_weekly(f"17:45-08:15 {zone}")
    assert one.holds(moment) is not other.holds(moment)
