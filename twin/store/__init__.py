"""The DuckDB twin: snapshots, telemetry, and everything that was found, planned, judged and done."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from pydantic import BaseModel

from twin.gate.verdict import Verdict
from twin.live.network import LinkSamples, Telemetry
from twin.model import Network
from twin.plan import Change, Plan

from . import records, snapshots, telemetry
from .database import Database
from .records import RankedHypothesis
from .snapshots import SnapshotEntry, StoredReading
from .times import micros

__all__ = ["RankedHypothesis", "SnapshotEntry", "StoredReading", "TwinStore"]


class TwinStore:
    """One twin in one DuckDB file, or in memory. Every method may be called from any thread.

    A write is one transaction: killed in the middle, the file holds the state before it. Every method raises
    `StoreError` when the file cannot be read or written.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    @classmethod
    def open(cls, path: str | Path | None = None) -> Self:
        """Open or create a twin file; None keeps the twin in memory.

        Raises `StoreBusyError` when another process holds the file, `StoreError` when it is no twin file or its folder
        cannot be written.
        """
        return cls(Database(None if path is None else Path(path)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Give the file back; closing twice is allowed."""
        self._database.close()

    @property
    def path(self) -> Path | None:
        """The twin file, None in memory."""
        return self._database.path

    def save_snapshot(
        self,
        network: Network,
        *,
        now: datetime,
        kind: Literal["inventory", "observed", "diagnosed"] = "inventory",
        parent: str | None = None,
    ) -> str:
        """Store a whole state and return its id; a state that is already there stays as it is.

        Raises `UnknownElementError` when there is no such parent.
        """
        return snapshots.insert_snapshot(self._database, network, kind, parent, now)

    def save_inventory(
        self, networks: Sequence[Network], *, now: datetime, readings: Mapping[str, StoredReading] | None = None
    ) -> None:
        """Store several whole states as inventory, all or none, and make the last one the current snapshot.

        `readings` are the accounts of the files that they were read from, by snapshot.
        """
        snapshots.insert_inventory(self._database, networks, now, readings or {})

    def reading(self, snapshot: str) -> StoredReading | None:
        """Return the account of the file that a snapshot goes back to, None where it came from no file."""
        with self._database.understood():
            return snapshots.select_reading(self._database, snapshot)

    def save_branch(self, base: str, changes: Sequence[Change], *, now: datetime) -> str:
        """Store a branch, a snapshot plus ordered changes and never a copy, and return the id of the state it makes.

        Raises `PlanError` when a change cannot be made, `UnknownElementError` when there is no such base.
        """
        return snapshots.insert_branch(self._database, base, changes, now)

    def load_snapshot(self, snapshot: str) -> Network:
        """Load a state by id, equal to the one that was stored. Raises `UnknownElementError`."""
        with self._database.understood():
            return snapshots.select_network(self._database, snapshot)

    def snapshots(self) -> tuple[SnapshotEntry, ...]:
        """Every snapshot, oldest first."""
        with self._database.understood():
            return snapshots.select_snapshots(self._database)

    @property
    def current(self) -> str | None:
        """Id of the snapshot that mirrors the network now, None before the first."""
        return snapshots.select_current(self._database)

    def set_current(self, snapshot: str) -> None:
        """Say which snapshot mirrors the network now. Raises `UnknownElementError`."""
        snapshots.update_current(self._database, snapshot)

    def append_telemetry(self, measured: Telemetry, network: Network) -> int:
        """Append the samples that are not there yet, in one transaction, and return how many were new.

        Times are kept to the microsecond. `network` is the inventory whose positions `measured` uses; appending an
        interval again, or one that overlaps, neither loses nor doubles a sample.
        """
        return telemetry.insert_telemetry(self._database, measured, network)

    def read_telemetry(self, network: Network, since: datetime) -> Telemetry:
        """Return everything measured after `since` in the network of this name, in time order.

        Raises `UnknownElementError` when a sample is of an element that `network` does not have.
        """
        with self._database.understood():
            return telemetry.select_telemetry(self._database, network, since)

    def read_links(self, network: Network, since: datetime) -> LinkSamples:
        """Return what was measured of the links alone, as `read_telemetry` does: on a large network a small part."""
        with self._database.understood():
            return telemetry.select_links(self._database, network, since)

    def save_plan(self, plan: Plan, *, now: datetime) -> str:
        """Store a plan once and return its hash."""
        return records.insert_plan(self._database, plan, now)

    def plan(self, plan: str) -> Plan:
        """Load a plan by hash. Raises `UnknownElementError`."""
        with self._database.understood():
            return records.select_plan(self._database, plan)

    def save_verdict(self, verdict: Verdict, *, now: datetime) -> None:
        """Store what the gate found; the same finding is stored once."""
        records.insert_verdict(self._database, verdict, now)

    def verdicts(self, plan: str, snapshot: str) -> tuple[Verdict, ...]:
        """Every verdict on exactly this plan (hash) in this snapshot, oldest first."""
        with self._database.understood():
            return records.select_verdicts(self._database, plan, snapshot)

    def save_incident(self, id: str, *, snapshot: str, status: str, opened: datetime, document: BaseModel) -> None:
        """Store an incident; saving it again under the same id replaces its status and document."""
        with self._database.write() as writer:
            writer.run(
                "INSERT OR REPLACE INTO incident VALUES (?, ?, ?, make_timestamptz(?::BIGINT), ?)",
                [id, snapshot, status, micros(opened), document.model_dump_json()],
            )

    def incident(self, id: str) -> str | None:
        """Return the document of an incident as JSON, None where there is none."""
        with self._database.understood():
            rows = self._database.rows("SELECT document::VARCHAR FROM incident WHERE id = ?", [id])
        return str(rows[0][0]) if rows else None

    def save_hypotheses(self, incident: str, ranked: Sequence[RankedHypothesis]) -> None:
        """Store the hypotheses on an incident, best first, in place of earlier ones."""
        records.insert_hypotheses(self._database, incident, ranked)

    def save_certificate(
        self, id: str, *, verdict: Verdict, issued: datetime, expires: datetime, document: BaseModel
    ) -> None:
        """Store a certificate once, for the plan, snapshot and policy of the verdict that it certifies."""
        times = [micros(issued), micros(expires)]
        with self._database.write() as writer:
            writer.run(
                "INSERT INTO certificate VALUES "
                "(?, ?, ?, ?, make_timestamptz(?::BIGINT), make_timestamptz(?::BIGINT), ?) ON CONFLICT DO NOTHING",
                [id, verdict.plan, verdict.snapshot, verdict.policy, *times, document.model_dump_json()],
            )

    def save_execution(
        self,
        id: str,
        *,
        plan: str,
        outcome: str,
        started: datetime,
        document: BaseModel,
        finished: datetime | None = None,
    ) -> None:
        """Store an execution; saving it again under the same id replaces its outcome and document."""
        times = [micros(started), None if finished is None else micros(finished)]
        with self._database.write() as writer:
            writer.run(
                "INSERT OR REPLACE INTO execution VALUES "
                "(?, ?, ?, make_timestamptz(?::BIGINT), make_timestamptz(?::BIGINT), ?)",
                [id, plan, outcome, *times, document.model_dump_json()],
            )
