"""Exits of a lab: real BGP to other networks, and the twin's exits against what kernels and counters do."""

import os
import signal
import time
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from typing import cast

import networkx as nx
import numpy as np
import pytest

from evals.suites.lab import next_hops
from tests.twin.live.lab.real import PATIENCE_S, a_lab, diagnosed, settled, until
from twin.errors import ExecutionError
from twin.faults import Fault, FaultKind, with_fault
from twin.live.lab.control import AskFault, AskHeal, AskOffer, AskTraffic
from twin.live.lab.launch import Lab
from twin.live.lab.layout import Rates
from twin.live.lab.network import LabNetwork, Routes
from twin.live.lab.traffic import OVERHEAD
from twin.live.lab.vty import Vty
from twin.live.network import Telemetry, since_then
from twin.live.peerings import PeeringSamples
from twin.model import Network
from twin.observe.readings.peerings import Peering, read_peerings
from twin.observe.readings.session_lines import SESSION_LINES
from twin.observe.readings.syslog import read_events
from twin.plan import DrainLink, UndrainLink
from twin.plan import apply as changed


@pytest.fixture(scope="module")
def lab() -> Generator[Lab]:
    with a_lab("exits", "synthetic/5-2", "isis", bgp=True) as running:
        yield running


@pytest.fixture
def live(lab: Lab) -> LabNetwork:
    return LabNetwork(lab, lab.record)


def nearest_exits(network: Network, usable: set[int]) -> Routes:
    """Next hops to every router and group, by networkx: to a group those towards its nearest usable exits."""
    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph()
    beyond = set(network.exits)
    graph.add_edges_from((x.tail, x.head, {"w": x.weight}) for i, x in enumerate(network.links) if i not in beyond)
    distance = dict(nx.all_pairs_dijkstra_path_length(graph, weight="w"))
    found: Routes = {x.name: {} for x in network.nodes if x.kind == "router"}
    for here, far in distance.items():
        towards: dict[str, list[str]] = {x: [x] for x in found if x != here}
        for group in (x.name for x in network.nodes if x.kind == "exits"):
            at = [network.links[i].tail for i in sorted(usable) if network.links[i].head == group]
            least = min((far[x] for x in at), default=0)
            towards[group] = [x for x in at if far[x] == least]
        for target, goals in towards.items():
            hops = {
                x.head
                for i, x in enumerate(network.links)
                if i not in beyond and x.tail == here
                for goal in goals
                if far[goal] == x.weight + distance[x.head][goal]
            }
            ways = {target} if here in goals and target not in found else hops
            if ways:
                found[here][target] = frozenset(ways)
    return found


def test_every_kernel_leaves_by_the_nearest_exits_and_the_twin_says_so(live: LabNetwork) -> None:
    network = live.read_topology()
    assert {x.name for x in network.nodes if x.kind == "exits"} == {"transit", "content"}
    wanted = nearest_exits(network, set(network.exits))
    assert settled(live, wanted) == wanted
    by_twin = next_hops(network)
    groups = [x.name for x in network.nodes if x.kind == "exits"]
    assert {(r, g): by_twin[r][g] for r in wanted for g in groups} == {
        (r, g): wanted[r][g] for r in wanted for g in groups
    }


def wanted_at_exits(network: Network, telemetry: Telemetry) -> dict[int, float]:
    """Mbit/s by each exit if what was sent goes to the nearest, none of it by two ways."""
    n, exits = len(network.nodes), list(network.exits)
    sent = np.zeros((n, n))
    np.add.at(sent, (telemetry.traffic.source, telemetry.traffic.target), telemetry.traffic.mbps)
    sent /= np.unique(telemetry.traffic.time).size
    wanted, expected = nearest_exits(network, set(exits)), dict.fromkeys(exits, 0.0)
    for s, source in enumerate(network.nodes):
        for group in (x for x in network.nodes if x.kind == "exits"):
            here, mbps = source.name, float(sent[s, network.node(group.name)])
            while mbps and here != group.name:
                (way,) = wanted[here][group.name]
                if way == group.name:
                    expected[network.link(f"{here}->{group.name}")] += mbps
                here = way
    return expected


def test_exits_carry_what_the_twin_says_and_their_peerings_stand(live: LabNetwork) -> None:
    network, exits = live.read_topology(), list(live.read_topology().exits)
    wanted = nearest_exits(network, set(exits))
    assert settled(live, wanted) == wanted
    for _ in range(5):  # windows: what was on its way as routes came to hold is in the first
        since = live.now
        live.wait(6)
        telemetry = live.read_telemetry(since)
        expected = wanted_at_exits(network, telemetry)
        told = np.array([expected[i] for i in exits])
        measured = np.array([np.nanmean(telemetry.links.out_mbps[telemetry.links.link == i]) for i in exits])
        arrived = np.array([np.nanmean(telemetry.links.in_mbps[telemetry.links.link == i]) for i in exits])
        if agree := bool(np.all(np.abs(measured - told) <= 0.1 * told + 0.03)):
            break
    assert told.sum() > 1
    assert agree, (measured, told)
    assert np.all(np.abs(arrived - measured) <= 0.1 * measured + 0.03)
    peerings = read_peerings(network, telemetry.peerings)
    assert [x.link for x in peerings] == exits
    assert all(x == Peering(x.link, True, "none", True, True, True, False, 100.0, 1.0, "") for x in peerings)
    assert isinstance(telemetry.peerings, PeeringSamples)


ROUNDS = (
    (("bgp_session", "acl", "hold timer"), ("bgp_session", "acl", "hold timer")),  # both at one router
    (("bgp_session", "acl", "hold timer"), ("bgp_advertisement", "withdrawn", "none")),
    (("bgp_session", "wrong_as", "bad AS"), ("bgp_filter", "route_map", "none")),
    (("bgp_session", "address", "de-configured"), ("bgp_session", "max_prefix", "max prefix")),
    (("bgp_session", "password", "configuration"), ("link_down", "", "carrier")),
)


LOGGED = {
    "hold timer": "session_timeout",
    "bad AS": "session_refused",
    "de-configured": "session_closed",
    "max prefix": "session_limit",
    "configuration": "session_down",
    "carrier": "session_down",
}
"""What the log of the exit's router says, beside that the session is down; of a policy nothing."""


def logged(live: LabNetwork, network: Network, link: int, since: float) -> set[str]:
    """Kinds of the lines on the session of an exit since a time, epoch seconds."""
    facts = read_events(network, live.read_telemetry(datetime.fromtimestamp(since, UTC)).events)
    return {x.kind for x in facts if x.element == network.links[link].interface and x.kind in SESSION_LINES}


@pytest.mark.parametrize("struck", ROUNDS)
def test_an_exit_out_of_use_is_told_with_its_reason_and_every_kernel_leaves_by_another(
    live: LabNetwork, struck: tuple[tuple[str, str, str], ...]
) -> None:
    network = live.read_topology()
    at = [next(i for i in network.exits if network.links[i].head == x) for x in ("transit", "content")]
    faulty, began = network, live.now.timestamp()
    for link, (kind, way, _) in zip(at, struck, strict=True):
        element = network.links[link].circuit if kind == "link_down" else network.links[link].interface
        fault = Fault(kind=FaultKind(kind), element=element)
        live.lab.ask(AskFault(fault=fault, variant=way))
        faulty = with_fault(faulty, fault)
    wanted = nearest_exits(network, set(network.exits) - set(at))
    assert settled(live, wanted) == wanted
    by_twin = next_hops(faulty)
    assert all(by_twin[r][g] == wanted[r][g] for r in wanted for g in ("transit", "content"))
    said = {x.link: x for x in newest(live, at, [reason for _, _, reason in struck])}
    for link, (kind, _, reason) in zip(at, struck, strict=True):
        told = said[link]
        assert (told.established, told.reason, told.usable) == (
            kind in ("bgp_advertisement", "bgp_filter"),
            reason,
            False,
        )
        if told.established:
            assert told.received is (kind == "bgp_filter")
            assert told.accepted is not True
        said_so = logged(live, network, link, began)
        assert (LOGGED[reason] in said_so) if reason in LOGGED else not said_so
    assert all(x.usable for x in said.values() if x.link not in at)
    live.lab.ask(AskHeal())
    wanted = nearest_exits(network, set(network.exits))
    assert settled(live, wanted) == wanted


def towards(network: Network, goals: set[str]) -> dict[str, frozenset[str]]:
    """Next hops of every other router to the nearest of some routers, by networkx."""
    graph: nx.MultiDiGraph[str] = nx.MultiDiGraph()
    beyond = set(network.exits)
    graph.add_edges_from((x.tail, x.head, {"w": x.weight}) for i, x in enumerate(network.links) if i not in beyond)
    far = dict(nx.all_pairs_dijkstra_path_length(graph, weight="w"))
    found: dict[str, frozenset[str]] = {}
    for here in set(far) - goals:
        least = min(far[here][x] for x in goals)
        paths = [
            path for x in goals if far[here][x] == least for path in nx.all_shortest_paths(graph, here, x, weight="w")
        ]
        found[here] = frozenset(path[1] for path in paths)
    return found


ASTRAY = (("bgp_next_hop", "same_length"), ("bgp_next_hop", "more_specific"), ("bgp_discard", ""))


@pytest.mark.parametrize(("kind", "hijacked"), ASTRAY)
def test_what_bgp_leads_astray_is_done_read_and_undone_in_every_kernel(
    live: LabNetwork, kind: str, hijacked: str
) -> None:
    """At one exit of transit the kind; content is claimed by a router without exits, or preferred at one exit."""
    network = live.read_topology()
    first = next(i for i in network.exits if network.links[i].head == "transit")
    owners = {
        g: [network.links[i].tail for i in network.exits if network.links[i].head == g] for g in ("transit", "content")
    }
    struck, others = network.links[first].tail, set(owners["transit"]) - {network.links[first].tail}
    claimant = next(x.name for x in network.nodes if x.kind == "router" and x.name not in owners["transit"])
    content = next(i for i in network.exits if network.links[i].head == "content")
    faults = [Fault(kind=FaultKind(kind), element=network.links[first].interface)]
    if hijacked:
        faults.append(Fault(kind=FaultKind.BGP_HIJACK, element=f"node/{claimant}", target="node/content"))
    else:
        faults.append(Fault(kind=FaultKind.BGP_PREFERENCE, element=network.links[content].interface, severity=200))
    wanted = nearest_exits(network, set(network.exits))
    healthy = {name: dict(ways) for name, ways in wanted.items()}
    for router in wanted:
        if router not in others:
            told = towards(network, others)[router] if kind == "bgp_next_hop" else frozenset[str]()
            wanted[router]["transit"] = frozenset({"transit"}) if (kind, router) == ("bgp_next_hop", struck) else told
        goal = claimant if hijacked == "same_length" else network.links[content].tail
        if hijacked == "same_length" and router == claimant:
            del wanted[router]["content"]
        elif hijacked != "more_specific":
            wanted[router]["content"] = frozenset({"content"}) if router == goal else towards(network, {goal})[router]
    for fault in faults:
        live.lab.ask(AskFault(fault=fault, variant=hijacked if fault.kind is FaultKind.BGP_HIJACK else ""))
    assert settled(live, wanted) == wanted
    live.wait(2)
    said = {x.link: x for x in read_peerings(network, latest(live).peerings)}
    assert (said[first].reachable, said[first].discards) == (kind != "bgp_next_hop", kind == "bgp_discard")
    assert said[first].usable is False
    assert said[content].claimed == (f"node/{claimant}" if hijacked else "")
    assert said[content].local_pref == (100 if hijacked else 200)
    assert said[first].claimed == ""
    live.lab.ask(AskHeal())
    assert settled(live, healthy) == healthy


def test_a_neighbour_that_prepends_is_named_and_every_kernel_leaves_by_the_exits_that_are_left(
    live: LabNetwork,
) -> None:
    network = live.read_topology()
    at = next(i for i in network.exits if network.links[i].head == "transit")
    fault = Fault(kind=FaultKind.BGP_LONGER_PATH, element=network.links[at].interface, severity=2)
    wanted = nearest_exits(network, set(network.exits) - {at})
    live.lab.ask(AskFault(fault=fault))
    assert settled(live, wanted) == wanted == next_hops(with_fault(network, fault))
    assert diagnosed(live, network, (fault,)) == (fault,)
    assert [x.path_length for x in read_peerings(network, latest(live).peerings) if x.link == at] == [3.0]
    live.lab.ask(AskHeal())
    healthy = nearest_exits(network, set(network.exits))
    assert settled(live, healthy) == healthy


def test_an_exit_is_drained_without_losing_a_packet_and_put_back(live: LabNetwork) -> None:
    """Two exits of one router, one after the other: what is closed, what the inventory says, where traffic goes."""
    network = live.read_topology()
    at = [next(i for i in network.exits if network.links[i].head == x) for x in ("transit", "content")]
    before, drained = lost(live), network
    live.wait(2)
    began = live.now
    for i in at:
        live.apply(DrainLink(circuit=network.links[i].circuit))
        drained = changed(drained, DrainLink(circuit=network.links[i].circuit))
    assert live.read_topology() == drained
    wanted = nearest_exits(network, set(network.exits) - set(at))
    assert live.routes() == wanted
    assert live.read_router(network.links[at[0]].tail).network == drained
    live.wait(2)
    telemetry = live.read_telemetry(began)
    said = {x.link: x for x in read_peerings(network, telemetry.peerings)}
    assert [(said[i].established, said[i].reason) for i in at] == [(False, "shut down")] * 2
    in_queues = np.nansum(telemetry.links.dropped_mbps) * live.lab.design.rates.interval_s / 8e-6 / PACKET
    assert lost(live) - before <= in_queues
    live.wait(2)
    assert diagnosed(live, drained, ()) == ()
    with pytest.raises(ExecutionError, match="by closing its session"):
        live.apply(DrainLink(circuit=network.links[network.exits[-1]].circuit, mode="cost_out"))
    for i in at:
        live.apply(UndrainLink(circuit=network.links[i].circuit))
    assert live.read_topology() == network
    assert settled(live, nearest_exits(network, set(network.exits))) == nearest_exits(network, set(network.exits))


PACKET = Rates().payload + OVERHEAD


def lost(live: LabNetwork) -> int:
    """Packets of data that did not arrive since the lab began, once nobody sends and what is under way is there."""
    live.lab.ask(AskOffer(factor=0.0))
    counts = list[int]()

    def at_rest() -> bool:
        told = cast("dict[str, list[list[int]]]", live.lab.ask(AskTraffic()))
        counts.append(int(np.sum(told["sent"]) - np.sum(told["received"])))
        time.sleep(0.3)
        return counts[-3:] == [counts[-1]] * 3

    assert until(at_rest)
    live.lab.ask(AskOffer(factor=1.0))
    return counts[-1]


def latest(live: LabNetwork) -> Telemetry:
    """The newest sample alone."""
    found = live.read_telemetry(live.now - timedelta(seconds=PATIENCE_S))
    return since_then(found, datetime.fromtimestamp(float(found.links.time.max()) - 1e-3, UTC))


def test_a_drain_whose_process_is_killed_while_traffic_leaves_is_taken_back_whole(live: LabNetwork) -> None:
    network = live.read_topology()
    link = network.links[network.exits[0]]
    child = os.fork()
    if child == 0:

        class Dying(LabNetwork):
            def _still(self) -> None:
                os.kill(os.getpid(), signal.SIGKILL)

        try:
            Dying(live.lab, live.lab.record).apply(DrainLink(circuit=link.circuit))
        finally:
            os._exit(0)  # whatever happens: else the child goes on as a second worker of the tests
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    path = live.lab.root / link.tail / "bgpd.vty"
    with Vty(path) as vty:
        assert "leaving" in vty.show("show running-config")
    whoever_comes_next = LabNetwork(live.lab, live.lab.record)
    assert whoever_comes_next.read_topology() == network
    with Vty(path) as vty:
        said = vty.show("show running-config")
    assert "leaving" not in said
    assert "shutdown" not in said
    wanted = nearest_exits(network, set(network.exits))
    assert settled(whoever_comes_next, wanted) == wanted


def newest(live: LabNetwork, at: list[int], reasons: list[str]) -> tuple[Peering, ...]:
    """What is told last of every exit, once it is told with these reasons or some seconds have passed."""
    network, end = live.read_topology(), time.monotonic() + PATIENCE_S
    while True:
        live.wait(1)
        said = read_peerings(network, latest(live).peerings)
        told = [x for i in at for x in said if x.link == i]
        if ([x.reason for x in told] == reasons and not any(x.usable for x in told)) or time.monotonic() > end:
            return said


def test_what_an_exit_has_not_cannot_be_done_there(live: LabNetwork) -> None:
    network = live.read_topology()
    link = network.links[network.exits[0]]
    for kind, element in ((FaultKind.ACL_BLOCK, link.interface), (FaultKind.DEVICE_DOWN, f"node/{link.head}")):
        with pytest.raises(ExecutionError, match="cannot be done beyond or at an exit"):
            live.lab.ask(AskFault(fault=Fault(kind=kind, element=element)))
