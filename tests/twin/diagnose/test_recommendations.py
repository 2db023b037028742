import pytest

from tests.twin.observe.incidents import ABILENE, NOBEL, network, run, struck
from twin.diagnose import diagnose, recommend
from twin.faults import Fault, FaultKind


def advice(incident, *, harmed=True):
    best = diagnose(incident.observation).hypotheses[0]
    assert best.faults[0].kind is incident.fault.kind
    return recommend(best, incident.observation, harmed=harmed)


def test_a_commit_on_the_router_at_fault_can_be_rolled_back():
    incident = run(network(NOBEL), Fault(kind=FaultKind.MTU, element="interface/Mannheim/Frankfurt"))
    (found,) = advice(incident)
    assert (found.action, found.element) == ("fix MTU", "interface/Mannheim/Frankfurt")
    committed = any(x.kind == "commit" and x.element == "node/Mannheim" for x in incident.observation.events)
    assert ("roll back the commit" in found.words) == committed
    assert found.evidence[0].startswith("MTU mismatch, Mannheim->Frankfurt: probability ")
    assert not any("_" in x or "interface/" in x or "link/" in x for x in found.evidence)  # words, no ids


@pytest.mark.parametrize(("harmed", "urgency"), [(True, "now"), (False, "soon")])
def test_a_broken_circuit_is_urgent_while_it_harms(harmed, urgency):
    (found,) = advice(struck(ABILENE, FaultKind.LINK_DOWN, seed=3), harmed=harmed)
    assert (found.action, found.urgency) == ("repair circuit", urgency)


def test_a_counter_that_lies_is_never_urgent():
    fault = Fault(kind=FaultKind.SCALED_COUNTER, element="interface/Berlin/Hamburg", severity=8.0)
    (found,) = advice(run(network(NOBEL), fault))
    assert (found.action, found.element, found.urgency) == ("correct counter scale", fault.element, "routine")
