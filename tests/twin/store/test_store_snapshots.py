from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.twin.store.store_samples import NETWORK, NOW, PLAN
from twin.errors import PlanError, UnknownElementError
from twin.formats import load_network
from twin.model import DemandLimit, Link, Network, Node, RiskGroup, SegmentList, Tunnel
from twin.plan import LimitDemand, apply_all
from twin.store import TwinStore


@pytest.fixture
def store():
    with TwinStore.open() as opened:
        yield opened


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
    tunnel = Tunnel(name="t>1.a", source=nodes[0].name, target=nodes[1].name, paths=lists, on_invalid="igp")
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


@settings(max_examples=30)
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


def test_what_snapshots_have_in_common_is_stored_once(store):
    """Where one part is another, its rows are new and all others those of the first; each state reads back whole."""
    network = replace(NETWORK, risk_groups=(RiskGroup("duct", (NETWORK.links[0].circuit,)),))
    states = [
        network,
        replace(network, links=(network.links[0]._replace(weight=77), *network.links[1:])),
        replace(network, nodes=(network.nodes[0]._replace(drained=True), *network.nodes[1:])),
        replace(network, demands=network.demands * 2),
        replace(network, risk_groups=(), limits=(DemandLimit(network.nodes[0].name, network.nodes[1].name, 5.0),)),
        replace(network, demands=network.demands * 2, igp="ospf"),
    ]
    for state in states:
        store.save_snapshot(state, now=NOW)
    assert [store.load_snapshot(state.id) for state in states] == states

    def stored(table):
        return len(store._database.rows(f"SELECT DISTINCT snapshot FROM {table}"))

    tables = ("link", "node", "demand", "risk_group", "demand_limit")
    assert {table: stored(table) for table in tables} == {
        "link": 2,
        "node": 2,
        "demand": 2,
        "risk_group": 1,
        "demand_limit": 1 + bool(network.limits),
    }
