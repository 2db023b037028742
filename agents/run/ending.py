"""How the last record of a run is made: one function, whoever ended the run and whatever it went through."""

from typing import NamedTuple

from agents.record.events import Figures, IncidentEnding, Outcome, RunFinished
from agents.roles.budget import Spent
from tools.box.handover import Advice, Diagnosis, Question
from twin.faults import Fault
from twin.faults.recommendation import Recommendation

from .staging import Scene

_APPLIED = ("resolved", "relieved", "done", "scheduled")


class Account(NamedTuple):
    """What a run came to. Nothing has a default: whoever closes a run has to say all of it."""

    figures: Figures
    diagnosis: Diagnosis | None
    met: tuple[Fault, ...]  # what plans in place were made for, and grown traffic that later looks find usual
    incidents: tuple[IncidentEnding, ...]
    recommendations: tuple[Recommendation, ...]
    advice: tuple[Advice, ...]
    question: Question | None  # what it waits to be answered
    plan: str | None  # hash of the plan that was applied last and is in place, else of the one submitted last
    in_place: bool  # whether it has been applied and not taken back
    waits_for: int | None  # people whom that plan waits for
    certificate_checked: bool  # whether the executor accepted a certificate
    rounds: int  # plans submitted
    model_calls: int
    tool_calls: int
    input_tokens: int
    output_tokens: int
    repeated_calls: int
    spent: Spent  # money and energy
    seconds: float


def finished(outcome: Outcome, because: str, account: Account, scene: Scene) -> RunFinished:
    """Make the last record of a run."""
    diagnosis, total = account.diagnosis, account.spent
    found = diagnosis.faults if diagnosis else ()
    named = {(x.kind, x.element) for x in found}
    causes = (*found, *(x for x in account.met if (x.kind, x.element) not in named))
    return RunFinished(
        outcome=outcome,
        because=because,
        figures=account.figures,
        cause=next(iter(causes), None),
        causes=causes,
        incidents=account.incidents,
        recommendations=account.recommendations,
        advice=account.advice,
        question=account.question if outcome == "awaiting answer" else None,
        truth=scene.fault,
        onset=scene.onset,
        plan=account.plan if outcome in _APPLIED or account.in_place else None,
        waits_for=account.waits_for if outcome == "awaiting approval" else None,
        certificate_checked=account.certificate_checked,
        rounds=account.rounds,
        model_calls=account.model_calls,
        tool_calls=account.tool_calls,
        input_tokens=account.input_tokens,
        output_tokens=account.output_tokens,
        repeated_calls=account.repeated_calls,
        money=_rounded(total.money),
        watt_hours=_rounded(total.watt_hours),
        watt_hours_between=(round(total.least_wh, 6), round(total.likely_wh, 6), round(total.most_wh, 6)),
        seconds=account.seconds,
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
