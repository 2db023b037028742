"""The next measurement: it can be taken, it tells causes apart, and a second diagnosis is the surer for it."""

from dataclasses import replace

import numpy as np
import pytest

from tests.twin.live.ladder import START, ladder
from tests.twin.observe.incidents import NOBEL, network, run, struck
from twin.diagnose import diagnose, explains, next_measurement, with_configurations
from twin.diagnose.configured import denied
from twin.diagnose.diagnosis import Diagnosis
from twin.diagnose.next_measurement import with_configuration, with_probe
from twin.errors import ExecutionError, UnknownElementError
from twin.faults import Fault, FaultKind
from twin.live.emulated import EmulatedNetwork
from twin.live.network import ProbeReading
from twin.live.sensors import Noise
from twin.observe import observe

K = FaultKind
HOLE = Fault(kind=K.BLACKHOLE, element="node/a1", target="node/a3")


def confidence(diagnosis: Diagnosis, fault: Fault) -> float:
    return sum(x.confidence for x in diagnosis.hypotheses if str(fault) in (x.name, *x.alike))


def taken(measurement, observation, live):
    """The observation with the result of a probe or of a router's configuration in it."""
    if measurement.kind == "probe":
        source, target = measurement.source, measurement.target
        return with_probe(observation, source, target, live.probe(source, target))
    return with_configuration(observation, measurement.element, live.read_router(measurement.element))


def silent(fault: Fault | None = None, samples: int = 2) -> EmulatedNetwork:
    live = EmulatedNetwork(ladder(), seed=1, start=START, noise=Noise.off())
    if fault is not None:
        live.inject(fault)
    live.wait(samples)
    return live


@pytest.mark.parametrize("fault", [None, HOLE, Fault(kind=K.FLAP, element="link/a1:a2--a2:a1", severity=0.4)])
def test_a_probe_on_request_reads_what_the_regular_one_does(fault):
    live = silent(fault)
    probes = live.read_telemetry(START).probes
    newest = probes.time == probes.time.max()
    columns = (x[newest] for x in (probes.source, probes.target, probes.loss, probes.delay_ms))
    names = [node.name for node in ladder().nodes]
    for source, target, loss, delay in list(zip(*columns, strict=True))[::5]:
        found = live.probe(names[source], f"node/{names[target]}")
        assert (found.loss, found.delay_ms) == pytest.approx((loss, delay), nan_ok=True, abs=0.07)


def test_a_probe_is_chance_by_seed_and_disturbs_nothing():
    asked, left = (run(network(NOBEL)).live for _ in range(2))
    once, again = asked.probe("Berlin", "Muenchen"), asked.probe("Berlin", "Muenchen")
    assert once == again
    asked.wait()
    left.wait()
    assert asked.probe("Berlin", "Muenchen") != once
    newest = [x.read_telemetry(x.now.replace(hour=0)).links.out_mbps for x in (asked, left)]
    np.testing.assert_array_equal(*newest)


def test_who_does_not_answer_cannot_be_asked():
    live = silent(Fault(kind=K.DEVICE_DOWN, element="node/a1"))
    for ask in (lambda: live.probe("a1", "a0"), lambda: live.read_router("a1"), lambda: live.probe("a0", "a0")):
        with pytest.raises(ExecutionError):
            ask()
    for ask in (lambda: live.probe("nowhere", "a0"), lambda: live.read_router("nowhere")):
        with pytest.raises(UnknownElementError):
            ask()
    assert live.probe("a0", "a1").loss == 1


def test_a_router_is_asked_now_and_the_others_stay_as_they_were_collected():
    live = silent(samples=0)
    for router in ("a1", "b1"):
        live.inject(Fault(kind=K.DATA_ACL, element=f"interface/{router}/{router[0]}2", target="node/a3"))
    assert live.read_configuration().filters == ()
    assert [x.router for x in live.read_router("a1").filters] == ["a1"]


@pytest.mark.parametrize("kind", [K.BLACKHOLE, K.DATA_ACL])
@pytest.mark.parametrize("seed", range(3))
def test_a_blackhole_and_a_filter_are_told_apart_by_the_router_s_configuration(kind, seed):
    incident = struck(NOBEL, kind, seed=seed)
    before = diagnose(incident.observation)
    measurement = next_measurement(before, incident.observation)
    router = incident.fault.element.split("/")[1]
    assert (measurement.kind, measurement.element) == ("configuration", f"node/{router}")
    assert {x.shows for x in measurement.outcomes} > {"nothing"}
    after = diagnose(taken(measurement, incident.observation, incident.live))
    assert after.best.name == str(incident.fault)
    assert after.best.confidence > max(0.95, confidence(before, incident.fault))


def test_information_is_at_most_what_is_unknown():
    incident = struck(NOBEL, K.BLACKHOLE, seed=1)
    before = diagnose(incident.observation)
    shares = np.array([x.confidence for x in before.hypotheses if x.confidence > 0])
    measurement = next_measurement(before, incident.observation)
    assert 0 < measurement.information <= -(shares * np.log(shares)).sum() + 1e-9


def test_nothing_is_measured_when_the_cause_is_sure():
    for incident in (run(network(NOBEL)), struck(NOBEL, K.LINK_DOWN, seed=2)):
        found = diagnose(incident.observation)
        assert found.best.confidence > 0.99
        assert next_measurement(found, incident.observation) is None


def test_a_probe_settles_which_of_two_routers_drops():
    """Two hypotheses left alone in the running: the probe asked for is one that they differ about."""
    incident = struck(NOBEL, K.BLACKHOLE, seed=1)
    found, truth = diagnose(incident.observation), incident.fault
    probed = set(zip(incident.observation.probes.source, incident.observation.probes.target, strict=True))
    target = network(NOBEL).node(truth.target)
    free = [x.id for i, x in enumerate(network(NOBEL).nodes) if (i, target) not in probed and x.id not in str(truth)]
    other = truth.model_copy(update={"element": free[0]})
    rivals = [found.best.model_copy(update={"faults": (x,), "confidence": 0.5}) for x in (truth, other)]
    torn = found.model_copy(update={"hypotheses": tuple(rivals)})
    measurement = next_measurement(torn, incident.observation)
    assert measurement.kind == "probe"
    assert measurement.information == pytest.approx(np.log(2), abs=0.05)
    assert len({x.shows for x in measurement.outcomes}) == 2
    seen = taken(measurement, incident.observation, incident.live)
    assert diagnose(seen).best.name == str(truth)
    assert len(seen.probes.loss) == len(incident.observation.probes.loss) + 1


def test_a_result_joins_the_observation_and_leaves_the_first_one_alone():
    observation = run(network(NOBEL)).observation
    seen = with_probe(observation, "Berlin", "Muenchen", ProbeReading(1.0, float("nan")))
    assert seen.probes.loss[-1] == 1
    assert seen.probes.source[-1] == network(NOBEL).node("Berlin")
    assert len(observation.probes.loss) == len(seen.probes.loss) - 1
    with pytest.raises(UnknownElementError):
        with_probe(observation, "Atlantis", "Muenchen", ProbeReading(0.0, 1.0))


def test_the_follow_up_is_the_same_every_time():
    incident = struck(NOBEL, K.BLACKHOLE, seed=2)
    measurement = next_measurement(diagnose(incident.observation), incident.observation)
    twice = [diagnose(taken(measurement, incident.observation, incident.live)) for _ in range(2)]
    assert twice[0] == twice[1]


def test_a_network_without_probes_still_has_a_next_measurement():
    incident = struck(NOBEL, K.DATA_ACL, seed=2)
    telemetry = replace(incident.telemetry, probes=type(incident.telemetry.probes)(*(np.zeros(0),) * 5))
    probes = telemetry.probes._replace(source=np.zeros(0, np.int64), target=np.zeros(0, np.int64))
    seen = observe(network(NOBEL), replace(telemetry, probes=probes))
    assert next_measurement(diagnose(seen), seen) is not None


def test_what_readings_cannot_tell_apart_the_configuration_of_one_router_does():
    barred = Fault(kind=K.DATA_ACL, element="interface/a0/a1", target="node/a1")
    live = silent(barred, samples=4)
    # routers that write no line when they are configured leave a filter and a blackhole alike
    declared = live.declared.model_copy(update={"logs": live.declared.logs - {"commit"}})
    telemetry = replace(live.read_telemetry(START), declared=declared, events=())
    seen = observe(live.read_topology(), telemetry, now=live.now)
    first = diagnose(seen)
    assert {str(barred), "blackhole_route at node/a0 towards node/a1"} <= {first.best.name, *first.best.alike}
    asked = next_measurement(first, seen)
    assert asked is not None
    assert (asked.kind, asked.element) == ("configuration", "node/a0")
    again = diagnose(taken(asked, seen, live))
    assert again.best.faults == (barred,)
    assert not again.best.twins


def test_what_a_router_denies_is_neither_explained_nor_kept_from_an_earlier_look():
    incident = struck(NOBEL, K.WEIGHT, seed=4)
    inventory, fault = network(NOBEL), incident.fault
    quiet = next(
        x.interface for x in inventory.links if not x.interface.startswith(f"{fault.element.rpartition('/')[0]}/")
    )
    never = Fault(kind=K.WEIGHT, element=quiet, severity=float(inventory.links[inventory.link(quiet)].weight + 1))
    route = Fault(kind=K.STATIC_ROUTE, element=quiet, target=inventory.nodes[0].id)
    asked = {x.name: incident.live.read_router(x.name) for x in inventory.nodes}
    seen = with_configurations(incident.observation, asked)
    assert explains(incident.observation, (fault, never))
    assert explains(seen, (fault,))
    assert not explains(seen, (fault, never))
    assert not explains(seen, (never,))
    named = [[str(x) for x in diagnose(y, found_before=(never,)).best.faults] for y in (incident.observation, seen)]
    assert named == [sorted([str(fault), str(never)]), [str(fault)]]
    # who tells of weights alone denies no route
    weights = {name: replace(x, tells=frozenset({"weight", "drained"})) for name, x in asked.items()}
    assert not denied(with_configurations(incident.observation, weights), (fault, route))
    assert denied(seen, (fault, route))


WITHOUT_ROUTING = Fault(kind=K.ROUTING_DOWN, element="node/a1")


def found_as(said: EmulatedNetwork, *struck_by: Fault) -> set[str]:
    """What is diagnosed of a network that these faults struck, once every router said what it says in another one."""
    live = EmulatedNetwork(ladder(), seed=1, start=START)
    for fault in struck_by:
        live.inject(fault)
    live.wait(4)
    seen = observe(live.read_topology(), live.read_telemetry(START), now=live.now)
    asked = {x.name: said.read_router(x.name) for x in ladder().nodes}
    return {str(x) for x in diagnose(with_configurations(seen, asked)).best.faults}


def test_a_weight_that_another_fault_keeps_from_mattering_is_named_by_what_its_router_says():
    dormant = Fault(kind=K.WEIGHT, element="interface/a0/a1", severity=65_535.0)
    named = found_as(silent(dormant, samples=4), WITHOUT_ROUTING, dormant)
    assert named == {str(WITHOUT_ROUTING), str(dormant)}


def test_a_weight_that_a_router_tells_of_and_loads_contradict_is_not_named():
    old = Fault(kind=K.WEIGHT, element="interface/b2/b3", severity=65_535.0)
    assert str(old) not in found_as(silent(old, samples=4), WITHOUT_ROUTING)
    assert str(old) in found_as(silent(old, samples=4), WITHOUT_ROUTING, old)
