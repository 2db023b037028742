"""Whatever the bytes: a reader returns a valid result, or raises one of our own errors."""

import json
import re

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.depth import examples
from tests.twin.formats import foreign_files as foreign
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
from twin.errors import TwinError
from twin.formats import (
    load_network,
    read_network,
    read_traffic,
    write_ietf,
    write_node_link,
)
from twin.formats.repetita import read_repetita_demands
from twin.model import Link, Network, Node

FUZZ = settings(
    max_examples=examples(20),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
NODES = tuple(Node(name, float(i), 0.0) for i, name in enumerate("012"))
PAIRS = [(a.name, b.name) for a in NODES for b in NODES if a is not b]
SMALL = Network("small", NODES, tuple(Link(a, b, 10.0, 1) for a, b in PAIRS), np.zeros((3, 3)))
TOKENS = [
    b"",
    b"-1",
    b"0",
    b"1e400",
    b"nan",
    b"inf",
    b"NaN",
    b"null",
    b"[]",
    b"{}",
    b'"',
    b"<",
    b"&",
    b"\x00",
    b"\xff\xfe",
    b"9" * 400,
]
TOKENS += [
    b"<![CDATA[",
    b"true",
    b"2.5",
    b"\xc3\x28",
    b"\n",
    b",",
    b"'",
    b"\xef\xbb\xbf",
    b"99999999999",
    b"0x1p+4000",
    b"id",
]


@st.composite
def mutated(draw, valid):
    """A valid file with a few places cut, doubled, swapped or replaced by something awkward."""
    content = bytearray(valid)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(content)))
        to = min(len(content), at + draw(st.integers(0, 12)))
        piece = draw(st.sampled_from(TOKENS) | st.binary(max_size=6) | st.just(bytes(content[at:to]) * 2))
        content[at:to] = piece
    return bytes(content[: draw(st.none() | st.integers(0, len(content)))])


def outcome(read, path):
    """The result, or the one line that a user sees."""
    try:
        return read(path)
    except TwinError as error:
        found = error
    assert str(found)
    assert "\n" not in str(found)
    return found


READERS = {
    "s.xml": (SNDLIB.encode(), read_network),
    "z.graphml": (GRAPHML.encode(), read_network),
    "r.graph": (REPETITA.encode(), read_network),
    "n.json": (NODE_LINK.encode(), read_network),
    "i.json": (IETF.encode(), read_network),
    "g.gml": (foreign.gml().encode(), read_network),
    "s.yaml": (re.sub(r"capacity: '([\d.]+)'", r"capacity: '\1 Gbps'", foreign.ngraph()).encode(), read_network),
    "l.clab.yml": (foreign.containerlab().encode(), read_network),
    "e.csv": (foreign.tables(";", ",").encode(), read_network),
    "m.tsv": (foreign.matrix().encode(), read_network),
    "p.txt": (foreign.pyntm().encode(), read_network),
    "k.txt": (foreign.sndlib_native().encode(), read_network),
    "b.json": (foreign.netbox().encode(), read_network),
    "f.json": (foreign.teraflow().encode(), read_network),
    "x.xml": (foreign.ietf_xml().encode(), read_network),
    "l.json": (foreign.bgp_ls().encode(), read_network),
    "d.drawio": (foreign.drawio(packed=True).encode(), read_network),
    "c.json": (foreign.cytoscape().encode(), read_network),
    "a.json": (foreign.adjacency().encode(), read_network),
    "j.json": (foreign.junos().encode(), read_network),
    "y.graphml": (foreign.yed().encode(), read_network),
    "o.json": (foreign.opendaylight().encode(), read_network),
    "t.csv": (CSV.replace("A", "0").replace("B", "1").encode(), lambda path: read_traffic(path, SMALL)),
    "d.demands": (DEMANDS.encode(), lambda path: read_repetita_demands(path, 3)),
}


@pytest.mark.parametrize("name", READERS)
@FUZZ
@given(data=st.data())
def test_a_mutated_file_is_read_or_refused(tmp_path, name, data):
    valid, read = READERS[name]
    path = tmp_path / name
    path.write_bytes(data.draw(mutated(valid)))
    outcome(read, path)


@pytest.mark.parametrize("name", READERS)
def test_every_truncation_is_read_or_refused(tmp_path, name):
    valid, read = READERS[name]
    path = tmp_path / name
    for length in range(0, len(valid), max(1, len(valid) // 40)):
        path.write_bytes(valid[:length])
        outcome(read, path)
    path.write_bytes(valid)
    assert not isinstance(outcome(read, path), TwinError)


# by its ending and its reader: noise of the same ending is read the same way, whatever the valid file is called
NOISY = {
    (name.rpartition(".")[2], name if name in ("t.csv", "t.txt") else ""): name for name in [*READERS, "t.parquet"]
}


@pytest.mark.parametrize("name", NOISY.values())
@FUZZ
@example(noise=b"")
@example(noise=b"\x00" * 100)
@example(noise=b"[" * 100_000)
@example(noise=b'{"a":' * 100_000)
@given(noise=st.binary(max_size=300))
def test_noise_is_refused(tmp_path, name, noise):
    read = READERS[name][1] if name in READERS else lambda path: read_traffic(path, SMALL)
    path = tmp_path / name
    path.write_bytes(noise)
    result = outcome(read, path)
    assert isinstance(result, TwinError) or name == "t.txt"


@pytest.mark.parametrize("write", [write_ietf, write_node_link])
@FUZZ
@given(data=st.data())
def test_our_own_files_mutated_are_read_or_refused(tmp_path, write, data):
    path = tmp_path / "network.json"
    write(full_network(), path)
    path.write_bytes(data.draw(mutated(path.read_bytes())))
    outcome(read_network, path)


@settings(FUZZ, max_examples=examples(15))
@given(data=st.data())
def test_a_mutated_parquet_file_is_read_or_refused(tmp_path, data):
    path = tmp_path / "t.parquet"
    parquet(path, SMALL, np.arange(18.0).reshape(2, 3, 3))
    path.write_bytes(data.draw(mutated(path.read_bytes())))
    outcome(lambda path: read_traffic(path, SMALL), path)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=8), children, max_size=4),
    max_leaves=8,
)


@pytest.mark.parametrize("document", [NODE_LINK, IETF])
@FUZZ
@given(data=st.data())
def test_a_document_with_one_value_exchanged_is_read_or_refused(tmp_path, document, data):
    parsed = json.loads(document)
    places = []

    def walk(value):
        items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, inner in items:
            places.append((value, key))
            walk(inner)

    walk(parsed)
    holder, key = data.draw(st.sampled_from(places))
    holder[key] = data.draw(JSON)
    path = tmp_path / "n.json"
    path.write_text(json.dumps(parsed))
    outcome(read_network, path)


@FUZZ
@given(
    name=st.text(max_size=40)
    | st.from_regex(r"\Asynthetic/[0-9]{1,2}-?[0-9]{0,2}\Z")
    | st.sampled_from(["", "/", ".", "a\x00b", "sndlib/", "~"])
)
def test_any_name_is_loaded_or_refused(name):
    outcome(load_network, name)
