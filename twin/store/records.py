"""What was decided and done: plans, verdicts and so on, each as typed JSON beside the columns to query."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from itertools import chain
from typing import NamedTuple

from pydantic import BaseModel

from twin.errors import UnknownElementError
from twin.gate.verdict import Verdict
from twin.plan import Plan, subject

from .database import Database
from .times import micros


class RankedHypothesis(NamedTuple):
    """One hypothesis as the store keeps it: what, where, how likely, and the whole typed record."""

    kind: str
    element: str
    score: float | None
    document: BaseModel


def insert_plan(database: Database, plan: Plan, now: datetime) -> str:
    """Store a plan and its steps once, by hash."""
    with database.write() as writer:
        added = writer.run(
            "INSERT INTO plan VALUES (?, ?, ?, ?, make_timestamptz(?::BIGINT), ?) ON CONFLICT DO NOTHING",
            [plan.hash, plan.base, plan.goal, plan.method, micros(now), plan.model_dump_json()],
        )
        if added[0][0]:
            for number, step in enumerate(plan.steps, start=1):
                row = [plan.hash, number, step.op, subject(step), step.model_dump_json()]
                writer.run("INSERT INTO plan_step VALUES (?, ?, ?, ?, ?)", row)
    return plan.hash


def select_plan(database: Database, plan: str) -> Plan:
    """Load a plan by hash. Raises `UnknownElementError`."""
    rows = database.rows("SELECT document FROM plan WHERE hash = ?", [plan])
    if not rows:
        known = [row[0] for row in database.rows("SELECT hash FROM plan ORDER BY created, rowid")]
        raise UnknownElementError("plan", plan, known)
    return Plan.model_validate_json(rows[0][0])


def insert_verdict(database: Database, verdict: Verdict, now: datetime) -> None:
    """Store a verdict once; a verdict of other content on the same plan is kept beside it."""
    document = verdict.model_dump_json()
    with database.write() as writer:
        writer.run(
            "INSERT INTO verdict VALUES (?, ?, ?, ?, ?, make_timestamptz(?::BIGINT), ?) ON CONFLICT DO NOTHING",
            [_digest(document), verdict.plan, verdict.snapshot, verdict.policy, verdict.passed, micros(now), document],
        )


def select_verdicts(database: Database, plan: str, snapshot: str) -> tuple[Verdict, ...]:
    """Every verdict on a plan in a snapshot, oldest first."""
    rows = database.rows(
        "SELECT document FROM verdict WHERE plan = ? AND snapshot = ? ORDER BY created, rowid", [plan, snapshot]
    )
    return tuple(Verdict.model_validate_json(row[0]) for row in rows)


def insert_hypotheses(database: Database, incident: str, ranked: Sequence[RankedHypothesis]) -> None:
    """Replace the hypotheses of an incident, best first."""
    with database.write() as writer:
        writer.run("DELETE FROM hypothesis WHERE incident = ?", [incident])
        values = [
            (incident, rank, row.kind, row.element, row.score, row.document.model_dump_json())
            for rank, row in enumerate(ranked, start=1)
        ]
        if values:  # one statement: DuckDB takes a millisecond to make sense of each
            rows = ", ".join(["(?, ?, ?, ?, ?, ?)"] * len(values))
            writer.run(f"INSERT INTO hypothesis VALUES {rows}", [*chain.from_iterable(values)])  # noqa: S608 - no text of anybody


def _digest(document: str) -> str:
    return hashlib.sha256(document.encode()).hexdigest()[:16]
