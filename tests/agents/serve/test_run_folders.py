"""The folders of a room's runs: the old ones go, and never one that somebody may still need."""

from contextlib import nullcontext
from datetime import UTC, datetime, timedelta

import pytest

from agents.record.events import CertificateIssued, RunFinished, RunStarted, VerdictReached
from agents.record.files import JOURNAL
from agents.record.history import read_history
from agents.record.journal import Journal
from agents.record.ownership import own
from agents.serve.board import Board
from agents.serve.record import Began, CalendarMoved, Moved, RunBegan, RunEnded, RunsDeleted, Scheduled
from agents.serve.run_folders import RunFolders
from tools.box.handover import Question

T0 = datetime(2026, 3, 2, 18, tzinfo=UTC)
DAY = timedelta(days=1)
CIRCUIT = "link/A:B--B:A"


@pytest.fixture(scope="module")
def said(resolved):
    """What a whole run says of its authority and its end, by kind."""
    kinds = (RunStarted, VerdictReached, CertificateIssued, RunFinished)
    return {type(x): x for x in read_history(resolved.result.folder).events if isinstance(x, kinds)}


class Shelf:
    """A folder of runs and the board of the room that began them."""

    def __init__(self, runs, said):
        self.runs, self.said, self.board = runs, said, Board()

    def add(self, *events):
        for event in events:
            self.board = self.board.add(event)

    def incident(self, name, *runs, day=0, closed=True):
        """An incident on which runs were at work, which ends on a day."""
        at = T0 + day * DAY
        began = Began(time=at, id=name, network="n", source=CIRCUIT, family="state", kind="down", since=at)
        self.add(began)
        for run in runs:
            self.add(RunBegan(time=at, id=name, run=run), RunEnded(time=at, id=name, run=run, outcome="resolved"))
            self.write(run)
        if closed:
            self.add(Moved(time=at, id=name, state="closed"))

    def write(self, run, *, size=0, without=(), **end):
        """A run's folder, with some events left out and others of its end."""
        folder = self.runs / run
        folder.mkdir(exist_ok=True)
        (folder / JOURNAL).unlink(missing_ok=True)
        (folder / "report.html").write_bytes(b"x" * size)
        finished = self.said[RunFinished].model_copy(update=end)
        events = {**self.said, RunFinished: finished}
        with Journal(folder / JOURNAL, clock=lambda: T0) as journal:
            for kind in (RunStarted, VerdictReached, CertificateIssued, RunFinished):
                if kind not in without:
                    journal.append(events[kind])

    @property
    def there(self):
        return {x.name for x in self.runs.iterdir()}

    def prune(self, *, day=100, wall=T0, keep=90, most=1e9):
        folders = RunFolders(self.runs, keep=keep * DAY, most=most, clock=lambda: wall)
        event = folders.prune(self.board, T0 + day * DAY)
        if event is not None:
            self.add(event)
        return event


@pytest.fixture
def shelf(tmp_path, said):
    return Shelf(tmp_path, said)


def test_runs_leave_when_they_are_old_and_what_the_room_did_not_begin_stays(shelf):
    for number in range(3):
        shelf.incident(f"I-{number}", f"r{number}", day=5 * number)
    shelf.write("somebody-s")
    event = shelf.prune(day=96)
    assert event.runs == ("r0", "r1")
    assert "2 folders of runs" in event.because
    assert shelf.there == {"r2", "somebody-s"}
    assert shelf.board.runs.keys() == {"r2"}
    assert shelf.prune(day=96) is None


def test_the_oldest_leave_first_where_there_are_too_many_bytes(shelf):
    for number in range(4):
        shelf.incident(f"I-{number}", f"r{number}", day=number)
        shelf.write(f"r{number}", size=1_000_000)
    assert shelf.prune(day=4, most=2.3e6).runs == ("r0", "r1")
    assert shelf.prune(day=4, most=2.3e6) is None
    assert shelf.there == {"r2", "r3"}


def test_every_run_of_an_incident_that_has_not_ended_stays_however_old(shelf):
    shelf.incident("I-1", "first", "second", closed=False)
    assert shelf.prune(day=1_000, most=1) is None
    shelf.add(Moved(time=T0, id="I-1", state="closed"))
    assert shelf.prune(day=1_000).runs == ("first", "second")


WAITS = {"outcome": "awaiting approval", "waits_for": 1}
ASKS = {
    "outcome": "awaiting answer",
    "question": Question(id="q", text="which?", choices=("a", "b"), default="a", minutes=60),
}


@pytest.mark.parametrize(
    ("written", "until"),
    [(WAITS, timedelta(hours=1)), (ASKS, timedelta(minutes=59))],
    ids=["an approval", "an answer"],
)
def test_a_run_that_waits_for_people_stays_as_long_as_they_may_decide(shelf, written, until):
    shelf.incident("I-1", "r1")
    shelf.write("r1", **written)
    assert shelf.prune(wall=T0 + until) is None
    assert shelf.prune(wall=T0 + 30 * DAY).runs == ("r1",)


def test_a_certified_run_that_has_not_ended_stays_and_one_that_certified_nothing_leaves(shelf):
    shelf.incident("I-1", "certified", "killed early")
    shelf.write("certified", without={RunFinished})
    shelf.write("killed early", without={RunFinished, CertificateIssued})
    assert shelf.prune(day=1_000, most=1).runs == ("killed early",)
    assert shelf.there == {"certified"}


@pytest.mark.parametrize("state", ["waiting", "in place", "stuck", "taken back"])
def test_the_run_of_an_entry_of_the_calendar_stays_until_that_is_over(shelf, state):
    shelf.incident("I-1", "r1")
    plan = shelf.said[VerdictReached].plan
    entry = Scheduled(time=T0, id="C-1", words="w", understood="u", plan=plan, begins=T0, run="r1")
    shelf.add(entry)
    if state != "waiting":
        shelf.add(CalendarMoved(time=T0, id="C-1", state=state))
    assert (shelf.prune() is None) == (state != "taken back")


@pytest.mark.parametrize("what", ["held", "broken", "a link"])
def test_what_is_held_or_cannot_be_told_stays(shelf, tmp_path, what):
    shelf.incident("I-1", "r1")
    folder = tmp_path / "r1"
    if what == "broken":
        (folder / JOURNAL).write_text('{"no": "record"}\n' * 3)
    if what == "a link":
        folder.rename(tmp_path / "elsewhere")
        folder.symlink_to("elsewhere")
    with own(folder) if what == "held" else nullcontext():
        event = shelf.prune(day=95)
    assert event is None or what == "a link"  # it is no folder: it leaves the board, and nothing is deleted
    assert (folder / JOURNAL).exists()


def test_a_folder_that_a_killed_process_deleted_in_part_is_deleted_and_a_deleted_one_leaves_the_board(shelf, tmp_path):
    shelf.incident("I-1", "half", "whole")
    (tmp_path / "half" / JOURNAL).unlink()
    assert shelf.prune().runs == ("half", "whole")
    shelf.incident("I-2", "by hand", day=0)
    for path in (tmp_path / "by hand").iterdir():
        path.unlink()
    (tmp_path / "by hand").rmdir()
    assert shelf.prune(day=50) is None
    assert shelf.prune().runs == ("by hand",)
    assert shelf.board.runs == {}


def test_the_board_forgets_an_incident_and_not_its_runs(shelf):
    shelf.incident("I-1", "r1")
    shelf.board = shelf.board.forget(T0 + DAY)
    assert shelf.board.incidents == {}
    assert shelf.prune().runs == ("r1",)
    assert Board().add(RunsDeleted(time=T0, runs=("r1",), because="x")) == Board()
