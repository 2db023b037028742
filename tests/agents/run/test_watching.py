"""Faults whose harm comes and goes: with the traffic of an evening, and with a circuit that goes down and comes up."""

from datetime import timedelta
from pathlib import Path

import pytest

from agents.record.events import ExecutionStep, LoadsTaken, StageFinished, VerdictReached
from agents.run.request import LaterEvent
from agents.run.watching import outlasting
from tests.agents.incidents import perform, request
from tests.twin.observe.incidents import NOBEL, network
from tests.twin.observe.incidents import run as observed
from twin.diagnose import diagnose
from twin.faults import Fault, FaultKind
from twin.observe import observe
from twin.plan import DrainLink
from twin.policy import Policy

K = FaultKind
GONE = Fault(kind=K.DETACH, element="interface/IPLSng/KSCYng")
FLAPPING = Fault(kind=K.FLAP, element="link/DNVRng:KSCYng--KSCYng:DNVRng", severity=0.55)


def test_a_fault_that_harms_nobody_yet_is_watched_and_planned_for_once_it_does(tmp_path: Path):
    run = perform(tmp_path, request(fault=GONE, seed=40006))
    finished = run.result.finished
    ends = {(x.stage, x.next): x for x in run.of(StageFinished)}
    assert "no traffic was harmed when it was found, and is now" in ends["diagnose", "diagnose"].because
    assert ends["diagnose", "plan"]
    early, harmed = (x for x in run.of(LoadsTaken) if x.moment == "before")
    assert early.harm == 0 < harmed.harm
    assert finished.figures.harm_before == harmed.harm
    assert finished.outcome == "resolved"
    assert finished.plan is not None


def test_what_fails_besides_while_a_fault_is_watched_is_found_and_told_of(tmp_path: Path):
    cut = Fault(kind=K.LINK_DOWN, element="link/ATLAM5:ATLAng--ATLAng:ATLAM5")
    run = perform(tmp_path, request(fault=GONE, seed=40006, later=(LaterEvent(after=1, strikes=cut),)))
    assert "circuit ATLAM5--ATLAng is down by now" in run.of(StageFinished)[1].because
    finished = run.result.finished
    assert {x.element for x in finished.causes} == {GONE.element, cut.element}
    assert {x.element for x in finished.recommendations} == {GONE.element, cut.element}


def test_a_fault_that_no_foreseen_traffic_turns_into_harm_is_not_waited_for(tmp_path: Path):
    still = Policy(demand_factors=(1.0,))
    run = perform(tmp_path, request(fault=GONE, seed=40006, policy=still))
    assert run.result.finished.outcome == "no action needed"
    assert [x.stage for x in run.of(StageFinished)] == ["observe", "diagnose"]


def test_a_circuit_that_flaps_is_taken_out_first_and_then_steered_around(tmp_path: Path):
    run = perform(tmp_path, request(fault=FLAPPING, seed=40007))
    (verdict,) = run.of(VerdictReached)
    assert verdict.plan.steps[0] == DrainLink(circuit=FLAPPING.element)
    assert len(verdict.plan.steps) > 1
    confirmed = [x.step for x in run.of(ExecutionStep) if x.action == "agree"]
    assert confirmed == list(range(1, len(verdict.plan.steps) + 1))
    figures = run.result.finished.figures
    assert figures.harm_after is not None
    assert figures.harm_without is not None
    assert figures.harm_after < figures.harm_without / 2
    assert any(x.action == "repair circuit" for x in run.result.finished.recommendations)


def test_a_network_that_is_polled_every_thirty_seconds_has_its_plan_in_place_minutes_after_the_onset(tmp_path: Path):
    """Its history is shorter than the hours that plans are judged in."""
    run = perform(tmp_path, request(interval_s=30.0))
    finished = run.result.finished
    assert finished.outcome == "resolved"
    made = [x.live_time for x in run.of(ExecutionStep) if x.action == "agree" and x.live_time]
    assert finished.onset is not None
    assert made[-1] - finished.onset <= timedelta(minutes=8)


@pytest.mark.parametrize(("over", "told"), [(False, (K.SURGE,)), (True, ())])
def test_traffic_that_grew_is_told_of_after_a_later_look_finds_it_usual_unless_it_fell_back(over: bool, told: object):
    surge = Fault(kind=K.SURGE, element="node/Essen", severity=3.0)
    early = observed(network(NOBEL), surge)
    cut = Fault(kind=K.LINK_DOWN, element="link/Hannover:Berlin--Berlin:Hannover")
    found = diagnose(early.observation).best.model_copy(update={"faults": (surge, cut)})
    if over:
        early.live.clear(surge)
    early.live.wait(25)
    later = observe(early.live.read_topology(), early.live.read_telemetry(early.live.now - timedelta(hours=4)))
    assert not diagnose(later).best.faults
    assert tuple(y.kind for x in outlasting(found, early.observation, later) for y in x.faults) == told
