"""Networks go from files into a twin file, all of them or none, and come back as they were read."""

from datetime import UTC, datetime

import pytest

from tests.twin.formats.sample_files import GRAPHML, NODE_LINK, REPETITA, SNDLIB
from twin.errors import FormatError, InputError, UnknownElementError
from twin.formats import load_network, read_network, write_node_link
from twin.formats.stored import import_networks
from twin.store import TwinStore

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def files(tmp_path):
    written = {"ulm.xml": SNDLIB, "zoo.graphml": GRAPHML, "line.graph": REPETITA}
    for name, text in written.items():
        (tmp_path / name).write_text(text)
    return [tmp_path / name for name in written]


def test_what_was_imported_reads_back_by_id_by_name_and_as_the_current_one(files, tmp_path):
    twin = tmp_path / "twin.duckdb"
    found = import_networks(files, twin, now=NOW)
    expected = [read_network(file) for file in files]
    assert [one.snapshot for one in found] == [network.id for network in expected]
    for one, network in zip(found, expected, strict=True):
        assert load_network(f"{twin}#{one.snapshot}") == network
        assert load_network(f"{twin}#{network.name}") == network
    assert load_network(str(twin)) == expected[-1]


def test_importing_again_changes_nothing_but_the_current_snapshot(files, tmp_path):
    twin = tmp_path / "twin.duckdb"
    import_networks(files, twin, now=NOW)
    (again,) = import_networks(files[:1], twin, now=NOW)
    with TwinStore.open(twin) as store:
        assert len(store.snapshots()) == 3
        assert store.current == again.snapshot


def test_one_malformed_file_leaves_everything_as_it_was(files, tmp_path):
    twin, broken = tmp_path / "twin.duckdb", tmp_path / "broken.xml"
    broken.write_text(SNDLIB.replace("<y>48.40</y>", "<y>north</y>"))
    with pytest.raises(FormatError, match=r"broken\.xml: line 5"):
        import_networks([*files, broken], twin, now=NOW)
    assert not twin.exists()
    import_networks(files[:1], twin, now=NOW)
    with pytest.raises(FormatError):
        import_networks([*files, broken], twin, now=NOW)
    with TwinStore.open(twin) as store:
        assert [entry.network for entry in store.snapshots()] == ["ulm"]


def test_a_write_that_breaks_off_leaves_no_network_behind(files, tmp_path):
    networks = [read_network(file) for file in files]
    assert len({network.id for network in networks}) == 3
    with TwinStore.open(tmp_path / "twin.duckdb") as store:
        store.save_inventory(networks[:1], now=NOW)
        object.__setattr__(networks[2], "links", None)  # the third cannot be written
        with pytest.raises(TypeError):
            store.save_inventory(networks, now=NOW)
        assert [entry.id for entry in store.snapshots()] == [networks[0].id]
        assert store.current == networks[0].id


def test_what_was_assumed_is_said(files, tmp_path):
    bare, zoo, line = import_networks(files, tmp_path / "twin.duckdb", now=NOW)
    assert any("dimensioned" in text for text in bare.assumed)
    assert any("the file's own, scaled" in text for text in bare.assumed)
    assert any("gravity" in text for text in zoo.assumed)
    assert any("from the lengths" in text for text in bare.assumed)
    assert line.assumed == ("delays: from the lengths, 5 us per km", "traffic: none, as the file has none")
    assert (line.busiest, line.demand) == (None, 0)


def test_a_file_that_says_everything_leaves_nothing_to_assume(tmp_path):
    write_node_link(load_network("synthetic/8-1"), tmp_path / "whole.json")
    (one,) = import_networks([tmp_path / "whole.json"], tmp_path / "twin.duckdb", now=NOW)
    assert one.assumed == ()
    assert load_network(str(tmp_path / "twin.duckdb")).demands.sum() == pytest.approx(one.demand)


def test_given_traffic_replaces_the_files_own(tmp_path):
    (tmp_path / "net.json").write_text(NODE_LINK)
    (tmp_path / "week.csv").write_text("source,target,mbps\n0,1,5\n2,0,7\n")
    (one,) = import_networks([tmp_path / "net.json"], tmp_path / "t.duckdb", now=NOW, traffic=tmp_path / "week.csv")
    assert (one.demand, one.demands) == (12, 2)
    assert one.snapshot == read_network(tmp_path / "net.json", tmp_path / "week.csv").id


def test_traffic_for_several_networks_is_refused(files, tmp_path):
    with pytest.raises(InputError, match="one network"):
        import_networks(files, tmp_path / "twin.duckdb", now=NOW, traffic=tmp_path / "week.csv")


def test_an_unknown_snapshot_names_the_closest(files, tmp_path):
    import_networks(files, tmp_path / "twin.duckdb", now=NOW)
    with pytest.raises(UnknownElementError) as caught:
        load_network(f"{tmp_path / 'twin.duckdb'}#ulmm")
    assert caught.value.closest[0] == "ulm"


def test_a_twin_file_that_is_not_there_is_not_made(tmp_path):
    with pytest.raises(InputError, match="no twin file"):
        load_network(str(tmp_path / "none.duckdb"))
    assert list(tmp_path.iterdir()) == []


def test_an_empty_twin_file_has_no_network(tmp_path):
    TwinStore.open(tmp_path / "empty.duckdb").close()
    with pytest.raises(InputError, match="holds no snapshot"):
        load_network(str(tmp_path / "empty.duckdb"))
