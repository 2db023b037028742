"""AutoGen's traps around tool calls: cancelled, hanging, raising ones all end in a result, and never hang an agent."""
# ruff: noqa: ARG001 (tools take the run's state, whether they use it or not)

import asyncio
import threading
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from autogen_core import CancellationToken
from opentelemetry.trace import NoOpTracer

from agents.models import Model
from agents.record.events import ToolReturned
from agents.record.journal import Journal, read_journal
from agents.roles.call_trail import JournalAudit
from agents.roles.chat import Session
from agents.roles.contracts import CONTRACTS, Budget, Contract
from agents.roles.team import Specialist, assemble
from agents.roles.workbench import HANDED_OVER, RoleWorkbench
from tests.agents.characters import Actor, calls, says
from tests.tools.conftest import square
from tools.box.registry import Toolbox, bind
from tools.box.run_state import ReadSide, RunState
from twin.errors import BudgetError, StoreError
from twin.live.emulated import EmulatedNetwork
from twin.model import Frozen
from twin.policy import Policy

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
GUARD = 5.0  # seconds; a guard against hanging, not a measurement


class Done(Frozen):
    ok: bool = True


def list_symptoms(run_state: RunState) -> Done:
    """Hang."""
    threading.Event().wait(60)
    return Done()


def network_status(run_state: RunState) -> Done:
    """Raise what only a cancellation should."""
    raise asyncio.CancelledError


def read_events(run_state: RunState) -> Done:
    """Fail for good."""
    raise StoreError("the disk is full")


TOOLS = (bind(list_symptoms), bind(network_status), bind(read_events))


def run_state() -> RunState:
    network = square()
    return RunState(network, Policy(), ReadSide(EmulatedNetwork(network, seed=1, start=NOON)), NOON)


def monitoring(journal: Journal, tool: str, *, seconds: float = 30.0) -> Specialist:
    actor = Actor(lambda talk, _tools: says("I am done.") if talk.exchanges else calls(tool))
    session = Session("run", Model("test", "actor", actor), journal, NoOpTracer())
    rights = {"monitoring": frozenset({"list_symptoms", "network_status", "read_events"})}
    team = assemble(session, Toolbox(run_state(), TOOLS, rights, audit=JournalAudit(journal)), CONTRACTS)
    found = team["monitoring"]
    contract = Contract(
        name="monitoring",
        place="observe",
        description="x",
        tools=rights["monitoring"],
        evidence=frozenset(),
        concludes_with=frozenset(),
        budget=Budget(model_calls=5, seconds=seconds),
        gate="x",
    )
    found.client.begin()
    return Specialist(contract, found.agent, found.client, found.workbench, session, found.window)


@pytest.fixture
def journal(tmp_path: Path) -> Generator[Journal]:
    with Journal(tmp_path / "journal.jsonl", clock=lambda: NOON) as opened:
        yield opened


async def work(specialist: Specialist) -> None:
    await asyncio.wait_for(specialist.work("Look.", stage="observe", round=1), GUARD)


def test_cancelling_the_task_during_a_call_returns_and_records_the_call(journal: Journal, tmp_path: Path):
    specialist = monitoring(journal, "list_symptoms")

    async def cancelled() -> None:
        task = asyncio.create_task(specialist.work("Look.", stage="observe", round=1))
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(task, GUARD)

    asyncio.run(cancelled())
    journal.close()
    returned = [x.event for x in read_journal(tmp_path / "journal.jsonl").records if isinstance(x.event, ToolReturned)]
    assert [x.error for x in returned] == ["call-cancelled"]


def test_cancelling_the_token_during_a_call_gives_a_result():
    async def cancelled() -> bool:
        rights = {"monitoring": frozenset({"list_symptoms"})}
        workbench, token = RoleWorkbench(Toolbox(run_state(), TOOLS, rights), "monitoring"), CancellationToken()
        call = asyncio.create_task(workbench.call_tool("list_symptoms", {}, token, "1"))
        await asyncio.sleep(0.1)
        token.cancel()
        return (await asyncio.wait_for(call, GUARD)).is_error

    assert asyncio.run(cancelled())


def measure(run_state: RunState) -> Done:
    """Succeed."""
    return Done()


def test_what_is_handed_over_is_on_record_whole_and_not_sent_to_its_own_author_again(journal: Journal, tmp_path: Path):
    rights = {"monitoring": frozenset({"measure", "read_nothing"})}
    toolbox = Toolbox(run_state(), (bind(measure),), rights, audit=JournalAudit(journal))
    for concludes, told in ((["measure"], HANDED_OVER), ([], '{"ok":true}')):
        bench = RoleWorkbench(toolbox, "monitoring", concludes)
        assert asyncio.run(bench.call_tool("measure", {"n": 1})).to_text() != HANDED_OVER  # refused: no such argument
        assert asyncio.run(bench.call_tool("measure", {}, call_id=str(len(concludes)))).to_text().endswith(told[1:])
        assert bench.answered == ["measure"]
    journal.close()
    kept = [x.event for x in read_journal(tmp_path / "journal.jsonl").records if isinstance(x.event, ToolReturned)]
    assert ['"ok":true' in x.content for x in kept if x.ok] == [True, True]


def test_a_tool_that_raises_a_cancellation_does_not_hang_the_agent(journal: Journal):
    specialist = monitoring(journal, "network_status")
    asyncio.run(work(specialist))
    assert specialist.workbench.answered == []


def test_a_tool_that_fails_for_good_ends_the_turn_with_its_error(journal: Journal):
    specialist = monitoring(journal, "read_events")
    with pytest.raises(StoreError, match="disk"):
        asyncio.run(work(specialist))


def test_a_role_that_takes_too_long_meets_its_deadline(journal: Journal):
    specialist = monitoring(journal, "list_symptoms", seconds=0.2)
    with pytest.raises(BudgetError, match=r"monitoring took longer than 0\.2 s"):
        asyncio.run(work(specialist))


def test_a_process_does_not_wait_for_a_tool_that_it_left_behind():
    assert all(thread.daemon for thread in threading.enumerate() if thread.name == "tool")
