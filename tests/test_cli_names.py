"""Every name that is printed is accepted: elements and kinds of faults, listed by commands and taken by others."""

import json
from dataclasses import replace

import pytest

from agents.wording import fault_words, place, short
from tests.command_line import SMALL, here
from twin.elements import find_element, find_elements
from twin.faults import EXIT_KINDS, TRAITS, Fault, FaultKind, label
from twin.formats.load import load_network
from twin.formats.nodelink import write_node_link
from twin.live.read_fault import read_fault
from twin.model import RiskGroup
from twin.sim.simulate import single_failures
from twin.study.failures import find_failures


@pytest.mark.parametrize("name", [SMALL, "topozoo/Abilene"])
def test_every_listed_element_is_taken_by_name_and_by_id(name):
    done = here("elements", name, "--json")
    network, listed = load_network(name), json.loads(done.stdout)["elements"]
    assert len(listed) == len(network.nodes) + len(network.circuits) + len(network.risk_groups) + len(network.tunnels)
    for one in listed:
        if one["id"].partition("/")[0] in ("node", "link"):
            assert find_element(network, one["name"]) == one["id"]
            assert find_element(network, one["id"]) == one["id"]


@pytest.fixture(scope="module")
def crowded(tmp_path_factory):
    """A file of a network with parallel circuits, a bundle, and risk groups, one of which has the name of a node."""
    network = load_network(SMALL)
    first, second, third, *_ = network.circuits
    twice = [x._replace(index=2) for x in network.links if x.circuit == first]
    links = [x._replace(members=2) if x.circuit == third else x for x in network.links]
    groups = (RiskGroup("Kanal Süd", (first, second)), RiskGroup(network.nodes[0].name, (second,)))
    path = tmp_path_factory.mktemp("crowded") / "crowded.json"
    write_node_link(replace(network, links=(*links, *twice), risk_groups=groups), path)
    return path


def test_parallels_are_listed_by_names_that_mean_one_of_them(crowded):
    network, listed = load_network(str(crowded)), json.loads(here("elements", crowded, "--json").stdout)["elements"]
    circuits = {x["name"]: x["id"] for x in listed if x["id"].startswith("link/")}
    assert len(circuits) == len(network.circuits)
    assert {name: find_element(network, name) for name in circuits} == circuits


def test_every_failure_is_taken_by_the_name_that_a_study_prints_it_by(crowded):
    network = load_network(str(crowded))
    parallels = find_elements(network, short(next(iter(network.circuits))))
    pairs = [x for x in find_failures(network, ["pairs"]) if not set(parallels) & set(x.name.split(" & "))]
    for failure in (*single_failures(network), *pairs):
        for printed in (failure.name, short(failure.name)):
            found = find_failures(network, [printed])  # `circuit A--B` of two parallels: either
            assert failure[1:] in [x[1:] for x in found]
            assert len(found) == 1 or failure.name in parallels
    assert len(pairs) > 20
    assert [x.name for x in find_failures(network, ["kanal süd"])] == ["risk-group/Kanal Süd"]
    assert [x.name for x in find_failures(network, ["R1"])] == ["node/R1"]
    answer = here("ask", 'what_if fail:"Kanal Süd"', "-n", crowded, "--json")
    assert json.loads(answer.stdout)["calls"][0]["arguments"]["fail"] == list(network.risk_groups[0].circuits)


def test_elements_like_a_name_are_those_it_means_or_is_close_to():
    def names(like):
        return [
            x["name"]
            for x in json.loads(here("elements", "sndlib/germany50", "--like", like, "--json").stdout)["elements"]
        ]

    assert "Muenchen" in names("münchen")
    assert names("kasel")[0] == "Kassel" or "Kassel" in names("kasel")
    assert set(names("Kassel")) >= {"Kassel"}
    assert here("elements", "sndlib/germany50", "--like", "zzzzzzzzzz").returncode == 2


def test_printed_places_and_circuits_are_taken():
    network = load_network("sndlib/germany50")
    for circuit in network.circuits:
        for printed in (short(circuit), place(circuit)):
            assert find_elements(network, printed) == (circuit,)
    for link in network.links:
        assert find_elements(network, place(link.interface)) == (link.circuit,)


@pytest.mark.parametrize("kind", [kind for kind in FaultKind if kind not in EXIT_KINDS])
def test_every_kind_is_taken_by_its_id_and_by_its_name_in_words(kind):
    network = load_network(SMALL)
    trait = TRAITS[kind]
    link = network.links[0]
    samples = {"circuit": link.circuit, "interface": link.interface, "node": "node/R1", "node or network": "node/R1"}
    other = network.links[next(i for i, x in enumerate(network.links) if x.tail == link.tail and x is not link)]
    target = {"node": f"node/{network.nodes[-1].name}", "interface": other.interface, None: None}[trait.target]
    written = samples[trait.element] + (f",{target}" if target else "")
    wanted = read_fault(f"{kind}@{written}", network, seed=1)
    assert isinstance(wanted, Fault)
    assert fault_words(wanted).startswith(label(kind))
    for name in (label(kind), label(kind).upper(), str(kind).replace("_", "-")):
        assert read_fault(f"{name}@{written}", network, seed=1) == wanted


def test_the_kinds_are_listed_with_how_they_are_written():
    listed = json.loads(here("faults", "--json").stdout)["faults"]
    assert [x["kind"] for x in listed] == [str(kind) for kind in TRAITS]
    told = here("faults", COLUMNS="80").stdout
    assert max(map(len, told.splitlines())) <= 80
    assert "link_down@CIRCUIT" in told
