"""What a planner may take counts what it computes: a machine that does something else meanwhile changes no plan."""

import sys
import time
from collections.abc import Callable
from itertools import count
from types import FrameType
from typing import TypeVar

import pytest

from tests.twin.optimise.networks import random_network
from twin.gate.order import Effort, order_steps
from twin.model import Network
from twin.optimise.allowance import Allowance, guarded
from twin.optimise.relieve import METHODS, TACTICAL, relieve
from twin.optimise.weight_search import search_weights
from twin.plan import SetWeight
from twin.policy import Policy

LOOSE = Policy(max_blast_radius=1, max_delay_stretch=50, max_failure_utilisation=50, max_utilisation=0.3)
_T = TypeVar("_T")

LIMIT_S = 3.0
"""Many times what the planners compute here, as long as a starved thread waits."""


@pytest.fixture(scope="module")
def network() -> Network:
    return random_network(3, nodes=6, extra=4, load=2)


def starved(work: Callable[[], _T], *, at: str) -> _T:
    """Do the work in a thread that gets no processor for as long as the limit when it first calls `at`."""
    waited: list[float] = []

    def wait(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and not waited and frame.f_code.co_name == at:
            waited.append(LIMIT_S)
            sys.setprofile(None)
            time.sleep(LIMIT_S)

    sys.setprofile(wait)
    try:
        found = work()
    finally:
        sys.setprofile(None)
    assert waited, f"nothing calls {at}"
    return found


def test_planners_that_get_no_processor_for_a_while_find_the_same_plans(network):
    alone = relieve(network, LOOSE, methods=TACTICAL)
    assert any(x.plan for x in alone)
    assert starved(lambda: relieve(network, LOOSE, methods=TACTICAL, time_limit_s=LIMIT_S), at="attempt") == alone


def test_what_a_planner_may_compute_is_shared_out_and_ends():
    clock = iter((0.0, 2.0, 2.0, 9.0, 10.0, 11.0))
    allowance = Allowance(10.0, clock=lambda: next(clock))
    assert (allowance.share(4), allowance.share(), allowance.spent, allowance.spent) == (2.0, 8.0, False, True)
    assert allowance.share() == 0
    boundless = Allowance(None, clock=lambda: 1e9)
    assert (boundless.share(3), boundless.spent) == (None, False)


def test_a_guard_by_the_clock_says_what_was_computed_and_holds_only_inside():
    wall, computed = iter((0.0, 99.0, 100.0)), iter((5.0, 8.5))
    boundless = Allowance(None)
    with guarded(100, wall=lambda: next(wall), computed=lambda: next(computed)) as guard:
        assert (boundless.spent, guard.said) == (False, "")
        assert (boundless.spent, guard.said) == (True, "cut off after 100 s by the clock, 3.5 s of them computed")
        assert boundless.spent
    assert not boundless.spent


def test_planners_stop_at_the_guard_with_the_best_so_far(network):
    steps = count()
    with guarded(1, wall=lambda: float(next(steps) > 20), computed=lambda: 0.0) as guard:
        cut = search_weights(network, seed=1, evaluations=50)
    assert guard.said
    assert 0 < cut.evaluations < search_weights(network, seed=1, evaluations=50).evaluations
    with guarded(0) as guard:
        assert all(x.plan or x.reason for x in relieve(network, LOOSE, methods=TACTICAL))
    assert guard.said


@pytest.mark.parametrize("method", TACTICAL)
def test_a_planner_without_time_looks_at_no_failure_and_says_so(network, method):
    unhurried = METHODS[method](network, LOOSE)
    hurried = METHODS[method](network, LOOSE, time_limit_s=0.0)
    assert hurried.evaluations <= unhurried.evaluations
    assert hurried.plan is None
    assert hurried.reason


def test_an_order_is_searched_for_as_long_as_there_is_time(network):
    steps = [SetWeight(link=network.links[i].name, weight=60) for i in (0, 3, 6)]
    left = iter([False, False, *[True] * 99])
    roomy = LOOSE.model_copy(update={"max_utilisation": 50})
    found = order_steps(steps, network, roomy, against=lambda *_: None, effort=Effort(1000, lambda: next(left)))
    assert found.steps is None
    assert len(found.reached) == 2
    assert found.states <= 3
