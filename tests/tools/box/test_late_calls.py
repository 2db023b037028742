"""Calls whose deadline has passed: taken up by whoever asks the same again, ended by whatever else is asked."""

import asyncio
import threading
from dataclasses import replace
from typing import NamedTuple

from tools.box.registry import Tool, ToolAnswer, Toolbox, bind
from tools.box.run_state import RunState
from twin.abandoned import go_on
from twin.engines.seam import Serial, in_order
from twin.errors import CallCancelledError
from twin.model import Frozen

WAIT = 60.0  # seconds after which a test fails, however slow the machine


class Answer(Frozen):
    text: str


class Room(NamedTuple):
    """A tool that works until it may end, and what became of its calls, each in a thread of its own."""

    tool: Tool
    may_end: threading.Event
    threads: list[threading.Thread]
    ended: list[str]


def room() -> Room:
    may_end, threads, ended = threading.Event(), list[threading.Thread](), list[str]()

    def ponder(run_state: RunState, about: str = "") -> Answer:
        """Ponder until it may end."""
        threads.append(threading.current_thread())
        try:
            while not may_end.wait(0.001):
                go_on()
        except CallCancelledError:
            ended.append("abandoned")
            raise
        run_state.no_plan = None
        ended.append("answered")
        return Answer(text=f"number {len(threads)} {about}")

    return Room(bind(ponder, deadline=WAIT), may_end, threads, ended)


def look(run_state: RunState) -> Answer:  # noqa: ARG001
    """Look."""
    return Answer(text="seen")


def toolbox(run_state: RunState, tool: Tool) -> Toolbox:
    rights = dict.fromkeys(("monitoring", "diagnosis", "planning", "verification"), frozenset({"ponder", "look"}))
    return Toolbox(run_state, (tool, bind(look)), rights)


async def too_late(tools: Toolbox, tool: Tool, **arguments: str) -> None:
    tools.tools["ponder"] = replace(tool, deadline=0.01)
    assert (await tools.call("diagnosis", "ponder", dict(arguments))).error == "deadline"
    tools.tools["ponder"] = tool


def test_the_same_call_again_waits_for_the_one_that_goes_on(run_state: RunState):
    tool, may_end, threads, ended = room()

    async def twice() -> ToolAnswer:
        tools = toolbox(run_state, tool)
        await too_late(tools, tool)
        again = asyncio.create_task(tools.call("diagnosis", "ponder", {}))
        await asyncio.sleep(0)
        may_end.set()
        return await again

    answer = asyncio.run(twice())
    assert answer.ok
    assert "number 1" in answer.content
    assert (len(threads), ended) == (1, ["answered"])


def test_what_went_on_and_ended_meanwhile_is_the_answer(run_state: RunState):
    tool, may_end, threads, ended = room()

    async def later() -> ToolAnswer:
        tools = toolbox(run_state, tool)
        await too_late(tools, tool)
        may_end.set()
        await asyncio.to_thread(threads[0].join, WAIT)
        return await tools.call("diagnosis", "ponder", {})

    assert "number 1" in asyncio.run(later()).content
    assert (len(threads), ended) == (1, ["answered"])


def test_another_call_ends_the_one_that_goes_on(run_state: RunState):
    tool, may_end, threads, ended = room()

    async def other() -> None:
        tools = toolbox(run_state, tool)
        await too_late(tools, tool)
        assert (await tools.call("diagnosis", "look", {})).ok
        await asyncio.to_thread(threads[0].join, WAIT)
        assert ended == ["abandoned"]
        may_end.set()
        assert "number 2" in (await tools.call("diagnosis", "ponder", {})).content

    asyncio.run(other())


def test_other_arguments_or_another_desk_are_another_call(run_state: RunState):
    tool, may_end, threads, ended = room()

    async def others() -> None:
        tools = toolbox(run_state, tool)
        await too_late(tools, tool)
        await too_late(tools, tool, about="weights")
        run_state.person_wanted = "something else stands on it"
        may_end.set()
        assert "number 3" in (await tools.call("diagnosis", "ponder", {"about": "weights"})).content
        for thread in threads:
            await asyncio.to_thread(thread.join, WAIT)

    asyncio.run(others())
    assert len(ended) == 3


def test_a_caller_who_gives_up_ends_it(run_state: RunState):
    tool, _, threads, ended = room()

    async def given_up() -> None:
        tools = toolbox(run_state, tool)
        await too_late(tools, tool)
        tools.give_up()
        await asyncio.to_thread(threads[0].join, WAIT)

    asyncio.run(given_up())
    assert ended == ["abandoned"]


def test_a_map_over_chunks_ends_between_two_of_them(run_state: RunState):
    done, first = list[int](), threading.Event()

    def work(told: threading.Event, chunk: int) -> int:
        done.append(chunk)
        first.set()
        assert told.wait(WAIT)
        return chunk

    told = threading.Event()

    def ponder(run_state: RunState) -> Answer:  # noqa: ARG001
        """Do many things."""
        return Answer(text=str(in_order(Serial(), work, told, range(1000))))

    async def stopped() -> None:
        tools = toolbox(run_state, bind(ponder, deadline=WAIT))
        call = asyncio.create_task(tools.call("diagnosis", "ponder", {}))
        await asyncio.to_thread(first.wait, WAIT)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        told.set()
        for thread in [x for x in threading.enumerate() if x.name == "tool"]:
            await asyncio.to_thread(thread.join, WAIT)

    asyncio.run(stopped())
    assert done == [0]
