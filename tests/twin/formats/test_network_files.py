import numpy as np
import pytest
from hypothesis import given, settings

from tests.twin.formats.sample_files import (
    CSV,
    DEMANDS,
    GRAPHML,
    IETF,
    NODE_LINK,
    REPETITA,
    SNDLIB,
    full_network,
    parquet,
)
from tests.twin.random_networks import networks
from twin.errors import FormatError, TopologyError
from twin.formats import (
    load_network,
    read_network,
    read_traffic,
    write_ietf,
    write_node_link,
)
from twin.formats.ietf import bandwidth
from twin.formats.load import read_explained
from twin.formats.measurements.columns import read_mapping
from twin.formats.measurements.part import Options
from twin.model import Link, Network, Node
from twin.sim.simulate import simulate

PAIR = Network(
    "pair", (Node("A", 0.0, 0.0), Node("B", 1.0, 0.0)), (Link("A", "B", 10, 1), Link("B", "A", 10, 1)), np.zeros((2, 2))
)


def saved(folder, name, text):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_sndlib_gives_coordinates_circuits_and_relative_demands(tmp_path):
    network = read_network(saved(tmp_path, "small.xml", SNDLIB))
    assert network.nodes[0][:3] == ("Ulm", 9.99, 48.40)
    assert [link.name for link in network.links[::2]] == ["Ulm->Bonn", "Bonn->Kiel", "Kiel->Ulm"]
    assert network.links[0].weight == pytest.approx(333, abs=3)
    ratio = network.demands / network.demands[0, 2]
    assert ratio.tolist() == pytest.approx(np.array([[0, 0, 1], [0, 0, 0.25], [0, 0.2, 0]]), abs=1e-6)


def test_sndlib_pixels_are_lengths_in_the_plane(tmp_path):
    text = SNDLIB.replace("geographical", "pixel").replace(">9.99<", ">7.10<").replace(">48.40<", ">40.73<")
    assert read_network(saved(tmp_path, "small.xml", text)).links[0].weight == 10


def test_a_bare_topology_file_is_dimensioned_to_the_stated_peak(tmp_path):
    network = read_network(saved(tmp_path, "small.xml", SNDLIB), peak_utilisation=0.5)
    assert network.name == "small"
    assert simulate(network).max_utilisation == pytest.approx(0.5, abs=1e-6)


def test_topology_zoo_speeds_are_kept_and_a_node_without_place_lies_amid_its_neighbours(tmp_path):
    path = saved(tmp_path, "zoo.graphml", GRAPHML)
    network = read_network(path)
    assert [node.name for node in network.nodes] == ["New_York", "Chicago", "New_York_2"]
    assert (network.nodes[2].longitude, network.nodes[2].latitude) == (-80.8, 41.25)
    assert [link.capacity for link in network.links[::2]] == [10_000, 10_000, 2_500, 2_500]
    assert [link.name for link in network.links[:4]] == [
        "New_York->Chicago",
        "Chicago->New_York",
        "New_York->Chicago.2",
        "Chicago->New_York.2",
    ]
    assert simulate(network).max_utilisation == pytest.approx(0.65, abs=1e-6)


def test_a_zoo_topology_with_some_speeds_keeps_them_and_says_what_the_others_are(tmp_path):
    text = GRAPHML.replace('<data key="d1">2500000000.0</data>', "", 1)
    reading = read_explained(saved(tmp_path, "zoo.graphml", text))
    capacities = [link.capacity for link in reading.network.links[::2]]
    assert [capacities[0], capacities[1], capacities[3]] == [10_000, 10_000, 2_500]
    assert capacities[2] in (10_000.0, 40_000.0, 100_000.0, 400_000.0)
    assert any(text.startswith("capacities: of 1 of 4 circuits") for text in reading.account.assumed)


def test_graphml_is_recognised_under_the_suffix_xml_too(tmp_path):
    one, other = saved(tmp_path, "zoo.graphml", GRAPHML), saved(tmp_path, "zoo.xml", GRAPHML)
    assert read_network(one) == read_network(other)


def test_repetita_keeps_parallels_weights_and_units(tmp_path):
    network = read_network(saved(tmp_path, "r.graph", REPETITA), saved(tmp_path, "r.demands", DEMANDS))
    assert network.links[2].name == "0_New_York->1_Chicago.2"
    assert network.links[4][2:4] == (2488.32, 7)
    assert network.links[0].delay_ms == pytest.approx(5.74, abs=0.05)
    assert network.demands[0, 2] == pytest.approx(301.632)
    assert network.demands[1].tolist() == [0, 0, 0]


def test_repetita_without_demands_carries_nothing(tmp_path):
    assert not read_network(saved(tmp_path, "r.graph", REPETITA)).demands.any()


def test_node_link_capacities_are_bit_per_second(tmp_path):
    network = read_network(saved(tmp_path, "n.json", NODE_LINK))
    assert [(link.name, link.capacity) for link in network.links][2] == ("1->2", 2400.0)


def test_an_undirected_node_link_edge_is_a_circuit(tmp_path):
    nodes, edge = (
        '[{"id": "a", "pos": [0, 0]}, {"id": "b", "pos": [0, 1]}]',
        '"source": "a", "target": "b", "capacity_mbps": 5',
    )
    text = f'{{"nodes": {nodes}, "edges": [{{{edge}}}]}}'
    links = read_network(saved(tmp_path, "n.json", text)).links
    assert [link.name for link in links] == ["a->b", "b->a"]
    assert links[0].delay_ms == pytest.approx(0.556, abs=0.001)


def test_directed_node_link_edges_without_capacity_pair_up_to_circuits(tmp_path):
    text = NODE_LINK.replace('"capacity": 10000000000.0, ', "").replace('"capacity": 2400000000.0, ', "")
    assert list(read_network(saved(tmp_path, "n.json", text)).circuits) == ["link/0:1--1:0", "link/1:2--2:1"]


def test_others_ietf_topologies_are_read_by_their_standard_leaves(tmp_path):
    network = read_network(saved(tmp_path, "i.json", IETF))
    there, back = network.links
    assert network.name == "metro"
    assert there.capacity == pytest.approx(10_000.0, rel=1e-6)
    assert (there.weight, there.delay_ms, there.up) == (20, 2.5, True)
    assert (back.weight, back.up) == (7, False)
    assert (network.nodes[0].longitude, network.nodes[0].latitude) == (2.3522, 48.8566)
    assert (network.nodes[1].up, network.nodes[1].drained) == (False, True)
    assert [group.name for group in network.risk_groups] == ["srlg-4", "srlg-12"]
    assert network.risk_groups[0].circuits == (there.circuit,)


def test_members_without_module_names_are_read_too(tmp_path):
    bare = (
        IETF.replace("ietf-network-topology:", "")
        .replace("ietf-te-topology:", "")
        .replace("ietf-l3-unicast-topology:", "")
    )
    with_modules, without = saved(tmp_path, "i.json", IETF), saved(tmp_path, "j.json", bare)
    assert read_network(with_modules) == read_network(without)


@pytest.mark.parametrize(
    ("mbps", "text"), [(10_000.0, "0x1.2a05f2p+30"), (8e-6, "0x1p+0"), (100_000.0, "0x1.74876ep+33")]
)
def test_bandwidth_is_a_hexadecimal_float_of_bytes_per_second(mbps, text):
    assert bandwidth(mbps) == text
    assert float.fromhex(text) * 8e-6 == pytest.approx(mbps, rel=1e-6)


@pytest.mark.parametrize("write", [write_ietf, write_node_link])
def test_a_network_with_every_field_comes_back_with_the_same_id(tmp_path, write):
    write(full_network(), tmp_path / "network.json")
    assert read_network(tmp_path / "network.json") == full_network()


@pytest.mark.parametrize("write", [write_ietf, write_node_link])
def test_a_real_network_comes_back_with_the_same_id(tmp_path, write):
    network = load_network("sndlib/germany50")
    write(network, tmp_path / "network.json")
    assert load_network(str(tmp_path / "network.json")).id == network.id


@settings(max_examples=25)
@given(network=networks())
def test_any_network_comes_back_with_the_same_id(tmp_path_factory, network):
    folder = tmp_path_factory.mktemp("ietf")
    for name, write in (("i.json", write_ietf), ("n.json", write_node_link)):
        write(network, folder / name)
        assert read_network(folder / name).id == network.id


def test_an_edited_standard_leaf_wins_over_the_precise_value(tmp_path):
    write_ietf(PAIR, tmp_path / "i.json")
    text = (tmp_path / "i.json").read_text().replace('"0x1.312dp+20"', '"0x1.312dp+21"', 1)
    assert "0x1.312dp+21" in text
    capacities = [link.capacity for link in read_network(saved(tmp_path, "i.json", text)).links]
    assert capacities == [20.0, 10.0]


def test_traffic_over_time_is_read_in_order_and_its_peak_found(tmp_path):
    traffic = read_traffic(saved(tmp_path, "t.csv", CSV), PAIR)
    assert traffic.times == ("2026-01-01 00:00", "2026-01-01 00:15")
    assert traffic.demands[0].tolist() == [[0, 1.5], [2, 0]]
    assert traffic.peak.tolist() == [[0, 8], [0, 0]]


def test_numbered_bins_sort_as_numbers_and_units_are_converted(tmp_path):
    text = "bin,src,dst,bps\n10,0,1,3000000\n9,0,1,1000000\n9,0,1,1000000\n9,1,1,5\n"
    traffic = read_traffic(saved(tmp_path, "t.csv", text), PAIR)
    assert traffic.times == ("9", "10")
    assert traffic.demands[:, 0, 1].tolist() == [2, 3]
    assert not traffic.demands[:, 1, 1].any()


def test_traffic_in_parquet_reads_back_exactly(tmp_path):
    demands = np.array([[[0, 1 / 3], [0, 0]], [[0, 2e6], [0.1 + 0.2, 0]]])
    again = read_traffic(parquet(tmp_path / "t.parquet", PAIR, demands), PAIR)
    assert again.times == ("0", "1")
    assert np.array_equal(again.demands, demands)


def test_a_path_that_looks_like_a_pattern_names_one_file(tmp_path):
    saved(tmp_path, "ta.csv", CSV.replace("1.5", "100"))
    odd = saved(tmp_path, "t[a]*'.csv", CSV)
    assert read_traffic(odd, PAIR).demands[0, 0, 1] == 1.5


def test_traffic_replaces_what_the_file_states(tmp_path):
    write_node_link(PAIR, tmp_path / "n.json")
    network = read_network(tmp_path / "n.json", saved(tmp_path, "t.csv", CSV))
    assert network.demands.tolist() == [[0, 8], [0, 0]]


@pytest.mark.parametrize("read", [read_network, load_network])
def test_a_disconnected_file_names_the_file_and_a_cut_off_node(tmp_path, read):
    text = NODE_LINK.replace('{"capacity": 2400000000.0, "source": 1, "target": 2}, ', "").replace(
        '"source": 2, "target": 1', '"source": 0, "target": 1'
    )
    path = saved(tmp_path, "cut.json", text)
    with pytest.raises(TopologyError, match=r"cut\.json.*no path from 0 to 2"):
        read(str(path))


def test_a_repetita_file_reads_the_same_with_any_line_ends(tmp_path):
    path = tmp_path / "r.graph"
    path.write_bytes(b"\xef\xbb\xbf" + REPETITA.replace("\n", "\r\n").encode())
    unix = read_network(saved(tmp_path, "unix.graph", REPETITA))
    assert (read_network(path).nodes, read_network(path).links) == (unix.nodes, unix.links)


RATES = [100.0, 300.0, 200.0]
QUARTERS = ("2026-01-05T00:00:00Z", "2026-01-05T00:15:00Z", "2026-01-05T00:30:00Z")
DAYS = ("05.01.2026 00:00", "05.01.2026 00:15", "05.01.2026 00:30")
SISTERS = {
    "seconds": ("ts,src,dst,mbps", "{epoch},A,B,{mbps}"),
    "milliseconds": ("ts,src,dst,bps", "{epoch}000,A,B,{bps}"),
    "nanoseconds": ("ts,src,dst,Gbit/s", "{epoch}000000000,A,B,{gbps}"),
    "octets": ("stamp_inserted,src,dst,bytes", "{iso},A,B,{octets}"),
    "German": ("Zeit;Quelle;Ziel;Mbit/s", "{day};A;B;{mbps},0"),
    "tabs": ("timestamp\tsource\ttarget\tMBps", "{iso}\tA\tB\t{mega}"),
    "mapped": ("when,x,y,z_mbps", "{iso},A,B,{mbps}"),
}


@pytest.mark.parametrize("kind", SISTERS)
def test_one_table_of_traffic_in_any_columns_units_and_times_is_the_same_traffic(tmp_path, kind):
    head, row = SISTERS[kind]
    values = [
        {"epoch": 1767571200 + 900 * i, "iso": QUARTERS[i], "day": DAYS[i], "mbps": int(rate), "bps": int(rate * 1e6),
         "gbps": rate / 1e3, "octets": int(rate * 1e6 / 8 * 900), "mega": rate / 8}
        for i, rate in enumerate(RATES)
    ]  # fmt: skip
    lines = [row.format(**x) for x in values[1:] + values[:1]]
    said = Options(read_mapping(["time=when,source=x,target=y,traffic=z_mbps"])) if kind == "mapped" else None
    traffic = read_traffic(saved(tmp_path, "t.csv", "\r\n".join(["\ufeff" + head, *lines])), PAIR, said=said)
    assert traffic.demands[:, 0, 1].tolist() == RATES
    assert traffic.seconds is not None
    assert traffic.seconds.tolist() == [1767571200.0, 1767572100.0, 1767573000.0]


def test_octets_without_an_interval_are_refused(tmp_path):
    with pytest.raises(FormatError, match="how long they were counted"):
        read_traffic(saved(tmp_path, "t.csv", "src,dst,bytes\nA,B,1000\n"), PAIR)
