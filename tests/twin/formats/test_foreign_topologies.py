"""One network in the formats of many tools is one network; what a format does not hold is said."""

import base64
import json
import os
import zlib
from collections import Counter
from pathlib import Path

import networkx as nx
import pytest

from tests.twin.formats import foreign_files as foreign
from twin.errors import FormatError, TopologyError
from twin.formats.build import Choices, read_units
from twin.formats.load import read_explained
from twin.formats.recognise import read_records

DATA = Path(os.environ.get("TWINOPS_DATA", Path(__file__).parents[4] / "shared" / "data")) / "dialects" / "topology"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"no files of tools in {DATA}; set TWINOPS_DATA")
GBPS = Choices(read_units(["capacity=gbps"]))


def saved(folder, name, text):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def back(link):
    return link._replace(tail=link.head, head=link.tail)


def links_of(reading):
    return Counter((x.tail, x.head, x.weight, x.capacity) for x in reading.network.links)


def both_ways(links):
    return Counter(x for a, b, weight, mbps in links for x in ((a, b, weight, mbps), (b, a, weight, mbps)))


RING = both_ways((a, b, weight, gbps * 1000) for a, b, weight, gbps in foreign.LINKS)
FULL = {
    "ring.gml": foreign.gml(),
    "ring.graphml": foreign.graphml(),
    "cyto.json": foreign.cytoscape(),
    "adj.json": foreign.adjacency(),
    "comma.csv": foreign.tables(",", "."),
    "semicolon.csv": foreign.tables(";", ","),
    "tab.txt": foreign.tables("\t", "."),
    "tfs.json": foreign.teraflow(),
    "odl.json": foreign.opendaylight(),
    "onos.json": foreign.onos(),
    "tapi.json": foreign.tapi(),
    "model.csv": foreign.pyntm(),
    "reply.xml": foreign.ietf_xml(),
    "networks.xml": foreign.ietf_xml(wrapped=False),
    "plain.drawio": foreign.drawio(),
    "packed.xml": foreign.drawio(packed=True),
    "yed.graphml": foreign.yed(),
}
PARTLY = {
    "scenario.yaml": foreign.ngraph(),
    "ring.clab.yml": foreign.containerlab(),
    "layer1.json": foreign.batfish(),
    "net.txt": foreign.sndlib_native(),
    "matrix.tsv": foreign.matrix(),
    "netbox.json": foreign.netbox(),
    "ls.json": foreign.bgp_ls(),
}


@pytest.mark.parametrize("name", FULL)
def test_metrics_capacities_and_parallel_links_come_through_every_format(tmp_path, name):
    assert links_of(read_explained(saved(tmp_path, name, FULL[name]))) == RING


@pytest.mark.parametrize("name", [*FULL, *PARTLY])
def test_the_suffix_of_a_file_decides_nothing(tmp_path, name):
    path = saved(tmp_path, name, {**FULL, **PARTLY}[name])
    renamed = saved(tmp_path, "x.dat", {**FULL, **PARTLY}[name])
    assert links_of(read_explained(path, choices=GBPS if "scenario" in name else None)) == links_of(
        read_explained(renamed, choices=GBPS if "scenario" in name else None)
    )


def test_a_scenario_of_ngraph_asks_for_its_unit_and_takes_it_for_demands_too(tmp_path):
    path = saved(tmp_path, "s.yaml", foreign.ngraph())
    with pytest.raises(FormatError, match="--unit capacity="):
        read_explained(path)
    reading = read_explained(path, choices=GBPS)
    assert links_of(reading) == RING
    index = reading.network.node_index
    assert reading.network.demands[index["A"], index["C"]] == reading.network.demands.sum() == 1500


@pytest.mark.parametrize("rule", ["adjacency", "groups", "blueprints"])
def test_a_scenario_whose_rules_make_nodes_is_not_read_in_part(tmp_path, rule):
    text = foreign.ngraph().replace("network:\n", f"network:\n  {rule}: {{x: {{node_count: 2}}}}\n")
    with pytest.raises(FormatError, match="expand the scenario"):
        read_explained(saved(tmp_path, "s.yaml", text), choices=GBPS)


def test_hosts_of_a_lab_are_no_routers_and_helpers_without_links_are_left_out(tmp_path):
    text = foreign.containerlab().replace(
        "nodes:", "nodes:\n    graphite:\n      kind: linux\n      image: graphite", 1
    )
    reading = read_explained(saved(tmp_path, "x.yml", text))
    assert {node.name: node.kind for node in reading.network.nodes} == {
        **dict.fromkeys("ABCD", "router"),
        "pc": "external",
    }
    assert any("graphite" in text for text in reading.account.not_modelled)
    assert reading.interfaces["A->B"] == "e0"


def test_a_lab_says_that_it_states_neither_weights_nor_capacities(tmp_path):
    assumed = read_explained(saved(tmp_path, "x.yml", foreign.containerlab())).account.assumed
    assert any(text.startswith("weights: all 1") for text in assumed)
    assert any(text.startswith("capacities: all 10,000") for text in assumed)


def test_native_sndlib_keeps_installed_capacities_and_both_demands(tmp_path):
    reading = read_explained(saved(tmp_path, "n.txt", foreign.sndlib_native()))
    assert Counter((x.tail, x.head, x.capacity) for x in reading.network.links) == Counter(
        {(a, b, mbps): count for (a, b, _, mbps), count in RING.items()}
    )
    index, demands = reading.network.node_index, reading.network.demands
    assert demands[index["A"], index["C"]] / demands[index["C"], index["A"]] == pytest.approx(12.5 / 7.5)
    assert any("additional modules" in text for text in reading.account.not_modelled)


def test_a_matrix_says_that_parallel_links_do_not_show(tmp_path):
    reading = read_explained(saved(tmp_path, "m.csv", foreign.matrix()))
    wanted = both_ways((a, b, weight, 10_000.0) for a, b, weight, _ in foreign.LINKS[1:])
    assert links_of(reading) == wanted
    assert any("parallel" in text for text in reading.account.not_modelled)


def test_a_matrix_of_something_else_than_whole_numbers_has_to_say_what_it_holds(tmp_path):
    text = foreign.matrix().replace("metric;", ";").replace("30", "1.5")
    with pytest.raises(FormatError, match="first cell"):
        read_explained(saved(tmp_path, "m.csv", text))


def test_netbox_cables_are_followed_over_panels_and_circuits_and_planned_ones_are_down(tmp_path):
    reading = read_explained(saved(tmp_path, "n.json", foreign.netbox()))
    found = Counter((x.tail, x.head, x.capacity, x.up) for x in reading.network.links if x.tail < x.head)
    assert found == {
        ("A", "B", 10_000.0, True): 2,
        ("B", "C", 10_000.0, True): 1,
        ("C", "D", 1_000.0, True): 1,
        ("A", "D", 10_000.0, False): 1,
    }
    assert any("type of the port" in text for text in reading.account.assumed)
    assert any("consoleport" in text for text in reading.account.not_modelled)


def test_rsvp_lsps_of_a_model_are_said_to_decide_the_loads(tmp_path):
    text = foreign.pyntm() + "\nRSVP_LSP_TABLE\nsource\tdest\tname\nA\tC\tlsp1\n"
    reading = read_explained(saved(tmp_path, "m.csv", text))
    assert reading.account.unmodelled_routing == (
        "RSVP LSPs: 1 RSVP LSPs are not modelled: their demands run on shortest paths here, loads may be elsewhere",
    )


@pytest.mark.parametrize("part", ["services", "rsvp_tunnels", "vrfs", "multicast-groups"])
def test_parts_of_a_file_that_decide_routing_are_named_whatever_the_format(tmp_path, part):
    document = json.loads(foreign.teraflow()) | {part: [{"name": "x"}]}
    account = read_explained(saved(tmp_path, "t.json", json.dumps(document))).account
    assert any(part in text for text in account.unmodelled_routing)


@pytest.mark.parametrize(
    ("head", "ends"),
    [
        ("from,to,cost,bw_mbps", "A,B"),
        ("Node A;Node B;Metrik;Bandbreite [Mbit/s]", "A;B"),
        ("de\tvers\tcoût\tdébit (Mbit/s)", "A\tB"),
        ("origen|destino|métrica|capacidad Mbps", "A|B"),
        ("a_end,z_end,IGP-Cost,speed_mbps", "A,B"),
        ("Local Device,Remote Device,ospf cost,ifHighSpeed", "A,B"),
    ],
)
def test_heads_of_tables_are_told_in_many_words(tmp_path, head, ends):
    separator = ends[1]
    row = separator.join((ends, "7", "2500"))
    network = read_explained(saved(tmp_path, "t.csv", f"{head}\n{row}\n")).network
    assert [(x.name, x.weight, x.capacity) for x in network.links] == [("A->B", 7, 2500.0), ("B->A", 7, 2500.0)]


def test_a_table_written_on_windows_keeps_its_letters_and_says_the_code_page(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes("Von;Nach;Metrik;Kapazität (Gbit/s)\r\nKöln;Graz;7;2,5\r\n".encode("cp1252"))
    reading = read_explained(path)
    assert next((x.name, x.weight, x.capacity) for x in reading.network.links) == ("Köln->Graz", 7, 2500.0)
    assert any("Windows-1252" in text for text in reading.account.assumed)


def test_traffic_is_not_taken_for_a_topology(tmp_path):
    with pytest.raises(FormatError, match="--traffic"):
        read_explained(saved(tmp_path, "t.csv", "time,source,target,mbps\n2026-01-01 00:00,A,B,1\n"))


def test_a_list_with_a_few_links_turned_round_is_not_taken_for_one_way_streets(tmp_path):
    text = "from,to,metric\nA,B,1\nB,A,2\nB,C,3\nC,D,4\nD,A,5\n"
    reading = read_explained(saved(tmp_path, "t.csv", text))
    assert len(reading.network.links) == 10
    assert any("each link is taken for both" in text for text in reading.account.assumed)


@pytest.mark.parametrize("text", ["a: &x [1]\nb: *x\n" * 2, "x: !!python/object:os.system a\n", "[" * 200, "a: [b"])
def test_yaml_that_is_no_plain_document_is_refused(tmp_path, text):
    with pytest.raises(FormatError):
        read_explained(saved(tmp_path, "s.yaml", f"network:\n  nodes: {{}}\n{text}"))


def test_aliases_of_aliases_are_not_written_out(tmp_path):
    rows = "\n".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" if i else "a0: &a0 [x]" for i in range(12))
    with pytest.raises(FormatError, match="aliases written out"):
        read_explained(saved(tmp_path, "s.yaml", f"{rows}\nnetwork:\n  nodes: {{}}\n"))


def test_country_codes_and_port_numbers_of_yaml_stay_what_they_are(tmp_path):
    text = (
        "network:\n  nodes: {no: {}, 1:30: {}, yes: {}}\n  links:\n  - {source: no, target: 1:30, capacity: 1 Gbps}\n"
    )
    text += "  - {source: no, target: yes, capacity: 1 Gbps}\n"
    assert [x.name for x in read_explained(saved(tmp_path, "s.yaml", text)).network.nodes] == ["no", "1_30", "yes"]


@pytest.mark.parametrize("extra", ["", "  multigraph 1\n", '  Creator "x"\n  Network "y"\n'])
def test_gml_means_what_networkx_reads_where_it_reads_it(tmp_path, extra):
    text = foreign.gml().replace("  multigraph 1\n", extra)
    found = links_of(read_explained(saved(tmp_path, "g.gml", text)))
    assert found == RING
    if "multigraph" in extra:
        peer = nx.parse_gml(text.splitlines())
        assert Counter(x["metric"] for *_, x in peer.edges(data=True)) == Counter(w for _, _, w, _ in foreign.LINKS)


def test_fields_of_an_ietf_topology_that_nobody_reads_are_named(tmp_path):
    reading = read_explained(saved(tmp_path, "r.xml", foreign.ietf_xml()))
    said = [text for text in reading.account.not_modelled if "administrative-group" in text]
    assert said == [
        "link te.te-link-attributes.administrative-group: stated by 10 links, of no known meaning: not read"
    ]
    assert not any(use.field in ("link up", "link srlgs") for use in reading.account.fields)


def test_one_network_of_an_ietf_document_is_chosen_by_its_id(tmp_path):
    text = foreign.ietf_xml().replace("l3-unicast-topology", "l2-network")
    path = saved(tmp_path, "r.xml", text)
    with pytest.raises(FormatError, match="it holds optical, ring"):
        read_explained(path)
    assert read_explained(path, choices=Choices(network_id="ring")).network.name == "ring"


def test_a_table_of_bgp_ls_is_a_database_with_its_lan_and_its_overloaded_router(tmp_path):
    reading = read_explained(saved(tmp_path, "ls.json", foreign.bgp_ls()))
    nodes = {node.name: (node.kind, node.drained) for node in reading.network.nodes}
    assert nodes == {**dict.fromkeys("ABC", ("router", False)), "D": ("router", True), "A.07": ("lan", False)}
    between = Counter({link: n for link, n in links_of(reading).items() if "A.07" not in link[:2]})
    assert between == RING


def test_a_database_of_junos_as_json_keeps_parallel_metrics_and_the_overload_bit(tmp_path):
    reading = read_explained(saved(tmp_path, "j.json", foreign.junos()))
    found = Counter((x.tail, x.head, x.weight) for x in reading.network.links)
    assert found == Counter({(a, b, w): n for (a, b, w, _), n in RING.items()})
    assert [node.name for node in reading.network.nodes if node.drained] == ["D"]


def test_bgp_ls_without_attributes_holds_no_metrics_and_none_are_made_up(tmp_path):
    rows = {f"NLRI {{ LINK {i} }}": [{"nlri": None, "attrs": None, "best": True}] for i in range(3)}
    with pytest.raises(FormatError, match="3 entries have no attributes"):
        read_explained(saved(tmp_path, "ls.json", json.dumps(rows)))


def test_a_drawing_says_what_it_leaves_open(tmp_path):
    reading = read_explained(saved(tmp_path, "d.drawio", foreign.drawio()))
    assert any(text.startswith("shapes: a drawing does not say") for text in reading.account.assumed)
    said = " ".join(reading.account.not_modelled)
    assert "1 lines have a loose end" in said
    assert "1 shapes that no line joins" in said
    assert reading.network.name == "WAN"


def test_a_page_that_would_inflate_without_end_is_refused(tmp_path):
    deflater = zlib.compressobj(9, wbits=-15)
    data = deflater.compress(b"A" * (65 * 2**20)) + deflater.flush()
    text = f'<mxfile><diagram name="P">{base64.b64encode(data).decode()}</diagram></mxfile>'
    with pytest.raises(FormatError, match="at most 64 MB"):
        read_explained(saved(tmp_path, "d.drawio", text))


# --- files of real tools ---------------------------------------------------------------------------------------------

LAB = [
    "lab8_multigraph.gml",
    "lab8_ngraph.yaml",
    "lab8_edges_semicolon_comma.csv",
    "lab8_tfs_descriptor.json",
    "lab8_matrix_tab.tsv",
]
IETF = ["lab8_rfc8346_netconf.xml", "lab8_rfc8346_restconf.json", "lab8_rfc8795_te.json"]


def expected(name):
    return json.loads((DATA / f"{name}.expected.json").read_text())


@needs_data
@pytest.mark.parametrize("name", LAB)
def test_files_of_a_lab_are_read_as_other_code_reads_them(name):
    wanted = expected(name)
    reading = read_explained(DATA / name, choices=GBPS if "ngraph" in name else None)
    if "metric" in wanted:
        assert sorted([x.tail, x.head, x.weight] for x in reading.network.links) == sorted(wanted["metric"])
        return
    without_metric = "tfs" in name
    rows = [
        (a, b, 1 if without_metric else there, mbps)
        for (a, b, there, _), mbps in zip(wanted["links"], wanted["capacities_mbit"], strict=True)
    ]
    assert links_of(reading) == both_ways(rows)
    assert sorted(node.name for node in reading.network.nodes) == sorted(wanted["nodes"])


@needs_data
@pytest.mark.parametrize("name", ["clos02.clab.yml", "dc1_from_netbox.clab.yaml", "frr01.clab.yml", "sros4.clab.yml"])
def test_labs_of_containerlab_keep_their_links_and_know_their_hosts(name):
    wanted, reading = expected(name), read_explained(DATA / name)
    linked = {end.partition(":")[0] for link in wanted["links"] for end in link}
    kinds = {node.name: node.kind for node in reading.network.nodes}
    hosts = {x for x in wanted["nodes_that_are_no_routers"] if x in linked}
    assert set(kinds) == linked
    assert {name for name, kind in kinds.items() if kind != "router"} == hosts
    found = sorted(
        tuple(sorted((f"{x.tail}:{reading.interfaces[x.name]}", f"{x.head}:{reading.interfaces[back(x).name]}")))
        for x in reading.network.links
    )
    assert found == sorted(2 * [tuple(sorted(link)) for link in wanted["links"]])


@needs_data
@pytest.mark.parametrize("path", sorted(DATA.glob("pyntm_*.csv")), ids=lambda path: path.name)
def test_models_of_pyntm_keep_interfaces_and_demands_or_say_what_is_wrong(path):
    wanted = expected(path.name)
    if "mismatched" in path.name or "bad_node" in path.name:
        with pytest.raises(FormatError, match=r"one capacity for both ends of A-B|not 'Y'"):
            read_explained(path)
        return
    reading = read_explained(path)
    found = Counter((x.tail, x.head, x.weight, x.capacity) for x in reading.network.links)
    assert found == Counter((a, b, int(cost), float(mbps)) for a, b, cost, mbps in wanted["directed_interfaces"])
    lost = sum(float(v) for s, t, v in wanted["demands"] if not {s, t} <= set(wanted["nodes_in_interfaces"]))
    assert reading.network.demands.sum() == pytest.approx(wanted["demand_sum"] - lost)
    assert bool(reading.account.unmodelled_routing) == bool(wanted["rsvp_lsps"])


@needs_data
def test_a_dump_of_netbox_gives_its_device_cables_and_says_that_it_is_in_pieces():
    records = read_records(DATA / "netbox_v3.6.json", Choices())
    found = Counter(
        frozenset(((x.source, x.fields["source_interface"]), (x.target, x.fields["target_interface"])))
        for x in records.links
    )
    wanted = expected("netbox_v3.6.json")["device_to_device_cables"]
    assert found == Counter(frozenset(((a, if_a), (b, if_b))) for a, if_a, b, if_b in wanted)
    with pytest.raises(TopologyError, match="disconnected"):
        read_explained(DATA / "netbox_v3.6.json")


@needs_data
def test_interfaces_of_an_inventory_drawing_are_no_routers():
    reading = read_explained(DATA / "dc1_from_netbox.cyjs.json")
    lab = expected("dc1_from_netbox.clab.yaml")
    wanted = Counter(frozenset(end.partition(":")[0] for end in link) for link in lab["links"])
    assert Counter(frozenset((x.tail, x.head)) for x in reading.network.links) == Counter(
        {k: 2 * n for k, n in wanted.items()}
    )


@needs_data
def test_layer_1_edges_of_batfish_are_circuits():
    reading = read_explained(DATA / "batfish_layer1_sample.json")
    wanted = expected("batfish_layer1_sample.json")
    assert (len(reading.network.nodes), len(reading.network.links)) == (len(wanted["hosts"]), wanted["edges"])


@needs_data
@pytest.mark.parametrize("name", IETF)
def test_ietf_answers_of_a_lab_keep_both_metrics_of_a_circuit(name):
    wanted, reading = expected(name), read_explained(DATA / name)
    stated = zip(wanted["links"], wanted["capacities_mbit"], strict=True)
    rows = [
        (a, b, there, back, mbps if "te" in name.split("_")[-1] else 10_000) for (a, b, there, back), mbps in stated
    ]
    found = Counter((x.tail, x.head, x.weight, x.capacity) for x in reading.network.links)
    assert found == Counter(x for a, b, w, v, c in rows for x in ((a, b, w, c), (b, a, v, c)))


@needs_data
def test_bgp_ls_of_a_lab_is_what_its_routers_said():
    path = DATA.parent / "bgpls" / "gobgp_isis_A_api.json"
    truth = json.loads(Path(f"{path}.expected.json").read_text())["truth"]
    reading = read_explained(path)
    assert sorted(node.name for node in reading.network.nodes if node.kind == "router") == sorted(truth["nodes"])
    assert [node.name for node in reading.network.nodes if node.drained] == truth["overloaded"]
    found = Counter((x.tail, x.head, x.weight) for x in reading.network.links if "." not in x.tail + x.head)
    assert found == Counter((a, b, weight) for a, b, weight, *_ in truth["links"])
    speeds = {(x.tail, x.head, x.weight): x.capacity for x in reading.network.links}
    assert all(speeds[a, b, weight] == mbps for a, b, weight, _, _, mbps in truth["links"] if mbps)
    with pytest.raises(FormatError, match="no attributes"):
        read_explained(path.with_name("gobgp_isis_A_cli.json"))


@needs_data
@pytest.mark.parametrize("path", sorted(DATA.glob("drawio_*")), ids=lambda path: path.name)
def test_drawings_of_draw_io_have_as_many_links_as_lines(path):
    if path.name.endswith(".expected.json"):
        pytest.skip("what is expected")
    (page,) = expected(path.name)["pages"]
    reading = read_explained(path)
    assert len(reading.network.links) == 2 * (page["edges"] - page["edges_with_a_loose_end"])


@needs_data
@pytest.mark.parametrize("path", sorted(DATA.glob("yed_*.graphml")), ids=lambda path: path.name)
def test_drawings_of_yed_are_named_by_their_labels_and_each_line_is_a_circuit(path):
    wanted, reading = expected(path.name), read_explained(path)
    ids = {name: reading.names[name] for name in wanted["nodes"]}
    assert len({names[0] for names in ids.values()}) == len(wanted["nodes"])
    found = Counter((x.tail, x.head) for x in reading.network.links)
    assert found == Counter(x for a, b, _ in wanted["edges"] for x in ((ids[a][0], ids[b][0]), (ids[b][0], ids[a][0])))


ZOO = """graph [
  Creator "Topology Zoo Toolset"
  Version "1.0"
  Network "NET"
  label "NET"
  node [ id 0 label "New York" Internal 1 Longitude -74.0 Latitude 40.7 type "Switch" ]
  node [ id 1 label "Chicago, IL" Internal 1 ]
  node [ id 2 label "Peer" Internal 0 ]
  edge [ source 0 target 1 LinkSpeed "2.5" LinkSpeedUnits "G" LinkLabel "2.5Gb/s" ]
  edge [ source 0 target 1 LinkType "STM-16" LinkNote "x2" ]
  edge [ source 1 target 2 LinkType "OC-12c" ]
  edge [ source 2 target 0 LinkType "Fibre" ]
]
"""


def test_speeds_of_the_zoo_are_numbers_with_units_and_names_of_carriers(tmp_path):
    reading = read_explained(saved(tmp_path, "zoo.gml", ZOO))
    found = sorted((x.tail, x.head, x.capacity) for x in reading.network.links if x.tail < x.head)
    assert [x for x in found if x[:2] == ("Chicago_IL", "New_York")] == [
        ("Chicago_IL", "New_York", 2488.32),
        ("Chicago_IL", "New_York", 2500.0),
    ]
    assert ("Chicago_IL", "Peer", pytest.approx(622.08)) in found
    assert [node.kind for node in reading.network.nodes] == ["router", "router", "external"]
    assert any("of 2 links: the rate of the carrier" in text for text in reading.account.assumed)
    said = " ".join(reading.account.not_modelled)
    assert "LinkNote" in said
    assert "Creator" not in said.split("about the file")[0]
