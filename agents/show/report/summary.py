"""A run in a few figures: what `twinops run` and `twinops show` give back."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from agents.record.claims import Claim
from agents.record.events import Figures, IncidentEnding, Outcome
from agents.record.files import REPORT
from agents.show.energy import EnergyBalance, energy_balance
from tools.box.handover import Advice, Question
from twin.execute.render import RenderedStep
from twin.faults import Fault
from twin.faults.recommendation import Recommendation
from twin.files import is_plain
from twin.model import Frozen

from .story import Round, Story


class Attempt(Frozen):
    """One plan that was submitted."""

    round: int
    plan: str = Field(description="Plan hash.")
    method: str
    steps: int
    passed: bool | None = Field(description="The gate's verdict; null when there is none.")
    approved: bool
    taken_back: bool = Field(default=False, description="Whether what it had changed was undone.")
    failed: tuple[str, ...] = Field(description="Names of the checks that failed.")


class Summary(Frozen):
    """What a run came to."""

    run: str
    folder: str
    network: str
    seed: int
    model: str
    outcome: Outcome | Literal["unfinished"]
    because: str
    figures: Figures
    severed: float = Field(default=0.0, description="Of the harm last measured, from or to what is down, Mbit/s.")
    goal: str | None = Field(default=None, description="What was asked for, as it was understood.")
    cause: Fault | None = Field(description="What diagnosis found.")
    truth: Fault | None = Field(description="What was injected.")
    site: str | None = Field(default=None, description="The network's site: what is wrong there, nobody injected.")
    incidents: tuple[IncidentEnding, ...] = Field(default=(), description="Of several incidents, the ending of each.")
    recommendations: tuple[Recommendation, ...] = Field(default=(), description="What is a person's to do.")
    advice: tuple[Advice, ...] = Field(default=(), description="What roles advise besides, in their own words.")
    asked: Question | None = Field(default=None, description="What the run waits to be answered.")
    attempts: tuple[Attempt, ...]
    lines: tuple[RenderedStep, ...] = Field(default=(), description="What people have to type, step by step.")
    question: str = Field(default="", description="What is not known, so that nothing can be typed yet.")
    applied: str | None = Field(description="Hash of the plan that was applied.")
    model_calls: int | None
    tool_calls: int | None
    claims: int = Field(default=0, description="Numbers in explanations that were held against the tools' results.")
    unsupported: tuple[Claim, ...] = Field(default=(), description="Those that no tool gave.")
    energy: EnergyBalance | None = Field(default=None, description="Watt-hours saved by the plan, and spent by models.")
    seconds: float
    report: str | None = Field(description="Path of the report, null when there is none yet.")


def summarise(story: Story, folder: Path) -> Summary:
    """Sum up a story that was read from `folder`."""
    done, started = story.finished, story.started
    return Summary(
        run=started.run,
        folder=str(folder),
        network=started.network,
        seed=started.seed,
        model=started.model,
        outcome=done.outcome if done else "unfinished",
        because=done.because if done else _broken_off(story),
        figures=done.figures if done else Figures(),
        severed=_severed(story),
        goal=started.goal.words if started.goal else None,
        cause=story.diagnosis.cause if story.diagnosis else done.cause if done else None,
        truth=done.truth if done else None,
        site=started.site,
        incidents=done.incidents if done else (),
        recommendations=done.recommendations if done else (),
        advice=done.advice if done else (),
        asked=done.question if done else None,
        attempts=tuple(_attempt(round_) for round_ in story.rounds if round_.submission),
        lines=story.rendered.steps if story.rendered else (),
        question=story.rendered.question if story.rendered else "",
        applied=done.plan if done else None,
        model_calls=done.model_calls if done else None,
        tool_calls=done.tool_calls if done else None,
        claims=story.claims.checked,
        unsupported=story.claims.unsupported,
        energy=energy_balance(story),
        seconds=done.seconds if done else story.seconds,
        report=str(folder / REPORT) if is_plain(folder / REPORT) else None,
    )


def _severed(story: Story) -> float:
    last = story.loads.get("after") or story.loads.get("before")
    return last.harm_parts.severed if last else 0.0


def _broken_off(story: Story) -> str:
    """Say that the record ends, and what it leaves open: what was announced last may have been made or not."""
    words = "the record ends before the run did"
    last = story.execution[-1] if story.execution else None
    if last is None or last.action not in ("apply", "roll back") or "is undone" in last.detail:
        return words
    doing = "making" if last.action == "apply" else "taking back"
    return f"{words}; it announces {doing} step {last.step} of {last.of}: whether that was done, the network is asked"


def _attempt(round_: Round) -> Attempt:
    assert round_.submission is not None  # noqa: S101  the caller has looked
    plan, checks = round_.submission.plan, round_.verdict.checks if round_.verdict else ()
    return Attempt(
        round=round_.number,
        plan=plan.hash,
        method=plan.method,
        steps=len(plan.steps),
        passed=round_.verdict.passed if round_.verdict else None,
        approved=round_.decision is not None and round_.decision.approved,
        taken_back=round_.taken_back,
        failed=tuple(check.name for check in checks if not check.passed),
    )
