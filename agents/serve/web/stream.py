"""What happens, as it happens: server-sent events, numbered as the room's log, so that a reconnect misses nothing."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress

from agents.record.journal import Record
from agents.serve.board import Board
from agents.serve.record import Began, RoomEvent
from agents.serve.room import Room
from agents.show.incident_words import event_line

from .rights import Visitor, places

_WAITING = 500  # events that one slow reader may lag behind
_BEAT_S = 15.0
Item = tuple[str, str, str]


async def events(room: Room, visitor: Visitor, last: int | None) -> AsyncIterator[str]:
    """Yield the events of a room from after number `last`, or from now, and the records of runs as they are written.

    Of both, those that somebody may see.
    """
    loop = asyncio.get_running_loop()
    waiting: asyncio.Queue[Item] = asyncio.Queue(_WAITING)

    def put(item: Item) -> None:
        with suppress(asyncio.QueueFull):  # it lost some: the next look at the page shows all of it
            waiting.put_nowait(item)

    def heard(seq: int, event: RoomEvent) -> None:
        with suppress(RuntimeError):  # the loop is closing
            if _is_for(visitor, room.board, event):
                loop.call_soon_threadsafe(put, _of_room(seq, event, visitor))

    def told(run: str, record: Record) -> None:
        with suppress(RuntimeError):
            if _sees_run(visitor, room.board, run):
                loop.call_soon_threadsafe(put, _of_run(run, record))

    last = _known(room, last)
    sent = room.ledger.seq if last is None else last
    ends = room.ledger.listen(heard), room.hear(told)
    try:
        yield "retry: 2000\n\n"
        for seq, event in await asyncio.to_thread(room.ledger.since, sent) if last is not None else ():
            sent = seq
            if _is_for(visitor, room.board, event):
                yield _written(_of_room(seq, event, visitor))
        while True:
            item = await _next(waiting)
            if item is None:
                yield ": still here\n\n"
            elif not item[0] or int(item[0]) > sent:  # else it was on the file already
                yield _written(item)
    finally:
        for end in ends:
            end()


def _known(room: Room, last: int | None) -> int | None:
    """The number that somebody was told last, where it is of this log: one may have been restored, or begun anew."""
    return last if last is None or last <= room.ledger.seq else None


async def _next(waiting: asyncio.Queue[Item]) -> Item | None:
    """What comes next; None where nothing does for so long that whoever listens is told that somebody is there."""
    try:
        return await asyncio.wait_for(waiting.get(), _BEAT_S)
    except TimeoutError:
        return None


def _sees_run(visitor: Visitor, board: Board, run: str) -> bool:
    """Whether somebody may see a run: it works on an incident of theirs."""
    return visitor.everywhere or any(x.run == run and visitor.sees(*places(board, x)) for x in board.alive)


def _is_for(visitor: Visitor, board: Board, event: RoomEvent) -> bool:
    """Whether somebody may see that something happened: it is about an incident or entry of theirs."""
    if visitor.everywhere:
        return True
    incident = board.incidents.get(getattr(event, "id", ""))
    return incident is not None and visitor.sees(*places(board, incident))


def _of_room(seq: int, event: RoomEvent, visitor: Visitor) -> Item:
    line = event_line(event) if visitor.everywhere or isinstance(event, Began) else ""  # others name what is elsewhere
    return str(seq), "room", json.dumps({"did": event.did, "id": getattr(event, "id", ""), "line": line})


def _of_run(run: str, record: Record) -> Item:
    return "", "run", json.dumps({"run": run, "seq": record.seq, "kind": record.event.kind})


def _written(item: Item) -> str:
    number, kind, body = item
    return f"{f'id: {number}' + chr(10) if number else ''}event: {kind}\ndata: {body}\n\n"
