"""A lab of real routers: what it is, what it measures, what it does, and that nothing of it stays."""

import os
import signal
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path

import networkx as nx
import numpy as np
import pytest

from evals.suites.lab import next_hops
from tests.twin.execute.actuators.servers import ssh_server
from tests.twin.live.lab.killed_hand import sweep
from tests.twin.live.lab.real import a_lab, settled, until
from twin.diagnose import diagnose
from twin.errors import ExecutionError, InputError, StoreBusyError
from twin.faults import Fault, FaultKind, with_one_way_fault
from twin.formats import read_network
from twin.live.lab.control import AskFault, AskHeal, AskStatus
from twin.live.lab.launch import Lab, up
from twin.live.lab.network import LabNetwork, Routes
from twin.live.lab.vty import Vty
from twin.live.network import Measurable, Telemetry
from twin.model import Floats, Network
from twin.observe import observe
from twin.observe.quality.assess import assess_observation
from twin.plan import DrainLink, DrainNode, LimitDemand, SetWeight, UndrainLink, UndrainNode
from twin.policy import Policy
from twin.sim.simulate import simulate
from twin.site import read_site
from twin.site_sources import TriedSource, try_site


@pytest.fixture(scope="module")
def lab() -> Generator[Lab]:
    with a_lab("isis", "synthetic/8-3", "isis") as running:
        yield running


@pytest.fixture
def live(lab: Lab) -> LabNetwork:
    return LabNetwork(lab, lab.record)


def shortest(network: Network) -> Routes:
    """Next hops on shortest paths, by networkx: nodes that are drained carry nothing for others."""
    found: Routes = {node.name: {} for node in network.nodes}
    drained = {node.name for node in network.nodes if node.drained}
    for target in found:
        graph: nx.MultiDiGraph[str] = nx.MultiDiGraph()
        graph.add_nodes_from(found)
        for link in network.links:
            if link.up and not link.drained and (link.head not in drained or link.head == target):
                graph.add_edge(link.head, link.tail, w=link.weight)
        distance = nx.single_source_dijkstra_path_length(graph, target, weight="w")
        for link in network.links:
            if link.up and not link.drained and (link.head not in drained or link.head == target):
                far, near = distance.get(link.tail), distance.get(link.head)
                if link.tail != target and far is not None and near is not None and far == near + link.weight:
                    name = link.interface.rsplit("/", 1)[1]
                    found[link.tail][target] = found[link.tail].get(target, frozenset()) | {name}
    return found


def test_every_kernel_routes_as_shortest_paths_say_after_every_change_and_its_undoing(live: LabNetwork) -> None:
    network = live.read_topology()
    assert settled(live, shortest(network)) == shortest(network)
    circuit, node = (
        network.links[0].circuit,
        max(network.nodes, key=lambda x: sum(y.tail == x.name for y in network.links)),
    )
    for change in (
        SetWeight(link=network.links[2].name, weight=5_000),
        DrainNode(node=node.name),
        DrainLink(circuit=circuit),
        UndrainLink(circuit=circuit),
        UndrainNode(node=node.name),
        SetWeight(link=network.links[2].name, weight=network.links[2].weight),
    ):
        live.apply(change)
        reached = live.read_topology()
        assert live.read_configuration().network == reached
        if not isinstance(change, DrainLink):  # the last resort is still one: FRR routes over it where nothing else is
            assert settled(live, shortest(reached)) == shortest(reached)
    assert live.read_topology() == network
    assert [x.did for x in live.effects.lines][-2:] == ["intend", "made"]


def test_the_database_of_one_router_holds_the_whole_network(live: LabNetwork, tmp_path: Path) -> None:
    with Vty(live.lab.root / live.read_topology().nodes[3].name / "isisd.vty") as vty:
        text = "\n".join(vty.show(x) for x in ("show isis database detail", "show isis hostname"))
    paste = tmp_path / "paste.txt"
    paste.write_text(text)
    told = {(x.tail, x.head): x.weight for x in read_network(paste).links}
    assert told == {(x.tail, x.head): x.weight for x in live.read_topology().links}


def test_a_site_sees_a_cut_by_asking_one_router_for_its_database_over_ssh(live: LabNetwork, tmp_path: Path) -> None:
    network, cut = live.read_topology(), live.read_topology().links[8]
    asked = next(x.name for x in network.nodes if x.name not in (cut.tail, cut.head))
    rows = [f"{x.tail},{x.head},10 Mbit/s,{x.weight}" for x in network.links]
    (tmp_path / "topology.csv").write_text("\n".join(["source,target,capacity,weight", *rows, ""]))
    (tmp_path / "routers").symlink_to(live.lab.root)
    with ssh_server(tmp_path, "") as server:
        (tmp_path / "site.toml").write_text(
            f'[sources]\ntopology = "topology.csv"\ncounters = "counters.csv"\n'
            f'lsdb = "ssh://{server.access({}).user}@127.0.0.1:{server.port}"\n[instruments]\ninterval_s = 1\n'
            f'[ssh]\nkey = "client"\ndialect = "frr"\nvtysh = "vtysh --vty_socket {tmp_path}/routers/{asked}"\n'
        )

        def apart() -> set[str]:
            """Links without their neighbour, by the newest sample of a look of its own."""
            now = datetime.now(UTC).isoformat()
            counters = "".join(f"{now},{x.name},1,1\n" for x in network.links)
            (tmp_path / "counters.csv").write_text(f"time,link,out_mbps,in_mbps\n{counters}")
            sites.look_again()
            said = sites.read_telemetry(datetime.min.replace(tzinfo=UTC)).interfaces
            return {network.links[i].name for i in said.link[~said.adjacent]}

        def told() -> TriedSource:
            return {x.name: x for x in try_site(read_site(tmp_path), lambda: datetime.now(UTC))}["lsdb"]

        (tmp_path / "counters.csv").write_text("time,link,out_mbps,in_mbps\n2026-11-30T00:00:00Z,R1->R3,1,1\n")
        sites = read_site(tmp_path).network(lambda: datetime.now(UTC))
        assert told().state == "ok", told().got
        assert apart() == set()
        live.lab.ask(AskFault(fault=Fault(kind=FaultKind.LINK_DOWN, element=cut.circuit)))
        gone = {x.name for x in network.links if x.circuit == cut.circuit}
        until(lambda: apart() == gone)
        assert apart() == gone
        assert told().got.startswith(f"{len(network.links) - 2} of {len(network.links)} links have their neighbour, 0 ")
        live.lab.ask(AskHeal())
        until(lambda: apart() == set())
        assert apart() == set()
    assert settled(live, shortest(network)) == shortest(network)


def sent_by_sources(telemetry: Telemetry, n: int) -> Floats:
    """Mean of what each source sent to each target, Mbit/s: on a busy machine less than the matrix asked for."""
    sent, told = np.zeros((n, n)), np.zeros((n, n))
    np.add.at(sent, (telemetry.traffic.source, telemetry.traffic.target), telemetry.traffic.mbps)
    np.add.at(told, (telemetry.traffic.source, telemetry.traffic.target), 1)
    return sent / np.maximum(told, 1)


def test_loads_are_what_sources_send_over_the_routers_own_paths(live: LabNetwork) -> None:
    network = live.read_topology()
    since = live.now
    live.wait(6)
    telemetry = live.read_telemetry(since)
    out = [telemetry.links.out_mbps[telemetry.links.link == i] for i in range(len(network.links))]
    measured = np.array([np.nanmean(x) for x in out])  # a poll that a busy kernel did not answer has no figure
    sent = sent_by_sources(telemetry, len(network.nodes))
    hops = shortest(network)
    position = {(x.tail, x.interface.rsplit("/", 1)[1]): i for i, x in enumerate(network.links)}
    expected = np.zeros(len(network.links))
    split = np.zeros(len(network.links), dtype=bool)
    for s, source in enumerate(network.nodes):
        for t, target in enumerate(network.nodes):
            share = {source.name: float(sent[s, t])}
            while share:
                node, mbps = share.popitem()
                if node == target.name or mbps == 0:
                    continue
                ways = hops[node][target.name]
                for way in ways:
                    i = position[node, way]
                    expected[i] += mbps / len(ways)
                    split[i] |= len(ways) > 1
                    head = network.links[i].head
                    share[head] = share.get(head, 0.0) + mbps / len(ways)
    certain = ~split & (expected > 0.5)
    assert certain.any()
    assert np.all(np.abs(measured - expected)[certain] <= 0.08 * expected[certain] + 0.1)
    by_time = telemetry.probes.loss.reshape(np.unique(telemetry.probes.time).size, -1)
    assert np.nanmedian(by_time, axis=0).max() <= 0.2  # on a busy machine a sample has probes still under way
    near = telemetry.interfaces.adjacent.reshape(np.unique(telemetry.interfaces.time).size, -1)
    assert near.mean(axis=0).min() > 0.5


def test_it_can_be_asked_and_says_what_it_cannot_do(live: LabNetwork) -> None:
    assert isinstance(live, Measurable)
    names = [x.name for x in live.read_topology().nodes]
    assert until(lambda: live.probe(names[0], names[1]).loss <= 0.2)
    with pytest.raises(ExecutionError, match="cannot limit_demand"):
        live.apply(LimitDemand(source=names[0], target=names[1], limit=1.0))
    with pytest.raises(ExecutionError, match="metrics end at"):
        live.apply(SetWeight(link=live.read_topology().links[0].name, weight=2**24 - 1))
    with pytest.raises(InputError):
        live.read_router("nobody")
    with pytest.raises(StoreBusyError, match="runs already"):
        up(live.lab.design)


def test_a_fault_shows_in_states_and_log_and_is_gone_after_healing(live: LabNetwork) -> None:
    network = live.read_topology()
    link = network.links[4]
    live.lab.ask(AskFault(fault=Fault(kind=FaultKind.LINK_DOWN, element=link.circuit)))
    since = live.now

    def shown() -> bool:
        live.wait(1)
        found = live.read_telemetry(since)
        last = found.links.time == found.links.time.max()
        down = {network.links[i].circuit for i in found.links.link[last & ~found.links.up.astype(bool)]}
        said = any("Up to Down" in x.message and x.node in (link.tail, link.head) for x in found.events)
        return down == {link.circuit} and said

    assert until(shown)
    assert live.read_topology() == network
    live.lab.ask(AskHeal())
    assert settled(live, shortest(network)) == shortest(network)


def test_a_wrong_weight_is_read_back_and_set_right_again_by_a_change(live: LabNetwork) -> None:
    network = live.read_topology()
    link = network.links[6]
    live.lab.ask(AskFault(fault=Fault(kind=FaultKind.WEIGHT, element=link.interface, severity=9_999)))
    assert live.read_router(link.tail).network.links[6].weight == 9_999
    assert live.read_topology() == network
    live.apply(SetWeight(link=link.name, weight=link.weight))
    assert live.read_router(link.tail).network == network
    live.lab.ask(AskHeal())


def test_filters_and_static_routes_are_read_back_from_the_router(live: LabNetwork) -> None:
    network = live.read_topology()
    link, target = network.links[0], f"node/{network.nodes[-1].name}"
    live.lab.ask(AskFault(fault=Fault(kind=FaultKind.DATA_ACL, element=link.interface, target=target)))
    live.lab.ask(AskFault(fault=Fault(kind=FaultKind.STATIC_ROUTE, element=link.interface, target=target)))
    told = live.read_router(link.tail)
    assert [(x.via, x.target) for x in told.filters] == [(link.name, network.nodes[-1].name)]
    assert [(x.via, x.target) for x in told.routes] == [(link.name, network.nodes[-1].name)]
    live.lab.ask(AskHeal())
    assert live.read_router(link.tail).filters == live.read_router(link.tail).routes == ()


@pytest.mark.parametrize("kind", [FaultKind.ACL_BLOCK, FaultKind.MTU])
def test_a_neighbour_that_hears_no_more_is_still_routed_over_from_the_other_end(
    live: LabNetwork, kind: FaultKind
) -> None:
    network = live.read_topology()
    fault = Fault(kind=kind, element=max(network.links, key=lambda x: (-x.weight, x.name)).interface)
    assert not live.declared.two_way
    deaf, wanted = network.link(fault.element), next_hops(with_one_way_fault(network, fault))
    here = network.links[deaf].tail
    # behind a small MTU FRR 8.4 builds its LSP anew and does not flood it: only its own routes are as they should be
    routers = [here] if kind is FaultKind.MTU else list(wanted)
    assert wanted[here] != next_hops(network)[here]
    live.lab.ask(AskFault(fault=fault))
    until(lambda: all(live.routes()[x] == wanted[x] for x in routers))
    found = live.routes()
    assert {x: found[x] for x in routers} == {x: wanted[x] for x in routers}

    def alone() -> set[int]:
        since = live.now
        live.wait(2)
        said = live.read_telemetry(since).interfaces
        return set(said.link[(said.time == said.time.max()) & ~said.adjacent].tolist())

    until(lambda: alone() == {deaf})
    assert alone() == {deaf}
    told = live.read_router(here)
    odd = [(x.via, x.what) for x in told.mismatches]
    assert odd == ([(network.links[deaf].name, "mtu")] if kind is FaultKind.MTU else [])
    live.lab.ask(AskHeal())
    assert settled(live, shortest(network)) == shortest(network)


def test_a_router_whose_daemon_ended_takes_no_change_and_comes_back_as_it_was(live: LabNetwork) -> None:
    network = live.read_topology()
    link = network.links[3]
    weight = SetWeight(link=link.name, weight=link.weight + 70)
    live.apply(weight)
    changed = live.read_topology()
    live.lab.ask(AskFault(fault=Fault(kind=FaultKind.ROUTING_DOWN, element=f"node/{link.tail}")))
    with pytest.raises(ExecutionError, match="does not answer"):
        live.apply(SetWeight(link=link.name, weight=7))
    assert live.effects.open_effect is None
    live.lab.ask(AskHeal(), timeout_s=60)
    assert live.read_configuration().network == changed
    assert settled(live, shortest(changed)) == shortest(changed)
    live.apply(SetWeight(link=link.name, weight=link.weight))
    assert live.read_topology() == network


def test_a_change_that_was_cut_off_is_asked_of_the_routers(lab: Lab) -> None:
    live = LabNetwork(lab, lab.record)
    link = live.read_topology().links[1]
    made, lost = SetWeight(link=link.name, weight=link.weight + 3), SetWeight(link=link.name, weight=link.weight + 4)
    with Vty(lab.root / link.tail / "isisd.vty") as vty:  # as if the process had ended right after the line
        vty.configure((f"interface {link.interface.rsplit('/', 1)[1]}", f"isis metric {link.weight + 3}"))
    live.effects.intend(made, live.now)
    assert LabNetwork(lab, lab.record).read_topology().links[1].weight == link.weight + 3
    live = LabNetwork(lab, lab.record)
    live.effects.intend(lost, live.now)
    again = LabNetwork(lab, lab.record)
    assert again.read_topology().links[1].weight == link.weight + 3
    assert [x.did for x in again.effects.lines][-1] == "not made"
    again.apply(SetWeight(link=link.name, weight=link.weight))


def test_drains_that_are_killed_at_any_moment_are_whole_or_not_there_and_all_of_a_killed_lab_is_gone() -> None:
    with a_lab("gone", "synthetic/4-1", "ospf") as lab:
        circuit = lab.design.inventory.links[0].circuit
        wrong = sweep(lab, DrainLink(circuit=circuit), UndrainLink(circuit=circuit))
        assert len(wrong) == 8  # around two records, and after two lines each for two routers
        assert wrong == [""] * 8
        node = lab.design.inventory.nodes[0].name
        wrong = sweep(lab, DrainNode(node=node), UndrainNode(node=node))
        assert len(wrong) == 6
        assert wrong == [""] * 6
        told = lab.ask(AskStatus())
        assert isinstance(told, dict)
        assert told["daemons"] == 8
        inside = [pid for pid in _processes() if _namespace(pid) == _namespace(_inner(lab))]
        assert len(inside) >= 11
        os.kill(lab.pid, signal.SIGKILL)
        until(lambda: not any(pid in _processes() for pid in inside))
        assert [pid for pid in inside if pid in _processes()] == []
        assert not lab.alive
        assert Lab.find(lab.name) is None
        with pytest.raises(InputError, match="no lab runs"):
            Lab.get(lab.name)


def test_a_circuit_that_flaps_faster_than_it_is_polled_is_named_and_no_reason_to_doubt_the_data() -> None:
    with a_lab("flaps", "synthetic/6-1", "ospf", interval_s=5.0) as lab:
        live = LabNetwork(lab, lab.record)
        network, since = live.read_topology(), live.now
        busiest = network.links[int(np.argmax(simulate(network).load))].circuit
        flap = Fault(kind=FaultKind.FLAP, element=busiest, severity=0.5)
        live.wait(4)
        lab.ask(AskFault(fault=flap))  # down and up every four seconds

        def told() -> tuple[list[tuple[FaultKind, str]], bool]:
            live.wait(1)
            seen = observe(network, live.read_telemetry(since))
            named = [(x.kind, x.element) for x in diagnose(seen).best.faults]
            return named, assess_observation(seen).report.score >= Policy().min_quality

        wanted = [(FaultKind.FLAP, busiest)], True
        assert until(lambda: told() == wanted)


def _processes() -> list[int]:
    return [int(x.name) for x in Path("/proc").iterdir() if x.name.isdigit()]


def _inner(lab: Lab) -> int:
    return int(lab.root.parts[2])


def _namespace(pid: int) -> str:
    try:
        return str(Path(f"/proc/{pid}/ns/pid").readlink())
    except OSError:
        return ""
