"""Long results: shortened by value, their shape kept, and the rest behind a handle."""

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.box.long_results import handle_of, shorten
from tools.box.registry import Toolbox, bind
from tools.box.results import fetch_result
from tools.box.run_state import RunState
from twin.errors import InputError
from twin.model import Frozen

ROWS = [{"name": f"row {i}", "value": (i * 7) % 101} for i in range(400)]


class Table(Frozen):
    """Many rows."""

    title: str
    rows: tuple[dict[str, int | str], ...]


def many_rows(run_state: RunState) -> Table:
    """Answer with many rows."""
    del run_state
    return Table(title="all", rows=tuple(ROWS))


def test_a_shortened_result_keeps_its_shape_its_first_rows_and_the_range_of_its_numbers():
    content = json.dumps({"title": "all", "rows": ROWS})
    found = json.loads(shorten(content, 1_200))
    assert found["title"] == "all"
    assert found["rows"] == ROWS[: len(found["rows"])]
    assert found["shortened"]["handle"] == handle_of(content)
    told = found["shortened"]["lists"]["rows"]
    assert (told["of"], told["shown"]) == (400, len(found["rows"]))
    assert (told["min"], told["max"]) == ({"value": 0}, {"value": 100})


def test_a_result_that_was_shortened_can_be_shortened_again_without_losing_its_handle():
    content = json.dumps({"title": "all", "rows": ROWS})
    twice = json.loads(shorten(shorten(content, 4_000), 300))
    assert twice["shortened"]["handle"] == handle_of(content)
    assert twice["shortened"]["lists"]["rows"]["of"] == 400
    assert twice["shortened"]["lists"]["rows"]["shown"] == len(twice["rows"])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-1, 1) | st.text(max_size=300),
    lambda inner: st.lists(inner, max_size=20) | st.dictionaries(st.text(max_size=6), inner, max_size=5),
    max_leaves=40,
)


@given(st.dictionaries(st.text(max_size=6), JSON, max_size=6), st.integers(0, 3_000))
def test_shortening_never_makes_a_result_longer_and_always_leaves_json(document, limit):
    content = json.dumps(document)
    found = shorten(content, limit)
    assert len(found) <= len(content)
    json.loads(found)
    if len(content) <= limit:
        assert found == content


def test_a_tool_fetches_every_row_of_a_result_that_was_shortened(run_state: RunState):
    toolbox = Toolbox(
        run_state, (bind(many_rows), bind(fetch_result)), {"planning": frozenset({"many_rows", "fetch_result"})}
    )
    answer = asyncio.run(toolbox.call("planning", "many_rows", {}))
    assert answer.truncated
    handle = json.loads(answer.content)["shortened"]["handle"]
    rows, offset = [], 0
    while offset is not None:
        page = fetch_result(run_state, handle, "rows", offset)
        rows, offset = [*rows, *page.rows], page.next_offset
        assert page.total == 400
    assert rows == ROWS


def test_the_whole_of_a_result_can_be_read_as_text(run_state: RunState):
    handle = run_state.results.put("x" * 12_000)
    first = fetch_result(run_state, handle)
    assert (len(first.text), first.total, first.next_offset) == (5_000, 12_000, 5_000)
    assert fetch_result(run_state, handle, "", 10_000).next_offset is None


@pytest.mark.parametrize(("handle", "path"), [("result-0123456789", ""), (None, "columns"), (None, "rows.0.name")])
def test_a_handle_or_a_list_that_there_is_none_of_is_bad_input(run_state: RunState, handle, path):
    kept = run_state.results.put(json.dumps({"rows": ROWS}))
    with pytest.raises(InputError):
        fetch_result(run_state, handle or kept, path)
