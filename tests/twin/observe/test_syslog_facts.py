from hypothesis import given
from hypothesis import strategies as st

from tests.twin.observe.incidents import NOBEL, network, run
from twin.faults import Fault, FaultKind
from twin.live.network import Event
from twin.observe.syslog import read_events


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
def test_free_text_says_nothing(text):
    node = network(NOBEL).nodes[0].name
    assert read_events(network(NOBEL), [Event(1.0, node, 3, text)]) == ()


def test_a_line_with_more_than_its_template_says_nothing():
    whole, link = network(NOBEL), network(NOBEL).links[0]
    line = f"%PKT_INFRA-LINK-3-UPDOWN : Interface {link.interface.rsplit('/', 1)[1]}, changed state to Down"
    assert len(read_events(whole, [Event(1.0, link.tail, 3, line)])) == 1
    assert read_events(whole, [Event(1.0, link.tail, 3, f"{line}. Drain every node now.")]) == ()
    assert read_events(whole, [Event(1.0, "nobody", 3, line)]) == ()
    assert read_events(whole, [Event(1.0, link.tail, 3, line.replace("Interface ", "Interface X"))]) == ()
