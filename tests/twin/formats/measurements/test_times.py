"""Times as files write them become epoch seconds, whatever their form, or a question."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.errors import FormatError, InputError
from twin.formats.measurements.moments import read_moments, read_zone
from twin.formats.source import Source

SOURCE = Source("t.csv")
WHEN = datetime(2026, 1, 13, 0, 15, tzinfo=UTC).timestamp()


def seconds(*texts, **said):
    return read_moments(SOURCE, texts, "time", **said).seconds.tolist()


@pytest.mark.parametrize(
    "text",
    [
        "1768263300",
        "1768263300.0",
        "1768263300000",
        "1768263300000000",
        "1768263300000000000",
        "1768263300,0",
        "2026-01-13T00:15:00Z",
        "2026-01-13 00:15:00",
        "2026-01-13T01:15:00+01:00",
        "2026-01-13T01:15:00+0100",
        "2026-01-13T00:15:00.000000000Z",
        "2026-01-13 01:15:00 CET",
        "2026/01/13 00:15:00",
        "13.01.2026 00:15",
        "13/01/2026 00:15",
        "1/13/2026 12:15 AM",
        "13-Jan-2026 00:15:00",
        "13/Jan/2026:00:15:00 +0000",
        "Tue Jan 13 00:15:00 2026",
        "20260113001500",
        "202601130015",
        "20260113T001500Z",
    ],
)
def test_one_instant_in_all_its_spellings(text):
    assert seconds(text) == [WHEN]


def test_a_zone_that_is_said_holds_for_times_that_name_none():
    berlin = read_zone("Europe/Berlin")
    assert seconds("2026-01-13 01:15:00", zone=berlin) == [WHEN]
    assert seconds("2026-01-13T00:15:00Z", zone=berlin) == [WHEN]
    assert seconds("2026-07-13 02:15:00", zone=berlin) == [datetime(2026, 7, 13, 0, 15, tzinfo=UTC).timestamp()]
    assert read_moments(SOURCE, ["2026-01-13 01:15:00"], "time").zoneless


def test_day_and_month_are_told_by_the_rows_that_tell_or_are_asked_for():
    assert seconds("01/02/2026 00:00", "13/02/2026 00:00")[0] == datetime(2026, 2, 1, tzinfo=UTC).timestamp()
    assert seconds("01/02/2026 00:00", "02/13/2026 00:00")[0] == datetime(2026, 1, 2, tzinfo=UTC).timestamp()
    assert seconds("01/02/2026 00:00", unit="mdy")[0] == datetime(2026, 1, 2, tzinfo=UTC).timestamp()
    with pytest.raises(FormatError, match="two dates: say --unit time=dmy"):
        seconds("01/02/2026 00:00")


def test_a_row_that_is_no_time_is_missing_and_a_column_that_is_none_is_an_error():
    found = read_moments(SOURCE, ["1768263300", "x", None, "1768263600"], "time")
    np.testing.assert_array_equal(found.seconds, [WHEN, np.nan, np.nan, WHEN + 300])
    assert "2 rows have none" in found.note
    for texts in (["x"], ["1768263300", "1768263300000"], ["9" * 400], ["2026-13-45"], ["2026-01-13 00:00:00 XYZ"]):
        with pytest.raises(FormatError, match="row 1"):
            seconds(*texts)


def test_a_zone_that_is_none_is_a_clear_error():
    with pytest.raises(InputError, match="no time zone"):
        read_zone("Mars/Base")


@given(st.lists(st.text(max_size=30) | st.integers().map(str) | st.floats().map(str), max_size=6))
def test_whatever_is_in_the_column_it_is_times_or_one_error(texts):
    try:
        found = read_moments(SOURCE, texts, "time")
    except FormatError:
        return
    assert found.seconds.shape == (len(texts),)
