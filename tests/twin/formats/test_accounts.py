"""What a file states is kept, what it leaves open is named, and what is not understood is named too."""

import json
from itertools import pairwise

import networkx as nx
import numpy as np
import pytest

from tests.twin.formats.sample_files import GRAPHML, IETF
from twin.errors import FormatError, InputError, TopologyError
from twin.formats import read_network
from twin.formats.build import Choices, read_units
from twin.formats.load import read_explained
from twin.sim.simulate import simulate

RING = (("A", "B", 10), ("B", "C", 10), ("C", "D", 10), ("D", "A", 100))


def saved(folder, name, text):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def ring(field, **rest):
    others = "".join(f', "{name}": {value}' for name, value in rest.items())
    links = ",".join(f'{{"source": "{a}", "target": "{b}", "{field}": {w}{others}}}' for a, b, w in RING)
    return f'{{"nodes": [{",".join(f"""{{"id": "{x}"}}""" for x in "ABCD")}], "links": [{links}]}}'


@pytest.mark.parametrize(
    "field", ["weight", "metric", "cost", "igp_metric", "IGP Metric", "isis-metric", "ospf_cost", "igpCost"]
)
def test_weights_by_any_name_decide_the_path_even_without_capacities(tmp_path, field):
    traffic = saved(tmp_path, "t.csv", "source,target,mbps\nA,D,1000\n")
    reading = read_explained(saved(tmp_path, "n.json", ring(field)), traffic)
    graph = nx.Graph()
    graph.add_weighted_edges_from(RING)
    path = nx.shortest_path(graph, "A", "D", weight="weight")
    load = dict(zip((link.name for link in reading.network.links), simulate(reading.network).load, strict=True))
    assert {name for name, volume in load.items() if volume} == {f"{a}->{b}" for a, b in pairwise(path)}
    assert any(text.startswith("capacities: dimensioned") for text in reading.account.assumed)
    assert not any(text.startswith("weights") for text in reading.account.assumed)


@pytest.mark.parametrize(
    ("field", "value", "ms"),
    [("delay", 7, 7.0), ("latency_us", 700, 0.7), ("delay_ms", 7, 7.0), ("latency", '"3 ms"', 3.0), ("dist", 200, 1.0)],
)
def test_delays_are_read_in_the_unit_that_is_written(tmp_path, field, value, ms):
    network = read_network(saved(tmp_path, "n.json", ring("weight", **{field: value})))
    assert [link.delay_ms for link in network.links] == pytest.approx([ms] * 8)


@pytest.mark.parametrize(
    ("field", "value", "mbps"),
    [
        ("capacity_mbps", 40_000, 40_000),
        ("bandwidth_gbps", 40, 40_000),
        ("capacity", 40_000_000_000, 40_000),
        ("speed", '"40 Gbit/s"', 40_000),
        ("bandwidth", '"40G"', 40_000),
        ("ifHighSpeed", 40_000, 40_000),
        ("capacity_kbps", 40_000_000, 40_000),
    ],
)
def test_capacities_are_read_in_the_unit_that_is_written(tmp_path, field, value, mbps):
    network = read_network(saved(tmp_path, "n.json", ring("weight", **{field: value})))
    assert {link.capacity for link in network.links} == {mbps}


@pytest.mark.parametrize("value", [10, 10_000])
def test_a_capacity_that_makes_no_sense_in_its_convention_is_asked_for(tmp_path, value):
    path = saved(tmp_path, "n.json", ring("weight", capacity=value))
    with pytest.raises(FormatError, match="--unit capacity=mbps"):
        read_network(path)
    said = read_explained(path, choices=Choices(read_units(["capacity=mbps"])))
    assert {link.capacity for link in said.network.links} == {value}


@pytest.mark.parametrize("text", ["capacity", "capacity=fast", "colour=gbps", "=", "capacity=ms"])
def test_a_unit_that_nobody_knows_is_refused(text):
    with pytest.raises(InputError, match="no unit"):
        read_units([text])


def test_traffic_a_million_times_the_capacity_is_a_wrong_unit(tmp_path):
    traffic = saved(tmp_path, "t.csv", "source,target,mbps\nA,D,1000000000\n")
    with pytest.raises(TopologyError, match="times its capacity"):
        read_network(saved(tmp_path, "n.json", ring("weight", capacity_mbps=1000)), traffic)


def test_nothing_was_assumed_is_only_said_where_it_is_so(tmp_path):
    full = ring("weight", capacity_mbps=1000, delay_ms=1)
    nodes = '"nodes": [' + ",".join(f'{{"id": "{x}", "pos": [{i}, {i}]}}' for i, x in enumerate("ABCD")) + "]"
    full = full[0] + nodes + full[full.index(', "links"') :]
    traffic = saved(tmp_path, "t.csv", "source,target,mbps\nA,D,10\n")
    account = read_explained(saved(tmp_path, "n.json", full), traffic).account
    assert (account.assumed, account.not_modelled) == ((), ())
    for field in ("weight", "capacity_mbps", "delay_ms"):
        path = saved(tmp_path, "m.json", full.replace(f'"{field}"', '"shoe_size"'))
        account = read_explained(path, traffic).account
        assert account.assumed
        assert any("shoe_size" in text for text in account.not_modelled)


def test_a_pair_of_arcs_is_one_circuit_and_a_lone_direction_is_taken_for_both(tmp_path):
    both = GRAPHML.replace('edgedefault="undirected"', 'edgedefault="directed"')
    assert "<edge" in both
    mirrored = "".join(
        line.replace('source="', 'source="@').replace('target="', 'source="').replace('source="@', 'target="') + "\n"
        for line in both.splitlines()
        if "<edge" in line and 'source="2" target="2"' not in line
    )
    doubled = both.replace("  </graph>", mirrored + "  </graph>")
    one = read_network(saved(tmp_path, "u.graphml", GRAPHML))
    two = read_network(saved(tmp_path, "d.graphml", doubled))
    assert len(two.circuits) == len(one.circuits) == 4
    lone = read_explained(saved(tmp_path, "l.graphml", both))
    assert len(lone.network.circuits) == 4
    assert any(text.startswith("directions") for text in lone.account.assumed)


def test_the_default_of_a_key_is_the_value_of_edges_that_state_none(tmp_path):
    text = GRAPHML.replace('id="d1" />', 'id="d1"><default>40000000000</default></key>').replace(
        '<data key="d1">2500000000.0</data>', "", 1
    )
    network = read_network(saved(tmp_path, "z.graphml", text))
    assert [link.capacity for link in network.links[::2]] == [10_000, 10_000, 40_000, 2_500]


def test_shared_segments_and_peers_originate_no_invented_traffic(tmp_path):
    text = GRAPHML.replace(
        "<graph ", '<key attr.name="Internal" attr.type="int" for="node" id="d9"/><graph ', 1
    ).replace('<data key="d2">Chicago</data>', '<data key="d2">Chicago</data><data key="d9">0</data>')
    reading = read_explained(saved(tmp_path, "z.graphml", text))
    chicago = reading.network.node("Chicago")
    assert reading.network.nodes[chicago].kind == "external"
    assert not reading.network.demands[chicago].any()
    assert not reading.network.demands[:, chicago].any()
    assert reading.network.demands.any()


def test_a_hyperedge_is_a_segment_with_a_link_to_each_endpoint(tmp_path):
    text = GRAPHML.replace(
        '<edge source="2" target="2" />',
        '<hyperedge id="L"><endpoint node="0"/><endpoint node="1"/><endpoint node="2"/></hyperedge>',
    )
    network = read_network(saved(tmp_path, "z.graphml", text))
    assert network.nodes[network.node("L")].kind == "lan"
    assert sum(link.tail == "L" for link in network.links) == 3


def test_labels_and_groups_of_an_editor_are_read(tmp_path):
    text = """<graphml xmlns="http://graphml.graphdrawing.org/xmlns" xmlns:y="http://www.yworks.com/xml/graphml">
 <key for="node" id="d6" yfiles.type="nodegraphics"/>
 <graph edgedefault="undirected">
  <node id="g" yfiles.foldertype="group"><graph edgedefault="undirected">
   <node id="g::n0"><data key="d6"><y:ShapeNode><y:NodeLabel>Rome</y:NodeLabel></y:ShapeNode></data></node>
   <node id="g::n1"><data key="d6"><y:ShapeNode><y:NodeLabel>Oslo</y:NodeLabel></y:ShapeNode></data></node>
  </graph></node>
  <edge source="g::n0" target="g::n1"/>
 </graph></graphml>"""
    network = read_network(saved(tmp_path, "y.graphml", text))
    assert [node.name for node in network.nodes] == ["Rome", "Oslo"]


def test_the_metric_that_is_not_used_for_paths_carries_nothing(tmp_path):
    text = ring("metric", capacity_mbps=100_000).replace('"metric": 100', '"metric": 16777215')
    cut = text.replace('"source": "B", "target": "C"', '"up": false, "source": "B", "target": "C"')
    traffic = saved(tmp_path, "t.csv", "source,target,mbps\nA,C,1000\n")
    assert simulate(read_network(saved(tmp_path, "n.json", cut), traffic)).lost == pytest.approx(1000)


@pytest.mark.parametrize("column", ["time", "timestamp", "datetime", "date_hour", "ts", "stamp_inserted", "Timestamp"])
def test_a_time_by_any_name_parts_the_matrices(tmp_path, column):
    rows = "".join(f"{t},A,B,{v}\n" for t, v in ((1, 100), (2, 300), (3, 200)))
    traffic = saved(tmp_path, "t.csv", f"{column},source,target,mbps\n{rows}")
    assert read_network(saved(tmp_path, "n.json", ring("weight")), traffic).demands.sum() == 300


def test_rows_that_an_unknown_column_tells_apart_are_not_added_up(tmp_path):
    traffic = saved(tmp_path, "t.csv", "quarter,source,target,mbps\n1,A,B,100\n2,A,B,300\n")
    with pytest.raises(FormatError, match="quarter"):
        read_network(saved(tmp_path, "n.json", ring("weight")), traffic)


@pytest.mark.parametrize(
    ("header", "unit", "mbps"),
    [
        ("gbps", None, 2000),
        ("bps", None, 2e-6),
        ("rate_kbps", None, 0.002),
        ("volume", "mbps", 2),
        ("demand", "gbps", 2000),
    ],
)
def test_volumes_are_read_in_the_unit_that_is_said(tmp_path, header, unit, mbps):
    traffic = saved(tmp_path, "t.csv", f"from;to;{header}\nA;B;2,0\n")
    choices = Choices({} if unit is None else read_units([f"traffic={unit}"]))
    demands = read_explained(saved(tmp_path, "n.json", ring("weight")), traffic, choices).network.demands
    assert demands.sum() == pytest.approx(mbps)


def test_a_volume_without_a_unit_is_asked_for(tmp_path):
    traffic = saved(tmp_path, "t.csv", "source,target,demand\nA,B,2\n")
    with pytest.raises(FormatError, match="--unit traffic=mbps"):
        read_network(saved(tmp_path, "n.json", ring("weight")), traffic)


NAMED = """{"nodes": [{"id": 1, "label": "New York"}, {"id": 2, "label": "Paris"}, {"id": 3, "label": "Paris"}],
 "links": [{"source": 1, "target": 2, "weight": 1}, {"source": 2, "target": 3, "weight": 1}]}"""


@pytest.mark.parametrize(
    ("row", "pair"), [("1,2,50", (0, 1)), ("New York,2,50", (0, 1)), ("New_York,Paris_2,50", (0, 2))]
)
def test_traffic_names_nodes_as_the_topology_file_does(tmp_path, row, pair):
    traffic = saved(tmp_path, "t.csv", f"source,target,mbps\n{row}\n")
    network = read_network(saved(tmp_path, "n.json", NAMED), traffic)
    assert np.argwhere(network.demands > 0).tolist() == [list(pair)]


def test_a_label_of_two_nodes_is_asked_back(tmp_path):
    traffic = saved(tmp_path, "t.csv", "source,target,mbps\n1,Paris,50\n")
    with pytest.raises(FormatError, match="the label of Paris, Paris_2"):
        read_network(saved(tmp_path, "n.json", NAMED), traffic)


def test_one_network_of_several_is_chosen_by_its_id(tmp_path):
    start, end = IETF.index('{\n "network-id"'), IETF.rindex("]}]}}") + 2
    one = IETF[start:end]
    two = IETF[:start] + one + "," + one.replace("metro", "core") + IETF[end:]
    path = saved(tmp_path, "i.json", two)
    with pytest.raises(FormatError, match="metro, core: choose with --network-id"):
        read_network(path)
    assert read_explained(path, choices=Choices(network_id="core")).network.name == "core"


def test_one_network_as_restconf_answers_it_is_read(tmp_path):
    start, end = IETF.index('{\n "network-id"'), IETF.rindex("]}]}}") + 2
    text = '{"ietf-network:network": [' + IETF[start:end] + "]}"
    assert read_network(saved(tmp_path, "i.json", text)).name == "metro"


STATES = [
    ("status", "planned", False, False),
    ("oper_status", 2, False, False),
    ("ifOperStatus", 7, False, False),
    ("admin_status", "down", False, False),
    ("enabled", False, False, False),
    ("state", "maintenance", True, True),
    ("status", "active", True, False),
]


@pytest.mark.parametrize(("field", "value", "up", "drained"), STATES)
def test_a_state_is_read_by_whatever_name_and_word_it_has(tmp_path, field, value, up, drained):
    links = [{"source": a, "target": b, "weight": 1, "capacity": "10G"} for a, b in ("AB", "BC", "CA")]
    links[0][field] = value
    text = json.dumps({"nodes": [{"id": x} for x in "ABC"], "links": links})
    path = tmp_path / "net.json"
    path.write_text(text)
    link = read_network(path).links[0]
    assert (link.up, link.drained) == (up, drained)


OCTETS = [
    ("capacity", "1250 MB/s"),
    ("capacity_MBps", 1250),
    ("capacity_mbps", 10_000),
    ("bandwidth_bytes_per_second", 1.25e9),
    ("capacity [Gbit/s]", 10),
    ("speed", "10GE"),
]


@pytest.mark.parametrize(("field", "value"), OCTETS)
def test_a_capital_b_stands_for_octets_and_a_small_one_for_bits(tmp_path, field, value):
    links = [{"source": "A", "target": "B", "weight": 1, field: value}]
    path = tmp_path / "net.json"
    path.write_text(json.dumps({"nodes": [{"id": "A"}, {"id": "B"}], "links": links}))
    assert read_network(path).links[0].capacity == 10_000


def test_a_metric_of_zero_is_read_and_told_and_a_node_with_free_ways_off_is_a_lan(tmp_path):
    zero = json.dumps({"nodes": [{"id": "A"}, {"id": "B"}], "links": [{"source": "A", "target": "B", "weight": 0}]})
    reading = read_explained(saved(tmp_path, "zero.json", zero))
    assert {link.weight for link in reading.network.links} == {1}
    assert any("metric 0" in text for text in reading.account.unmodelled_routing)
    ways = [{"source": a, "target": "L", "weight": 10} for a in "ABC"]
    ways += [{"source": "L", "target": a, "weight": 0} for a in "ABC"]
    lan = json.dumps({"directed": True, "nodes": [{"id": x} for x in "ABCL"], "links": ways})
    found = read_explained(saved(tmp_path, "lan.json", lan))
    assert [node.kind for node in found.network.nodes] == ["router", "router", "router", "lan"]
    assert not found.account.unmodelled_routing
