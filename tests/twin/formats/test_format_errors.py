import numpy as np
import pytest

from tests.twin.formats.sample_files import (
    CSV,
    DEMANDS,
    GRAPHML,
    IETF,
    NODE_LINK,
    REPETITA,
    SNDLIB,
)
from twin.errors import FormatError, InputError
from twin.formats import (
    load_network,
    read_network,
    read_traffic,
)
from twin.formats.markup import parse_xml
from twin.model import Link, Network, Node

PAIR = Network(
    "pair", (Node("A", 0.0, 0.0), Node("B", 1.0, 0.0)), (Link("A", "B", 10, 1), Link("B", "A", 10, 1)), np.zeros((2, 2))
)


def saved(folder, name, text):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]><network>&b;</network>'
)
FETCH = '<?xml version="1.0"?><!DOCTYPE x SYSTEM "file:///etc/passwd"><network/>'


@pytest.mark.parametrize("text", [BOMB, FETCH])
def test_a_document_type_is_refused_before_anything_is_expanded(text):
    with pytest.raises(FormatError, match="line 1: expected no document type"):
        parse_xml("x.xml", text)


def test_deep_nesting_is_refused():
    with pytest.raises(FormatError, match="at most 64"):
        parse_xml("x.xml", "<a>" * 5000 + "</a>" * 5000)


@pytest.mark.parametrize(
    ("name", "text", "old", "new", "where", "expected"),
    [
        ("s.xml", SNDLIB, "<x>9.99</x>", "<x>east</x>", "line 5", "<x> as a number"),
        ("s.xml", SNDLIB, 'id="Bonn"', 'id="Ulm"', "line 6", "not used twice"),
        ("s.xml", SNDLIB, "<target>Bonn</target>", "<target>Rom</target>", "line 10", "not 'Rom'"),
        ("s.xml", SNDLIB, "<target>Bonn</target>", "", "line 10", "<target> inside <link>"),
        ("s.xml", SNDLIB, "</links>", "", "line 16", "well-formed XML"),
        ("s.xml", SNDLIB, "<demandValue>5.0", "<demandValue>-5", "line 20", "<demandValue>"),
        ("z.graphml", GRAPHML, ">-87.6<", ">west<", "line 9", "Longitude"),
        ("z.graphml", GRAPHML, 'target="1"', 'target="9"', "line 11", "a node of this network"),
        ("z.graphml", GRAPHML, ">10000000000.0<", ">fast<", "line 11", "LinkSpeedRaw"),
        ("z.graphml", GRAPHML, "<graph ", "<grph ", "line 16", "well-formed"),
        ("r.graph", REPETITA, "NODES 3", "NODES 4", "line 7", "3 fields of one of 4 nodes"),
        ("r.graph", REPETITA, "-74.0", "x", "line 3", "x as a number"),
        ("r.graph", REPETITA, "0 1 10 9953280", "0 3 10 9953280", "line 9", "0..2"),
        ("r.graph", REPETITA, "0 1 10 9953280", "0 1 1.5 9953280", "line 9", "weight as a whole number"),
        ("r.graph", REPETITA, "0 1 10 9953280", "0 1 10 -1", "line 9", "bw"),
        ("r.graph", REPETITA, "EDGES 6", "EDGES 5", "line 14", "the end of the file"),
        ("n.json", NODE_LINK, '"source": 0', '"source": 7', "$.links[0]", "a node of this network"),
        ("n.json", NODE_LINK, '{"id": 1}', '{"id": 0}', "$.nodes[1]", "not used twice"),
        ("n.json", NODE_LINK, '"capacity": 10000000000.0', '"capacity": -1', "$.links[0].capacity", "greater than 0"),
        ("n.json", NODE_LINK, '{"id": 1}', "{}", "$.nodes[1].id", "missing"),
        ("n.json", NODE_LINK, '"links"', '"lnks"', "$.links", "missing"),
        (
            "i.json",
            IETF,
            '"metric1": "20"',
            '"metric1": "far"',
            "ietf-l3-unicast-topology:l3-link-attributes.metric1",
            "integer",
        ),
        ("i.json", IETF, '"node-id": "198.51.100.2"', '"node-id": "198.51.100.1"', "$.networks.network.node", "twice"),
        ("i.json", IETF, '"dest-node": "198.51.100.1"', '"dest-node": "x"', "link[1]", "a node of this network"),
        ("i.json", IETF, '"generic": "0x1.2A05F2p+30"', '"generic": "fast"', "generic", "number"),
    ],
)
def test_a_malformed_file_says_where_and_what_was_expected(tmp_path, name, text, old, new, where, expected):
    assert old in text
    path = saved(tmp_path, name, text.replace(old, new, 1))
    with pytest.raises(FormatError) as caught:
        read_network(path)
    assert str(path) in str(caught.value)
    assert where in caught.value.where
    assert expected in caught.value.expected


@pytest.mark.parametrize(
    ("text", "where", "expected"),
    [
        (CSV.replace("1.5", "much"), "row 1", "a number"),
        (CSV.replace("B,A,2", "B,A,-2"), "row 2", "not negative"),
        (CSV.replace("B,A,2", "B,Z,2"), "row 2", "not 'Z'"),
        (CSV.replace("mbps", "packets"), "the header", "mbps or bps"),
        (CSV.replace("target", "source"), "the header", "one column"),
        ("time,source,target,mbps\n", "the whole file", "1 to"),
        ("", "the", ""),
    ],
)
def test_malformed_traffic_says_where_and_what_was_expected(tmp_path, text, where, expected):
    with pytest.raises(FormatError) as caught:
        read_traffic(saved(tmp_path, "t.csv", text), PAIR)
    assert caught.value.where.startswith(where)
    assert expected in caught.value.expected


@pytest.mark.parametrize("name", ["network.yaml", "network", "network.txt"])
def test_an_unknown_suffix_lists_the_known_ones(tmp_path, name):
    with pytest.raises(FormatError, match="GraphML"):
        read_network(saved(tmp_path, name, "x"))


@pytest.mark.parametrize("name", ["none.json", "none.graph", "none.xml"])
def test_a_missing_file_is_said_to_be_missing(tmp_path, name):
    with pytest.raises(InputError, match="No such file"):
        load_network(str(tmp_path / name))


def test_nothing_is_half_imported_when_the_traffic_is_malformed(tmp_path):
    with pytest.raises(FormatError):
        read_network(
            saved(tmp_path, "r.graph", REPETITA), saved(tmp_path, "r.demands", DEMANDS.replace("0 2 300632", "0 9 1"))
        )
