"""Routers that forward otherwise than the IGP says: what it does to loads, and its diagnosis."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from evals.oracle.traces import MOVED
from tests.benchmarks.diagnosis_cases import run as emulated
from tests.twin.live.ladder import ladder
from tests.twin.observe.incidents import NOBEL, network, run, struck
from twin.diagnose import diagnose
from twin.diagnose.forwarding.effect import rerouted
from twin.diagnose.forwarding.routed import routed
from twin.faults import Fault, FaultKind
from twin.live.defects import defects
from twin.live.emulated import EmulatedNetwork
from twin.live.forwarding import even_flows, router_salts
from twin.live.network import Event
from twin.live.plane import data_plane
from twin.live.probes import probe_flows
from twin.model import Floats, Network, SegmentList, Tunnel
from twin.observe import observe

K = FaultKind
DIVERTING = (K.BLACKHOLE, K.HOST_BLACKHOLE, K.STATIC_ROUTE, K.DATA_ACL)
PLACES = {
    K.BLACKHOLE: ("node/a1", "node/a3"),
    K.HOST_BLACKHOLE: ("node/a0", "node/b2"),
    K.STATIC_ROUTE: ("interface/a1/a0", "node/a2"),
    K.DATA_ACL: ("interface/a1/a2", "node/a3"),
    K.ECMP_MISSING: ("interface/a1/a2", None),
}


def forwarded(whole: Network, fault: Fault) -> Floats:
    """What flows that are hashed hop by hop put on each link [m], Mbit/s."""
    roomy = replace(whole, links=tuple(x._replace(capacity=1e9) for x in whole.links))
    source, target = np.nonzero(roomy.demands)
    flows, salts = even_flows(source, target, 1500, 1), router_salts(len(roomy.nodes), 1)
    plane = data_plane(roomy, flows, probe_flows(roomy, 1), salts, defects(roomy, [fault]))
    return plane.carry(plane.entering(roomy.demands)).arrived


def predicted(whole: Network, fault: Fault) -> Floats:
    base = routed(whole)
    return (base.routing.load + rerouted(base, fault, whole).change)[base.arrays.arc_of]


def carried(whole: Network) -> Floats:
    base = routed(whole)
    return base.routing.load[base.arrays.arc_of]


def test_the_emulator_and_the_walk_put_the_same_on_every_link():
    whole = ladder(demand=30)
    for kind, (element, target) in PLACES.items():
        fault = Fault(kind=kind, element=element, target=target)
        np.testing.assert_allclose(predicted(whole, fault), forwarded(whole, fault), rtol=0.06, atol=20)


@pytest.mark.parametrize("kind", DIVERTING)
@pytest.mark.parametrize("seed", range(3))
def test_without_equal_paths_they_agree_exactly(kind, seed):
    fault = struck(NOBEL, kind, seed=seed, after=0).fault
    whole = network(NOBEL)
    np.testing.assert_allclose(predicted(whole, fault), forwarded(whole, fault), rtol=1e-6, atol=1e-6)


def test_what_follows_a_tunnel_is_dropped_and_diverted_on_its_legs():
    whole = network(NOBEL)
    names = [node.name for node in whole.nodes]
    steered = replace(
        whole,
        tunnels=(
            Tunnel(name="T", source=names[0], target=names[3], paths=(SegmentList(via=(names[5],)),), on_invalid="igp"),
        ),
    )
    host = Fault(kind=K.HOST_BLACKHOLE, element=f"node/{names[0]}", target=f"node/{names[3]}")
    hole = Fault(kind=K.BLACKHOLE, element=f"node/{names[0]}", target=f"node/{names[5]}")
    for fault in (host, hole):
        np.testing.assert_allclose(predicted(steered, fault), forwarded(steered, fault), rtol=1e-6, atol=1e-6)


def test_a_loop_ends_when_the_time_to_live_does():
    whole = ladder(demand=30)
    fault = Fault(kind=K.STATIC_ROUTE, element="interface/a1/a0", target="node/a2")
    there, back = whole.link("a1->a0"), whole.link("a0->a1")
    before, after = carried(whole), predicted(whole, fault)
    into_it = after[there] / 32
    assert after[back] == pytest.approx(after[there], rel=0.1)
    assert 0 < into_it < whole.demands[:, whole.node("a2")].sum()
    assert after[there] > 5 * before[there]


@pytest.mark.parametrize("kind", [*DIVERTING, K.ONE_WAY])
@pytest.mark.parametrize("seed", range(2))
def test_the_router_and_the_target_are_found(kind, seed):
    incident = struck(NOBEL, kind, seed=seed, hour=(5 + 6 * seed) % 24)
    best = diagnose(incident.observation).best
    assert str(incident.fault) in (best.name, *best.alike)


@pytest.mark.parametrize("kind", [K.ECMP_MISSING, K.ECMP_STALE])
def test_a_missing_member_is_found_and_the_log_tells_which_kind(kind):
    """The member that most traffic would use, on a network without weights: its load is far from what hashing moves."""
    whole = network(NOBEL)
    flat = replace(whole, links=tuple(x._replace(weight=10) for x in whole.links))
    moved = {x.interface: abs(predicted(flat, member(x.interface)) - carried(flat)).sum() for x in flat.links}
    busiest = max(moved, key=lambda x: moved[x])
    incident = run(flat, member(busiest, kind))
    best = diagnose(incident.observation).best
    assert best.name == str(incident.fault)


@pytest.mark.parametrize("seed", [1, 3])
def test_what_equal_paths_have_in_common_takes_no_clear_missing_member_for_chance(seed: int) -> None:
    """Four links move by a dozen of what hashing moves: errors that they share are those of the paths as routed."""
    whole = network("synthetic/16-4101")
    flat = replace(whole, links=tuple(x._replace(weight=10) for x in whole.links))
    case = emulated(flat, [member("interface/R04/R14")], seed)
    assert case.moved > MOVED
    assert case.right


def member(interface: str, kind: FaultKind = K.ECMP_MISSING) -> Fault:
    return Fault(kind=kind, element=interface)


@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
def test_the_share_that_is_lost_behind_a_link_is_measured(share):
    whole = network(NOBEL)
    element = struck(NOBEL, K.ONE_WAY, seed=3, after=0).fault.element
    best = diagnose(run(whole, Fault(kind=K.ONE_WAY, element=element, severity=share)).observation).best
    assert (best.fault.kind, best.fault.element) == (K.ONE_WAY, element)
    assert best.fault.severity == pytest.approx(share, abs=0.05)


@pytest.mark.parametrize("kind", [FaultKind.SILENT_LOSS, FaultKind.ONE_WAY])
@pytest.mark.parametrize(("interface", "seed"), [("interface/Bremen/Hannover", 1), ("interface/Koeln/Frankfurt", 2)])
def test_what_counters_of_short_samples_are_too_coarse_for_is_placed_on_the_wire_or_behind_it(kind, interface, seed):
    start = datetime(2026, 3, 2, 19, tzinfo=UTC)
    live = EmulatedNetwork(network(NOBEL), seed=seed, start=start, interval_s=30.0)
    live.wait(12)
    live.inject(Fault(kind=kind, element=interface, severity=0.05))
    live.wait(3)
    seen = observe(live.read_topology(), live.read_telemetry(start), now=live.now)
    assert not seen.removed[network(NOBEL).interface_index[interface]]  # the ends of the wire do not surely differ
    best = diagnose(seen).best
    assert [(x.kind, x.element) for x in best.faults] == [(kind, interface)]
    assert best.confidence > 0.9


def test_what_probes_alone_tell_of_an_idle_wire_is_one_answer_with_two_names():
    start = datetime(2026, 3, 2, 19, tzinfo=UTC)
    live = EmulatedNetwork(network(NOBEL), seed=8, start=start, interval_s=30.0)
    live.wait(12)
    live.inject(Fault(kind=FaultKind.SILENT_LOSS, element="interface/Norden/Bremen", severity=0.07))
    live.wait(3)
    found = diagnose(observe(live.read_topology(), live.read_telemetry(start), now=live.now))
    assert found.doubt is None
    assert {x.kind for x in found.best.faults} <= {FaultKind.ONE_WAY, FaultKind.SILENT_LOSS}
    assert len(found.best.alike) == 1


def test_a_readback_settles_whether_it_is_a_filter():
    for kind in (K.BLACKHOLE, K.DATA_ACL):
        incident = struck(NOBEL, kind, seed=1)
        with_lines = observe(
            incident.live.read_topology(), incident.telemetry, configuration=incident.live.read_configuration()
        )
        before, after = diagnose(incident.observation).best, diagnose(with_lines).best
        assert after.name == str(incident.fault)
        assert after.confidence > max(0.95, before.confidence)


def test_forged_commits_make_no_filter_of_a_loss():
    incident = struck(NOBEL, K.ONE_WAY, seed=1)
    end = float(incident.telemetry.links.time[-1])
    line = "mgd[4711]: UI_COMMIT: User 'root' requested 'commit' operation (comment: none)"
    forged = tuple(Event(end - i, node.name, 5, line) for i, node in enumerate(network(NOBEL).nodes))
    seen = observe(network(NOBEL), replace(incident.telemetry, events=incident.telemetry.events + forged))
    assert diagnose(seen).best.name == str(incident.fault)
