"""What changed since a moment: quiet where nothing did, and what a networkx reroute says where a circuit went down."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import networkx as nx
import numpy as np
import pytest

from twin.faults import Fault, FaultKind
from twin.formats import load_network
from twin.live.emulated import EmulatedNetwork
from twin.live.network import NodeSamples, Telemetry
from twin.live.peerings import PeeringSamples
from twin.model import Network
from twin.observe import observe
from twin.observe.expect.changed import load_changes, state_flips

START = datetime(2026, 3, 2, 14, tzinfo=UTC)
CUT = "link/Denver:Kansas_City--Kansas_City:Denver"
GERMAN = "link/Hamburg:Hannover--Hannover:Hamburg"


def measured(name: str, *faults: Fault, seed: int = 3, after: int = 3) -> tuple[Network, Telemetry, datetime]:
    network = load_network(name)
    live = EmulatedNetwork(network, seed=seed, start=START)
    live.wait(24)
    struck = live.now
    for fault in faults:
        live.inject(fault)
    live.wait(after)
    return network, live.read_telemetry(START), struck


@pytest.mark.parametrize("name", ["topozoo/Abilene", "sndlib/nobel-germany"])
@pytest.mark.parametrize("samples", [3, 12])
def test_nothing_has_changed_on_a_healthy_network_however_its_evening_goes(name: str, samples: int):
    for seed in range(3):
        network, telemetry, since = measured(name, seed=seed, after=samples)
        seen = observe(network, telemetry)
        assert state_flips(network, telemetry, since.timestamp()) == ()
        found = load_changes(telemetry, seen, since.timestamp())
        assert found.moved == ()
        assert found.baseline == since.timestamp()


def without(network: Network, circuit: str) -> tuple[np.ndarray, np.ndarray]:
    """Loads with and without a circuit, by networkx alone: every demand split over its shortest paths hop by hop."""

    def loads(gone: str) -> np.ndarray:
        graph = nx.DiGraph()
        graph.add_weighted_edges_from((x.tail, x.head, x.weight) for x in network.links if x.circuit != gone)
        found = dict.fromkeys(((x.tail, x.head) for x in network.links), 0.0)
        names = [x.name for x in network.nodes]
        for s, t in np.argwhere(network.demands > 0).tolist():
            paths = list(nx.all_shortest_paths(graph, names[s], names[t], weight="weight"))
            for path in paths:  # few paths are equal here; shares differ where they branch twice, which is not compared
                for hop in pairwise(path):
                    found[hop] += network.demands[s, t] / len(paths)
        return np.array([found[x.tail, x.head] for x in network.links])

    return loads(""), loads(circuit)


def test_after_a_cut_the_circuit_is_down_and_the_loads_that_networkx_moves_have_moved_its_way():
    network, telemetry, since = measured("sndlib/nobel-germany", Fault(kind=FaultKind.LINK_DOWN, element=GERMAN))
    flips = state_flips(network, telemetry, since.timestamp())
    assert {(x.element, x.state, x.now, x.times) for x in flips} == {
        (GERMAN, "interface", False, 1),
        (GERMAN, "neighbour", False, 1),
    }
    assert {x.began for x in flips} == {(since + timedelta(minutes=5)).timestamp()}
    found = load_changes(telemetry, observe(network, telemetry), since.timestamp())
    before, after = without(network, GERMAN)
    moved = {x.link: x.now - x.due for x in found.moved}
    gone = [i for i, x in enumerate(network.links) if x.circuit == GERMAN]
    clear = [i for i in range(len(before)) if i not in gone and abs(after[i] - before[i]) > 0.2 * before[i] > 0]
    assert len(clear) == 10
    assert not set(gone) & set(moved)  # a state says it already
    assert {x.link for x in found.moved[: len(clear)]} == set(clear)  # what drops elsewhere moved stands behind them
    assert [np.sign(moved[i]) for i in clear] == [np.sign(after[i] - before[i]) for i in clear]


def test_what_was_down_and_is_up_again_counts_its_changes_and_a_lost_poll_is_none():
    network, telemetry, since = measured("topozoo/Abilene")
    links, nodes, at = telemetry.links, telemetry.nodes, since.timestamp()
    times = np.unique(links.time[links.time > at])
    position = network.circuit(CUT)[0]
    flapped = np.where((links.link == position) & (links.time == times[0]), 0.0, np.asarray(links.up, dtype=float))
    lost = nodes.answered & ~((nodes.node == 2) & (nodes.time == times[1]))
    silent = lost & ~((nodes.node == 4) & (nodes.time >= times[1]))
    changed = replace(
        telemetry, links=links._replace(up=flapped), nodes=NodeSamples(nodes.time, nodes.node, silent.astype(bool))
    )
    found = {(x.element, x.state): x for x in state_flips(network, changed, at)}
    assert set(found) == {(CUT, "interface"), (network.nodes[4].id, "node")}
    flap = found[CUT, "interface"]
    assert (flap.times, flap.now, flap.began, flap.last) == (2, True, times[0], times[1])
    assert not found[network.nodes[4].id, "node"].now
    assert state_flips(network, changed, float(times[-1])) == ()  # it was so at the moment that is asked about


@pytest.mark.parametrize(("step", "last"), [("accepted", 0.0), ("reachable", 0.0), ("discards", 1.0)])
def test_an_exit_that_leads_nowhere_any_more_has_changed_whatever_the_reason(step, last):
    network, telemetry, _ = measured("topozoo/Abilene")
    said = {x: np.ones(4) for x in ("established", "received", "accepted", "reachable")} | {"discards": np.zeros(4)}
    said[step][2:] = last
    said["established"][3] = np.nan  # not said, and no change
    nothing, none = np.full(4, np.nan), np.zeros(4, np.int64)
    rows = PeeringSamples(
        time=np.arange(4.0),
        link=none + 5,
        reason=none,
        local_pref=nothing,
        path_length=nothing,
        claimed=none - 1,
        **said,
    )
    (flip,) = state_flips(network, replace(telemetry, peerings=rows), 0.5)
    assert (flip.element, flip.state, flip.began, flip.now) == (network.links[5].interface, "routes", 2.0, False)


def test_without_a_sample_before_the_moment_or_after_it_no_load_is_compared():
    network, telemetry, _ = measured("topozoo/Abilene")
    seen = observe(network, telemetry)
    early = load_changes(telemetry, seen, (START - timedelta(hours=1)).timestamp())
    late = load_changes(telemetry, seen, seen.time.timestamp())
    assert (early.baseline, early.traffic, early.moved) == (None, None, ())
    assert (late.baseline, late.traffic, late.moved) == (seen.time.timestamp(), None, ())
