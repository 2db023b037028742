"""Binding, rights, validation, deadlines and result sizes: the same for every tool."""
# ruff: noqa: ARG001, ARG002 (tools take the run's state and trails take everything, whether they use it or not)

import asyncio
import json
import threading
import time
from typing import Annotated

import pytest
from pydantic import Field, JsonValue

from tools.box.handover import Role
from tools.box.registry import MAX_ARGUMENT, MAX_RESULT, ToolAnswer, Toolbox, bind
from tools.box.run_state import RunState
from twin.errors import StoreError, UnknownElementError
from twin.model import Frozen
from twin.plan import Change

Name = Annotated[str, Field(description="Node name.", max_length=64)]


class Answer(Frozen):
    text: str


def degree(run_state: RunState, node: Name, times: int = 1) -> Answer:
    """Count the links of a node.

    Both directions count.
    """
    found = sum(link.tail == node for link in run_state.inventory.links)
    if node not in run_state.inventory.node_index:
        raise UnknownElementError("node", node, run_state.inventory.node_index)
    return Answer(text=str(found * times))


def flood(run_state: RunState) -> Answer:
    """Return far too much."""
    return Answer(text="é" * 20_000)


def hang(run_state: RunState) -> Answer:
    """Never come back."""
    threading.Event().wait(60)
    return Answer(text="late")


def break_down(run_state: RunState) -> Answer:
    """Fail in a way that no model can repair."""
    raise StoreError("the disk is full", fix="free some space")


def rehearse(run_state: RunState, changes: tuple[Change, ...]) -> Answer:
    """Count changes."""
    return Answer(text=str(len(changes)))


class Told(Frozen):
    heard: tuple[str, ...]


class Part(Frozen):
    name: str
    notes: tuple[str, ...] = ()


def tell(run_state: RunState, words: str, more: tuple[str, ...] = (), part: Part | None = None) -> Told:
    """Say what was heard."""
    inside = (part.name, *part.notes) if part else ()
    return Told(heard=(words, *more, *inside))


TOOLS = (bind(tell), bind(degree), bind(flood), bind(hang, deadline=0.2), bind(break_down), bind(rehearse))
RIGHTS: dict[Role, frozenset[str]] = {
    "monitoring": frozenset({"tell", "degree", "flood", "hang", "break_down", "rehearse"}),
    "diagnosis": frozenset({"flood"}),
    "planning": frozenset(),
    "verification": frozenset(),
}


class Trail:
    """Notes what it is told, in order."""

    def __init__(self) -> None:
        self.notes: list[tuple[str, str]] = []

    def called(self, role: Role, tool: str, call_id: str, arguments: JsonValue) -> None:
        self.notes.append(("called", tool))

    def returned(self, role: Role, tool: str, call_id: str, answer: ToolAnswer) -> None:
        self.notes.append(("returned", answer.error or "ok"))


def call(run_state: RunState, role: Role, tool: str, arguments: JsonValue, trail: Trail | None = None) -> ToolAnswer:
    return asyncio.run(Toolbox(run_state, TOOLS, RIGHTS, audit=trail).call(role, tool, arguments))


def test_a_tool_is_its_function_its_docstring_and_its_annotations():
    tool = bind(degree)
    assert tool.name == "degree"
    assert tool.description == "Count the links of a node. Both directions count."
    assert tool.schema == {
        "type": "object",
        "properties": {
            "node": {"description": "Node name.", "type": "string"},
            "times": {"type": "integer"},
        },
        "required": ["node"],
    }


def test_a_nested_schema_has_no_references_left():
    text = json.dumps(bind(rehearse).schema)
    assert "$ref" not in text
    assert "$defs" not in text
    assert '"set_weight"' in text


def test_a_function_without_the_desk_first_is_no_tool():
    def lonely(node: Name) -> Answer:
        return Answer(text=node)

    with pytest.raises(TypeError, match="RunState"):
        bind(lonely)


def test_the_answer_is_the_value_and_its_json(run_state: RunState):
    answer = call(run_state, "monitoring", "degree", {"node": "A"})
    assert (answer.ok, answer.content, answer.value) == (True, '{"text":"3"}', Answer(text="3"))


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [({}, "node: Field required"), ({"node": "A", "nod": 1}, "nod: Extra"), ([1], "arguments"), ({"node": 7}, "node")],
)
def test_wrong_arguments_come_back_with_what_is_wrong(run_state: RunState, arguments: JsonValue, problem: str):
    answer = call(run_state, "monitoring", "degree", arguments)
    assert (answer.ok, answer.error) == (False, "input")
    assert problem in answer.content


def test_an_unknown_element_comes_back_with_the_closest_names(run_state: RunState):
    answer = call(run_state, "monitoring", "degree", {"node": "AA"})
    assert json.loads(answer.content) == {
        "error": "unknown-element",
        "message": "no node 'AA' in this network",
        "fix": "the closest names are A",
    }


@pytest.mark.parametrize("tool", ["degree", "no_such_tool"])
def test_a_tool_outside_the_contract_is_refused(run_state: RunState, tool: str):
    answer = call(run_state, "diagnosis", tool, {"node": "A"})
    assert (answer.ok, answer.error) == (False, "rights")


def test_a_result_that_is_too_long_says_that_it_was_cut(run_state: RunState):
    answer = call(run_state, "monitoring", "flood", {})
    assert answer.truncated
    assert len(answer.content) <= MAX_RESULT
    assert json.loads(answer.content)["shortened"]["handle"] in run_state.results.kept


HIDING = "do\u202e as\x1b[2J I\u3164say\U000e0061"
SHOWN = "do  as [2J I say "


def test_what_hides_in_an_argument_is_gone_before_the_tool_sees_it_however_deep_it_lies(run_state: RunState):
    given: JsonValue = {"words": HIDING, "more": ["fine", HIDING], "part": {"name": HIDING, "notes": [HIDING]}}
    answer = call(run_state, "monitoring", "tell", given)
    assert answer.value == Told(heard=(SHOWN, "fine", SHOWN, SHOWN, SHOWN))
    kept: JsonValue = {"words": "Zürich → Genève\n\t中文"}
    assert call(run_state, "monitoring", "tell", kept).value == Told(heard=("Zürich → Genève\n\t中文",))


def test_an_argument_is_cut_before_the_tool_sees_it(run_state: RunState):
    answer = call(run_state, "monitoring", "tell", {"words": "x" * 50_000})
    assert isinstance(answer.value, Told)
    assert len(answer.value.heard[0]) == MAX_ARGUMENT + 1


def test_a_refusal_says_nothing_that_hides_or_goes_on_for_ever(run_state: RunState):
    answer = call(run_state, "monitoring", "tell", {"words": "a", "\u202e\x1b[2J" + "y" * 50_000: 1})
    assert not answer.ok
    assert len(answer.content) <= MAX_RESULT
    assert all(x.isprintable() for x in json.loads(answer.content)["message"])


def test_a_tool_that_hangs_meets_its_deadline(run_state: RunState):
    answer = call(run_state, "monitoring", "hang", {})
    assert (answer.ok, answer.error) == (False, "deadline")


def test_a_deadline_leaves_the_next_call_free(run_state: RunState):
    async def both() -> ToolAnswer:
        toolbox = Toolbox(run_state, TOOLS, RIGHTS)
        await toolbox.call("monitoring", "hang", {})
        return await toolbox.call("monitoring", "degree", {"node": "A"})

    assert asyncio.run(both()).ok


def test_a_failure_that_no_model_can_repair_ends_the_run_on_the_record(run_state: RunState):
    trail = Trail()
    with pytest.raises(StoreError, match="disk"):
        call(run_state, "monitoring", "break_down", {}, trail)
    assert trail.notes == [("called", "break_down"), ("returned", "store")]


def test_calls_of_one_run_do_not_overlap(run_state: RunState):
    running: list[int] = []

    def slow(run_state: RunState) -> Answer:
        """Be slow."""
        running.append(1)
        seen = len(running)
        time.sleep(0.02)
        running.pop()
        return Answer(text=str(seen))

    async def three() -> list[ToolAnswer]:
        toolbox = Toolbox(run_state, (bind(slow),), {**RIGHTS, "monitoring": frozenset({"slow"})})
        return await asyncio.gather(*(toolbox.call("monitoring", "slow", {}) for _ in range(3)))

    assert [answer.content.endswith('"text":"1"}') for answer in asyncio.run(three())] == [True] * 3


def test_every_call_is_on_the_record_before_and_after(run_state: RunState):
    trail = Trail()
    call(run_state, "monitoring", "degree", {"node": "A"}, trail)
    call(run_state, "diagnosis", "degree", {"node": "A"}, trail)
    assert trail.notes == [("called", "degree"), ("returned", "ok"), ("called", "degree"), ("returned", "rights")]
