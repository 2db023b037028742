"""What leads from one state to another, against the changes that were made."""

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.twin.random_networks import changes, networks
from twin.difference import difference
from twin.errors import TwinError
from twin.formats import load_network
from twin.model import Network
from twin.plan import DrainLink, SetWeight, apply, apply_all
from twin.printed import short

ABILENE = load_network("sndlib/abilene")


@settings(max_examples=150)
@given(data=st.data())
def test_applying_the_difference_leads_to_the_other_state(data):
    before = data.draw(networks())
    after = before
    for _ in range(data.draw(st.integers(0, 4))):
        try:
            after = apply(after, data.draw(changes(after)))
        except TwinError:
            continue
    found = difference(before, after)
    if not found.others:
        assert apply_all(before, found.changes) == after
    back = difference(after, before)
    if not back.others:
        assert apply_all(after, back.changes) == before


def test_equal_states_differ_in_nothing():
    assert difference(ABILENE, ABILENE) == ((), ())


def test_a_circuit_that_is_gone_is_said_and_not_made_a_step():
    circuit, (one, other) = next(iter(ABILENE.circuits.items()))
    links = tuple(link for i, link in enumerate(ABILENE.links) if i not in (one, other))
    after = Network(ABILENE.name, ABILENE.nodes, links, ABILENE.demands)
    assert difference(ABILENE, after) == ((), (f"{short(circuit)} is gone",))
    assert difference(after, ABILENE) == ((), (f"{short(circuit)} is new",))


def test_a_state_that_nobody_configures_is_no_step():
    links = list(ABILENE.links)
    links[0] = links[0]._replace(up=False)
    found = difference(ABILENE, Network(ABILENE.name, ABILENE.nodes, tuple(links), ABILENE.demands))
    assert found.changes == ()
    assert any("is down now" in text for text in found.others)


def test_steps_that_give_capacity_back_come_before_those_that_take_it():
    drained, kept = list(ABILENE.circuits)[:2]
    before = apply(ABILENE, DrainLink(circuit=drained))
    after = apply(apply(ABILENE, DrainLink(circuit=kept)), SetWeight(link=ABILENE.links[9].name, weight=9))
    assert [change.op for change in difference(before, after).changes] == ["undrain_link", "set_weight", "drain_link"]


@pytest.mark.parametrize("factor", [2, 3])
def test_weights_of_two_databases_differ_where_their_graphs_do(factor):
    links = tuple(x._replace(weight=x.weight * factor if i % 7 == 0 else x.weight) for i, x in enumerate(ABILENE.links))
    after = Network(ABILENE.name, ABILENE.nodes, links, ABILENE.demands)
    graphs = [nx.DiGraph(), nx.DiGraph()]
    for graph, network in zip(graphs, (ABILENE, after), strict=True):
        graph.add_weighted_edges_from((x.tail, x.head, x.weight) for x in network.links)
    wanted = {f"{a}->{b}" for a, b in graphs[0].edges if graphs[0][a][b] != graphs[1][a][b]}
    assert {change.link for change in difference(ABILENE, after).changes} == wanted
