"""Faults are read as people type them, and only those that can strike the network."""

import pytest

from twin.errors import InputError, TopologyError, UnknownElementError, UnknownFaultError
from twin.faults import ALIASES, EXIT_KINDS, TRAITS, Fault, FaultKind, with_fault
from twin.formats import load_network
from twin.live.read_fault import read_fault


@pytest.fixture(scope="module")
def small():
    return load_network("synthetic/8-1")


def names(network, kind):
    """An element, and where one is wanted a target, that any fault of the kind can have."""
    link = network.links[0]
    other = next(x for x in network.links if x.tail == link.tail and x.head != link.head)
    short = {
        "circuit": f"{link.tail}--{link.head}",
        "interface": link.name,
        "node": link.tail,
        "node or network": "network",
    }
    trait = TRAITS[kind]
    target = {None: "", "node": f",{link.head}", "interface": f",{other.name}"}[trait.target]
    return short[trait.element] + target


@pytest.mark.parametrize("kind", [kind for kind in FaultKind if kind not in EXIT_KINDS])
def test_every_kind_can_be_typed_with_short_names_and_its_usual_severity(small, kind):
    fault = read_fault(f"{kind}@{names(small, kind)}", small, seed=1)
    assert (fault.kind, fault.severity) == (kind, TRAITS[kind].severity.usual)
    with_fault(small, fault)


def test_an_element_may_be_its_id_and_the_severity_may_be_given(small):
    link = small.links[0]
    read = read_fault(f"wrong_igp_weight@{link.interface}=77", small, seed=1)
    assert read == Fault(kind=FaultKind.WEIGHT, element=link.interface, severity=77)


def test_the_kind_alone_is_drawn_by_the_seed(small):
    drawn = [read_fault("demand_surge", small, seed=seed) for seed in (1, 1, 2, 3)]
    assert drawn[0] == drawn[1]
    assert len({(fault.element, fault.severity) for fault in drawn}) == 3
    assert {fault.kind for fault in drawn} == {FaultKind.SURGE}


def test_other_published_names_are_understood(small):
    for alias, kind in ((alias, kind) for alias, kind in ALIASES.items() if kind not in EXIT_KINDS):
        assert read_fault(f"{alias}@{names(small, kind)}", small, seed=1).kind == kind


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("link_dwn", UnknownFaultError, "link_dwn"),
        ("", UnknownFaultError, "no fault"),
        ("device_down@R99", UnknownElementError, "R99"),
        ("device_down@", UnknownElementError, "no node"),
        ("link_down@R1", UnknownElementError, "circuit"),
        ("demand_surge@R1=x", InputError, "'x'"),
        ("demand_surge@R1=nan", InputError, "nan"),
        ("demand_surge@R1=inf", InputError, "inf"),
        ("demand_surge@R1=", InputError, "''"),
        ("demand_surge@R1=-3", InputError, "-3"),
        ("demand_surge@R1=0.2", TopologyError, "severity"),
        ("demand_surge@R1,R2", InputError, "no target"),
        ("blackhole_route@R1", InputError, "a target"),
        ("blackhole_route@R1,R1", TopologyError, "itself"),
    ],
)
def test_what_cannot_strike_is_refused_with_a_way_out(small, text, error, words):
    with pytest.raises(error, match=words) as raised:
        read_fault(text, small, seed=1)
    assert raised.value.fix
