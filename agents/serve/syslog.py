"""What people do in a room, told to a syslog as it happens, with the head of the room's log: RFC 5424, datagrams.

Whoever keeps that syslog can tell later whether `room.jsonl` is still what it was: the head is the SHA-256 over every
line of it so far, each with the head before.
"""

import os
import socket
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC

from agents.wording import one_line
from twin.errors import InputError

from .ledger import Ledger
from .record import Audited, CalendarMoved, Moved, Owned, Remarked, RoomEvent, RunEnded, RunsDeleted, Silenced

_PRIORITY = 13 * 8 + 5  # facility log audit, severity notice
_MOST = 900  # bytes of words in a datagram that every receiver takes whole


class AuditTrail:
    """Sends to HOST:PORT, or to the socket at a path. What cannot be sent is dropped: nothing waits for a syslog."""

    def __init__(self, address: str) -> None:
        """Raises `InputError` on an address that is none."""
        host, colon, port = address.rpartition(":")
        if address.startswith("/"):
            self._to, family = address, socket.AF_UNIX
        elif colon and host and port.isdecimal() and 0 < int(port) < 65_536:
            self._to = (host.strip("[]"), int(port))
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
        else:
            raise InputError(f"syslog = {address!r} is no address", fix="write host:514, or /dev/log")
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._host = one_line(socket.gethostname(), 60).replace(" ", "-") or "-"

    def follow(self, ledger: Ledger) -> Callable[[], None]:
        """Tell everything that people do from now on; returns what ends that."""

        def heard(seq: int, event: RoomEvent) -> None:
            said = words_of(event)
            if said:
                self._send(event, f"seq={seq} head={ledger.head} {said}")

        return ledger.listen(heard)

    def close(self) -> None:
        """Tell nothing more."""
        self._socket.close()

    def _send(self, event: RoomEvent, words: str) -> None:
        at = event.time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        text = f"<{_PRIORITY}>1 {at} {self._host} twinops {os.getpid()} audit - {one_line(words, _MOST)}"
        with suppress(OSError):
            self._socket.sendto(text.encode(), self._to)


def words_of(event: RoomEvent) -> str:
    """Say who did what; empty for what the room does by itself, but for the ends of its runs."""
    match event:
        case Audited():
            return f"{event.who}: {event.what}"
        case Moved() | Owned() | Remarked() | Silenced() if event.who:
            told = getattr(event, "words", "") or getattr(event, "because", "") or getattr(event, "state", "")
            return f"{event.who}: {event.did} {getattr(event, 'id', getattr(event, 'element', ''))} {told}"
        case CalendarMoved():
            return f"calendar {event.id}: {event.state} {event.because}"
        case RunsDeleted():
            return f"deleted {event.because}: {', '.join(event.runs)}"
        case RunEnded():
            return f"run {event.run} of {event.id}: {event.outcome}"
        case _:
            return ""
