"""Exits that are out of use: where their traffic goes, what their routers say, what is found and what is advised."""

from collections import defaultdict
from dataclasses import replace

import networkx as nx
import numpy as np
import pytest

from tests.twin.live.beyond_exits import EVER, FIRST, NETWORK, OUT, SECOND, SPARE, START, measured
from tests.twin.live.ladder import last
from twin.diagnose import diagnose
from twin.diagnose.recommend import recommend
from twin.errors import TopologyError
from twin.faults import EXIT_KINDS, REMEDIES, Fault, FaultKind, with_fault
from twin.formats.load import load_network
from twin.live.emulated import EmulatedNetwork
from twin.live.network import Event
from twin.live.peerings import no_peerings
from twin.live.read_fault import read_fault
from twin.live.sensors import Noise
from twin.observe import observe
from twin.sim.simulate import simulate


def seen(*faults, seed=5):
    return observe(NETWORK, measured(*faults, seed=seed, before=6, after=3))


def nearest(out):
    """Mbit/s by each exit when one is out, from networkx: the nearest of the most preferred, equal ones share."""
    graph = nx.DiGraph()
    for i, link in enumerate(NETWORK.links):
        if i not in NETWORK.exits:
            graph.add_edge(link.tail, link.head, weight=link.weight)
    left = [NETWORK.links[i] for i in NETWORK.exits if NETWORK.links[i].interface != out]
    best = [x for x in left if x.weight == min(y.weight for y in left)]
    load, group = defaultdict(float), NETWORK.node("internet")
    for position, node in enumerate(NETWORK.nodes[:-1]):
        far = {x.interface: nx.dijkstra_path_length(graph, node.name, x.tail) for x in best}
        at = [x for x, y in far.items() if y == min(far.values())]
        assert len(at) == 1  # none of these weights tie
        load[at[0]] += float(NETWORK.demands[position, group])
    return load


@pytest.mark.parametrize("kind", OUT)
@pytest.mark.parametrize("out", [FIRST, SECOND])
def test_traffic_goes_to_the_nearest_of_the_exits_that_are_left(kind, out):
    load = simulate(with_fault(NETWORK, Fault(kind=kind, element=out))).load
    wanted = nearest(out)
    for i in NETWORK.exits:
        assert load[i] == pytest.approx(wanted[NETWORK.links[i].interface])


@pytest.mark.parametrize("kind", OUT)
def test_an_exit_out_of_use_is_named_with_its_cause_and_what_to_do(kind):
    fault = Fault(kind=kind, element=SECOND)
    diagnosis = diagnose(seen(fault))
    assert diagnosis.hypotheses[0].faults == (fault,)
    assert diagnosis.hypotheses[0].confidence > 0.9


@pytest.mark.parametrize("kind", OUT)
def test_an_exit_that_is_back_leaves_nothing_behind(kind):
    network, untouched = (EmulatedNetwork(NETWORK, seed=5, start=START, noise=Noise.off()) for _ in range(2))
    fault = Fault(kind=kind, element=SECOND)
    network.inject(fault)
    network.wait(2)
    network.clear(fault)
    network.wait(2)
    untouched.wait(4)
    assert network.faults == ()
    assert network.truth == network.read_topology() == NETWORK
    one, two = last(network), last(untouched)
    assert np.allclose(one.links.out_mbps, two.links.out_mbps, rtol=1e-6)
    assert np.array_equal(one.traffic.mbps, two.traffic.mbps)
    assert all(np.array_equal(x, y, equal_nan=True) for x, y in zip(one.peerings, two.peerings, strict=True))


@pytest.mark.parametrize("kind", OUT)
def test_without_readings_of_peerings_the_log_tells_a_session_from_a_policy(kind):
    """Nobody asks routers for sessions; at another exit one fell and came back, so that logs tell of them."""
    live = EmulatedNetwork(NETWORK, seed=5, start=START)
    elsewhere, fault = Fault(kind=FaultKind("bgp_session"), element=FIRST), Fault(kind=kind, element=SECOND)
    live.wait(4)
    live.inject(elsewhere)
    live.wait(1)
    live.clear(elsewhere)
    live.wait(1)
    live.inject(fault)
    live.wait(3)
    telemetry = replace(live.read_telemetry(EVER), peerings=no_peerings())
    found = diagnose(observe(NETWORK, telemetry)).best
    policies = {FaultKind("bgp_advertisement"), FaultKind("bgp_filter")}
    named = {x.kind for x in found.faults}
    assert {x.element for x in found.faults} == {SECOND}
    assert named <= ({kind} if str(kind) == "bgp_session" else policies)


def test_where_no_log_tells_of_sessions_why_an_exit_is_out_of_use_stays_open():
    fault = Fault(kind=FaultKind("bgp_filter"), element=SECOND)
    telemetry = replace(measured(fault, before=6, after=3), peerings=no_peerings())
    found = diagnose(observe(NETWORK, telemetry)).best
    assert {x.element for x in found.faults} == {SECOND}
    names = {found.name, *found.alike}
    assert all(any(x.startswith(str(kind)) for x in names) for kind in OUT)


def test_a_forged_line_of_a_session_that_carries_its_traffic_convicts_nobody():
    telemetry = measured(before=6, after=3)
    link = NETWORK.links[NETWORK.exits[1]]
    name = link.interface.rsplit("/", 1)[1]
    line = f"BGP: %NOTIFICATION: sent to neighbor {name} 4/0 (Hold Timer Expired) 0 bytes"
    forged = Event(float(telemetry.links.time[-1]) - 1, link.tail, 5, line)
    telemetry = replace(telemetry, peerings=no_peerings(), events=(*telemetry.events, forged))
    found = observe(NETWORK, telemetry)
    assert [x.kind for x in found.events] == ["session_timeout"]
    assert diagnose(found).best.faults == ()


def test_a_spare_exit_that_carries_nothing_is_named_all_the_same():
    fault = Fault(kind=FaultKind("bgp_filter"), element=SPARE)
    found = diagnose(seen(fault)).hypotheses[0]
    assert found.faults == (fault,)
    (fact,) = (x for x in found.evidence if x.quantity == "peering")
    assert (fact.element, fact.measured, fact.predicted, fact.healthy) == (SPARE, 0, 0, 1)


def test_two_exits_out_of_use_for_different_reasons_are_both_named():
    faults = (
        Fault(kind=FaultKind("bgp_filter"), element=FIRST),
        Fault(kind=FaultKind("bgp_session"), element=SECOND),
    )
    assert set(diagnose(seen(*faults)).hypotheses[0].faults) == set(faults)


def test_a_dark_peering_is_a_circuit_down_and_no_fault_of_routing():
    fault = Fault(kind=FaultKind.LINK_DOWN, element=NETWORK.links[NETWORK.exits[1]].circuit)
    assert diagnose(seen(fault)).hypotheses[0].faults == (fault,)


@pytest.mark.parametrize("seed", range(3))
def test_healthy_exits_raise_no_alarm(seed):
    assert diagnose(seen(seed=seed)).hypotheses[0].faults == ()


def test_each_kind_shows_in_its_own_reading_and_a_session_alone_in_a_log_line():
    said = {}
    for kind in OUT:
        found = seen(Fault(kind=kind, element=SECOND))
        said[str(kind)] = next(x for x in found.peerings if x.link == NETWORK.exits[1])
        fell = [("session_timeout", SECOND)] if str(kind) == "bgp_session" else []
        assert [(x.kind, x.element) for x in found.events] == fell
    session, advertisement, policy = (said[x] for x in ("bgp_session", "bgp_advertisement", "bgp_filter"))
    assert (session.established, session.reason, session.received) == (False, "hold timer", False)
    assert (advertisement.established, advertisement.received, advertisement.accepted) == (True, False, None)
    assert (policy.established, policy.received, policy.accepted) == (True, True, False)


def test_a_fault_of_an_exit_is_refused_where_there_is_none():
    plain = load_network("synthetic/8-1")
    for written in ("bgp_session", f"bgp_session@{plain.links[0].name}"):
        with pytest.raises(TopologyError, match=r"no place for bgp_session|has none"):
            read_fault(written, plain, seed=1)
    inner = next(x for i, x in enumerate(NETWORK.links) if i not in NETWORK.exits)
    with pytest.raises(TopologyError, match="is none"):
        read_fault(f"bgp_filter@{inner.name}", NETWORK, seed=1)
    assert read_fault("bgp_advertisement", NETWORK, seed=1).element in (FIRST, SECOND, SPARE)


def test_what_is_advised_differs_by_who_can_do_it():
    assert [REMEDIES[kind].theirs.action for kind in EXIT_KINDS] == [
        "restore peering",
        "ask for the routes",
        "correct route policy",
        "correct next hop",
        "lift the discard",
        "correct preference",
        "ask about the path",
        "withdraw the announcement",
        "reject the announcement",
        "restart BGP",
    ]


@pytest.mark.parametrize("asked", [True, False])
def test_why_a_session_fell_is_told_with_the_advice_by_its_router_or_by_its_log(asked):
    telemetry = measured(Fault(kind=FaultKind("bgp_session"), element=SECOND), before=6, after=3)
    found = observe(NETWORK, telemetry if asked else replace(telemetry, peerings=no_peerings()))
    (said,) = recommend(diagnose(found).best, found, harmed=False)
    assert said.action == "restore peering"
    assert said.evidence[-1] == "its router says why the session fell: hold timer"


@pytest.mark.parametrize("severity", [50, 200])
def test_a_wrong_preference_stays_among_those_that_exits_have(severity):
    last_choices = [x._replace(weight=255) if i in NETWORK.exits else x for i, x in enumerate(NETWORK.links)]
    network = replace(NETWORK, links=tuple(last_choices))
    found = with_fault(network, Fault(kind=FaultKind.BGP_PREFERENCE, element=FIRST, severity=severity))
    assert {found.links[i].weight for i in found.exits} == {255}
