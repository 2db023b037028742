"""Planners stop by the clock only to protect whoever waits, and the answer says when that was so."""

import dataclasses

import pytest

from tests.tools.conftest import NOON, square
from tools import planning
from tools.box.goal import GoalInForce
from tools.box.run_state import ReadSide, RunState
from twin.live.emulated import EmulatedNetwork
from twin.optimise.relieve import TACTICAL, relieve
from twin.policy import Policy


@pytest.mark.parametrize(("seconds", "said"), [(0.0, True), (1e6, False)])
def test_an_answer_says_whether_the_clock_cut_planning_off(seconds: float, said: bool, monkeypatch):
    monkeypatch.setattr(planning, "WALL_LIMIT_S", seconds)
    live = EmulatedNetwork(square(), seed=3, start=NOON)
    live.wait(6)
    run_state = RunState(inventory=square(), policy=Policy(), live=ReadSide(live), since=NOON)
    run_state.goal = GoalInForce(
        words="relieve",
        said="relieve",
        propose=lambda state, policy, *_: relieve(state, policy, methods=TACTICAL),
    )
    found = planning.propose_plans(run_state)
    assert found.without_plan
    assert all(x.reason.startswith(f"planning was cut off after {seconds:g} s") == said for x in found.without_plan)


def test_a_window_without_planned_traffic_is_rehearsed_by_what_is_carried_now():
    day = tuple(0.5 if hour < 12 else 1.0 for hour in range(24))
    goal = GoalInForce(words="drain", said="drain", propose=lambda *_: (), hours=(11, 3), since=NOON, day=day)
    planned = square()
    empty = planned.with_demands(planned.demands * 0)
    now = NOON.replace(hour=3)  # half of what is planned is carried
    for inventory in (planned, empty):
        expected = goal.expected(inventory, planned.demands * 0.5, now)
        assert expected.demands == pytest.approx(planned.demands)  # the window's fullest hour is a full one
    plain = dataclasses.replace(goal, day=())
    assert plain.expected(empty, planned.demands * 0.5, now).demands == pytest.approx(planned.demands * 0.5)
    crowded = plain.expected(planned, planned.demands * 1.5, now)
    assert crowded.demands == pytest.approx(planned.demands * 1.5)
