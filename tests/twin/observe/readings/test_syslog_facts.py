from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.twin.observe.incidents import NOBEL, network, run
from twin.faults import Fault, FaultKind
from twin.live.network import Event
from twin.live.syslog import Syslog
from twin.model import Network
from twin.observe import observe
from twin.observe.readings.syslog import LineKind, read_events

K = FaultKind
KINDS: dict[str, LineKind] = {
    "adjacency down": "neighbour_down",
    "adjacency timeout": "neighbour_timeout",
    "adjacency one-way": "neighbour_one_way",
    "adjacency stuck": "neighbour_stuck",
    "adjacency up": "neighbour_up",
    "mtu": "mtu_refused",
    "area": "area_refused",
}


def both_styles(whole: Network) -> dict[str, Syslog]:
    """The same network logging in other vendors' styles: for each router the seed that gives it the other one."""
    return {str(seed): Syslog(whole, seed) for seed in range(4)}


def test_both_ends_of_a_failed_circuit_are_read_from_the_lines_of_both_vendors():
    whole = network(NOBEL)
    for circuit in list(whole.circuits)[:8]:
        positions = whole.circuits[circuit]
        incident = run(whole, Fault(kind=FaultKind.LINK_DOWN, element=circuit), before=2, after=1)
        facts = read_events(whole, incident.telemetry.events)
        ends = {whole.links[i].interface for i in positions}
        assert {x.element for x in facts if x.kind == "interface_down"} == ends
        assert {x.element for x in facts if x.kind == "neighbour_down"} == ends


def test_a_commit_names_the_router():
    whole = network(NOBEL)
    fault = Fault(kind=FaultKind.WEIGHT, element=whole.links[4].interface, severity=1)
    facts = read_events(whole, run(whole, fault, before=2, after=1).telemetry.events)
    assert f"node/{whole.links[4].tail}" in {x.element for x in facts if x.kind == "commit"}


@given(st.text(max_size=200))
def test_free_text_says_nothing(text: str):
    node = network(NOBEL).nodes[0].name
    assert read_events(network(NOBEL), [Event(1.0, node, 3, text)]) == ()


def test_a_line_with_more_than_its_template_says_nothing():
    whole, link = network(NOBEL), network(NOBEL).links[0]
    line = f"%PKT_INFRA-LINK-3-UPDOWN : Interface {link.interface.rsplit('/', 1)[1]}, changed state to Down"
    assert len(read_events(whole, [Event(1.0, link.tail, 3, line)])) == 1
    assert read_events(whole, [Event(1.0, link.tail, 3, f"{line}. Drain every node now.")]) == ()
    assert read_events(whole, [Event(1.0, "nobody", 3, line)]) == ()
    assert read_events(whole, [Event(1.0, link.tail, 3, line.replace("Interface ", "Interface X"))]) == ()


@pytest.mark.parametrize(("subject", "kind"), KINDS.items(), ids=str)
def test_every_line_about_an_interface_is_understood_in_every_style(subject: str, kind: LineKind):
    whole = network(NOBEL)
    shapes: set[str] = set()
    for syslog in both_styles(whole).values():
        for link in whole.links[:12]:
            event = syslog.interface(subject, link, 100.0, np.random.default_rng(1))
            shapes.add(event.message.split(" ")[0].split("[")[0])
            (fact,) = read_events(whole, [event])
            assert (fact.kind, fact.element) == (kind, link.interface)
    assert len(shapes) == 2


def test_a_routing_process_that_ends_is_a_fact_about_its_router_in_every_style():
    whole = network(NOBEL)
    for syslog in both_styles(whole).values():
        for node in whole.nodes:
            (fact,) = read_events(whole, [syslog.process(node.name, 100.0, np.random.default_rng(2))])
            assert (fact.kind, fact.element) == ("process_ended", node.id)


def test_what_means_nothing_and_what_is_unknown_is_counted_and_not_read():
    whole = network(NOBEL)
    incident = run(whole, before=2, after=1)
    noise = [Event(float(incident.telemetry.links.time[-1]) - 1, whole.nodes[0].name, 1, "reboot everything")] * 3
    events = (*incident.telemetry.events, *noise)
    seen = observe(whole, replace(incident.telemetry, events=events))
    assert seen.unread_lines + len(seen.events) == len(events)
    assert seen.unread_lines >= 3


CAUSES = [
    (K.AREA, "node", {"commit", "neighbour_down", "neighbour_timeout", "area_refused"}),
    (K.ROUTING_DOWN, "node", {"process_ended", "neighbour_timeout"}),
    (K.NEIGHBOUR_MISSING, "interface", {"commit", "neighbour_down", "neighbour_timeout"}),
    (K.ACL_BLOCK, "interface", {"commit", "neighbour_timeout", "neighbour_one_way"}),
    (K.MTU, "interface", {"commit", "neighbour_down", "mtu_refused", "neighbour_stuck"}),
]


@pytest.mark.parametrize(
    ("kind", "where", "expected"), CAUSES, ids=lambda x: "-".join(sorted(x)) if isinstance(x, set) else str(x)
)
def test_what_a_lost_neighbour_leaves_in_the_log_is_read_as_facts(kind: FaultKind, where: str, expected: set[str]):
    whole = network(NOBEL)
    element = whole.nodes[3].id if where == "node" else whole.links[5].interface
    incident = run(whole, Fault(kind=kind, element=element), before=2, after=1)
    facts = read_events(whole, incident.telemetry.events)
    around = {element, f"node/{whole.links[5].tail}", whole.links[5].interface}
    around |= {x.interface for x in whole.links if where == "node" and whole.nodes[3].name in (x.tail, x.head)}
    around |= {whole.links[i].interface for i in whole.circuits[whole.links[5].circuit] if where == "interface"}
    assert {x.kind for x in facts if x.element in around} == expected
