"""What is seen becomes incidents: one for what flaps, parts for what a larger one explains, and each is told once."""

import errno
import os
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.serve.board import MOVES, Board
from agents.serve.delivery import to_tell
from agents.serve.ledger import LOG, Ledger
from agents.serve.record import Moved
from agents.serve.settings import Webhook
from agents.serve.sightings import Sighting, consequences, nodes_at
from twin.errors import InputError, StoreError

T0 = datetime(2026, 3, 2, 18, tzinfo=UTC)
STEP = timedelta(minutes=5)
CIRCUIT = "link/A:B--B:A"
HOOK = Webhook(kind="webhook", name="pager", url="http://localhost:9/")


def seen(source, kind="down", since=T0, elements=()):
    return Sighting(source=source, kind=kind, elements=(source, *elements), since=since)


class Watched:
    """A room without a network: what each look sees is given."""

    def __init__(self, folder):
        self.folder, self.ledger, self.now = folder, Ledger(folder), T0

    def look(self, *sightings):
        def work(board):
            events = list(consequences(board, "net", sightings, self.now))
            after = board
            for event in events:
                after = after.add(event)
            return [*events, *to_tell(after, [HOOK], lambda x: x.source, now=self.now, settle=2 * STEP)]

        self.ledger.decide(work)
        self.now += STEP

    @property
    def told(self):
        return [(x.queued.incident, x.queued.moment) for x in self.ledger.board.messages.values()]

    def again(self):
        self.ledger.close()
        self.ledger = Ledger(self.folder)


@pytest.fixture
def room(tmp_path):
    watched = Watched(tmp_path)
    yield watched
    watched.ledger.close()


def test_a_link_that_flaps_for_two_hours_is_one_incident_one_page_and_one_end(room):
    for number in range(24):
        room.look(*([seen(CIRCUIT)] if number % 4 < 2 else []))
        room.again()  # and every look may be the last of its process
    for _ in range(14):
        room.look()
    assert [x.state for x in room.ledger.board.incidents.values()] == ["closed"]
    assert room.told == [("I-0001", "opened"), ("I-0001", "resolved")]


def test_what_comes_back_after_its_end_is_another_incident(room):
    for _ in range(2):
        for _ in range(4):
            room.look(seen(CIRCUIT))
        for _ in range(14):
            room.look()
    assert [m for _, m in room.told] == ["opened", "resolved", "opened", "resolved"]


def test_a_node_that_is_found_to_be_down_takes_its_circuits_as_parts_and_calls_people_once(room):
    room.look(seen(CIRCUIT))
    for _ in range(4):
        room.look(seen("node/A", "silent", elements=(CIRCUIT,)))
        room.again()
    room.look(seen("node/A", "silent"), seen("interface/A/C", "errors"))
    board = room.ledger.board
    assert {x.source: x.parent for x in board.incidents.values()} == {
        CIRCUIT: "I-0002",
        "node/A": None,
        "interface/A/C": "I-0002",
    }
    assert room.told == [("I-0002", "opened")]


def test_a_failure_that_a_device_reports_takes_what_its_traffic_does_elsewhere_as_a_part_and_is_called_by_its_name(
    room,
):
    """An exit that loses its routes while probes to it are lost already: nobody is told of probes alone."""
    exit_ = "interface/A/transit"
    lost = seen("probe/B/transit", "probe_loss").model_copy(update={"reported": False})
    for _ in range(3):
        room.look(lost)
    for _ in range(4):
        room.look(seen(exit_, "no_routes", elements=(lost.source, "interface/B/A")))
        room.again()
    known = {x.source: (x.id, x.parent, x.kind) for x in room.ledger.board.incidents.values()}
    assert known == {lost.source: ("I-0001", "I-0002", "probe_loss"), exit_: ("I-0002", None, "no_routes")}
    assert room.told == [("I-0001", "opened"), ("I-0002", "opened"), ("I-0001", "resolved")]


def test_two_places_far_apart_are_two_incidents(room):
    for _ in range(4):
        room.look(seen(CIRCUIT), seen("link/C:D--D:C"))
    assert len(room.ledger.board.alive) == 2
    assert len(room.told) == 2


def test_what_is_over_before_anybody_is_called_calls_nobody(room):
    room.look(seen(CIRCUIT))
    for _ in range(8):
        room.look()
    assert room.ledger.board.alive == ()
    assert room.told == []


def test_a_state_that_cannot_follow_is_refused_and_leaves_no_trace(room, tmp_path):
    room.look(seen(CIRCUIT))
    room.ledger.write(Moved(time=room.now, id="I-0001", state="closed"))
    before = (tmp_path / LOG).read_bytes()
    with pytest.raises(InputError, match="cannot become open"):
        room.ledger.write(Moved(time=room.now, id="I-0001", state="open"))
    assert (tmp_path / LOG).read_bytes() == before


def test_a_log_that_has_grown_is_written_anew_with_the_same_board(room, tmp_path):
    for number in range(40):
        room.look(*([seen(CIRCUIT)] if number < 30 else []))
    room.ledger.close()
    room.ledger = Ledger(tmp_path, large=1)
    before, seq = room.ledger.board, room.ledger.seq
    assert room.ledger.tidy(room.now)
    room.again()
    assert (room.ledger.board, room.ledger.seq) == (before, seq)
    room.ledger.close()
    room.ledger = Ledger(tmp_path, large=1, retention=timedelta(0))
    room.look(seen("link/C:D--D:C"))
    assert room.ledger.tidy(room.now + timedelta(days=1))
    assert [x.source for x in room.ledger.board.incidents.values()] == ["link/C:D--D:C"]


def test_a_log_that_has_no_space_to_be_written_anew_goes_on_as_it_is(room, tmp_path, monkeypatch):
    room.look(seen(CIRCUIT))
    room.ledger.close()
    room.ledger = Ledger(tmp_path, large=1)
    before = sorted(x.name for x in tmp_path.iterdir())

    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        assert not room.ledger.tidy(room.now)
    assert sorted(x.name for x in tmp_path.iterdir()) == before
    room.look(seen(CIRCUIT), seen("link/C:D--D:C"))
    assert room.ledger.tidy(room.now)
    board = room.ledger.board
    room.again()
    assert room.ledger.board == board
    assert len(board.incidents) == 2


def test_a_line_that_was_cut_off_never_happened_and_a_changed_one_is_named(room, tmp_path):
    room.look(seen(CIRCUIT))
    room.look(seen(CIRCUIT), seen("link/C:D--D:C"))
    room.ledger.close()
    whole = (tmp_path / LOG).read_bytes()
    (tmp_path / LOG).write_bytes(whole[:-20])
    room.ledger = Ledger(tmp_path)
    assert [x.source for x in room.ledger.board.alive] == [CIRCUIT]
    room.ledger.close()
    (tmp_path / LOG).write_bytes(whole.replace(b'"began"', b'"begun"'))
    with pytest.raises(StoreError, match="broken at event 1"):
        Ledger(tmp_path)


STATES = st.lists(st.sampled_from(list(MOVES)), max_size=12)


@given(STATES)
def test_no_order_of_moves_leads_out_of_the_closed_state(states):
    board = Board()
    for event in consequences(board, "net", [seen(CIRCUIT)], T0):
        board = board.add(event)
    closed = False
    for state in states:
        allowed = state in MOVES[board.incident("I-0001").state]
        try:
            board = board.add(Moved(time=T0, id="I-0001", state=state))
        except InputError:
            assert not allowed
        else:
            assert allowed
            assert not closed
        closed = board.incident("I-0001").state == "closed"


@pytest.mark.parametrize(
    ("element", "nodes"),
    [
        ("node/A", {"A"}),
        ("interface/A/B", {"A"}),
        ("link/A:B2--B:A2", {"A", "B"}),
        ("probe/A/B", {"A", "B"}),
        ("A->B:2", {"A", "B"}),
        ("network/x", set()),
    ],
)
def test_the_nodes_of_an_element_are_known(element, nodes):
    assert nodes_at(element) == nodes
