from datetime import timedelta

import pytest

from tests.twin.observe.incidents import NOBEL, network, run
from twin.diagnose import Diagnosis, diagnose, explains
from twin.diagnose.incidents import together
from twin.faults import Fault, FaultKind
from twin.observe import observe
from twin.plan import DrainLink

K = FaultKind
FAR_CUT = Fault(kind=K.LINK_DOWN, element="link/Berlin:Hamburg--Hamburg:Berlin")
NEAR_CUT = Fault(kind=K.LINK_DOWN, element="link/Berlin:Leipzig--Leipzig:Berlin")
LOSS = Fault(kind=K.SILENT_LOSS, element="interface/Mannheim/Karlsruhe", severity=0.1)


def found(*faults: Fault) -> Diagnosis:
    live = run(network(NOBEL), seed=3, after=0).live
    for fault in faults:
        live.inject(fault)
    live.wait(3)
    return diagnose(observe(live.read_topology(), live.read_telemetry(live.now - timedelta(days=1)), now=live.now))


def test_two_faults_far_apart_are_two_incidents_each_with_its_own_symptoms():
    best = found(FAR_CUT, LOSS).best
    assert {x.name for x in best.incidents} == {str(FAR_CUT), str(LOSS)}
    by_name = {x.name: x for x in best.incidents}
    assert all(x.confidence == pytest.approx(1.0, abs=0.1) for x in best.incidents)
    assert any(x.element == LOSS.element for x in by_name[str(LOSS)].symptoms)
    assert not any(x.element == LOSS.element for x in by_name[str(FAR_CUT)].symptoms)
    assert any(x.element.startswith("interface/Hamburg") for x in by_name[str(FAR_CUT)].symptoms)


def test_two_cuts_at_one_router_are_one_incident():
    best = found(FAR_CUT, NEAR_CUT).best
    assert [x.name for x in best.incidents] == [best.name]
    assert best.incidents[0].confidence > 0.9


def test_a_healthy_network_has_no_incident():
    assert found().best.incidents == ()


def test_faults_join_through_what_they_share():
    whole = network(NOBEL)
    bridge = Fault(kind=K.DEVICE_DOWN, element="node/Hamburg")
    assert together(whole, [FAR_CUT, LOSS, NEAR_CUT]) == ((FAR_CUT, NEAR_CUT), (LOSS,))
    assert together(whole, [LOSS, FAR_CUT, bridge]) == ((LOSS,), (FAR_CUT, bridge))


def test_what_was_found_before_stands_until_readings_say_that_it_is_over():
    live = run(network(NOBEL), LOSS, seed=3).live
    circuit = next(x.circuit for x in network(NOBEL).links if x.interface == LOSS.element)
    live.apply(DrainLink(circuit=circuit))
    live.inject(FAR_CUT)
    live.wait(4)
    seen = observe(live.read_topology(), live.read_telemetry(live.now - timedelta(days=1)), now=live.now)
    assert not explains(seen, (LOSS,))
    assert diagnose(seen).best.faults == (FAR_CUT,)
    assert set(diagnose(seen, found_before=(LOSS,)).best.faults) == {FAR_CUT, LOSS}
    assert diagnose(seen, found_before=(NEAR_CUT,)).best.faults == (FAR_CUT,)
    assert explains(seen, (FAR_CUT, LOSS))
    assert explains(seen, (FAR_CUT,))
