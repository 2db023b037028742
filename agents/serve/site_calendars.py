"""The calendars of a site while it is watched: read again and again, and said of each what became of that.

Reading never holds up a look: a server that does not answer is waited for beside it. What cannot be read is tried again
soon, and seen by people meanwhile; what others plan there is then unknown, and calls people as if nobody planned it. No
plan of the room's calendar is made while it is.
"""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from twin.clock import utc_now
from twin.errors import TwinError
from twin.formats.calendar import NO_TAGS, Tags
from twin.model import Network
from twin.planned import PlannedWork
from twin.site import OpenSite, TriedCalendar, TriedCalendars

AGAIN = timedelta(minutes=5)
"""How long after it was read a calendar is read again."""
_SOON = timedelta(minutes=1)  # after it failed, doubled with each failure up to `AGAIN`


class CalendarsRead(NamedTuple):
    """What the calendars said when they were read last, and when that is done again, by this machine's clock."""

    tried: tuple[TriedCalendar, ...] = ()
    works: tuple[PlannedWork, ...] = ()
    read: datetime | None = None
    again: datetime | None = None
    failing: datetime | None = None

    @property
    def broken(self) -> tuple[TriedCalendar, ...]:
        """Those that could not be read."""
        return tuple(x for x in self.tried if x.failed)

    @property
    def unknown(self) -> tuple[TriedCalendar, ...]:
        """Those of them that no older copy stands in for."""
        return tuple(x for x in self.broken if x.written is None or x.fix)


class SiteCalendars:
    """Reads the calendars of a site, which may name elements by `tags`; of a network without one there are none."""

    def __init__(self, site: OpenSite | None, clock: Callable[[], datetime] = utc_now, *, tags: Tags = NO_TAGS) -> None:
        self._site = site if site is not None and site.site.sources.calendar else None
        self._clock, self._turn, self._failures, self._tags = clock, threading.Lock(), 0, tags
        self.newest = CalendarsRead()

    @property
    def named(self) -> bool:
        """Whether the site names any."""
        return self._site is not None

    def look(self, network: Network, now: datetime) -> None:
        """Have them read beside this, where it is time to; `now` is the network's clock, by which works are over."""
        due = self.newest.again is None or self._clock() >= self.newest.again
        if self._site is not None and due and not self._turn.locked():
            threading.Thread(target=self.read, args=(network, now), name="calendars", daemon=True).start()

    def read(self, network: Network, now: datetime, *, anew: bool = False) -> CalendarsRead:
        """Read them now; `anew` asks servers whatever is at hand. What fails is told, never raised."""
        if self._site is None:
            return self.newest
        with self._turn:
            tried, works = self._tried(self._site, network, now, anew)
            broken = any(x.failed for x in tried)
            self._failures = self._failures + 1 if broken else 0
            wait = min(_SOON * 2 ** min(self._failures - 1, 8), AGAIN) if broken else AGAIN
            read, before = self._clock(), self.newest
            failing = (before.failing or read) if broken else None
            self.newest = CalendarsRead(tried, works, read, read + wait, failing)
        return self.newest

    def _tried(self, site: OpenSite, network: Network, now: datetime, anew: bool) -> TriedCalendars:
        try:
            return site.calendars(network, now, self._tags, anew=anew)
        except (TwinError, OSError, ValueError) as error:  # whatever is wrong with them, the watch goes on
            failed = TriedCalendar("calendars of the site", failed=str(error) or type(error).__name__)
            return TriedCalendars((failed,), ())
