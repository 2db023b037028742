"""What happens once somebody looks: a second look finds it, and nothing is ended on what no longer holds."""

from pathlib import Path

from agents.record.audit.audit import audit_run
from agents.record.events import StageFinished
from agents.run.request import LaterEvent, RunRequest
from agents.run.second_look import SecondLook
from agents.run.transitions import Ending
from tests.agents.incidents import NETWORK, WRONG_WEIGHT, Run, perform, request
from tests.agents.word_trials import copied, incident, ready
from twin.faults import Fault, FaultKind
from twin.formats import load_network
from twin.live.recorded import RecordedNetwork
from twin.plan import DrainLink

CUT = Fault(kind=FaultKind.LINK_DOWN, element="link/LOSAng:SNVAng--SNVAng:LOSAng")


def course(run: Run) -> list[tuple[int, str, str]]:
    return [(x.round, x.stage, x.next) for x in run.of(StageFinished)]


def test_what_strikes_while_a_plan_is_confirmed_is_found_and_planned_for_on_top_of_it(tmp_path: Path):
    run = perform(tmp_path, request(later=(LaterEvent(after=3, strikes=CUT),)))
    finished = run.result.finished
    assert (1, "confirm", "diagnose") in course(run)
    assert (2, "diagnose", "plan") in course(run)
    assert finished.outcome == "resolved"
    assert {str(x) for x in finished.causes} == {str(CUT), str(WRONG_WEIGHT)}
    assert {("repair circuit", CUT.element), ("correct weight", WRONG_WEIGHT.element)} <= {
        (x.action, x.element) for x in finished.recommendations
    }
    report = audit_run(run.result.folder, home=tmp_path / "home")
    assert (report.effects, report.certificate, dict(report.reasons)) == ("holds", "holds", {})


def test_what_somebody_else_configures_meanwhile_is_planned_around_and_stays(tmp_path: Path):
    drained = DrainLink(circuit=CUT.element)
    run = perform(tmp_path, request(later=(LaterEvent(after=1, others=drained),)))
    assert (1, "roll back", "plan") in course(run)
    assert run.result.finished.outcome in ("resolved", "relieved", "needs a person")
    live = RecordedNetwork.restore(run.result.folder / "network.jsonl", load_network(NETWORK), keep=False)
    live.catch_up()
    inventory = live.read_topology()
    assert all(inventory.links[i].drained for i in inventory.circuit(CUT.element))
    # the correction of the weight was taken back and made again: at no time the inventory took the wrong one for right
    assert any(x.recorded and x.change != x.recorded for x in live.effects)
    assert inventory.links[inventory.link("IPLSng->KSCYng")].weight < WRONG_WEIGHT.severity
    report = audit_run(run.result.folder, home=tmp_path / "home")
    assert (report.effects, report.certificate, dict(report.reasons)) == ("holds", "holds", {})


def test_what_a_plan_showed_before_it_was_taken_back_tells_what_no_reading_told(tmp_path: Path):
    """A static route where traffic enters looks like a blackhole route until a tunnel leads around that."""
    run = perform(tmp_path, RunRequest(network="synthetic/8-1", seed=3, fault=FaultKind.HOST_BLACKHOLE))
    finished = run.result.finished
    assert [x[1:] for x in course(run)][4:8] == [
        ("approve", "execute"), ("execute", "roll back"), ("roll back", "diagnose"), ("diagnose", "plan"),
    ]  # fmt: skip
    assert finished.outcome == "needs a person"
    assert [x.kind for x in finished.causes] == [FaultKind.HOST_BLACKHOLE]
    assert [x.action for x in finished.recommendations] == ["remove static route"]
    live = RecordedNetwork.restore(run.result.folder / "network.jsonl", load_network("synthetic/8-1"), keep=False)
    live.catch_up()
    assert live.read_topology() == load_network("synthetic/8-1")
    report = audit_run(run.result.folder, home=tmp_path / "home")
    assert (report.effects, report.certificate, dict(report.reasons)) == ("holds", "holds", {})


def test_a_second_look_that_would_find_what_is_known_asks_no_role():
    place = ready(incident())
    run_state = copied(place.run_states["planning"])
    second, said = SecondLook(run_state, None, rounds=3), run_state.diagnosis.explanation
    assert not second.finds_the_same()  # at the first look nothing is known
    second.begin(None)
    assert run_state.diagnosis is None
    assert not second.finds_the_same()  # a router can still be asked
    run_state.hear({x: run_state.live.read_router(x) for x in "ABCD"})
    assert second.finds_the_same()
    assert (run_state.faults, run_state.diagnosis.explanation) == (place.faults, said)
    second.begin(None)
    place.live.inject(Fault(kind=FaultKind.LINK_DOWN, element="link/B:C--C:B"))
    place.live.wait(3)
    assert not second.finds_the_same()  # something else has happened: that is for the role to read
    assert run_state.diagnosis is None


def test_what_a_plan_in_place_was_made_for_still_stands_when_a_later_plan_is_taken_back():
    run_state = copied(ready(incident()).run_states["planning"])
    faults, second = run_state.faults, SecondLook(run_state, None, rounds=3)
    second.met()
    second.met()
    assert [x.faults for x in run_state.met] == [faults]
    second.begin(Ending("rolled back", "it did not help"), learned=True)
    assert (run_state.found_before, run_state.diagnosis) == (faults, None)
    without = copied(ready(incident()).run_states["planning"])
    SecondLook(without, None, rounds=3).begin(Ending("rolled back", "it did not help"), learned=True)
    assert (without.found_before, without.met) == ((), ())  # as open as at first
