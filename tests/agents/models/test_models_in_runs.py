"""Models over the whole life of a run: killed and resumed, cancelled, many at a time, with answers that hang agents."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from autogen_core import FunctionCall
from autogen_core.models import CreateResult

from agents.models.client import NO_TOKENS
from agents.models.conversation import Conversation
from agents.record.events import ChatAnswered, ChatRequested, Event, ToolReturned
from agents.record.journal import Record, read_journal
from agents.run.resume import resume_run
from agents.run.run import RunResult, run_incident
from tests.agents.characters import model
from tests.agents.incidents import Run, perform, request
from tests.agents.models import messages_api as api
from tests.agents.models.loopback import Json, Loopback, Reply, loopback, status
from tests.agents.models.provider_faults import QUICK, Script, claude, role_of
from tests.depth import thinned

OFTEN = [("monitoring", 3), ("monitoring", 30), ("verification", 30), ("verification", 3)]


class Killed(BaseException):
    """The end of the process, as far as the run can tell."""


def in_the_middle_of_planning(event: Event) -> bool:
    return isinstance(event, ChatRequested) and event.role == "planning" and not event.messages


def killed_at(tmp: Path, server: Loopback, moment: Callable[[Event], bool]) -> Path:
    """Run until an event is on record and then no further; return the folder."""

    def strike(record: Record) -> None:
        if moment(record.event):
            raise Killed

    with pytest.raises(Killed):
        perform(tmp, model=claude(server), on_event=strike)
    (folder,) = (tmp / "runs").iterdir()
    return folder


def resumed(tmp: Path, folder: Path, server: Loopback) -> Run:
    result = asyncio.run(resume_run(folder, home=tmp / "home", model=claude(server)))
    return Run(result, read_journal(folder / "journal.jsonl").records)


def thoughtful(body: Json) -> Reply:
    blocks = api.move(body)
    calls = [x["id"] for x in blocks if x["type"] == "tool_use"]
    return api.say(api.thinking("Hm.", f"signed for {calls}"), *blocks) if calls else api.say(*blocks)


def test_a_resumed_run_sends_the_thinking_back_that_was_signed_before(tmp_path: Path, resolved: Run):
    with loopback(thoughtful) as server:
        folder = killed_at(tmp_path, server, in_the_middle_of_planning)
    with loopback(thoughtful) as server:
        run = resumed(tmp_path, folder, server)
    assert run.result.finished.plan == resolved.result.finished.plan
    first = server.asked[0].body["messages"]
    thoughts = [x for turn in first for x in turn["content"] if x["type"] == "thinking"]
    assert thoughts
    assert all(x["signature"].startswith("signed for ['toolu_") for x in thoughts)


def test_a_run_that_the_runbook_had_taken_over_stays_with_it(tmp_path: Path, resolved: Run):
    def down_for_planning(body: Json) -> Reply:
        return status(529, kind="overloaded_error") if role_of(body) == "planning" else api.runbook(body)

    with loopback(down_for_planning) as server:
        folder = killed_at(tmp_path, server, in_the_middle_of_planning)
    with loopback(api.runbook) as server:
        run = resumed(tmp_path, folder, server)
    assert server.asked == []
    assert run.result.finished.plan == resolved.result.finished.plan
    assert run.of(ChatAnswered)[-1].model == "runbook"


def test_cancelling_a_run_whose_provider_is_silent_ends_it_at_once(tmp_path: Path):
    patient = QUICK.model_copy(update={"silence_s": 60.0, "attempt_s": 60.0, "deadline_s": 60.0})

    begun = asyncio.Event()

    async def cancelled() -> RunResult:
        loop = asyncio.get_running_loop()

        def silent(_: Json) -> Reply:
            loop.call_soon_threadsafe(begun.set)
            return Reply(before=60.0)

        with loopback(api.in_order(api.runbook, api.runbook, then=silent)) as server:
            asked = claude(server, settings=patient)
            run = asyncio.create_task(
                run_incident(request(), runs=tmp_path / "runs", home=tmp_path / "home", model=asked)
            )
            await begun.wait()
            run.cancel()
            return await asyncio.wait_for(asyncio.shield(run), 5.0)  # a guard against hanging, not a measurement

    assert asyncio.run(cancelled()).finished.outcome == "interrupted"


def test_runs_side_by_side_share_the_places_of_their_provider(tmp_path: Path):
    lock, now, most = threading.Lock(), 0, 0

    def counted(body: Json) -> Reply:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        threading.Timer(0.02, leave).start()
        return api.runbook(body)._replace(before=0.02)

    def leave() -> None:
        nonlocal now
        with lock:
            now -= 1

    async def together(server: Loopback) -> list[RunResult]:
        narrow = QUICK.model_copy(update={"concurrent": 2})
        return await asyncio.gather(
            *(
                run_incident(
                    request(fault=None, healthy=True, seed=seed),
                    runs=tmp_path / "runs",
                    home=tmp_path / "home",
                    model=claude(server, settings=narrow),
                )
                for seed in range(4)
            )
        )

    with loopback(counted) as server:
        results = asyncio.run(together(server))
    assert {x.finished.outcome for x in results} == {"healthy"}
    assert most <= 2


HANGING = ["[" * 20_000, '{"a":' * 20_000, '{"n": ' + "9" * 5_000 + "}", "null", '{"x": "\\ud800"}']


@pytest.mark.parametrize("arguments", HANGING, ids=["deep list", "deep object", "long number", "null", "surrogate"])
def test_arguments_that_would_hang_an_agent_are_refused_and_the_run_goes_on(tmp_path: Path, arguments: str):
    def odd(talk: Conversation, tools: list[str]) -> CreateResult | None:
        if "report_incident" not in tools or talk.error("network_status"):
            return None
        call = FunctionCall(id="odd", name="network_status", arguments=arguments)
        return CreateResult(finish_reason="function_calls", content=[call], usage=NO_TOKENS, cached=False)

    async def guarded() -> RunResult:
        run = run_incident(
            request(fault=None, healthy=True), runs=tmp_path / "runs", home=tmp_path / "home", model=model(odd)
        )
        return await asyncio.wait_for(run, 20.0)  # a guard against hanging, not a measurement

    result = asyncio.run(guarded())
    records = read_journal(result.folder / "journal.jsonl").records
    first = next(x.event for x in records if isinstance(x.event, ToolReturned) and x.event.id == "odd")
    assert (first.ok, first.error) == (False, "input")
    assert "unreadable_arguments" in first.content


@pytest.mark.parametrize(("role", "often"), thinned(OFTEN, 2))
def test_a_call_that_stands_many_times_in_one_answer_ends_no_run(tmp_path: Path, resolved: Run, role: str, often: int):
    def repeated(body: Json) -> Reply:
        tool = body["tools"][0]["name"]
        return api.say(*(api.use(tool, {}, f"toolu_{number}") for number in range(often)))

    with loopback(Script(repeated, role, 1)) as server:
        run = perform(tmp_path, model=claude(server))
    assert run.result.finished.outcome == "resolved"
    assert run.result.finished.plan == resolved.result.finished.plan
