"""Faults whose harm comes and goes: with the traffic of an evening, and with a circuit that goes down and comes up."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from agents.record.events import ExecutionStep, LoadsTaken, StageFinished, VerdictReached
from agents.run.replay import replay_run
from agents.run.request import LaterEvent
from agents.run.trial import as_lossy_as_now
from agents.run.watching import outlasting
from tests.agents.incidents import perform, request
from tests.twin.observe.incidents import NOBEL, network
from tests.twin.observe.incidents import run as observed
from tools.box.handover import Incident
from twin.diagnose import diagnose
from twin.faults import Fault, FaultKind
from twin.formats.nodelink import write_node_link
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


def test_where_no_cause_is_known_the_network_is_looked_at_once_more_before_anybody_is_told_so(tmp_path: Path):
    """So little is lost that no reading names the wire; by the second look nothing is any more."""
    fault = Fault(kind=K.SILENT_LOSS, element="interface/Karlsruhe/Stuttgart", severity=0.0193)
    healed = (LaterEvent(after=1, heals=fault),)
    run = perform(tmp_path, request(network=NOBEL, fault=fault, seed=52170, interval_s=30.0, later=healed))
    ends = run.of(StageFinished)
    assert [(x.stage, x.next) for x in ends] == [("observe", "diagnose"), ("diagnose", "diagnose"), ("diagnose", "end")]
    assert "no cause is known" in ends[1].because
    assert run.result.finished.outcome == "healthy"


def test_what_all_readings_together_speak_for_is_found_though_none_of_them_is_a_symptom(tmp_path: Path):
    whole = network(NOBEL)
    level, file = replace(whole, links=tuple(x._replace(weight=10) for x in whole.links)), tmp_path / "level.json"
    write_node_link(level, str(file))
    fault = Fault(kind=K.ECMP_STALE, element="interface/Frankfurt/Leipzig")
    run = perform(tmp_path, request(network=str(file), fault=fault, seed=52265, interval_s=30.0))
    observed = run.of(StageFinished)[0]
    assert isinstance(observed.handover, Incident)
    assert observed.handover.symptoms == ()
    assert f"speak for {fault}" in observed.because
    assert run.result.finished.outcome == "no action needed"
    assert run.result.finished.causes[0].element == fault.element


def test_an_inventory_with_a_wrong_capacity_is_what_a_run_is_told_and_its_harm_is_none(tmp_path: Path):
    fault = Fault(kind=K.WRONG_CAPACITY, element="link/Katowice:Wroclaw--Wroclaw:Katowice", severity=0.1)
    run = perform(tmp_path, request(network="sndlib/polska", fault=fault, seed=5))
    finished = run.result.finished
    assert (finished.outcome, finished.figures.harm_before) == ("no action needed", 0.0)
    assert [(x.action, x.element) for x in finished.recommendations] == [("correct inventory", fault.element)]
    assert asyncio.run(replay_run(run.result.folder)).same


def test_what_a_wire_loses_by_now_is_what_a_plan_is_held_against():
    found = observed(network(NOBEL), Fault(kind=K.SILENT_LOSS, element="interface/Berlin/Hamburg", severity=0.16))
    position = found.observation.network.interface_index["interface/Berlin/Hamburg"]
    links = list(found.observation.network.links)
    links[position] = links[position]._replace(loss=0.1)
    state = as_lossy_as_now(replace(found.observation.network, links=tuple(links)), found.observation)
    assert state.links[position].loss == pytest.approx(0.16, abs=0.01)
    assert {x.loss for i, x in enumerate(state.links) if i != position} == {0.0}


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
