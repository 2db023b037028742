"""What models write as arguments: ids in either order, calls held to the full types, and small schemas."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tools.conftest import NOON, square
from tools.arguments import OPS, in_order
from tools.box.run_state import ReadSide, RunState
from tools.catalogue import TOOLS
from tools.glossary import explain
from tools.topology import element_status
from tools.whatif import what_if
from twin.errors import UnknownElementError
from twin.live.emulated import EmulatedNetwork
from twin.policy import Policy

NAMES = st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=1, max_size=8)


@given(NAMES, NAMES, st.sampled_from(["", ".2"]))
def test_the_ends_of_a_circuit_may_come_in_either_order(a: str, b: str, index: str):
    low, high = sorted((a, b))
    wanted = f"link/{low}:{high}{index}--{high}:{low}{index}"
    assert in_order(f"link/{a}:{b}{index}--{b}:{a}{index}") == wanted
    assert in_order({"op": "drain_link", "circuit": f"link/{b}:{a}{index}--{a}:{b}{index}"})["circuit"] == wanted


@pytest.mark.parametrize("other", ["node/A", "A->B", "interface/A/B", "link/x", "", 3, None, "link/A--B"])
def test_anything_else_stays_as_it_is(other: object):
    assert in_order(other) == other


def test_every_op_of_a_change_is_named_and_explained(run_state):
    assert {x.name for x in explain(run_state, "changes").entries} == set(OPS)
    assert len(explain(run_state, "faults").entries) > 30


def test_what_if_takes_a_circuit_from_either_end(run_state):
    circuit = next(iter(run_state.inventory.circuits))
    near, far = circuit.removeprefix("link/").split("--")
    tool = next(x for x in TOOLS if x.name == "what_if")
    given_ = tool.arguments.model_validate({"fail": [f"link/{far}--{near}"]})
    assert what_if(run_state, fail=given_.fail) == what_if(run_state, fail=(circuit,))
    with pytest.raises(UnknownElementError):
        what_if(run_state, fail=("link/no:where--where:no",))


def test_what_every_request_carries_of_tools_is_small():
    sizes = {tool.name: len(json.dumps(tool.schema)) + len(tool.description) for tool in TOOLS}
    assert max(sizes.values()) < 1_500


@pytest.fixture(scope="module")
def looked() -> RunState:
    network = square()
    live = EmulatedNetwork(network, seed=3, start=NOON)
    live.wait(2)
    return RunState(inventory=network, policy=Policy(), live=ReadSide(live), since=NOON)


@pytest.mark.parametrize(
    ("written", "links"),
    [
        ("node/A", {"A->B", "B->A", "A->D", "D->A", "A->C", "C->A"}),
        ("A", {"A->B", "B->A", "A->D", "D->A", "A->C", "C->A"}),
        ("link/B:A--A:B", {"A->B", "B->A"}),
        ("B--A", {"A->B", "B->A"}),
        ("B->A", {"B->A"}),
        ("interface/B/A", {"B->A"}),
    ],
)
def test_an_element_is_looked_at_by_its_id_and_by_its_name_as_it_is_printed(looked, written, links):
    assert {x.link for x in element_status(looked, written).links} == links
