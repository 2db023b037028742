"""Classes of traffic in files: traffic tables, node-link files, site files, and the store."""

from datetime import UTC, datetime

import numpy as np
import pytest

from tests.twin.optimise.networks import network_of
from twin.formats.load import read_explained, read_network
from twin.formats.nodelink import write_node_link
from twin.model import Network
from twin.site import read_site
from twin.store import TwinStore
from twin.traffic_classes import ClassShare, TrafficClass

ROWS = "source,target,class,mbps\nA,B,voice,30\nA,B,,70\nA,B,bulk,100\nB,A,voice,5\n"


def line() -> Network:
    return network_of([("A", "B", 1_000, 1)], {("A", "B"): 1.0})


@pytest.fixture
def folder(tmp_path):
    write_node_link(line(), tmp_path / "net.json")
    (tmp_path / "traffic.csv").write_text(ROWS, encoding="utf-8")
    return tmp_path


def test_a_column_of_classes_says_what_part_of_each_demand_is_what(folder):
    reading = read_explained(folder / "net.json", folder / "traffic.csv")
    network = reading.network
    assert network.demands.tolist() == [[0, 200], [5, 0]]
    share = dict(zip([x.name for x in network.served], network.class_share, strict=True))
    assert {name: x[0, 1] for name, x in share.items()} == pytest.approx({"voice": 0.15, "bulk": 0.5, "default": 0.35})
    assert share["voice"][1, 0] == 1
    assert any("voice (priority 8" in x.note for x in reading.account.fields)


def test_a_site_says_how_links_serve_the_classes_and_which_protocol_routes(folder):
    text = """igp = "isis-narrow"
[sources]
topology = "net.json"
traffic = "traffic.csv"
[[classes]]
name = "voice"
priority = 1
[[classes]]
name = "default"
priority = 3
weight = 2
"""
    (folder / "site.toml").write_text(text, encoding="utf-8")
    network = read_site(folder / "site.toml").reading().network
    assert [(x.name, x.priority, x.weight) for x in network.served] == [
        ("voice", 1, 1.0), ("default", 3, 2.0), ("bulk", 8, 1.0)
    ]  # fmt: skip
    assert (network.igp, network.largest_metric) == ("isis-narrow", 63)
    assert network.class_share[0, 0, 1] == pytest.approx(0.15)


def test_files_and_the_store_give_back_classes_protocol_and_last_resorts(tmp_path):
    base = line()
    network = Network(
        base.name,
        (base.nodes[0]._replace(drained=True, cost_out=True), *base.nodes[1:]),
        tuple(x._replace(drained=True, cost_out=True) for x in base.links),
        base.demands,
        igp="isis",
        classes=(TrafficClass("voice", 1, 2.0, 0.25),),
        class_shares=(ClassShare("A", "B", "voice", 0.5),),
    )
    write_node_link(network, tmp_path / "net.json")
    again = read_network(tmp_path / "net.json")
    assert again.id == network.id
    np.testing.assert_allclose(again.class_share[0, 0, 1], 0.5)
    with TwinStore.open(tmp_path / "twin.duckdb") as store:
        snapshot = store.save_snapshot(network, kind="inventory", now=datetime(2026, 1, 1, tzinfo=UTC))
        assert store.load_snapshot(snapshot) == network
