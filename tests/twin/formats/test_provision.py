import subprocess
import sys
from dataclasses import replace

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.errors import InputError, TopologyError, UnknownNetworkError
from twin.formats import load_network
from twin.formats.names import distinct_names
from twin.formats.provision import STANDARD_CAPACITIES, Circuit, Topology, distance_km, provision
from twin.formats.topohub import topohub_names
from twin.model import Node
from twin.sim.simulate import simulate, single_failures


def independent_loads(network):
    """Even ECMP splits by counting paths down the shortest-path graph of networkx; no parallel links."""
    graph = nx.DiGraph()
    for link in network.links:
        graph.add_edge(link.tail, link.head, weight=link.weight)
    loads = dict.fromkeys(network.link_index, 0.0)
    for t, target in enumerate(network.nodes):
        distance = nx.single_source_dijkstra_path_length(graph.reverse(copy=False), target.name)
        flow = {node.name: network.demands[s, t] for s, node in enumerate(network.nodes)}
        for name in sorted(distance, key=lambda name: -distance[name])[:-1]:
            onward = [x for x in graph[name] if distance[x] + graph[name][x]["weight"] == distance[name]]
            for head in onward:
                loads[f"{name}->{head}"] += flow[name] / len(onward)
                flow[head] += flow[name] / len(onward)
    return np.array([loads[link.name] for link in network.links])


def circuit_failures(network):
    return [failure for failure in single_failures(network) if failure.name.startswith("link/")]


def test_germany50_has_its_published_size():
    network = load_network("sndlib/germany50")
    assert (len(network.nodes), len(network.links), len(network.circuits)) == (50, 176, 88)
    assert np.count_nonzero(network.demands) == 1324
    assert network.name == "sndlib/germany50"


@pytest.mark.parametrize("peak", [0.65, 0.4])
def test_the_busiest_link_peaks_where_it_should_by_an_independent_computation(peak):
    network = load_network("sndlib/nobel-germany", peak_utilisation=peak)
    utilisation = independent_loads(network) / [link.capacity for link in network.links]
    assert utilisation.max() == pytest.approx(peak, abs=1e-6)


@pytest.mark.parametrize(
    "name",
    [
        "sndlib/germany50",
        "sndlib/nobel-germany",
        "sndlib/abilene",
        "sndlib/nobel-eu",
        "topozoo/Abilene",
        "topozoo/Geant2012",
        "topozoo/BtNorthAmerica",
        "synthetic/20-1",
        "synthetic/200-1",
    ],
)
def test_some_single_failures_are_tight_and_few_are_not_survived(name):
    network = load_network(name)
    sweep = simulate(network, failures=circuit_failures(network)).sweep
    assert 0.25 <= (sweep.max_utilisation > 0.8).mean() <= 0.5
    assert (sweep.max_utilisation > 1.0).mean() <= 0.1


def test_both_directions_of_a_circuit_are_equal_and_standard():
    network = load_network("sndlib/nobel-eu")
    for positions in network.circuits.values():
        there, back = (network.links[i] for i in positions)
        assert (there.tail, there.head) == (back.head, back.tail)
        assert there[2:6] == back[2:6]
        assert there.capacity in STANDARD_CAPACITIES
        assert there.weight >= 1


def test_weight_and_delay_follow_the_length():
    network = load_network("topozoo/Abilene")
    link = network.links[network.link("New_York->Chicago")]
    assert link.weight == 1146
    assert link.delay_ms == pytest.approx(1146.16 * 0.005)


def test_demands_stated_in_one_direction_are_mirrored():
    demands = load_network("sndlib/germany50").demands
    assert demands == pytest.approx(demands.T)


def test_demands_stated_in_both_directions_are_kept():
    demands = load_network("sndlib/abilene").demands
    assert not np.allclose(demands, demands.T)


def test_gravity_traffic_depends_on_the_seed_alone():
    one, again, other = (load_network("topozoo/Abilene", seed=seed) for seed in (1, 1, 2))
    assert one.id == again.id
    assert one.id != other.id


def test_the_same_network_comes_out_in_another_process():
    script = "from twin.formats import load_network; print(load_network('synthetic/12-5').id)"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == load_network("synthetic/12-5").id


@pytest.mark.parametrize(
    ("wanted", "suggested"),
    [
        ("sndlib/germany", "sndlib/germany50"),
        ("germany50", "sndlib/germany50"),
        ("topozoo/abilene", "topozoo/Abilene"),
        ("sndlib/nobel_eu", "sndlib/nobel-eu"),
        ("zzzz", "sndlib/germany50"),
        ("x" * 5000, "sndlib"),
        ("nul\0", "sndlib"),
        ("", "sndlib"),
    ],
)
def test_an_unknown_name_suggests_the_closest(wanted, suggested):
    with pytest.raises(UnknownNetworkError) as caught:
        load_network(wanted)
    assert suggested in caught.value.fix


@pytest.mark.parametrize("name", ["synthetic/3-1", "synthetic/9", "synthetic/-", "synthetic/9999-1", "synthetic/a-b"])
def test_an_impossible_synthetic_name_says_how_to_write_it(name):
    with pytest.raises(UnknownNetworkError, match="synthetic") as caught:
        load_network(name)
    assert "NODES-SEED" in caught.value.fix


def test_a_name_that_is_a_path_is_answered_as_a_file_that_is_not_there():
    with pytest.raises(InputError, match="there is no file"):
        load_network("../../no/such/name")


@settings(max_examples=15)
@given(nodes=st.integers(4, 60), seed=st.integers(0, 10**6))
def test_synthetic_networks_are_planar_and_survive_any_single_cut(nodes, seed):
    network = load_network(f"synthetic/{nodes}-{seed}")
    graph = nx.Graph((link.tail, link.head) for link in network.links)
    assert len(network.nodes) == graph.number_of_nodes() == nodes
    assert not nx.has_bridges(graph)
    assert nx.is_connected(graph)
    assert nx.check_planarity(graph)[0]


def test_a_cut_off_node_is_named():
    nodes = tuple(Node(name, 0.0, 0.0) for name in ("Ulm", "Köln", "Bonn", "Trier"))
    with pytest.raises(TopologyError, match=r"no path from Ulm to Bonn \(2 nodes cut off\)"):
        provision(Topology("islands", nodes, (Circuit(0, 1, 10.0), Circuit(2, 3, 10.0))))


@pytest.mark.parametrize("peak", [0.0, -1.0, 1.5, float("nan")])
def test_an_impossible_peak_is_refused(peak):
    with pytest.raises(TopologyError, match="peak utilisation"):
        load_network("topozoo/Abilene", peak_utilisation=peak)


def test_a_topology_without_any_traffic_stays_without():
    nodes = (Node("A", 0.0, 0.0), Node("B", 1.0, 0.0))
    network = provision(Topology("quiet", nodes, (Circuit(0, 1, 10.0),), np.zeros((2, 2))))
    assert not network.demands.any()
    assert {link.capacity for link in network.links} == {STANDARD_CAPACITIES[0]}


def test_parallel_circuits_are_numbered_and_share_the_load():
    nodes = (Node("A", 0.0, 0.0), Node("B", 1.0, 0.0))
    network = provision(Topology("pair", nodes, (Circuit(0, 1, 10.0), Circuit(1, 0, 10.0))))
    assert [link.name for link in network.links] == ["A->B", "B->A", "B->A.2", "A->B.2"]
    assert simulate(network).utilisation == pytest.approx([0.65, 0.65, 0.65, 0.65], abs=1e-6)


def test_scaling_the_stated_demands_changes_nothing():
    nodes = tuple(Node(f"N{i}", float(i), 0.0) for i in range(3))
    ring = (Circuit(0, 1, 10.0), Circuit(1, 2, 10.0), Circuit(2, 0, 10.0))
    demands = np.array([[0.0, 3.0, 1.0], [2.0, 0.0, 1.0], [1.0, 1.0, 0.0]])
    one, other = (provision(Topology("ring", nodes, ring, demands * factor)) for factor in (1.0, 1e6))
    assert one.demands == pytest.approx(other.demands, abs=0.002)
    assert one.links == replace(other, demands=one.demands).links


def test_repeated_and_empty_labels_become_distinct_node_names():
    assert distinct_names(["New York", "New York", "", "  ", "New York_2"]) == [
        "New_York",
        "New_York_2",
        "N2",
        "N3",
        "New_York_2_2",
    ]


def test_the_distance_from_paris_to_london_is_344_km():
    paris, london = Node("Paris", 2.3522, 48.8566), Node("London", -0.1276, 51.5072)
    assert distance_km(paris, london) == pytest.approx(343.6, abs=0.5)
    assert distance_km(paris, paris) == 0.0


@pytest.mark.parametrize("name", ["sndlib/di-yuan", "sndlib/brain", "gabriel/25/0", "topozoo/TataNld"])
def test_unusual_topologies_load_too(name):
    assert name in topohub_names()
    network = load_network(name)
    assert simulate(network).max_utilisation == pytest.approx(0.65, abs=1e-5)
