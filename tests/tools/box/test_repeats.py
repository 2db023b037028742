"""A call that is made again with nothing changed is answered as before, and only then."""

import asyncio
from typing import Annotated

from pydantic import Field

from tools.box.registry import Toolbox, bind
from tools.box.run_state import RunState
from twin.errors import RefusedError
from twin.model import Frozen

COUNT: list[str] = []


class Counted(Frozen):
    """How often it was computed."""

    times: int


def count(_run_state: RunState, word: Annotated[str, Field(max_length=10)] = "") -> Counted:
    """Count."""
    COUNT.append(word)
    return Counted(times=len(COUNT))


def refuse(_run_state: RunState) -> Counted:
    """Refuse."""
    COUNT.append("no")
    raise RefusedError("no", fix="stop")


def toolbox(run_state: RunState) -> Toolbox:
    COUNT.clear()
    names = frozenset({"count", "refuse"})
    return Toolbox(run_state, (bind(count), bind(refuse)), {"monitoring": names, "planning": names})


def made(box: Toolbox, *calls: tuple[str, str, dict[str, str]]) -> list[bool]:
    async def all_of() -> list[bool]:
        return [(await box.call(role, tool, arguments)).repeated for role, tool, arguments in calls]

    return asyncio.run(all_of())


def test_the_same_call_is_computed_once(run_state: RunState):
    box = toolbox(run_state)
    same = ("monitoring", "count", {"word": "a"})
    assert made(box, same, same, same) == [False, True, True]
    assert COUNT == ["a"]


def test_another_role_tool_or_argument_is_another_call(run_state: RunState):
    box = toolbox(run_state)
    assert (
        made(
            box,
            ("monitoring", "count", {"word": "a"}),
            ("monitoring", "count", {"word": "b"}),
            ("planning", "count", {"word": "a"}),
            ("monitoring", "count", {}),
        )
        == [False] * 4
    )


def test_a_refusal_is_repeated_too(run_state: RunState):
    box = toolbox(run_state)
    assert made(box, ("planning", "refuse", {}), ("planning", "refuse", {})) == [False, True]
    assert COUNT == ["no"]


def test_anything_new_on_the_desk_makes_it_another_question(run_state: RunState):
    box = toolbox(run_state)
    same = ("monitoring", "count", {})
    assert made(box, same, same) == [False, True]
    run_state.round += 1
    assert made(box, same, same) == [False, True]
    run_state.rejected = (*run_state.rejected, object())
    assert made(box, same) == [False]
    run_state.verdicts["plan"] = object()
    assert made(box, same, same) == [False, True]
