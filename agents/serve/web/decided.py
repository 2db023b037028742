"""What people decided on the plans of a room's incidents: what, by whom, when and why, from the records of its runs."""

from typing import NamedTuple

from agents.record.events import VerdictReached
from agents.record.files import JOURNAL
from agents.record.history import RunHistory, read_history
from agents.serve.room import Room
from agents.wording import OUTCOMES, plan_words
from twin.errors import TwinError
from twin.files import exists

from .rights import Visitor, changed

_RUNS = 30  # the newest whose records are looked at
_SHOWN = 10
_WORDS = {"approve": "Approved", "reject": "Rejected"}


class DecidedRow(NamedTuple):
    """One decision of one person, and what the plan changes."""

    run: str
    what: str
    words: str
    when: str
    tone: str
    elements: tuple[str, ...]


class DecidedPlans:
    """Reads the record of a run once for each of its lengths."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._known: dict[str, tuple[int, tuple[DecidedRow, ...]]] = {}

    def rows(self, visitor: Visitor) -> tuple[DecidedRow, ...]:
        """The newest decisions, as far as somebody may see everything that the plan changes."""
        newest = sorted((x for x in self._room.board.incidents.values() if x.run), key=lambda x: x.opened, reverse=True)
        runs = list(dict.fromkeys(x.run for x in newest if x.run))[:_RUNS]
        known = {run: self._of(run) for run in runs}
        self._known = {run: found for run, found in known.items() if found is not None}
        rows = [row for _, found in self._known.values() for row in found]
        return tuple(x for x in rows if visitor.everywhere or visitor.sees(*x.elements))[:_SHOWN]

    def _of(self, run: str) -> tuple[int, tuple[DecidedRow, ...]] | None:
        journal = self._room.place.runs / run / JOURNAL
        if not exists(journal):
            return None
        size, known = journal.stat().st_size, self._known.get(run)
        if known is not None and known[0] == size:
            return known
        try:
            return size, _rows(read_history(journal.parent))
        except TwinError:  # one bad record spoils no list
            return None


def _rows(past: RunHistory) -> tuple[DecidedRow, ...]:
    plans = {x.plan.hash: x.plan for x in past.events if isinstance(x, VerdictReached)}
    became = OUTCOMES.get(past.finished.outcome, past.finished.outcome) if past.finished else "It is being carried out."
    return tuple(
        DecidedRow(
            run=past.started.run,
            what=plan_words(plans[given.plan].steps),
            words=" ".join(
                (
                    f"{_WORDS[given.decision]} by {given.who}{f': {given.reason}' if given.reason else ''}.",
                    *((became,) if given.decision == "approve" else ()),
                )
            ),
            when=f"{given.time:%d %b %H:%M}",
            tone="good" if given.decision == "approve" else "stop",
            elements=tuple(changed(plans[given.plan].steps)),
        )
        for given in reversed(past.approvals)
        if given.role == "person" and given.plan in plans
    )
