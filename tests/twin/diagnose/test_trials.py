"""What a plan shows while it is in place: it tells apart causes that no reading told apart before."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.twin.observe.incidents import ABILENE, Incident, network, run
from twin.diagnose import Diagnosis, PlanTrial, diagnose
from twin.faults import Fault, FaultKind
from twin.model import SegmentList, Tunnel
from twin.observe import Observation, observe
from twin.plan import Change, RemoveTunnel, SetTunnel

K = FaultKind
# nothing for Chicago passes Seattle: what enters there is dropped by the one, and by the other as well
ALIKE = {
    kind: Fault(kind=kind, element="node/Seattle", target="node/Chicago") for kind in (K.BLACKHOLE, K.HOST_BLACKHOLE)
}
AROUND = SetTunnel(
    tunnel=Tunnel(
        name="around", source="Seattle", target="Chicago", paths=(SegmentList(via=("Denver",)),), on_invalid="igp"
    )
)


def tried(incident: Incident, change: Change, back: Change) -> PlanTrial:
    """Make a change, see what it does, and take it back."""
    incident.live.apply(change)
    incident.live.wait(3)
    seen = seen_now(incident, window=2)
    incident.live.apply(back)
    incident.live.wait(4)
    return PlanTrial(seen, frozenset())


def seen_now(incident: Incident, window: int = 3) -> Observation:
    live = incident.live
    telemetry = live.read_telemetry(live.now - timedelta(hours=3))
    return observe(live.read_topology(), telemetry, window=window, now=live.now)


def confidence(found: Diagnosis, fault: Fault) -> float:
    return next((x.confidence for x in found.hypotheses if str(fault) in (x.name, *x.alike)), 0.0)


@pytest.mark.parametrize("kind", ALIKE)
def test_the_way_around_tells_what_is_dropped_as_it_enters_from_what_is_dropped_on_its_way(kind):
    incident = run(network(ABILENE), ALIKE[kind])
    true, other = ALIKE[kind], next(x for x in ALIKE.values() if x != ALIKE[kind])
    before = diagnose(incident.observation).best
    assert {str(true), str(other)} <= {before.name, *before.alike}
    trial = tried(incident, AROUND, RemoveTunnel(name="around"))
    found = diagnose(seen_now(incident), trials=(trial,))
    assert found.doubt is None
    assert confidence(found, other) < 1e-6 < 0.01 < confidence(found, true)


def test_what_no_cause_explains_of_a_plan_leaves_a_doubt():
    incident = run(network(ABILENE), ALIKE[K.BLACKHOLE])
    seen = seen_now(incident)
    emptied = replace(seen, window=seen.window._replace(out_mbps=0 * seen.window.out_mbps))
    assert diagnose(seen).doubt is None
    assert "while a plan was in place" in (diagnose(seen, trials=(PlanTrial(emptied, frozenset()),)).doubt or "")
