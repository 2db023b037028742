"""Planners stop by the clock only to protect whoever waits, and the answer says when that was so."""

import pytest

from tests.tools.conftest import NOON, square
from tools import planning
from tools.box.goal import GoalInForce
from tools.box.run_state import Desk, ReadSide
from twin.live.emulated import EmulatedNetwork
from twin.optimise.relieve import TACTICAL, relieve
from twin.policy import Policy


@pytest.mark.parametrize(("seconds", "said"), [(0.0, True), (1e6, False)])
def test_an_answer_says_whether_the_clock_cut_planning_off(seconds: float, said: bool, monkeypatch):
    monkeypatch.setattr(planning, "WALL_LIMIT_S", seconds)
    live = EmulatedNetwork(square(), seed=3, start=NOON)
    live.wait(6)
    desk = Desk(inventory=square(), policy=Policy(), live=ReadSide(live), since=NOON)
    desk.aim = GoalInForce(
        words="relieve",
        said="relieve",
        propose=lambda state, policy, *_: relieve(state, policy, methods=TACTICAL),
    )
    found = planning.propose_plans(desk)
    assert found.without_plan
    assert all(x.reason.startswith(f"planning was cut off after {seconds:g} s") == said for x in found.without_plan)
