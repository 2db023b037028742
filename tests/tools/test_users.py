"""Who crosses an element and who suffers, against shortest paths that networkx splits hop by hop."""

from dataclasses import replace

import networkx as nx
import numpy as np
import pytest

from tools.box.run_state import RunState
from tools.users import affected_demands, crossing
from twin.documents import Document
from twin.errors import UnknownElementError
from twin.faults import Fault, FaultKind, with_fault
from twin.formats import load_network
from twin.model import Network
from twin.policy import Policy


def shares(network: Network, source: str, target: str) -> dict[tuple[str, str], float]:
    """The share of a demand on each link, split evenly over the next hops at every router."""
    graph = nx.DiGraph()
    graph.add_weighted_edges_from((x.tail, x.head, x.weight) for x in network.links if x.up)
    distance = nx.single_source_dijkstra_path_length(graph.reverse(), target)
    flow, found = {source: 1.0}, {}
    for node in sorted((x for x in distance if x != target), key=lambda x: -distance[x]):
        hops = [x for x in graph[node] if x in distance and distance[node] == graph[node][x]["weight"] + distance[x]]
        for hop in hops if flow.get(node) else ():
            part = flow[node] / len(hops)
            found[node, hop] = part
            flow[hop] = flow.get(hop, 0.0) + part
    return found


@pytest.fixture(scope="module")
def abilene() -> Network:
    return load_network("sndlib/abilene")


@pytest.mark.parametrize("position", [0, 7, 12])
def test_what_crosses_a_link_is_each_demands_share_of_it(abilene: Network, position: int):
    link = abilene.links[position]
    found = crossing(abilene, [position])
    names = [x.name for x in abilene.nodes]
    for i, source in enumerate(names):
        for j, target in enumerate(names):
            if i != j:
                share = shares(abilene, source, target).get((link.tail, link.head), 0.0)
                assert found[i, j] == pytest.approx(abilene.offered[i, j] * share, abs=2e-3)


def at(run_state: RunState, network: Network, **more: object) -> RunState:
    placed = replace(run_state, inventory=network, **more)  # type: ignore[arg-type]
    placed.state = network
    return placed


def test_everything_crosses_the_router_that_it_starts_or_ends_at(run_state: RunState, abilene: Network):
    name = abilene.nodes[2].name
    page = affected_demands(at(run_state, abilene), f"node/{name}")
    ours = abilene.offered[2, :].sum() + abilene.offered[:, 2].sum()
    rows, offset = list(page.demands), page.next_offset
    while offset is not None:
        page = affected_demands(at(run_state, abilene), f"node/{name}", offset)
        rows, offset = [*rows, *page.demands], page.next_offset
    assert len(rows) == page.total
    assert sum(x.crosses for x in rows if name in x.demand.removeprefix("demand/").split("->")) == pytest.approx(
        ours, rel=1e-3
    )


def test_who_suffers_is_who_is_cut_off_and_who_shares_a_link_that_is_too_full(run_state: RunState, abilene: Network):
    struck = with_fault(abilene, Fault(kind=FaultKind.DEVICE_DOWN, element="node/ATLAng"))
    page = affected_demands(at(run_state, struck))
    assert all("ATLAng" in x.demand or x.crowded > 0 for x in page.demands)
    assert page.demands[0].lost == pytest.approx(page.demands[0].offered)
    calm = affected_demands(at(run_state, abilene, policy=Policy(max_utilisation=1.0)))
    assert calm.total == 0
    tight = affected_demands(at(run_state, abilene, policy=Policy(max_utilisation=0.05)))
    assert tight.total > 0
    assert all(0 < x.crowded <= x.offered + 1e-3 and x.lost == 0 for x in tight.demands)


def test_importance_is_named_where_it_was_stated(run_state: RunState, abilene: Network):
    worst = affected_demands(at(run_state, abilene), "node/ATLAng").demands[0].demand
    paper = Document(id="IMP-1", kind="importance", element=worst, text="Emergency calls.")
    first = affected_demands(at(run_state, abilene, documents=(paper,)), "node/ATLAng").demands[0]
    assert first.importance == ("IMP-1",)


def test_an_element_that_is_not_there_is_refused(run_state: RunState):
    with pytest.raises(UnknownElementError):
        affected_demands(run_state, "node/Nowhere")
    assert np.all(crossing(run_state.state, ()) == 0)
