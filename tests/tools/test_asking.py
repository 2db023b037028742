"""What is asked of people is asked once: a turn does not end on what was answered."""

import pytest

from tools.asking import ask_operator
from tools.box.run_state import RunState
from twin.errors import RefusedError


def test_what_was_answered_is_told_as_an_error_so_that_the_turn_goes_on(run_state: RunState):
    asked = ask_operator(run_state, "May it be reset?", ("reset", "keep"), "keep")
    run_state.answers = {asked.id: "reset"}
    with pytest.raises(RefusedError, match="answered before: reset"):
        ask_operator(run_state, "May it be reset?", ("reset", "keep"), "keep")
    assert run_state.open_question is None
    assert len(run_state.questions) == 1
