"""What an operator asks of measurements: their quality, where traffic goes, and what is wrong, by table and twin."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import duckdb
import numpy as np
import pytest

from tests.command_line import here
from twin.faults import Fault, FaultKind
from twin.formats import load_network
from twin.live.emulated import EmulatedNetwork
from twin.printed import place
from twin.store import TwinStore

NAME = "topozoo/Abilene"
CIRCUIT = "link/Denver:Kansas_City--Kansas_City:Denver"


@pytest.fixture(scope="module")
def live():
    network = EmulatedNetwork(load_network(NAME), seed=4, start=datetime(2026, 3, 2, 17, tzinfo=UTC))
    network.wait(30)
    network.inject(Fault(kind=FaultKind.LINK_DOWN, element=CIRCUIT))
    network.wait(3)
    return network


@pytest.fixture(scope="module")
def telemetry(live):
    return live.read_telemetry(live.now - timedelta(days=1))


@pytest.fixture(scope="module")
def twin(live, telemetry, tmp_path_factory):
    path = tmp_path_factory.mktemp("twin") / "twin.duckdb"
    with TwinStore.open(path) as store:
        store.save_inventory([live.read_topology()], now=live.now)
        store.append_telemetry(telemetry, live.read_topology())
    return path


@pytest.fixture(scope="module")
def tables(live, telemetry, tmp_path_factory):
    folder, network = tmp_path_factory.mktemp("tables"), live.read_topology()
    links = np.array([x.name for x in network.links], dtype=object)
    nodes = np.array([x.name for x in network.nodes], dtype=object)
    columns = {
        "links.parquet": {**telemetry.links._asdict(), "link": links[telemetry.links.link]},
        "traffic.csv": {
            "time": telemetry.traffic.time,
            "source": nodes[telemetry.traffic.source],
            "target": nodes[telemetry.traffic.target],
            "mbps": telemetry.traffic.mbps,
        },
        "adjacency.csv": {**telemetry.interfaces._asdict(), "link": links[telemetry.interfaces.link]},
    }
    with duckdb.connect(":memory:") as connection:
        for name, table in columns.items():
            connection.register("rows", table)
            relation = connection.sql("SELECT * FROM rows")
            relation.write_parquet(str(folder / name)) if "parquet" in name else relation.write_csv(str(folder / name))
            connection.unregister("rows")
    return folder


def found(*arguments):
    done = here(*arguments, "--json")
    assert done.returncode in (0, 3), done.stderr
    assert done.stderr == ""
    return json.loads(done.stdout), done.returncode


def test_a_twin_file_is_diagnosed_as_a_run_would(twin):
    document, code = found("diagnose", twin)
    assert code == 3
    assert document["hypotheses"][0]["faults"][0] == {"kind": "link_down", "element": CIRCUIT, "severity": 1.0}
    assert document["answer"]
    assert document["data_quality"] > 0.95
    told = here("diagnose", twin).stdout
    assert f"answer: circuit down, {place(CIRCUIT)}" in told
    assert "nothing is wrong" in told
    assert "link/" not in told


@pytest.fixture(scope="module")
def healthy():
    network = EmulatedNetwork(load_network(NAME), seed=4, start=datetime(2026, 3, 2, 17, tzinfo=UTC))
    network.wait(20)
    return network.read_topology(), network.read_telemetry(network.now - timedelta(days=1)), network.now


def _odd(telemetry):
    """Four circuits carry what no fault makes of them, at both ends alike."""
    rng = np.random.default_rng(1)
    factor = np.ones(telemetry.links.link.max() + 1)
    factor[rng.choice(factor.size, 8, replace=False)] = 10 ** rng.uniform(-0.5, 0.5, 8)
    sent, received = (rates * factor[telemetry.links.link] for rates in telemetry.links[2:4])
    return replace(telemetry, links=telemetry.links._replace(out_mbps=sent, in_mbps=received))


@pytest.mark.parametrize(
    ("seen", "finding", "expected"),
    [(lambda x: x, "nothing measured", 0), (_odd, "unknown", 3)],
    ids=["healthy", "odd"],
)
def test_a_healthy_network_ends_well_and_one_that_nothing_explains_does_not(healthy, tmp_path, seen, finding, expected):
    network, telemetry, now = healthy
    with TwinStore.open(tmp_path / "twin.duckdb") as store:
        store.save_inventory([network], now=now)
        store.append_telemetry(seen(telemetry), network)
    document, code = found("diagnose", tmp_path / "twin.duckdb")
    assert (document["finding"], code) == (finding, expected)


def test_tables_of_ones_own_say_the_same_as_the_twin_file(twin, tables):
    files = [tables / name for name in ("links.parquet", "traffic.csv", "adjacency.csv")]
    ours, _ = found("diagnose", *files, "-n", NAME)
    theirs, _ = found("diagnose", twin)
    assert ours["hypotheses"][0]["faults"] == theirs["hypotheses"][0]["faults"]
    one, two = (found("quality", *x)[0] for x in ((twin,), (*files, "-n", NAME)))
    # a twin file keeps what the network declares of its instruments, and tables leave that to the defaults
    assert one["demand"]["factor"] == pytest.approx(two["demand"]["factor"], abs=1e-4)
    assert one["score"] == pytest.approx(two["score"], abs=0.02)
    assert one["planned_on"]


def test_bad_data_are_named_and_not_planned_on(tables, tmp_path):
    with duckdb.connect(":memory:") as connection:
        sql = f"SELECT * REPLACE (mbps * 0.7 AS mbps) FROM read_csv('{tables / 'traffic.csv'}')"
        connection.sql(sql).write_csv(str(tmp_path / "traffic.csv"))
    document, code = found("quality", tables / "links.parquet", tmp_path / "traffic.csv", "-n", NAME)
    assert code == 3
    assert not document["planned_on"]
    assert document["autonomy"] == "observe"
    assert document["demand"]["factor"] == pytest.approx(1 / 0.7, rel=0.02)
    told = here("quality", tables / "links.parquet", tmp_path / "traffic.csv", "-n", NAME)
    assert told.returncode == 3
    assert "more than was exported" in told.stdout


def test_matrices_alone_are_checked_and_forecast(tables, twin):
    document, _ = found("quality", tables / "traffic.csv", "-n", NAME, "--interval", 300)
    assert document["bins"] == 33
    ours, _ = found("forecast", tables / "traffic.csv", "-n", NAME, "--ahead", 5, "--ahead", 30)
    theirs, _ = found("forecast", twin, "--ahead", 5, "--ahead", 30)
    assert [x["ahead_s"] for x in ours["horizons"]] == [300.0, 1800.0]
    assert [x["total"] for x in ours["horizons"]] == pytest.approx([x["total"] for x in theirs["horizons"]], rel=1e-6)
    assert ours["largest"][0]["low"] <= ours["largest"][0]["mbps"][1] <= ours["largest"][0]["high"]
    assert "below naive" in here("forecast", twin).stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["quality", "nowhere.duckdb"], "no twin file"),
        (["quality", "{links}"], "do not say of which network"),
        (["diagnose", "{traffic}", "-n", NAME], "no table of links"),
        (["diagnose", "{links}", "{traffic}", "-n", "sndlib/nobel-germany"], "expected a known link"),
        (["quality", "{links}", "nowhere.csv", "-n", NAME], "nowhere.csv"),
        (["forecast", "{links}", "{traffic}", "-n", NAME], "one file"),
        (["forecast", "{links}", "-n", NAME], "one column source or src"),
        (["diagnose", "{twin}", "{links}"], "a twin file holds all its tables"),
        (["diagnose", "{odd}", "{traffic}", "-n", NAME], "expected the columns of one of these"),
        (["quality", "{empty}", "{traffic}", "-n", NAME], "expected"),
    ],
)
def test_bad_input_is_one_clear_line(arguments, said, tables, twin, tmp_path):
    (tmp_path / "odd.csv").write_text("a,b\n1,2\n")
    (tmp_path / "empty.csv").write_text("")
    places = {
        "links": tables / "links.parquet",
        "traffic": tables / "traffic.csv",
        "twin": twin,
        "odd": tmp_path / "odd.csv",
        "empty": tmp_path / "empty.csv",
    }
    done = here(*(x.format(**places) for x in arguments))
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert said in done.stderr


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT * REPLACE (time + 1e6 AS time) FROM rows WHERE time < 0", "no sample"),
        ("SELECT * REPLACE (NULL::DOUBLE AS out_mbps, NULL::DOUBLE AS in_mbps) FROM rows", "was not read"),
        ("SELECT * REPLACE (1e12 AS out_mbps) FROM rows", "impossible rates were taken for missing"),
        ("SELECT * FROM rows ORDER BY random()", "rows were out of order: sorted"),
        ("SELECT * FROM rows UNION ALL SELECT * FROM rows", "rows came twice: the last one counts"),
        (
            "SELECT * REPLACE (CASE WHEN link LIKE 'D%' THEN 'x' ELSE time::VARCHAR END AS time) FROM rows",
            "without a time",
        ),
    ],
)
def test_tables_that_are_wrong_in_places_are_used_as_far_as_they_go_and_that_is_said(sql, said, tables, tmp_path):
    with duckdb.connect(":memory:") as connection:
        connection.execute(f"CREATE TABLE rows AS SELECT * FROM '{tables / 'links.parquet'}'")
        connection.sql(sql).write_csv(str(tmp_path / "links.csv"))
    only = "no sample" in said
    traffic = tmp_path / "none.csv" if only else tables / "traffic.csv"
    if only:
        traffic.write_text("time,source,target,mbps\n")
    done = here("quality", tmp_path / "links.csv", traffic, "-n", NAME)
    assert done.returncode in (0, 2, 3)
    assert said in done.stdout + done.stderr
