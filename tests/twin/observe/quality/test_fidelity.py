"""Fidelity and what follows from it: a twin that does not explain its network loses its rights by itself."""

from dataclasses import replace

import numpy as np
import pytest

from tests.benchmarks.data_quality import corrupted, off, scene
from tests.twin.observe.incidents import ABILENE, NOBEL, network, run
from twin.diagnose import turns
from twin.faults import Fault, FaultKind, with_fault
from twin.gate.checks.context import Evidence
from twin.live.draw_fault import draw_fault
from twin.observe.observe import observe
from twin.observe.quality.assess import assess, assess_observation
from twin.observe.quality.fidelity import fidelity_of
from twin.observe.quality.standing import data_refusal, evidence_of, standing
from twin.policy import Policy

K = FaultKind


@pytest.mark.parametrize("name", [ABILENE, NOBEL])
def test_a_healthy_network_is_explained_whole(name):
    for seed in range(3):
        fidelity = fidelity_of(run(network(name), seed=seed, before=20).observation)
        assert fidelity.score > 0.99
        assert fidelity.earlier is not None
        assert not fidelity.drifting


@pytest.mark.parametrize("kind", [K.WEIGHT, K.STALE_TOPOLOGY])
def test_the_right_diagnosis_explains_and_a_wrong_one_does_not(kind):
    fault = draw_fault(network(NOBEL), 2, kinds=[kind])
    observation = run(network(NOBEL), fault, seed=2, before=20).observation
    right = fidelity_of(observation, with_fault(observation.network, fault))
    another = draw_fault(network(NOBEL), 9, kinds=[K.LINK_DOWN])
    wrong = fidelity_of(observation, with_fault(observation.network, another))
    assert right.score > 0.99
    assert wrong.score < 0.9
    assert Policy().autonomy_at(right.score) == "act"
    assert Policy().autonomy_at(wrong.score) == "observe"


@pytest.mark.parametrize("share", [0.3, 0.7])
def test_a_flapping_circuit_is_explained_by_the_mean_of_its_two_states_and_by_neither_alone(share):
    sound = network(NOBEL)
    element = max(sound.links, key=lambda x: x.capacity).circuit
    fault = Fault(kind=K.FLAP, element=element, severity=share)
    observation = run(sound, fault, seed=2, before=20).observation
    down = with_fault(observation.network, fault)
    (turn,) = turns(observation, (fault,), down)
    assert fidelity_of(observation, down, turns=(turn,)).score > 0.98
    assert fidelity_of(observation, down).score < 0.97
    assert fidelity_of(observation, turn.state).score < 0.97


def test_a_twin_that_falls_behind_drifts_and_names_the_links():
    observation = run(network(NOBEL), draw_fault(network(NOBEL), 2, kinds=[K.WEIGHT]), seed=2, before=24).observation
    fidelity = fidelity_of(observation)
    assert fidelity.drifting
    assert fidelity.worst[0].observed != pytest.approx(fidelity.worst[0].predicted, rel=0.05)
    assert fidelity.unexplained == pytest.approx((1 - fidelity.score) * fidelity.load)


def test_lying_counters_are_a_matter_of_quality_and_not_of_fidelity():
    true = scene(NOBEL, 2)
    telemetry, _ = corrupted(true, 0.1, 2)
    assert fidelity_of(observe(true.network, telemetry, now=true.now)).score > 0.97


def test_the_score_is_the_share_of_load_beyond_measurement():
    true = scene(ABILENE, 1)
    observation = observe(true.network, true.telemetry, now=true.now)
    state = observation.network.with_demands(observation.network.demands * 0.5)
    half = fidelity_of(observation, state)
    assert half.score == pytest.approx(0.5, abs=0.06)
    assert half.score >= 0.5


def test_levels_fall_with_fidelity_and_never_rise_above_the_policy():
    policy = Policy()
    assert [policy.autonomy_at(x) for x in (1.0, 0.95, 0.94, 0.92, 0.91, 0.9, 0.89, 0.0)] == [
        "act", "act", "approve", "approve", "suggest", "suggest", "observe", "observe",
    ]  # fmt: skip
    assert policy.autonomy_at(None) == "act"
    for most in ("observe", "suggest", "approve"):
        careful = Policy(autonomy=most)
        assert careful.autonomy_at(1.0) == careful.autonomy_at(None) == most
        assert careful.autonomy_at(0.1) == "observe"


def test_bad_data_leave_nothing_but_to_observe_and_name_the_worst():
    true = scene(ABILENE, 3)
    report = assess(true.network, off(true.telemetry, 0.8), now=true.now).report
    found = standing(report, None, Policy())
    assert found.level == "observe"
    assert "links carry 2" in found.because
    assert f"network/{true.network.name} exports" in found.because
    assert data_refusal(report, Policy(min_quality=0.0)) is None


def test_a_counter_that_is_gone_is_the_worst_of_otherwise_good_data():
    true = scene(ABILENE, 3)
    links = true.telemetry.links
    gone = np.isin(links.link, np.arange(28))
    missing = links._replace(
        out_mbps=np.where(gone, np.nan, links.out_mbps), in_mbps=np.where(gone, np.nan, links.in_mbps)
    )
    report = assess(true.network, replace(true.telemetry, links=missing), now=true.now).report
    assert "was not read" in (data_refusal(report, Policy()) or "")


def test_the_gate_gets_all_three_figures():
    observation = run(
        network(ABILENE), Fault(kind=K.LINK_DOWN, element=next(iter(network(ABILENE).circuits)))
    ).observation
    assessment = assess_observation(observation)
    evidence = evidence_of(assessment.report, fidelity_of(observation, known=assessment))
    assert isinstance(evidence, Evidence)
    assert evidence.age_s == 0
    assert (evidence.quality or 0) > 0.95
    assert (evidence.fidelity or 0) > 0.95
