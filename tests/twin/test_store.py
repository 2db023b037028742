import os
import signal
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.errors import PlanError, StoreBusyError, StoreError, UnknownElementError
from twin.formats import load_network
from twin.live.emulated import EmulatedNetwork
from twin.live.network import Event, LinkSamples, NodeSamples, ProbeSamples, Telemetry, TrafficSamples
from twin.model import DemandLimit, Link, Network, Node, RiskGroup, SegmentList, Tunnel
from twin.plan import DrainLink, LimitDemand, Plan, SetTunnel, SetWeight, apply_all
from twin.sim.simulate import simulate, single_failures
from twin.store import RankedHypothesis, TwinStore
from twin.verdict import Check, Verdict

NOW = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
NETWORK = load_network("synthetic/8-1")
PLAN = Plan(
    goal="relieve",
    base=NETWORK.id,
    steps=(SetWeight(link=NETWORK.links[0].name, weight=7), DrainLink(circuit=NETWORK.links[4].circuit)),
)
VERDICT = Verdict(
    plan=PLAN.hash,
    snapshot=NETWORK.id,
    policy="0" * 16,
    checks=(Check(name="grounded", passed=True, detail="all exist"),),
)


@pytest.fixture
def store():
    with TwinStore.open() as opened:
        yield opened


def in_another_process(script, *arguments):
    command = [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@st.composite
def states(draw):
    """Networks that use every field, with awkward numbers and names."""
    size = draw(st.integers(2, 5))
    number = st.floats(-1e6, 1e6)
    positive = st.floats(1e-9, 1e9)
    flags = st.booleans()
    nodes = tuple(Node(f"Knoten_ß{i}.{i}", draw(number), draw(number), draw(flags), draw(flags)) for i in range(size))
    ends = draw(st.lists(st.tuples(st.integers(0, size - 1), st.integers(0, size - 1)), max_size=8))
    links: dict[str, Link] = {}
    for index, (a, b) in enumerate(ends, start=1):
        if a != b:
            link = Link(
                nodes[a].name, nodes[b].name, draw(positive), draw(st.integers(1, 2**24)), draw(positive), index
            )
            links[link.name] = link._replace(
                up=draw(flags), drained=draw(flags), asleep=draw(flags), loss=draw(st.floats(0, 1))
            )
    demands = np.array(draw(st.lists(st.floats(0, 1e6), min_size=size**2, max_size=size**2))).reshape(size, size)
    np.fill_diagonal(demands, 0.0)
    lists = (SegmentList(via=(nodes[1].name,), share=0.25), SegmentList(via=(), share=0.75))
    tunnel = Tunnel(name="t>1.a", source=nodes[0].name, target=nodes[1].name, paths=lists)
    groups = tuple(RiskGroup(f"duct {i}", (link.circuit,)) for i, link in enumerate(links.values()))
    limits = (DemandLimit(nodes[0].name, nodes[1].name, draw(positive)),)
    return Network(
        draw(st.text(max_size=5)),
        nodes,
        tuple(links.values()),
        demands,
        draw(st.sampled_from([(), (tunnel,)])),
        groups,
        limits,
    )


@settings(deadline=None, max_examples=30)
@given(network=states())
def test_every_state_reads_back_as_it_was_stored(network):
    with TwinStore.open() as store:
        assert store.load_snapshot(store.save_snapshot(network, now=NOW)) == network


def test_a_real_network_survives_closing_the_file(tmp_path):
    network = load_network("sndlib/germany50")
    with TwinStore.open(tmp_path / "twin.duckdb") as store:
        assert store.save_snapshot(network, now=NOW) == network.id
    with TwinStore.open(tmp_path / "twin.duckdb") as store:
        assert store.load_snapshot(network.id) == network


def test_integers_where_floats_belong_make_no_other_state(store):
    nodes = (Node("A", 0, 1), Node("B", 1.0, 0.0))
    network = Network(
        "ints", nodes, (Link("A", "B", 10, 1, 0), Link("B", "A", 10.0, 1, 0.0)), np.zeros((2, 2), dtype=int)
    )
    assert store.load_snapshot(store.save_snapshot(network, now=NOW)) == network


def test_a_state_is_stored_once_and_keeps_its_first_kind(store):
    store.save_snapshot(NETWORK, now=NOW)
    store.save_snapshot(NETWORK, now=NOW + timedelta(hours=1), kind="observed")
    (entry,) = store.snapshots()
    assert (entry.id, entry.kind, entry.created, entry.parent) == (NETWORK.id, "inventory", NOW, None)
    assert store.load_snapshot(NETWORK.id) == NETWORK


def test_snapshots_are_listed_oldest_first_with_their_parents(store):
    observed = replace(NETWORK, demands=NETWORK.demands * 2)
    store.save_snapshot(NETWORK, now=NOW)
    store.save_snapshot(observed, now=NOW + timedelta(seconds=1), kind="observed", parent=NETWORK.id)
    assert [(x.id, x.kind, x.parent) for x in store.snapshots()] == [
        (NETWORK.id, "inventory", None),
        (observed.id, "observed", NETWORK.id),
    ]


def test_the_current_snapshot_can_move(store):
    assert store.current is None
    store.save_snapshot(NETWORK, now=NOW)
    branch = store.save_branch(NETWORK.id, PLAN.steps, now=NOW)
    for snapshot in (NETWORK.id, branch):
        store.set_current(snapshot)
        assert store.current == snapshot


def test_a_branch_is_its_changes_and_loads_as_the_changed_state(store):
    store.save_snapshot(NETWORK, now=NOW)
    branch = store.save_branch(NETWORK.id, PLAN.steps, now=NOW)
    again = store.save_branch(
        branch, [LimitDemand(source=NETWORK.nodes[0].name, target=NETWORK.nodes[1].name, limit=1.0)], now=NOW
    )
    assert store.load_snapshot(branch) == apply_all(NETWORK, PLAN.steps)
    assert store.load_snapshot(again).limits[0].limit == 1.0
    assert [entry.kind for entry in store.snapshots()] == ["inventory", "branch", "branch"]


def test_a_branch_of_an_impossible_change_is_refused(store):
    store.save_snapshot(NETWORK, now=NOW)
    with pytest.raises(PlanError):
        store.save_branch(NETWORK.id, [PLAN.steps[1], PLAN.steps[1]], now=NOW)
    assert len(store.snapshots()) == 1


@pytest.mark.parametrize("use", ["load_snapshot", "set_current"])
def test_an_unknown_snapshot_is_named_with_the_closest(store, use):
    store.save_snapshot(NETWORK, now=NOW)
    with pytest.raises(UnknownElementError, match="no snapshot") as caught:
        getattr(store, use)(NETWORK.id[:-1] + "x")
    assert caught.value.closest == [NETWORK.id]


def test_an_unknown_parent_is_refused(store):
    with pytest.raises(UnknownElementError):
        store.save_snapshot(NETWORK, now=NOW, parent="0" * 16)
    assert store.snapshots() == ()


def measured(hours=2):
    live = EmulatedNetwork(NETWORK, seed=3, start=NOW)
    live.wait(12 * hours)
    telemetry = live.read_telemetry(datetime(2000, 1, 1, tzinfo=UTC))
    gaps = telemetry.links.out_mbps.copy()
    gaps[::7] = np.nan
    events = tuple(event._replace(time=round(event.time * 1e6) / 1e6) for event in telemetry.events)
    return replace(telemetry, links=telemetry.links._replace(out_mbps=gaps), events=events)


def equal(one, other):
    pairs = zip(
        (one.links, one.nodes, one.probes, one.traffic),
        (other.links, other.nodes, other.probes, other.traffic),
        strict=True,
    )
    return one.events == other.events and all(
        np.array_equal(a, b, equal_nan=a.dtype.kind == "f") for x, y in pairs for a, b in zip(x, y, strict=True)
    )


def rows(telemetry):
    series = (telemetry.links, telemetry.nodes, telemetry.probes, telemetry.traffic)
    return sum(len(x.time) for x in series) + len(telemetry.events)


def part(telemetry, low, high):
    """What was measured in (low, high]."""

    def cut(series):
        inside = (series.time > low) & (series.time <= high)
        return type(series)(*(column[inside] for column in series))

    events = tuple(event for event in telemetry.events if low < event.time <= high)
    return Telemetry(cut(telemetry.links), cut(telemetry.nodes), cut(telemetry.probes), cut(telemetry.traffic), events)


def test_telemetry_reads_back_as_it_was_measured(store):
    telemetry = measured()
    assert store.append_telemetry(telemetry, NETWORK) == rows(telemetry) > 1000
    assert len(telemetry.events) > 0
    assert equal(store.read_telemetry(NETWORK, datetime(2000, 1, 1, tzinfo=UTC)), telemetry)


def test_an_interval_read_again_is_neither_lost_nor_doubled(store):
    telemetry = measured()
    times = np.unique(telemetry.links.time)
    low, middle, high = times[0] - 1, times[len(times) // 2], times[-1] + 1e6
    store.append_telemetry(part(telemetry, low, middle), NETWORK)
    added = store.append_telemetry(part(telemetry, times[3], high), NETWORK)
    assert added == rows(part(telemetry, middle, high))
    assert store.append_telemetry(telemetry, NETWORK) == rows(telemetry) - rows(part(telemetry, low, high))
    assert rows(store.read_telemetry(NETWORK, datetime(2000, 1, 1, tzinfo=UTC))) == rows(telemetry)


def empty():
    none, zero, no = np.zeros(0), np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.bool_)
    return Telemetry(
        LinkSamples(none, zero, none, none, none, no),
        NodeSamples(none, zero, no),
        ProbeSamples(none, zero, zero, none, none),
        TrafficSamples(none, zero, zero, none),
        (),
    )


def test_nothing_measured_is_nothing_stored(store):
    assert store.append_telemetry(empty(), NETWORK) == 0
    assert equal(store.read_telemetry(NETWORK, NOW), empty())


def test_equal_lines_of_one_instant_are_all_kept(store):
    line = Event(NOW.timestamp(), NETWORK.nodes[0].name, 3, "'); DROP TABLE event; --")
    telemetry = replace(empty(), events=(line, line, line._replace(severity=4), line))
    assert store.append_telemetry(telemetry, NETWORK) == 4
    assert store.append_telemetry(telemetry, NETWORK) == 0
    assert store.read_telemetry(NETWORK, NOW - timedelta(seconds=1)).events == telemetry.events


def test_only_what_came_after_is_read(store):
    telemetry = measured()
    store.append_telemetry(telemetry, NETWORK)
    times = np.unique(telemetry.links.time)
    since = datetime.fromtimestamp(times[-3], tz=UTC)
    found = store.read_telemetry(NETWORK, since)
    assert np.unique(found.links.time).tolist() == times[-2:].tolist()


def test_networks_in_one_file_keep_their_own_telemetry(store):
    other = replace(NETWORK, name="other")
    store.append_telemetry(measured(), NETWORK)
    assert rows(store.read_telemetry(other, datetime(2000, 1, 1, tzinfo=UTC))) == 0


def test_a_sample_of_an_element_that_the_network_lacks_is_not_dropped_in_silence(store):
    store.append_telemetry(measured(), NETWORK)
    smaller = replace(NETWORK, links=NETWORK.links[2:])
    with pytest.raises(UnknownElementError, match="no link"):
        store.read_telemetry(smaller, datetime(2000, 1, 1, tzinfo=UTC))


def test_plans_and_verdicts_come_back_whole(store):
    assert store.save_plan(PLAN, now=NOW) == store.save_plan(PLAN, now=NOW) == PLAN.hash
    assert store.plan(PLAN.hash) == PLAN
    failed = VERDICT.model_copy(update={"checks": (Check(name="nominal", passed=False, detail="too full"),)})
    for verdict in (VERDICT, VERDICT, failed):
        store.save_verdict(verdict, now=NOW)
    assert store.verdicts(PLAN.hash, NETWORK.id) == (VERDICT, failed)
    assert store.verdicts(PLAN.hash, "0" * 16) == ()


def test_an_unknown_plan_is_refused(store):
    with pytest.raises(UnknownElementError, match="no plan"):
        store.plan("0" * 16)


def test_what_was_found_and_done_can_be_queried(tmp_path):
    path = tmp_path / "twin.duckdb"
    tunnel = Tunnel(name="t", source="A", target="B", paths=(SegmentList(via=()),))
    with TwinStore.open(path) as store:
        store.save_plan(PLAN.model_copy(update={"steps": (*PLAN.steps, SetTunnel(tunnel=tunnel))}), now=NOW)
        store.save_incident("i1", snapshot=NETWORK.id, status="open", opened=NOW, document=PLAN)
        store.save_incident("i1", snapshot=NETWORK.id, status="resolved", opened=NOW, document=PLAN)
        for score in (0.1, 0.9):
            store.save_hypotheses("i1", [RankedHypothesis("link_down", NETWORK.links[0].circuit, score, PLAN)])
        store.save_certificate("c1", verdict=VERDICT, issued=NOW, expires=NOW + timedelta(hours=1), document=VERDICT)
        store.save_execution("e1", plan=PLAN.hash, outcome="running", started=NOW, document=PLAN)
        store.save_execution("e1", plan=PLAN.hash, outcome="done", started=NOW, finished=NOW, document=PLAN)
        store.save_simulation(simulate(NETWORK, failures=single_failures(NETWORK)), now=NOW)
        store.save_simulation(simulate(NETWORK), now=NOW)
    with duckdb.connect(str(path)) as connection:
        ask = lambda sql: connection.execute(sql).fetchall()  # noqa: E731
        assert ask("SELECT id, status FROM incident") == [("i1", "resolved")]
        assert ask("SELECT rank, kind, score FROM hypothesis") == [(1, "link_down", 0.9)]
        assert ask("SELECT step, op, element FROM plan_step ORDER BY step")[2] == (3, "set_tunnel", "tunnel/t")
        assert ask("SELECT plan, expires - issued FROM certificate") == [(PLAN.hash, timedelta(hours=1))]
        assert ask("SELECT outcome, finished = started FROM execution") == [("done", True)]
        assert ask("SELECT failures > 0, worst_failure IS NOT NULL FROM simulation ORDER BY failures") == [
            (False, False),
            (True, True),
        ]
        assert ask("SELECT document->>'goal' FROM incident") == [("relieve",)]


def test_a_second_process_is_told_who_holds_the_file(tmp_path):
    path = tmp_path / "twin.duckdb"
    with TwinStore.open(path):
        run = in_another_process(
            """
            import sys
            from twin.errors import StoreBusyError
            from twin.store import TwinStore
            try:
                TwinStore.open(sys.argv[1])
            except StoreBusyError as error:
                print(error)
            """,
            path,
        )
    assert run.stdout.count("\n") == 1, run.stderr
    assert f"{path} is in use by process {os.getpid()}" in run.stdout
    assert issubclass(StoreBusyError, Exception)
    TwinStore.open(path).close()


@pytest.mark.parametrize("content", [b"not a database" * 400, b"x", bytes(8192)])
def test_a_file_that_is_no_database_is_left_alone(tmp_path, content):
    path = tmp_path / "twin.duckdb"
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"twin\.duckdb") as caught:
        TwinStore.open(path)
    assert caught.value.fix
    assert path.read_bytes() == content


def test_a_database_of_another_program_is_left_alone(tmp_path):
    path = tmp_path / "sales.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE sales (id INTEGER)")
    with pytest.raises(StoreError, match="another program"):
        TwinStore.open(path)
    with duckdb.connect(str(path)) as connection:
        assert connection.execute("SELECT table_name FROM duckdb_tables()").fetchall() == [("sales",)]


def test_a_twin_of_a_newer_version_is_refused(tmp_path):
    path = tmp_path / "twin.duckdb"
    TwinStore.open(path).close()
    with duckdb.connect(str(path)) as connection:
        connection.execute("INSERT INTO schema_version VALUES (999)")
    with pytest.raises(StoreError, match="newer"):
        TwinStore.open(path)


@pytest.mark.parametrize(
    ("place", "said"),
    [("none/twin.duckdb", "does not exist"), ("", "is a folder"), ("file/twin.duckdb", "does not exist")],
)
def test_a_place_that_cannot_be_written_says_what_to_give(tmp_path, place, said):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=said) as caught:
        TwinStore.open(tmp_path / place)
    assert caught.value.fix


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_folder_without_write_permission_is_named(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(StoreError, match="cannot be written"):
        TwinStore.open(tmp_path / "twin.duckdb")
    tmp_path.chmod(0o700)


def test_a_closed_store_says_so(store):
    store.close()
    with pytest.raises(StoreError):
        store.snapshots()


def test_a_kill_in_a_transaction_keeps_the_last_committed_state(tmp_path):
    path = tmp_path / "twin.duckdb"
    run = in_another_process(
        """
        import os, signal, sys
        from datetime import UTC, datetime
        from twin.formats import load_network
        from twin.store import TwinStore
        import twin.store.database as database
        store, network = TwinStore.open(sys.argv[1]), load_network("synthetic/8-1")
        now = datetime(2026, 3, 1, tzinfo=UTC)
        store.save_snapshot(network, now=now)
        store.set_current(network.id)
        insert = database.Writer.insert
        def kill_at_the_tunnels(self, table, columns, **options):
            if table == "tunnel":
                os.kill(os.getpid(), signal.SIGKILL)
            return insert(self, table, columns, **options)
        database.Writer.insert = kill_at_the_tunnels
        store.save_snapshot(network.with_demands(network.demands * 2), now=now)
        """,
        path,
    )
    assert run.returncode == -signal.SIGKILL, run.stderr
    with TwinStore.open(path) as store:
        assert [entry.id for entry in store.snapshots()] == [NETWORK.id]
        assert store.load_snapshot(store.current or "") == NETWORK


def test_an_interrupted_write_leaves_nothing(store):
    broken = replace(
        empty(), events=(Event(NOW.timestamp(), "A", 3, "fine"), Event(NOW.timestamp(), "A", 10**12, "too severe"))
    )
    with pytest.raises(StoreError):
        store.append_telemetry(broken, NETWORK)
    assert store.read_telemetry(NETWORK, datetime(2000, 1, 1, tzinfo=UTC)).events == ()
    assert store.save_snapshot(NETWORK, now=NOW) == NETWORK.id


def test_threads_append_the_same_interval_once(tmp_path):
    telemetry = measured(hours=1)
    with TwinStore.open(tmp_path / "twin.duckdb") as store, ThreadPoolExecutor(8) as threads:
        added = list(threads.map(lambda _: store.append_telemetry(telemetry, NETWORK), range(8)))
        found = list(threads.map(lambda _: store.read_telemetry(NETWORK, datetime(2000, 1, 1, tzinfo=UTC)), range(8)))
    assert sorted(added) == [0] * 7 + [rows(telemetry)]
    assert {rows(x) for x in found} == {rows(telemetry)}


def test_threads_may_read_while_others_write(tmp_path):
    with TwinStore.open(tmp_path / "twin.duckdb") as store, ThreadPoolExecutor(6) as threads:
        store.save_snapshot(NETWORK, now=NOW)
        writes = [
            threads.submit(store.save_snapshot, NETWORK.with_demands(NETWORK.demands * k), now=NOW)
            for k in range(2, 12)
        ]
        reads = [threads.submit(store.load_snapshot, NETWORK.id) for _ in range(10)]
        assert len({future.result() for future in writes}) == 10
        assert {future.result() for future in reads} == {NETWORK}
        assert len(store.snapshots()) == 11
