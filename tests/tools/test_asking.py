"""What is asked of people is asked once: a turn does not end on what was answered."""

import pytest

from tools.asking import ask_operator
from tools.box.run_state import Desk
from twin.errors import RefusedError


def test_what_was_answered_is_told_as_an_error_so_that_the_turn_goes_on(desk: Desk):
    asked = ask_operator(desk, "May it be reset?", ("reset", "keep"), "keep")
    desk.answers = {asked.id: "reset"}
    with pytest.raises(RefusedError, match="answered before: reset"):
        ask_operator(desk, "May it be reset?", ("reset", "keep"), "keep")
    assert desk.open_question is None
    assert len(desk.questions) == 1
