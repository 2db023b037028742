"""What past incidents teach: how they looked, what they turned out to be, and how they ended. Shared between runs.

A memory is a file of its own. It is opened for each question and each new entry and given back at once, so that runs
that work at the same time take turns. Its text came from networks and from models: it is data, never instructions.
"""

import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from pydantic import AwareDatetime, Field, ValidationError

from twin.errors import StoreBusyError, StoreError
from twin.model import Frozen
from twin.untrusted import FileText

from .database import Database
from .times import micros

ALIKE = 0.2
"""Likeness from which a past incident is a precedent."""
PRIOR_BOUND = 1.5
"""Most log odds that the past may add to a cause."""
_NEWEST = 500
_LIKEST = 3  # precedents that are told
_CONFIRMED = ("resolved", "relieved")
_TRIES, _PAUSE_S = 40, 0.05

T = TypeVar("T")
_turn = threading.Lock()  # within this process; between processes DuckDB's own lock does it


class Sign(Frozen):
    """One symptom, without its figures."""

    kind: FileText
    element: FileText


class EarlierIncident(Frozen):
    """One incident as it is remembered."""

    id: FileText = Field(description="The run's name.")
    network: FileText
    opened: AwareDatetime
    signs: tuple[Sign, ...]
    cause_kind: FileText | None = Field(default=None, description="Of the diagnosed fault; null if there was none.")
    cause_element: FileText | None = None
    outcome: FileText
    plan: tuple[FileText, ...] = Field(default=(), description="The steps that were executed, in words.")

    @property
    def confirmed(self) -> bool:
        """Whether a repair that the cause called for helped."""
        return self.cause_kind is not None and (self.outcome in _CONFIRMED or bool(self.plan))


class Precedent(Frozen):
    """A past incident that looked alike. Likeness is 0..1."""

    incident: EarlierIncident
    likeness: float


class Recollection(Frozen):
    """Past incidents of one network, the newest first."""

    incidents: tuple[EarlierIncident, ...] = ()

    def precedents(self, signs: Sequence[Sign]) -> tuple[Precedent, ...]:
        """The past incidents that looked most like these signs, the likest first."""
        found = [Precedent(incident=x, likeness=round(likeness(signs, x.signs), 3)) for x in self.incidents]
        near = [x for x in found if x.likeness >= ALIKE]
        return tuple(sorted(near, key=lambda x: (-x.likeness, -x.incident.opened.timestamp(), x.incident.id))[:_LIKEST])

    @property
    def prior(self) -> dict[tuple[str, str], float]:
        """Log odds by kind and element of a fault: log(1 + how often it was the confirmed cause), within a bound."""
        causes = Counter((str(x.cause_kind), str(x.cause_element)) for x in self.incidents if x.confirmed)
        return {cause: min(math.log1p(count), PRIOR_BOUND) for cause, count in causes.items()}


class IncidentMemory:
    """Past incidents in one DuckDB file, made when the first is added. Raises `StoreError` when it cannot be used."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, incident: EarlierIncident) -> bool:
        """Remember an incident; False if one of this id is remembered already."""

        def add(database: Database) -> bool:
            row = [incident.id, incident.network, micros(incident.opened), incident.cause_kind, incident.cause_element]
            with database.write() as writer:
                added = writer.run(
                    "INSERT INTO past_incident VALUES (?, ?, make_timestamptz(?::BIGINT), ?, ?, ?, ?) "
                    "ON CONFLICT DO NOTHING",
                    [*row, incident.outcome, incident.model_dump_json()],
                )
            return bool(added[0][0])

        self.path.parent.mkdir(parents=True, exist_ok=True)
        return self._work(add)

    def incidents(self, network: str) -> tuple[EarlierIncident, ...]:
        """The newest incidents of a network, the newest first; none where there is no file yet."""
        if not self.path.exists():
            return ()
        sql = f"SELECT document FROM past_incident WHERE network = ? ORDER BY opened DESC, id LIMIT {_NEWEST}"  # noqa: S608 - a constant
        rows = self._work(lambda database: database.rows(sql, [network]))
        try:
            return tuple(EarlierIncident.model_validate_json(row[0]) for row in rows)
        except ValidationError as error:
            raise StoreError(f"{self.path} holds what is no past incident", fix="use a copy") from error

    def recollect(self, network: str) -> "Recollection":
        """What is remembered of a network now, to work with while the file is somebody else's."""
        return Recollection(incidents=self.incidents(network))

    def _work(self, work: Callable[[Database], T]) -> T:
        with _turn, closing(self._opened()) as database:
            return work(database)

    def _opened(self) -> Database:
        for _ in range(_TRIES):
            try:
                return Database(self.path)
            except StoreBusyError:
                time.sleep(_PAUSE_S)
        return Database(self.path)


def likeness(one: Sequence[Sign], other: Sequence[Sign]) -> float:
    """How alike two incidents looked, 0..1: the signs they share of all they have, by element and by kind alone.

    Two thirds the Jaccard index (1901) of pairs of kind and element, one third that of kinds.
    """
    exact = _jaccard({(x.kind, x.element) for x in one}, {(x.kind, x.element) for x in other})
    return (2 * exact + _jaccard({x.kind for x in one}, {x.kind for x in other})) / 3


def _jaccard(one: set[T], other: set[T]) -> float:
    return len(one & other) / len(one | other) if one | other else 0.0
