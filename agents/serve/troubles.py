"""What keeps a room from its work, for everybody who looks at it: since when, why, and what happens meanwhile."""

from datetime import datetime
from typing import NamedTuple

from .site_calendars import CalendarsRead
from .watch import Watch


class Trouble(NamedTuple):
    """One thing that keeps a room from its work; `why` is in the words of who failed, `then` what happens meanwhile."""

    what: str
    since: datetime
    why: str
    then: str
    grave: bool = True

    @property
    def line(self) -> str:
        """All of it in one line of a terminal."""
        return f"{self.what}: {self.why.rstrip('.')}. {self.then}"


def troubles_of(watch: Watch, calendars: CalendarsRead, unwritten: tuple[datetime, str] | None) -> tuple[Trouble, ...]:
    """Say what keeps a room from its work, the gravest first: its source, its disk, its samples, its calendars."""
    found = [
        ("The source does not answer", watch.failed, "What is shown is older; the watch tries again by itself.", True),
        ("Nothing can be written", unwritten, "Nothing of it has happened, and it follows once there is space.", True),
        ("Samples are not kept", watch.unkept, "The watch goes on without them.", False),
    ]
    told = [Trouble(what, *why, then, grave) for what, why, then, grave in found if why is not None]
    if calendars.failing is None or calendars.again is None:
        return tuple(told)
    for one in calendars.broken:
        meanwhile = (
            f"Its copy of {one.written:%d %b %H:%M} UTC is used"
            if one not in calendars.unknown
            else "Its work calls people as any other"
        )
        then = f"{meanwhile}; it is read again at {calendars.again:%H:%M} UTC."
        told.append(Trouble("A calendar cannot be read", calendars.failing, one.failed, then, grave=False))
    return tuple(told)
