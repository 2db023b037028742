"""Whole runs on a small network, with a fault that a plan can relieve."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from agents.models import Model
from agents.record.events import Event
from agents.record.journal import Record, read_journal
from agents.run.request import LaterEvent
from agents.run.run import RunRequest, RunResult, run_incident
from agents.run.transitions import Answering, nobody
from twin.faults import Fault, FaultKind

T = TypeVar("T")

NETWORK = "sndlib/abilene"
WRONG_WEIGHT = Fault(kind=FaultKind.WEIGHT, element="interface/IPLSng/KSCYng", severity=10_000)

ROUTER_DOWN = Fault(kind=FaultKind.DEVICE_DOWN, element="node/SNVAng")


@dataclass(frozen=True)
class Run:
    """A run that ended, with its records."""

    result: RunResult
    records: tuple[Record, ...]

    @property
    def events(self) -> list[Event]:
        return [record.event for record in self.records]

    def of(self, kind: type[T]) -> list[T]:
        return [event for event in self.events if isinstance(event, kind)]


def request(**changes: object) -> RunRequest:
    return RunRequest.model_validate({"network": NETWORK, "seed": 5, "fault": WRONG_WEIGHT, **changes})


def rolled_back() -> RunRequest:
    """A run whose only plan, of four steps, is taken back: a circuit is cut meanwhile, and it makes harm worse."""
    cut = LaterEvent(after=2, strikes=Fault(kind=FaultKind.LINK_DOWN, element="link/R2:R7--R7:R2"))
    return RunRequest(network="synthetic/8-1", seed=5, later=(cut,), rounds=1)


def perform(
    tmp: Path,
    asked: RunRequest | None = None,
    *,
    model: Model | None = None,
    on_event: Callable[[Record], None] | None = None,
    answering: Answering = nobody,
) -> Run:
    run = run_incident(
        asked or request(), runs=tmp / "runs", home=tmp / "home", model=model, on_event=on_event, answering=answering
    )
    result = asyncio.run(run)
    return Run(result, read_journal(result.folder / "journal.jsonl").records)
