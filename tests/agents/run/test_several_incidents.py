"""Two incidents in one observation: what each harms, which plan serves it, and how it ended."""

import pytest

from agents.run.incidents import RunSoFar, each_ending
from agents.run.request import RunRequest
from agents.run.staging import AFTERMATH, samples_after, stage_scene
from tools.box.handover import DiagnosedIncident
from twin.faults import Fault, FaultKind
from twin.formats import load_network
from twin.live.recorded import RecordedNetwork, Struck
from twin.observe import find_symptoms, observe
from twin.plan import DrainLink, Plan, SetWeight
from twin.policy import Policy

K = FaultKind
NETWORK = "sndlib/polska"
LOSSY = Fault(kind=K.SILENT_LOSS, element="interface/Gdansk/Warsaw", severity=0.15)
HEAVY = Fault(kind=K.WEIGHT, element="interface/Katowice/Krakow", severity=9_000)
POLICY = Policy()


def staged(*faults: Fault, **changes: object) -> RecordedNetwork:
    asked = RunRequest.model_validate(
        {"network": NETWORK, "seed": 3, "fault": faults[0] if faults else None, "also": faults[1:], **changes}
    )
    live = stage_scene(load_network(NETWORK), asked).live
    assert isinstance(live, RecordedNetwork)
    return live


@pytest.fixture(scope="module")
def made() -> RunSoFar:
    live = staged(LOSSY, HEAVY)
    seen = observe(live.read_topology(), live.read_telemetry(live.start), now=live.now)
    return RunSoFar(seen, (LOSSY, HEAVY), (), None, POLICY, 10.0, frozenset())


def incidents() -> tuple[DiagnosedIncident, ...]:
    return tuple(DiagnosedIncident(faults=(x,), probability=0.9, symptoms=()) for x in (LOSSY, HEAVY))


def plan(made: RunSoFar, *steps: object) -> Plan:
    network = made.observation.network
    return Plan.model_validate(
        {"goal": "less harm", "method": "by hand", "base": network.id, "steps": steps, "expected": None}
    )


def test_a_plan_for_one_incident_resolves_that_one_and_leaves_the_other_to_a_person(made: RunSoFar):
    drained = plan(made, DrainLink(circuit="link/Gdansk:Warsaw--Warsaw:Gdansk"))
    lossy, heavy = each_ending(incidents(), "relieved", made._replace(plans=(drained,)))
    assert (lossy.faults, lossy.outcome, lossy.plans) == ((LOSSY,), "resolved", (drained.hash,))
    assert lossy.harm[0] > 100
    assert lossy.harm[1] == 0
    assert (heavy.faults, heavy.plans) == ((HEAVY,), ())
    assert heavy.outcome in ("needs a person", "no action needed")


def test_the_harm_of_an_incident_is_what_it_adds_to_the_others(made: RunSoFar):
    found = each_ending(incidents(), "needs a person", made)
    lost = float(made.observation.network.demands.sum())
    assert all(0 <= x.harm[0] < lost and x.harm[0] == x.harm[1] and not x.plans for x in found)
    assert found[0].outcome == "needs a person"


def test_a_plan_that_waits_is_said_of_the_incident_that_it_would_spare(made: RunSoFar):
    waiting = made._replace(pending=plan(made, DrainLink(circuit="link/Gdansk:Warsaw--Warsaw:Gdansk")))
    lossy, heavy = each_ending(incidents(), "awaiting approval", waiting)
    assert lossy.outcome == "awaiting approval"
    assert heavy.outcome != "awaiting approval"


def test_a_run_that_was_stopped_stopped_for_all_of_them(made: RunSoFar):
    assert {x.outcome for x in each_ending(incidents(), "interrupted", made)} == {"interrupted"}


def test_one_incident_ends_as_its_run_does(made: RunSoFar):
    assert each_ending(incidents()[:1], "resolved", made) == ()


def test_a_step_for_a_fault_that_is_not_there_changes_nothing(made: RunSoFar):
    link = next(x for x in made.observation.network.links if x.name == "Katowice->Krakow")
    restored = plan(made, SetWeight(link="Katowice->Krakow", weight=link.weight))
    endings = each_ending(incidents(), "relieved", made._replace(plans=(restored,)))
    assert endings[0].outcome == "needs a person"


def test_somebody_looks_as_soon_as_the_same_symptoms_show_twice():
    live = staged(Fault(kind=K.DEVICE_DOWN, element="node/Krakow"))
    assert 2 <= samples_after(live) < AFTERMATH
    struck = next(x for x in live.entries if isinstance(x, Struck))
    assert (live.now - struck.time).total_seconds() == 300 * samples_after(live)
    seen = observe(live.read_topology(), live.read_telemetry(live.start), now=live.now)
    assert find_symptoms(seen)


def test_what_shows_nothing_and_what_is_well_is_looked_at_in_the_end():
    assert (
        samples_after(staged(Fault(kind=K.LATENCY, element="link/Gdansk:Warsaw--Warsaw:Gdansk", severity=0.001)))
        == AFTERMATH
    )
    assert samples_after(staged(healthy=True)) == AFTERMATH
