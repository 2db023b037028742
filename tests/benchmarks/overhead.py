"""What the house adds to AutoGen: time per turn and per tool call, tracing and journal on. Prints milliseconds.

    python -m tests.benchmarks.overhead

The same scripted client answers both: a number of tool calls, one at a time, then closing words. AutoGen alone runs the
tool from a workbench of its own; ours goes through contract, journal, spans and metrics, window, rights, validation and
a thread with a deadline. A turn is one task of a role without any tool call. Agents are new for each measurement, and
making them is not counted.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from autogen_agentchat.agents import AssistantAgent
from autogen_agentchat.messages import TextMessage
from autogen_core import CancellationToken, FunctionCall
from autogen_core.models import CreateResult, FunctionExecutionResultMessage
from autogen_core.tools import FunctionTool, StaticWorkbench

from agents.models import Model
from agents.models.client import NO_TOKENS, Client
from agents.record.journal import Journal
from agents.record.tracing import Tracing
from agents.roles.call_trail import JournalAudit
from agents.roles.chat import Session
from agents.roles.contracts import CONTRACTS, RIGHTS
from agents.roles.team import assemble
from tools.box.registry import Toolbox, bind
from tools.box.run_state import ReadSide, RunState
from twin.clock import utc_now
from twin.formats import load_network
from twin.live.emulated import EmulatedNetwork
from twin.model import Frozen
from twin.policy import Policy

CALLS = 10


class Nothing(Frozen):
    """The answer of a tool that does nothing."""

    number: int


class Scripted(Client):
    """Calls one tool a number of times, then closes."""

    def __init__(self, tool: str, calls: int) -> None:
        self._tool, self._calls = tool, calls

    async def reply(self, request, _token) -> CreateResult:
        messages = request.messages
        begin = max(i for i, x in enumerate(messages) if x.type == "UserMessage")
        made = sum(isinstance(x, FunctionExecutionResultMessage) for x in messages[begin:])
        if made < self._calls:
            call = FunctionCall(id=f"{begin}-{made}", name=self._tool, arguments=f'{{"number":{made}}}')
            return CreateResult(finish_reason="function_calls", content=[call], usage=NO_TOKENS, cached=False)
        return CreateResult(finish_reason="stop", content="Done.", usage=NO_TOKENS, cached=False)


Turn = Callable[[], Awaitable[object]]


def autogen(calls: int) -> Callable[[], Turn]:
    """One task by AutoGen's own agent and workbench."""

    async def report_incident(number: int) -> str:
        return f'{{"number":{number}}}'

    def prepare() -> Turn:
        agent = AssistantAgent(
            name="monitoring",
            model_client=Scripted("report_incident", calls),
            workbench=StaticWorkbench([FunctionTool(report_incident, description="Nothing.")]),
            system_message="You are monitoring.",
            max_tool_iterations=CALLS + 2,
        )
        return lambda: agent.on_messages([TextMessage(content="Look.", source="driver")], CancellationToken())

    return prepare


def ours(calls: int, folder: Path) -> tuple[Callable[[], Turn], Callable[[], None]]:
    """One task by a role of ours, in a run that goes on for as long as it is measured."""

    def report_incident(run_state: RunState, number: int) -> Nothing:  # noqa: ARG001 (every tool takes it)
        """Do nothing."""
        return Nothing(number=number)

    network = load_network("synthetic/8-1")
    live = EmulatedNetwork(network, seed=1, start=utc_now(), interval_s=300.0)
    tracing = Tracing(folder / f"trace-{calls}.jsonl", version="1")
    journal = Journal(folder / f"journal-{calls}.jsonl", clock=utc_now)
    run_state = RunState(network, Policy(), ReadSide(live), live.now, tracer=tracing.tracer)
    session = Session("run", Model("scripted", "scripted", Scripted("report_incident", calls)), journal, tracing.tracer)

    def prepare() -> Turn:
        toolbox = Toolbox(run_state, (bind(report_incident),), RIGHTS, audit=JournalAudit(journal))
        specialist = assemble(session, toolbox, CONTRACTS)["monitoring"]
        specialist.client.begin()
        return lambda: specialist.work("Look.", stage="observe", round=1)

    def close() -> None:
        journal.close()
        tracing.close()

    return prepare, close


def milliseconds(prepare: Callable[[], Turn], repeat: int) -> float:
    async def measure() -> list[float]:
        taken: list[float] = []
        for _ in range(repeat):
            turn = prepare()
            started = time.perf_counter()
            await turn()
            taken.append(1e3 * (time.perf_counter() - started))
        return taken

    return statistics.median(asyncio.run(measure()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=100)
    repeat = parser.parse_args().repeat
    with tempfile.TemporaryDirectory() as folder:
        figures: dict[str, tuple[float, float]] = {}
        figures["AutoGen"] = milliseconds(autogen(0), repeat), milliseconds(autogen(CALLS), repeat)
        taken: list[float] = []
        for calls in (0, CALLS):
            prepare, close = ours(calls, Path(folder))
            taken.append(milliseconds(prepare, repeat))
            close()
        figures["twinops"] = taken[0], taken[1]
    print(f"{'':10}{'turn':>10}{'tool call':>12}   ms, median of {repeat}")
    per_call = {name: (many - none) / CALLS for name, (none, many) in figures.items()}
    for name, (none, _) in figures.items():
        print(f"{name:10}{none:10.2f}{per_call[name]:12.2f}")
    print(
        f"{'added':10}{figures['twinops'][0] - figures['AutoGen'][0]:10.2f}"
        f"{per_call['twinops'] - per_call['AutoGen']:12.2f}"
    )


if __name__ == "__main__":
    main()
