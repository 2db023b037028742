# pyright: reportMissingImports=false, reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false, reportUntypedFunctionDecorator=false, reportUnknownParameterType=false
# (the extra `inspect` is not installed where types are checked)
"""Suites as tasks of Inspect AI (extra `inspect`): the same cases, systems and scores, in its logs and its viewer.

    inspect eval evals/inspect_tasks.py -T suite=diagnose -T cases=50 --model none --epochs 3

Inspect runs the samples, counts the epochs and shows what happened. Who answers is the suite's system, which
`-T system` and, for suites of agents, `-T agent` name; Inspect's own model is not asked.
"""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageTool,
    ChatMessageUser,
    ModelOutput,
)
from inspect_ai.scorer import (
    CORRECT,
    INCORRECT,
    Metric,
    SampleScore,
    Score,
    Scorer,
    Target,
    Value,
    accuracy,
    metric,
    scorer,
    stderr,
)
from inspect_ai.solver import Generate, Solver, TaskState, solver
from inspect_ai.tool import ToolCall

from agents.record.events import ChatAnswered, ChatRequested, ToolReturned
from agents.record.files import JOURNAL
from agents.record.journal import read_journal
from evals.cases.case import Case, Split
from evals.cases.result import Result
from evals.run.run import Unit, home_of_cases, perform
from evals.run.table import tabulate
from evals.suites import suite_of

_RESULT = "result"


@task
def twinops(
    suite: str = "diagnose",
    *,
    split: Split = "dev",
    cases: int | None = None,
    system: str | None = None,
    agent: str = "runbook",
    folder: str | None = None,
) -> Task:
    """Cases of one suite, answered by one of its systems. `agent` is the model of suites in which agents work."""
    found = suite_of(suite)
    answering = system or found.product
    samples = [_sample(case.model_copy(update={"model": agent})) for case in found.take(split, cases=cases)]
    place = Path(folder) if folder else Path(mkdtemp(prefix="twinops-inspect-"))
    return Task(
        dataset=MemoryDataset(samples, name=suite),
        solver=answered_by(suite, answering, str(place)),
        scorer=passed(),
        metadata={"suite": suite, "system": answering, "split": split},
    )


@solver
def answered_by(suite: str, system: str, folder: str) -> Solver:
    """Let a system of the suite answer; of agents, the whole conversation is kept."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        del generate
        case = Case.model_validate(state.metadata["case"])
        unit = Unit(suite, case, (system,), state.epoch)
        (result,) = await asyncio.to_thread(perform, unit, Path(folder), home_of_cases())
        state.metadata[_RESULT] = result.model_dump(mode="json")
        if result.run:
            state.messages = list(_conversation(Path(result.run)))
        state.output = ModelOutput.from_content(f"twinops/{system}", result.answer or result.error or "")
        return state

    return solve


@metric
def scoreboard() -> Metric:
    """The suite's own figures over all samples, by the names of the scoreboard."""

    def compute(scores: list[SampleScore]) -> Value:
        kept = [score.score.metadata or {} for score in scores]
        results = [Result.model_validate(x[_RESULT]) for x in kept if _RESULT in x]
        if not results:
            return {}
        rows = tabulate(suite_of(results[0].suite), results)
        return {row.metric: row.value for row in rows}

    return compute


@scorer(metrics=[accuracy(), stderr(), scoreboard()])
def passed() -> Scorer:
    """The case's own yes or no; every figure of it is in the metadata."""

    async def score(state: TaskState, target: Target) -> Score:
        result = Result.model_validate(state.metadata[_RESULT])
        explanation = result.error or f"truth: {result.truth or target.text}"
        return Score(
            value=CORRECT if result.passed else INCORRECT,
            answer=result.answer,
            explanation=explanation,
            metadata={_RESULT: result.model_dump(mode="json")},
        )

    return score


def _sample(case: Case) -> Sample:
    question = case.intent or f"{case.suite}: {case.kind} on {case.network}, seed {case.seed}"
    return Sample(id=case.id, input=question, target=case.kind, metadata={"case": case.model_dump(mode="json")})


def _conversation(run: Path) -> Iterator[ChatMessage]:
    for record in read_journal(run / JOURNAL).records:
        event = record.event
        if isinstance(event, ChatRequested):
            yield from (_said(message.source, message.text) for message in event.messages)
        elif isinstance(event, ChatAnswered):
            calls = [ToolCall(id=x.id, function=x.tool, arguments=_arguments(x.arguments)) for x in event.tool_calls]
            yield ChatMessageAssistant(content=event.text, tool_calls=calls or None, model=event.model)
        elif isinstance(event, ToolReturned):
            yield ChatMessageTool(content=event.content, tool_call_id=event.id, function=event.tool)


def _said(source: str, text: str) -> ChatMessage:
    return ChatMessageSystem(content=text) if source == "system" else ChatMessageUser(content=text)


def _arguments(text: str) -> dict[str, object]:
    try:
        read = json.loads(text)
    except json.JSONDecodeError:
        return {"unreadable": text}
    return read if isinstance(read, dict) else {"value": read}
