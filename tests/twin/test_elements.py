"""Names of elements: every written and printed form finds the one element, and what may mean several finds none."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.wording import on_screen, place, short
from twin.elements import find_circuit, find_demand, find_element, find_elements, find_links, find_node
from twin.errors import AmbiguousElementError, UnknownElementError
from twin.formats import load_network
from twin.model import Link, Network, Node

GERMANY = load_network("sndlib/nobel-germany")


def network(names, *circuits):
    nodes = tuple(Node(name, float(i), 0.0) for i, name in enumerate(names))
    links = tuple(Link(a, b, 1000.0, 1, 1.0, index=index) for x, y, index in circuits for a, b in ((x, y), (y, x)))
    return Network("small", nodes, links, np.zeros((len(nodes), len(nodes))))


def doubled():
    """Berlin--Hamburg twice."""
    twins = tuple(x._replace(index=2) for x in GERMANY.links if {x.tail, x.head} == {"Berlin", "Hamburg"})
    return replace(GERMANY, links=(*GERMANY.links, *twins))


FIRST, SECOND = "link/Berlin:Hamburg--Hamburg:Berlin", "link/Berlin:Hamburg.2--Hamburg:Berlin.2"


@pytest.mark.parametrize("whole", [GERMANY, doubled()], ids=["single", "parallel"])
def test_every_name_that_is_printed_or_an_id_is_accepted(whole):
    for node in whole.nodes:
        for name in (node.name, node.id, short(node.id), place(node.id), node.name.upper()):
            assert find_elements(whole, name) == (node.id,)
            assert find_node(whole, name) == node.name
    for link in whole.links:
        first, _, second = link.circuit.removeprefix("link/").partition("--")
        for name in (link.circuit, f"link/{second}--{first}", link.interface):
            assert find_circuit(whole, name) == link.circuit
        for name in (link.name, short(link.circuit), place(link.circuit), place(link.interface)):
            assert find_elements(whole, name) == (link.circuit,)
            assert find_elements(whole, on_screen(name)) == (link.circuit,)
        for name in (link.name, place(link.interface)):
            assert find_links(whole, name) == find_links(whole, on_screen(name)) == (link.name,)


def test_ends_stand_in_either_order_and_with_any_dash():
    for join in ("-", "--", " - ", " -- ", "\u2013", " \u2014 ", "->", " \u2192 ", "<->"):
        for name in (f"Berlin{join}Hamburg", f"hamburg{join}BERLIN"):
            assert find_elements(GERMANY, name) == (FIRST,)


def test_a_parallel_is_named_by_its_number_and_asked_for_without():
    both = doubled()
    assert find_elements(both, "Berlin-Hamburg") == find_elements(both, "Hamburg<->Berlin") == (FIRST, SECOND)
    assert find_elements(both, "Berlin--Hamburg") == (FIRST,)
    assert find_element(both, "Hamburg-Berlin.2") == SECOND
    assert find_element(both, "Berlin--Hamburg.1") == FIRST
    with pytest.raises(AmbiguousElementError) as caught:
        find_element(both, "Berlin-Hamburg")
    assert caught.value.candidates == (FIRST, SECOND)
    with pytest.raises(UnknownElementError):
        find_element(both, "Berlin-Hamburg.3")


def test_a_parallel_that_is_left_alone_is_found_without_its_number():
    one = network(("A", "B"), ("A", "B", 2))
    assert find_elements(one, "A--B") == find_elements(one, "A-B") == ("link/A:B.2--B:A.2",)


def test_one_direction_is_one_link_and_a_circuit_is_two():
    assert find_links(GERMANY, "Hamburg->Berlin") == ("Hamburg->Berlin",)
    assert find_links(GERMANY, "interface/Hamburg/Berlin") == ("Hamburg->Berlin",)
    assert set(find_links(GERMANY, "Hamburg-Berlin")) == {"Hamburg->Berlin", "Berlin->Hamburg"}
    assert find_demand(GERMANY, "Ulm->Berlin") == ("Ulm", "Berlin")


def test_a_name_that_is_a_node_and_a_circuit_is_neither_until_it_is_told_apart():
    odd = network(("A", "B", "A-B", "B-C", "C"), ("A", "B", 1), ("A", "B", 2), ("A", "B-C", 1))
    with pytest.raises(AmbiguousElementError) as caught:
        find_elements(odd, "A-B")
    assert set(caught.value.candidates) == {"node/A-B", "link/A:B--B:A", "link/A:B.2--B:A.2"}
    assert find_elements(odd, "node/A-B") == ("node/A-B",)
    assert find_element(odd, "A-B-C") == "link/A:B-C--B-C:A"


def test_names_that_differ_in_case_alone_are_told_apart_by_case_and_asked_for_otherwise():
    odd = network(("aa", "AA", "b"), ("aa", "b", 1), ("AA", "b", 1))
    assert find_node(odd, "AA") == "AA"
    with pytest.raises(AmbiguousElementError):
        find_node(odd, "Aa")


@pytest.mark.parametrize(("name", "node"), [("münchen", "Muenchen"), ("KÖLN", "Koeln"), ("Dusseldorf", "Duesseldorf")])
def test_accents_case_and_umlauts_do_not_matter(name, node):
    assert find_node(GERMANY, name) == node


@pytest.mark.parametrize("name", ["Muenchn", "Berl", "Berlin time", "Berlin-", "Berlin and Hamburg", "Ulm-Berlin", ""])
def test_what_is_nothing_is_unknown_and_never_guessed(name):
    with pytest.raises(UnknownElementError):
        find_elements(GERMANY, name)


@given(st.text(max_size=24))
def test_any_text_finds_elements_of_the_network_or_is_refused(text):
    try:
        found = find_elements(GERMANY, text)
    except (UnknownElementError, AmbiguousElementError):
        return
    assert set(found) <= {*(x.id for x in GERMANY.nodes), *GERMANY.circuits}
