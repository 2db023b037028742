"""Every network of the Topology Zoo and of SNDlib is read, in every form there is of it, or refused with the reason.

`python -m tests.twin.formats.test_every_published_network [FOLDER …]` prints the counts, of the networks that come with
`topohub` and of the files in any folders.
"""

import json
import sys
from collections import Counter
from pathlib import Path

import networkx as nx
import pytest
import topohub

from twin.errors import TopologyError, TwinError
from twin.formats.build import Choices, build
from twin.formats.recognise import read_records
from twin.formats.topohub import topohub_names

PUBLISHED = Path(topohub.__file__).parent / "data"
SETS = ("topozoo", "sndlib")


def published(name):
    """Files of one set, as `topohub` has them."""
    return sorted((PUBLISHED / name).glob("*.json"))


def outcome(path):
    """Whether a file is read, and if not why: the reason without what is particular to the file."""
    try:
        reading = build(read_records(path, Choices()), Choices(), traffic=True)
    except TwinError as error:
        return None, str(error).removeprefix(f"{path}: ").partition(": ")[0]
    return reading, "read"


def in_pieces(document):
    """Whether the graph of a node-link file is disconnected, as networkx sees it."""
    graph = nx.Graph()
    graph.add_nodes_from(str(node["id"]) for node in document["nodes"])
    graph.add_edges_from((str(edge["source"]), str(edge["target"])) for edge in document["edges"])
    return not nx.is_connected(graph)


@pytest.mark.parametrize("name", SETS)
def test_every_network_is_read_with_all_its_nodes_and_links_or_is_in_pieces(name):
    files = published(name)
    assert len(files) == sum(known.startswith(f"{name}/") for known in topohub_names()) > 20
    for path in files:
        document = json.loads(path.read_text(encoding="utf-8"))
        reading, reason = outcome(path)
        if reading is None:
            assert in_pieces(document), f"{path.name}: {reason}"
            assert "disconnected" in reason
            continue
        loops = sum(str(edge["source"]) == str(edge["target"]) for edge in document["edges"])
        assert len(reading.network.nodes) == len(document["nodes"])
        assert len(reading.network.links) == 2 * (len(document["edges"]) - loops)


@pytest.mark.parametrize("write", ["gml", "graphml"])
def test_the_zoo_in_its_other_forms_is_the_same_network(tmp_path, write):
    for path in published("topozoo")[::12]:
        document = json.loads(path.read_text(encoding="utf-8"))
        graph = nx.MultiGraph()
        for node in document["nodes"]:
            graph.add_node(
                node["id"], label=str(node.get("name", node["id"])), Longitude=node["pos"][0], Latitude=node["pos"][1]
            )
        for edge in document["edges"]:
            graph.add_edge(edge["source"], edge["target"], LinkSpeedRaw=1e10)
        file = tmp_path / f"{path.stem}.{write}"
        if write == "gml":
            file.write_text("\n".join(nx.generate_gml(nx.relabel_nodes(graph, str))), encoding="utf-8")
        else:
            nx.write_graphml(graph, file)
        reading, reason = outcome(file)
        if in_pieces(document):
            assert "disconnected" in reason
            continue
        assert reading is not None, f"{path.name}: {reason}"
        ends = Counter(frozenset((str(e["source"]), str(e["target"]))) for e in document["edges"])
        assert len(reading.network.links) == 2 * sum(n for pair, n in ends.items() if len(pair) == 2)
        assert {link.capacity for link in reading.network.links} == {10_000.0}


def test_a_network_in_pieces_is_refused_by_the_name_of_a_node_that_is_cut_off(tmp_path):
    path = tmp_path / "n.json"
    path.write_text('{"nodes": [{"id": "A"}, {"id": "B"}, {"id": "C"}], "links": [{"source": "A", "target": "B"}]}')
    with pytest.raises(TopologyError, match="no path from A to C"):
        build(read_records(path, Choices()), Choices())


def main(folders):
    """Print how many files of each set are read, and why the others are not."""
    sets = {name: published(name) for name in SETS}
    sets |= {folder: sorted(x for x in Path(folder).rglob("*") if x.is_file()) for folder in folders}
    for name, files in sets.items():
        counts = Counter(outcome(path)[1] for path in files)
        print(f"{name}: {len(files)} files")
        for reason, count in counts.most_common():
            print(f"  {count:5} {reason[:150]}")


if __name__ == "__main__":
    main(sys.argv[1:])
