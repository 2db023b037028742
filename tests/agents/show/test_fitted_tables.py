"""Tables in narrow places: no word is split, no name is lost, and what leaves is said."""

import re
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.text import Text

from agents.commands.output import say
from agents.show.fitted import Fitted
from agents.show.lines import WrappedText, wrapped
from agents.show.tables import console
from tests.command_line import here

NAMES = ("Frankfurt am Main->Kempten", "Nuernberg->Wuerzburg", "Ulm->Augsburg")


def shown(table, width):
    out = StringIO()
    screen = console(out)
    screen.width = width
    screen.print(table)
    return out.getvalue()


def words(text):
    return re.findall(r"[^\s─]+", text)


@pytest.mark.parametrize("width", [140, 80, 60, 40])
def test_no_word_is_split_and_no_line_is_wider_than_the_place(width):
    rows = [(name, "100G", "81 %", "the circuit Nuernberg--Wuerzburg that carries most of it") for name in NAMES]
    text = shown(Fitted(("link", "capacity>", "utilisation>", "failure"), rows, spare=("capacity",)), width)
    assert max(map(len, text.splitlines())) <= width
    assert {word for name in NAMES for word in name.split()} <= set(words(text))


def test_columns_leave_in_the_order_of_their_worth_and_are_named():
    table = Fitted(("link", "capacity>", "load>", "why"), [("A->B", "100G", "81 %", "cut")], spare=("capacity", "load"))
    assert "no room" not in shown(table, 80)
    narrow = shown(table, 22)
    assert "no room for: capacity" in narrow
    assert "81 %" in narrow
    assert "no room for: capacity, load" in " ".join(shown(table, 15).split())


@given(
    st.lists(st.tuples(*[st.text("abc xyz", min_size=0, max_size=40)] * 4), min_size=1, max_size=4),
    st.integers(12, 160),
)
def test_every_word_of_a_column_that_stays_is_whole(rows, width):
    table = Fitted(("a", "b>", "c", "d"), rows, spare=("b", "d"))
    text = shown(table, width)
    gone = re.findall(r"\w+", text.partition("no room for:")[2])
    assert all(len(line) <= width for line in text.splitlines())
    told = set(words(text))
    for i, heading in enumerate("abcd"):
        if heading not in gone:
            kept = {word for row in rows for word in row[i].split()}
            assert {word for word in kept if len(word) <= width} <= told


@pytest.mark.parametrize("width", ["80", "60"])
def test_a_command_in_a_pipe_is_as_wide_as_columns_says(width):
    done = here("whatif", "--network", "sndlib/germany50", "--fail", "Kassel", "--top", "5", COLUMNS=width)
    assert done.returncode == 0
    assert max(map(len, done.stdout.splitlines())) <= int(width)
    assert re.search(r"node Kassel", done.stdout)


def test_a_line_ends_between_words_and_never_between_a_figure_and_its_unit(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "30")
    said = (
        "  node A: measured 3.14 Gbit/s in all, healthy 12.5 % for 1.278 ms, see /a/path/that/is/longer/than/the/line"
    )
    say(said)
    lines = capsys.readouterr().out.splitlines()
    assert all(line.startswith("  ") and len(line) <= 30 for line in lines[:-1])
    assert " ".join(" ".join(lines).split()) == said.strip()
    assert all(any(figure in line for line in lines) for figure in ("3.14 Gbit/s", "12.5 %", "1.278 ms"))


ENDS = (
    "Frankfurt-am-Main-Gutleutstrasse-Core-01",
    "München-Süd-Größenwahnstraße-Kern-0002",
    "東京大手町データセンター",
)


@pytest.mark.parametrize("width", [60, 80])
def test_long_names_of_links_go_over_two_lines_before_their_figures_leave(width):
    names = [f"{a}{arrow}{b}" for a in ENDS for b in ENDS for arrow in ("->", "--") if a != b]
    table = Fitted(("link", "capacity>", "peak>", "cause"), [(x, "10G", "81 %", x) for x in names], spare=("capacity",))
    text = shown(table, width)
    assert all(cell_len(line) <= width for line in text.splitlines())
    assert {end for name in names for end in re.split("(?<=->)|(?<=--)", name)} <= set(words(text))
    assert text.count("81 %") == len(names)
    assert "no room for: cause" not in text  # nobody said that it can be spared: it stands below each row
    assert text.count("cause:") == len(names)


@given(st.lists(st.text("abc 東京ü->", min_size=1, max_size=24), max_size=12).map(" ".join), st.integers(48, 120))
def test_a_line_is_wrapped_by_the_cells_it_takes_and_loses_nothing(line, width):
    told = wrapped(line, width)
    assert "".join(told.split()) == "".join(line.split())
    assert all(cell_len(x) <= width for x in told.split("\n"))


def test_what_cannot_be_spared_stands_below_its_row_where_the_table_has_no_room_for_it():
    rows = [("nominal", "passed", f"the busiest link is {ENDS[0]}->{ENDS[1]} at 54 %"), ("useful", "passed", "")]
    text = shown(Fitted(("check", "result", "detail"), rows), 50)
    assert all(cell_len(line) <= 50 for line in text.splitlines())
    told = " ".join(text.partition("─\n")[2].split())
    assert told == f"nominal passed detail: the busiest link is {ENDS[0]}-> {ENDS[1]} at 54 % useful passed"


def test_a_column_that_says_nothing_of_any_row_is_not_shown():
    text = shown(Fitted(("method", "gap>", "why"), [("drain", "", ""), ("sleep", "", "needed")], spare=("gap",)), 80)
    assert text.split("\n")[0].split() == ["method", "why"]
    assert "no room" not in shown(Fitted(("method", "gap>"), [("drain", "")], spare=("gap",)), 20)


def test_a_path_that_is_wider_than_its_place_goes_on_behind_a_slash():
    text = shown(WrappedText(Text("runs/lang.json-s1-20261130-124859/report.html")), 40)
    assert text.split() == ["runs/lang.json-s1-20261130-124859/", "report.html"]
    assert shown(WrappedText(Text("harm 3.14 Gbit/s")), 12).splitlines() == ["harm", "3.14 Gbit/s"]
