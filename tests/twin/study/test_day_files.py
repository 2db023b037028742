"""A day's profile and a window of it, as one writes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.errors import FormatError, InputError, TwinError
from twin.study.day import Span, parse_window, read_day


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("02:00-04:00", Span(2, 2)),
        ("2:00-4:00", Span(2, 2)),
        ("02:30-04:10", Span(2, 3)),
        ("22:00-02:00", Span(22, 4)),
        ("23:30-00:10", Span(23, 2)),
        ("00:00-24:00", Span(0, 24)),
        ("12:30-12:00", Span(12, 24)),
        ("23:00-00:00", Span(23, 1)),
    ],
)
def test_a_window_is_the_hours_it_touches(text, span):
    assert parse_window(text) == span


@pytest.mark.parametrize(
    "text", ["", "2-4", "02:00", "02:00-02:00", "25:00-26:00", "24:00-01:00", "02:60-03:00", "a:b-c:d"]
)
def test_what_is_no_window_is_refused_with_an_example(text):
    with pytest.raises(InputError) as caught:
        parse_window(text)
    assert "02:00-04:00" in caught.value.fix


@given(st.text(max_size=20) | st.from_regex(r"\d{1,2}:\d{2}-\d{1,2}:\d{2}", fullmatch=True))
def test_every_text_is_a_window_of_a_day_or_refused(text):
    try:
        span = parse_window(text)
    except TwinError:
        return
    assert 0 <= span.start <= 23
    assert 1 <= span.hours <= 24


@pytest.mark.parametrize("gap", ["\n", ",", " ", ", \n"])
def test_a_day_is_24_shares(tmp_path, gap):
    (tmp_path / "day.txt").write_text(gap.join(str(hour / 10) for hour in range(24)))
    assert read_day(tmp_path / "day.txt") == tuple(hour / 10 for hour in range(24))


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("1\n" * 23, "the whole file"),
        ("1\n" * 25, "the whole file"),
        ("1\n1\nmuch\n" + "1\n" * 21, "line 3"),
        ("-1\n" + "1\n" * 23, "line 1"),
        ("1\nnan\n" + "1\n" * 22, "line 2"),
        ("1\n11\n" + "1\n" * 22, "line 2"),
    ],
)
def test_a_malformed_day_names_file_and_line(tmp_path, text, where):
    (tmp_path / "day.txt").write_text(text)
    with pytest.raises(FormatError) as caught:
        read_day(tmp_path / "day.txt")
    assert (caught.value.path, caught.value.where) == (str(tmp_path / "day.txt"), where)
