"""What happens, as it happens: server-sent events, numbered as the room's log, so that a reconnect misses nothing."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress

from agents.record.journal import Record
from agents.serve.record import RoomEvent
from agents.serve.room import Room
from agents.show.incident_words import event_line

_WAITING = 500  # events that one slow reader may lag behind
_BEAT_S = 15.0
Item = tuple[str, str, str]


async def events(room: Room, last: int | None) -> AsyncIterator[str]:
    """Yield the events of a room from after number `last`, or from now, and the records of runs as they are written."""
    loop = asyncio.get_running_loop()
    waiting: asyncio.Queue[Item] = asyncio.Queue(_WAITING)

    def put(item: Item) -> None:
        with suppress(asyncio.QueueFull):  # it lost some: the next look at the page shows all of it
            waiting.put_nowait(item)

    def heard(seq: int, event: RoomEvent) -> None:
        with suppress(RuntimeError):  # the loop is closing
            loop.call_soon_threadsafe(put, _of_room(seq, event))

    def told(run: str, record: Record) -> None:
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(put, _of_run(run, record))

    sent = room.ledger.seq if last is None else last
    ends = room.ledger.listen(heard), room.hear(told)
    try:
        yield "retry: 2000\n\n"
        for seq, event in await asyncio.to_thread(room.ledger.since, sent) if last is not None else ():
            sent = seq
            yield _written(_of_room(seq, event))
        while True:
            try:
                item = await asyncio.wait_for(waiting.get(), _BEAT_S)
            except TimeoutError:
                yield ": still here\n\n"
                continue
            if item[0] and int(item[0]) <= sent:
                continue  # it was on the file already
            yield _written(item)
    finally:
        for end in ends:
            end()


def _of_room(seq: int, event: RoomEvent) -> Item:
    body = {"did": event.did, "id": getattr(event, "id", ""), "line": event_line(event)}
    return str(seq), "room", json.dumps(body)


def _of_run(run: str, record: Record) -> Item:
    return "", "run", json.dumps({"run": run, "seq": record.seq, "kind": record.event.kind})


def _written(item: Item) -> str:
    number, kind, body = item
    return f"{f'id: {number}' + chr(10) if number else ''}event: {kind}\ndata: {body}\n\n"
