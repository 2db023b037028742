"""Telling people: what is told of an incident, and delivering it to every channel in order, until somebody has it.

Each channel has its own queue: its oldest message is tried until it is delivered, refused for good, or too old, and
nothing overtakes it. A message is on the room's log before it is tried, so that a killed room tries it again; receivers
that look at keys take a message once, however often it comes.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from agents.wording import place
from twin.clock import utc_now
from twin.errors import StoreError, TransientError, TwinError

from .board import Board, Incident, Message
from .channels import RefusedMessageError, hand_over
from .ledger import Ledger
from .record import DeadLetter, Delivered, Moment, Queued, RoomEvent
from .settings import Channel

FIRST_S, LONGEST_S, OLDEST = 2.0, 300.0, timedelta(hours=24)
Send = Callable[[Channel, Queued, datetime], None]


def to_tell(
    board: Board, channels: Iterable[Channel], summary: Callable[[Incident], str], *, now: datetime, settle: timedelta
) -> list[RoomEvent]:
    """Say what is to be told of the incidents as they are now: each one's page, its answer and its end, once each.

    A new incident is told when it is `settle` old: what is part of a larger one, or over by then, calls nobody. Nothing
    is told of parts and of what is silenced; an end is told where the beginning was.
    """
    found: list[RoomEvent] = []
    number, names = board.numbered, [x.name for x in channels]
    told = {(x.queued.incident, x.queued.channel, x.queued.moment) for x in board.messages.values()}
    for incident in board.incidents.values() if names else ():
        for name in names:
            for moment in _moments(board, incident, now, settle, opened=(incident.id, name, "opened") in told):
                if (incident.id, name, moment) not in told:
                    number += 1
                    told.add((incident.id, name, moment))
                    found.append(_message(number, name, incident, moment, now, summary(incident)))
    return found


def _moments(board: Board, incident: Incident, now: datetime, settle: timedelta, *, opened: bool) -> Iterator[Moment]:
    """What of an incident should be known outside by now."""
    urgent = incident.source.startswith(("calendar/", "alert/"))
    ripe = incident.alive and (urgent or now - incident.opened >= settle)
    calls = board.is_root(incident) and not board.is_silenced(incident, now)
    if not opened and ripe and incident.quiet is None and calls:
        opened = True
        yield "opened"
    if opened and incident.acknowledged:
        yield "acknowledged"
    if opened and not incident.alive:
        yield "resolved"


def _message(number: int, channel: str, incident: Incident, moment: Moment, now: datetime, summary: str) -> Queued:
    return Queued(
        time=now,
        number=number,
        channel=channel,
        incident=incident.id,
        moment=moment,
        summary=summary[:1_000],
        source=place(incident.source),
        family=incident.family,
        kind=incident.kind,
        network=incident.network,
        began=incident.since,
    )


class Postman:
    """Delivers what waits on a room's board, one thread per channel. The clock is the wall's."""

    def __init__(
        self,
        ledger: Ledger,
        channels: Iterable[Channel],
        *,
        clock: Callable[[], datetime] = utc_now,
        send: Send = hand_over,
        first_s: float = FIRST_S,
        pause: Callable[[float], object] | None = None,
    ) -> None:
        """`pause` waits so many seconds of the clock before a message is tried again."""
        self._ledger, self._clock, self._send, self._first_s = ledger, clock, send, first_s
        self._channels: Mapping[str, Channel] = {x.name: x for x in channels}
        self._stop, self._news = threading.Event(), {name: threading.Event() for name in self._channels}
        self._pause = pause or self._stop.wait
        self._threads: list[threading.Thread] = []
        self.trouble: dict[str, str] = {}
        self._forget = lambda: None

    def start(self) -> None:
        """Deliver in the background from now on."""
        self._forget = self._ledger.listen(self._heard)
        for name in self._channels:
            thread = threading.Thread(target=self._serve, args=(name,), name=f"delivery-{name}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """Finish what is under way, and end."""
        self._stop.set()
        self._forget()
        for news in self._news.values():
            news.set()
        for thread in self._threads:
            thread.join(timeout=15)

    @property
    def idle(self) -> bool:
        """Whether no message waits."""
        return all(x.state != "waiting" for x in self._ledger.board.messages.values())

    def waiting(self, channel: str) -> list[Message]:
        """What waits for a channel, the oldest first."""
        found = [
            x for x in self._ledger.board.messages.values() if x.state == "waiting" and x.queued.channel == channel
        ]
        return sorted(found, key=lambda x: x.queued.number)

    def _heard(self, _seq: int, event: RoomEvent) -> None:
        if isinstance(event, Queued) and event.channel in self._news:
            self._news[event.channel].set()

    def _serve(self, name: str) -> None:
        attempts, since = 0, self._clock()
        while not self._stop.is_set():
            waiting = self.waiting(name)
            if not waiting:
                self._news[name].wait(timeout=30)
                self._news[name].clear()
                attempts, since = 0, self._clock()
                continue
            attempts += 1
            if self._try(name, waiting[0].queued, attempts, since):
                attempts, since = 0, self._clock()
                continue
            self._pause(min(self._first_s * 2 ** (attempts - 1), LONGEST_S))

    def _sent(self, name: str, message: Queued, now: datetime) -> None:
        """Hand a message over; whatever a receiver does that nobody thought of is a reason to try again, and told."""
        try:
            self._send(self._channels[name], message, now)
        except TwinError:
            raise
        except Exception as error:
            words = f"{name} could not be told: {type(error).__name__}: {' '.join(str(error).split())[:200]}"
            raise TransientError(words) from error

    def _try(self, name: str, message: Queued, attempts: int, since: datetime) -> bool:
        """Try once; true when this message is done with, delivered or not."""
        now = self._clock()
        try:
            self._sent(name, message, now)
            done: RoomEvent = Delivered(time=now, number=message.number, attempts=attempts)
            self.trouble.pop(name, None)
        except TransientError as error:
            self.trouble[name] = str(error)
            if now - since < OLDEST:
                return False
            done = DeadLetter(time=now, number=message.number, because=f"not delivered in a day: {error}")
        except RefusedMessageError as error:
            self.trouble[name] = str(error)
            done = DeadLetter(time=now, number=message.number, because=str(error))
        try:
            self._ledger.write(done)
        except StoreError as error:  # a full disk: it stays on the list, and its key says that it is the same
            self.trouble[name] = str(error)
            return False
        return True
