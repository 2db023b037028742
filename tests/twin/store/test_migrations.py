"""Files of every version are read by this one, with all that they hold: what was new later has its usual value."""

from datetime import UTC, datetime

import duckdb
import numpy as np
import pytest

from tests.twin.store.old_files import LATER, old_file
from twin.errors import StoreError
from twin.model import (
    Astray,
    ClassShare,
    DemandLimit,
    Link,
    Network,
    Node,
    RiskGroup,
    SegmentList,
    TrafficClass,
    Tunnel,
)
from twin.store import TwinStore
from twin.store.contents import migrations
from twin.store.database import Database

VERSIONS = tuple(migrations())
EVER = datetime(2000, 1, 1, tzinfo=UTC)


FIRST_ID = "e9a6c89c4c30d53e"
"""What the program that wrote files of version 1 called that network: ids are hashes, and may never change."""


def network(version):
    """What a file of a version holds, by the model of today."""
    demands = np.zeros((3, 3))
    demands[0, 1], demands[2, 0] = 123.456, 0.1
    bundle = {"members": 4, "min_members": 2, "degraded_weight": 30} if version >= 9 else {}
    classes = version >= 12
    return Network(
        "old",
        (
            Node("A", 9.5, 50.1, True, False),
            Node("B", 10.0, 53.5, True, True, cost_out=classes),
            Node("C", 11.0, 48.1, False, False, kind="lan" if version >= 5 else "router"),
        ),
        (
            Link("A", "B", 1000.0, 10, 2.5, **bundle),
            Link("B", "A", 1000.0, 12, 2.5, **bundle),
            Link("B", "C", 400.0, 7, 1.25, drained=True, loss=0.125),
            Link("C", "B", 400.0, 7, 1.25, up=False, drained=True, asleep=True, adjacent=version < 4),
        ),
        demands,
        tunnels=(
            Tunnel(
                name="t1",
                source="A",
                target="C",
                paths=(SegmentList(via=("B",), share=1.0),),
                path="dynamic" if version >= 9 else "explicit",
                on_invalid="igp" if classes else "blackhole",
            ),
        ),
        risk_groups=(RiskGroup("duct", ("link/A:B--B:A",)),),
        limits=(DemandLimit("A", "B", 99.5),),
        astray=(Astray("drop", "B", "C", 0.5),) if version >= 6 else (),
        classes=(TrafficClass("gold", 1, 1.0, 0.25), TrafficClass("rest", 2, 1.0, 0.25)) if classes else (),
        class_shares=(ClassShare("A", "B", "gold", 0.5),) if classes else (),
        igp="isis" if classes else "",
        repair="rsvp-bypass" if version >= 15 else "ti-lfa",
    )


def test_every_version_has_a_file_here():
    assert (1, *LATER) == VERSIONS == tuple(range(1, len(VERSIONS) + 1))


@pytest.mark.parametrize("version", VERSIONS)
def test_a_file_of_every_version_is_brought_forward_and_reads_as_it_was_written(tmp_path, version):
    path = tmp_path / "twin.duckdb"
    expected = network(version)
    snapshot = FIRST_ID if version < 4 else expected.id
    old_file(path, version, snapshot)
    for _ in range(2):  # once brought forward, it is opened again as it is
        with TwinStore.open(path) as store:
            assert store.current == snapshot
            assert store.load_snapshot(snapshot) == expected
            measured = store.read_telemetry(expected, EVER)
            assert store.incident("i1") == '{"id": "i1"}'
            reading = store.reading(snapshot)
    known = {(expected.links[i].name, bool(up)) for i, up in zip(measured.links.link, measured.links.up, strict=True)}
    assert {("A->B", True), ("B->A", False)} <= known
    assert sorted(measured.links.out_mbps[~np.isnan(measured.links.out_mbps)])[-1] == 120.5
    assert np.isnan(measured.links.out_mbps).sum() == 1
    assert (measured.nodes.node.tolist(), measured.nodes.answered.tolist()) == ([2], [False])
    assert measured.probes.delay_ms.tolist() == [7.5]
    assert measured.traffic.mbps.tolist() == [118.0]
    assert [(x.node, x.severity, x.message) for x in measured.events] == [("C", 3, "link down")]
    assert measured.interfaces.errors_per_s.tolist() == ([0.75] if version >= 2 else [])
    assert measured.flows.packets_per_s.tolist() == ([10.5] if version >= 2 else [])
    assert measured.declared.export_error == (0.04 if version >= 8 else 0.02)
    assert (reading is not None) == (version >= 5)
    database = Database(path)
    past = database.rows("SELECT id, outcome FROM past_incident")
    kept = database.rows("SELECT kind, element, score FROM hypothesis")
    tables = {x for (x,) in database.rows("SELECT table_name FROM duckdb_tables()")}
    database.close()
    assert past == ([("p1", "resolved")] if version >= 3 else [])
    assert kept == [("link_down", "link/B:C--C:B", 0.5)]
    assert "simulation" not in tables


def test_a_file_of_a_version_to_come_is_named_and_left_as_it_is(tmp_path):
    path = tmp_path / "twin.duckdb"
    old_file(path, VERSIONS[-1], network(VERSIONS[-1]).id)
    with duckdb.connect(str(path)) as connection:
        connection.execute("INSERT INTO schema_version VALUES (?)", [VERSIONS[-1] + 1])
    before = path.read_bytes()
    with pytest.raises(StoreError, match="written by a newer twinops"):
        TwinStore.open(path)
    assert path.read_bytes() == before


def test_a_file_that_cannot_be_brought_forward_stays_at_its_version(tmp_path, monkeypatch):
    path = tmp_path / "twin.duckdb"
    old_file(path, 6, network(6).id)
    broken = {**migrations(), 9: f"{migrations()[9]}; SELECT 1 FROM nowhere"}
    monkeypatch.setattr("twin.store.contents.migrations", lambda: broken)
    with pytest.raises(StoreError, match="nowhere"):
        TwinStore.open(path)
    monkeypatch.undo()
    with duckdb.connect(str(path)) as connection:
        assert connection.execute("SELECT max(version) FROM schema_version").fetchall() == [(8,)]
    with TwinStore.open(path) as store:
        assert store.load_snapshot(network(6).id) == network(6)
