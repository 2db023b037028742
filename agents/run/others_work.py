"""What others plan, read again while a run goes on: whatever has become of it since is on record before it counts."""

from collections.abc import Callable, Iterable
from datetime import datetime

from agents.record.events import CalendarRead
from agents.record.journal import Journal
from tools.box.run_state import RunState
from twin.errors import TwinError
from twin.formats.calendar import Calendar
from twin.live.adapters import is_adapter
from twin.model import Network
from twin.planned import PlannedWork
from twin.policy import Policy
from twin.site import read_site

CalendarReader = Callable[[Network, datetime], Calendar]
"""Reads the calendars of a site as they are now. Raises what `OpenSite.calendar` does."""


def calendar_reader(site: str | None, policy: Policy) -> CalendarReader | None:
    """Return what reads the calendars that a site file names; None where no file says where they are."""
    if site is None or is_adapter(site):
        return None
    return lambda network, now: read_site(site).calendar(network, now, policy.tags)


class OthersWork:
    """Keeps a run's works of others up to date. A run that is gone through again is told what it was told then."""

    def __init__(
        self, run_state: RunState, journal: Journal, read: CalendarReader | None, asked: Iterable[str]
    ) -> None:
        """`asked` is what the calendars left open when the run began."""
        self._run_state, self._journal, self._read = run_state, journal, read
        self._asked, self.failed = tuple(asked), ""
        self._unmodelled = run_state.unmodelled[: len(run_state.unmodelled) - len(self._asked)]

    def unknown(self, before: str) -> str | None:
        """Return why it is not known what others plan by now; None where it is. Raises as `known`."""
        self.known(before)
        return f"what others plan is not known: {self.failed}" if self.failed else None

    def known(self, before: str) -> tuple[PlannedWork, ...]:
        """Return what is planned by now; `before` says what comes next. Where it cannot be read, what was known.

        Raises `JournalError`.
        """
        event = self._journal.recorded.calendar(before)
        if event is None and self._read is not None and not self._journal.recorded.ahead:
            event = self._now(self._read, before)
        if event is not None:
            self._journal.append(event)
            self._run_state.works, self._asked, self.failed = event.works, event.asked, event.failed
            self._run_state.unmodelled = (*self._unmodelled, *event.asked)
        return self._run_state.works

    def _now(self, read: CalendarReader, before: str) -> CalendarRead | None:
        """What the calendars say now; None where that is what was known. Work that is over stays known."""
        run_state, now = self._run_state, self._run_state.live.now
        try:
            found = read(run_state.inventory, now)
        except (TwinError, OSError) as error:
            told = str(error) or type(error).__name__
            event = CalendarRead(before=before, works=run_state.works, asked=self._asked, failed=told[:1_000])
            return event if event.failed != self.failed else None
        over = [x for x in run_state.works if x.ends <= now and x not in found.works]
        event = CalendarRead(before=before, works=(*over, *found.works), asked=found.questions)
        same = set(event.works) == set(run_state.works) and event.asked == self._asked and not self.failed
        return None if same else event
