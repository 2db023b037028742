"""What a run looks like on a terminal and in a log file."""

import io
import re

import pytest
from rich.cells import cell_len

from agents.record.files import JOURNAL
from agents.show.console import Screen, summary_panel
from agents.show.report.story import tell
from agents.show.report.summary import summarise
from agents.show.tables import console

COLOUR = re.compile(r"\x1b\[[0-9;]*(3[0-8]|9[0-7])[0-9;]*m")
HOSTILE = "\x1b]0;owned\x07\x1b[2J[bold red]x[/] \u202egnp.exe"


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        return True


def shown(records, stream):
    with Screen(stream) as screen:
        for record in records:
            screen.show(record)
    return stream.getvalue()


@pytest.fixture
def log(records):
    return shown(records, io.StringIO())


def test_a_log_file_gets_plain_lines_without_a_spinner(log):
    assert "\x1b" not in log
    assert "\r" not in log
    assert "── observe monitoring" in log


def test_every_check_of_every_verdict_is_shown(log):
    assert log.count("grounded") == 2
    assert "FAILED" in log
    assert "Aa->Ee when node Bb fails after step 1: 131.0 % against 100.0 %" in log


def test_who_called_what_is_one_line_with_its_result(log):
    (line,) = [line for line in log.splitlines() if "read_log(" in line]
    assert line.startswith("  monitoring   read_log(node=Aa)  1 log line ")
    assert "refused (rights)" in log


def test_the_plan_and_its_execution_are_shown_step_by_step(log):
    assert "- 1. set the IGP weight of Aa->Ee to 40" in log
    assert "step 1/2 agree predicted 80 %, measured 79 %" in log


def test_text_from_outside_cannot_steer_the_terminal(records):
    noted = records[-2].model_copy(update={"event": records[-2].event.model_copy(update={"text": HOSTILE})})
    for text in (shown([noted], io.StringIO()), shown([noted], Terminal())):
        assert "\x1b]0;" not in text
        assert "\x1b[2J" not in text
        assert "\u202e" not in text
        assert "[bold red]x[/]" in text


def test_markup_in_a_result_is_printed_as_it_is():
    stream = io.StringIO()
    console(stream).print("[bold]not bold[/bold] :smile:")
    assert stream.getvalue() == "[bold]not bold[/bold] :smile:\n"


def test_no_color_is_honoured_on_a_terminal(records, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    assert not COLOUR.search(shown(records, Terminal()))


def test_a_terminal_gets_colours_when_it_may(records, monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    assert COLOUR.search(shown(records, Terminal()))


def test_the_closing_panel_gives_before_and_after(records, tmp_path):
    stream = io.StringIO()
    console(stream).print(summary_panel(summarise(tell(records), tmp_path)))
    text = stream.getvalue()
    assert "120 % -> 78 %" in text
    assert "9.5 Gbit/s -> 12 Mbit/s" in text
    assert "rejected: survivable" in text


@pytest.mark.parametrize("width", [80, 60])
def test_a_run_on_a_narrow_terminal_splits_no_name(records, tmp_path, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    long = {"Aa": "München-Süd-Größenwahnstraße-Kern-0002", "Ee": "Frankfurt-am-Main-Gutleutstrasse-Core-Router-0001"}

    def renamed(record):
        text = record.model_dump_json()
        for short, name in long.items():
            text = re.sub(rf"\b{short}\b", name, text)
        return type(record).model_validate_json(text)

    stream, ended = Terminal(), [renamed(x) for x in records]
    shown(ended, stream)
    console(stream).print(summary_panel(summarise(tell(ended), tmp_path)))
    told = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue())
    assert [x for x in told.splitlines() if cell_len(x.rpartition("\r")[2]) > width] == []
    for line in told.splitlines():
        for word in re.findall(r"[\w-]*(?:München|Frankfurt)[\w-]*", line):
            assert any(name in word for name in long.values()), line
    assert all(told.count(name) > 4 for name in long.values())


def test_an_unfinished_run_can_be_summed_up_at_every_length(records, tmp_path):
    for length in range(1, len(records)):
        summary = summarise(tell(records[:length]), tmp_path)
        assert summary.outcome == "unfinished"
        console(io.StringIO()).print(summary_panel(summary))


def test_the_summary_names_the_report_only_when_it_is_there(records, tmp_path):
    assert summarise(tell(records), tmp_path / "nowhere").report is None
    (tmp_path / "report.html").write_text("")
    assert summarise(tell(records), tmp_path).report == str(tmp_path / "report.html")
    assert (tmp_path / JOURNAL).is_file()
