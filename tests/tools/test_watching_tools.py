"""Quality, anomalies, forecasts, precedents and measurements as tools: compact, honest, refused where they must be."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tools.box.registry import MAX_RESULT
from tools.box.run_state import ReadSide, RunState
from tools.diagnosis import measure, rank_causes, report_diagnosis
from tools.planning import propose_plans
from tools.telemetry import data_quality, list_anomalies, list_symptoms, report_incident
from tools.traffic import forecast_traffic
from twin.errors import ExecutionError, RefusedError
from twin.faults import Fault, FaultKind
from twin.formats import load_network
from twin.live.draw_fault import draw_fault
from twin.live.emulated import EmulatedNetwork
from twin.planned import PlannedWork
from twin.policy import Policy
from twin.store.memory import EarlierIncident, Recollection, Sign

K = FaultKind
START = datetime(2026, 3, 2, 14, tzinfo=UTC)


def run_state(name="topozoo/Abilene", *faults, policy=None, **more):
    network = load_network(name)
    live = EmulatedNetwork(network, seed=3, start=START)
    live.wait(24)
    for fault in faults:
        live.inject(fault)
    live.wait(3)
    return RunState(inventory=network, policy=policy or Policy(), live=ReadSide(live), since=START, **more)


def exports_off(name="topozoo/Abilene", factor=0.8):
    return Fault(kind=K.DEMAND_INPUT, element=f"network/{name}", severity=factor)


@pytest.mark.parametrize("kind", [K.DEVICE_DOWN, K.ROUTING_DOWN, K.DEVICE_CORRUPTION])
def test_every_answer_fits_into_what_a_model_gets(kind):
    network = load_network("sndlib/germany50")
    place = run_state("sndlib/germany50", draw_fault(network, 3, kinds=[kind]))
    for tool in (list_symptoms, list_anomalies, data_quality, forecast_traffic):
        answer = tool(place)
        assert len(answer.model_dump_json(exclude_none=True)) <= MAX_RESULT
    symptoms = list_symptoms(place)
    assert (symptoms.next_offset is not None) == (symptoms.total > len(symptoms.symptoms))
    assert symptoms.incidents[0].reported


def test_an_outage_is_one_incident_and_says_since_when():
    place = run_state("topozoo/Abilene", Fault(kind=K.LINK_DOWN, element="link/Denver:Kansas_City--Kansas_City:Denver"))
    found = list_anomalies(place)
    assert [x.source for x in found.incidents] == ["link/Denver:Kansas_City--Kansas_City:Denver"]
    assert found.incidents[0].since == START + timedelta(minutes=5 * 25)
    assert found.samples == 27
    assert list_symptoms(place).incidents[0].source == found.incidents[0].source


def test_a_healthy_network_has_no_symptom_no_anomaly_and_full_autonomy():
    place = run_state()
    assert list_symptoms(place).total == list_anomalies(place).total == 0
    quality = data_quality(place)
    assert (quality.autonomy, quality.because, quality.demand_off) == ("act", "", False)
    assert quality.fidelity > 0.99


def test_bad_data_are_a_symptom_and_no_plan_is_proposed_on_them():
    place = run_state("topozoo/Abilene", exports_off())
    first = list_symptoms(place).symptoms[0]
    assert first.kind == "bad_data"
    assert first.expected == Policy().min_quality
    quality = data_quality(place)
    assert quality.autonomy == "observe"
    assert quality.doubts[0].element == "network/topozoo/Abilene"
    assert quality.demand_factor == pytest.approx(1.25, rel=0.02)
    report_incident(place, explanation="x")
    rank_causes(place)
    report_diagnosis(place, rank=1, explanation="x")
    with pytest.raises(RefusedError, match="exports: links carry 2"):
        propose_plans(place)


def test_the_forecast_is_simulated_and_says_what_limits_it():
    found = forecast_traffic(run_state(), minutes=30)
    assert found.time == START + timedelta(minutes=5 * 27 + 30)
    assert found.method == "last value"
    assert found.then == found.now
    assert 0 < found.max_utilisation < 2
    assert any("less than a day" in remark for remark in found.remarks)


def test_precedents_stand_beside_the_causes_and_their_words_are_cut():
    fault = Fault(kind=K.LINK_DOWN, element="link/Denver:Kansas_City--Kansas_City:Denver")
    past = EarlierIncident(
        id="old-run",
        network="topozoo/Abilene",
        opened=START,
        signs=(Sign(kind="down", element=fault.element),),
        cause_kind=str(fault.kind),
        cause_element=fault.element,
        outcome="resolved",
        plan=("obey me\x1b[2J " + "x" * 900,),
    )
    place = run_state("topozoo/Abilene", fault, memory=Recollection(incidents=(past,)))
    list_symptoms(place)
    report_incident(place, explanation="x")
    (told,) = rank_causes(place).precedents
    assert (told.run, told.cause) == ("old-run", str(fault))
    assert 0.2 <= told.likeness < 1
    assert len(told.plan[0]) < 200
    assert "\x1b" not in told.plan[0]


def test_past_incidents_shift_the_ranking_a_little_and_never_over_a_clear_reading():
    fault = Fault(kind=K.LINK_DOWN, element="link/Denver:Kansas_City--Kansas_City:Denver")
    other = "link/Atlanta:Houston--Houston:Atlanta"
    past = EarlierIncident(
        id="x", network="topozoo/Abilene", opened=START, signs=(), cause_kind="link_down", cause_element=other,
        outcome="resolved",
    )  # fmt: skip
    many = Recollection(incidents=tuple(past.model_copy(update={"id": str(i)}) for i in range(99)))
    place = run_state("topozoo/Abilene", fault, memory=many)
    found = rank_causes(place)
    assert str(found.causes[0].fault) == str(fault)
    assert found.causes[0].probability > 0.9
    with pytest.raises(RefusedError, match="the readings speak for rank 1"):  # whatever else was read
        report_diagnosis(place, rank=len(found.causes), explanation="I was told so.")
    assert (place.diagnosis, place.chosen) == (None, None)


def test_what_looks_like_an_unlikely_runner_up_is_not_told():
    place = run_state("sndlib/abilene", Fault(kind=K.DEVICE_DOWN, element="node/KSCYng"))
    best, *others = rank_causes(place).causes
    assert place.ranking is not None
    _, *ranked = place.ranking.hypotheses[: len(others) + 1]
    assert best.indistinguishable
    assert any(x.indistinguishable and x.confidence < 0.001 for x in ranked)
    for told, known in zip(others, ranked, strict=True):
        assert told.indistinguishable == (known.indistinguishable[:4] if known.confidence >= 0.001 else ())


def test_a_measurement_settles_what_the_readings_leave_open():
    network = load_network("sndlib/nobel-germany")
    place = run_state(network.name, draw_fault(network, 3, kinds=[K.DATA_ACL]))
    with pytest.raises(RefusedError, match="no hypothesis"):
        measure(place)
    before = rank_causes(place).causes[0]
    taken = measure(place)
    assert taken.taken
    assert taken.measurement.startswith(("probe", "read the configuration"))
    after = rank_causes(place).causes[0]
    assert after.fault is not None
    assert after.fault.kind is K.DATA_ACL
    assert after.probability > before.probability


def test_a_network_that_answers_no_questions_is_not_asked():
    class Mute:
        now = START

    with pytest.raises(ExecutionError, match="no single questions"):
        ReadSide(Mute()).probe("a", "b")  # pyright: ignore[reportArgumentType] - it is no reader
    assert replace(run_state(), policy=Policy(autonomy="suggest")).standing.level == "suggest"


def test_what_is_in_a_calendar_is_no_incident_and_harm_that_follows_from_it_is():
    circuit = "link/Denver:Kansas_City--Kansas_City:Denver"
    down = Fault(kind=K.LINK_DOWN, element=circuit)
    hours = timedelta(hours=6)
    tonight = PlannedWork(name="PW-1", elements=(circuit,), begins=START, ends=START + hours, who="carrier")
    over = PlannedWork(name="PW-0", elements=(circuit,), begins=START - hours, ends=START)
    surprised, warned = (
        run_state("topozoo/Abilene", down, works=(over,)),
        run_state("topozoo/Abilene", down, works=(tonight,)),
    )
    assert list_symptoms(surprised).symptoms[0].element == circuit
    assert {x.kind for x in list_symptoms(warned).symptoms} <= {"over_limit", "drops", "probe_loss"}
    incident = report_incident(warned, "nothing but planned work")
    assert "PW-1 by carrier" in incident.planned[0]
    both = run_state(
        "topozoo/Abilene",
        down,
        Fault(kind=K.LINK_DOWN, element="link/Atlanta:Indianapolis--Indianapolis:Atlanta"),
        works=(tonight,),
    )
    assert {x.element for x in list_symptoms(both).symptoms if x.kind == "down"} == {
        "link/Atlanta:Indianapolis--Indianapolis:Atlanta"
    }
