"""What BGP leads astray: next hops, discards, preferences, claims of others; where traffic goes, and what is found."""

from collections import defaultdict
from datetime import timedelta

import networkx as nx
import numpy as np
import pytest

from tests.twin.live.beyond_exits import ASTRAY, START, TWO_GROUPS, measured
from twin.diagnose import diagnose
from twin.diagnose.peered import routes
from twin.errors import TopologyError
from twin.faults import HANGS, Fault, FaultKind, check, with_fault
from twin.live.draw_fault import draw_fault
from twin.live.emulated import EmulatedNetwork
from twin.live.read_fault import read_fault
from twin.live.sensors import Noise
from twin.observe import observe
from twin.sim.simulate import simulate

K = FaultKind
EXITS = {TWO_GROUPS.links[i].name: i for i in TWO_GROUPS.exits}
ROUTERS = [x.name for x in TWO_GROUPS.nodes if x.kind == "router"]
ALONE, SHARED = "interface/R6/transit", "interface/R4/content"
"""Exits of `synthetic/8-3`: R6 has none of `content`, R4 has both."""
AMID = "R2"
"""It has no exit, and others send by it."""
FAULTS = (
    Fault(kind=K.BGP_NEXT_HOP, element=SHARED),
    Fault(kind=K.BGP_NEXT_HOP, element=ALONE),
    Fault(kind=K.BGP_DISCARD, element=ALONE),
    Fault(kind=K.BGP_DISCARD, element=SHARED),
    Fault(kind=K.BGP_PREFERENCE, element=SHARED, severity=200),
    Fault(kind=K.BGP_PREFERENCE, element=ALONE, severity=50),
    Fault(kind=K.BGP_LONGER_PATH, element=SHARED, severity=1),
    Fault(kind=K.BGP_LONGER_PATH, element=ALONE, severity=3),
    Fault(kind=K.BGP_HIJACK, element="node/R2", target="node/transit"),
    Fault(kind=K.BGP_HIJACK, element="node/R6", target="node/content"),
    Fault(kind=K.BGP_ORIGIN, element=ALONE, target="node/content"),
    Fault(kind=K.BGP_PROCESS, element="node/R4"),
    Fault(kind=K.BGP_PROCESS, element="node/R4", severity=HANGS),
    Fault(kind=K.BGP_PROCESS, element=f"node/{AMID}"),
)
NAMES = [str(x) for x in FAULTS]
LOST = "lost"


def walked(fault: Fault) -> dict[str, float]:
    """Mbit/s by each exit and lost, from networkx and RFC 4271: every router chooses for itself, hop by hop."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    for i, link in enumerate(TWO_GROUPS.links):
        if i not in TWO_GROUPS.exits:
            graph.add_edge(link.tail, link.head, weight=link.weight)
    far = dict(nx.all_pairs_dijkstra_path_length(graph))
    way = dict(nx.all_pairs_dijkstra_path(graph))
    left: dict[str, float] = defaultdict(float)
    for group in ("transit", "content"):
        for source in ROUTERS:
            here, amount = source, float(TWO_GROUPS.demands[TWO_GROUPS.node(source), TWO_GROUPS.node(group)])
            while True:
                choice = chosen(fault, group, here, far)
                if choice is None or "->" in choice:
                    left[choice or LOST] += amount
                    if choice and not choice.endswith(f"->{group}"):
                        left[LOST] += amount
                    break
                assert len(list(nx.all_shortest_paths(graph, here, choice, weight="weight"))) == 1
                here = way[here][choice][1]
    return left


def chosen(fault: Fault, group: str, here: str, far: dict[str, dict[str, float]]) -> str | None:
    """The exit by which a router sends, or the router that it sends to; None where it drops."""
    struck = fault.element.removeprefix("interface/").replace("/", "->")
    owners = {x.split("->")[0]: x for x in EXITS if x.endswith(f"->{group}")}
    concerned = struck.endswith(f"->{group}")
    match fault.kind:
        case K.BGP_HIJACK if fault.target == f"node/{group}":
            claimant = fault.element.removeprefix("node/")
            return None if here == claimant else claimant
        case K.BGP_ORIGIN if fault.target == f"node/{group}":
            owners[struck.split("->")[0]] = struck
        case K.BGP_NEXT_HOP if concerned and here != struck.split("->")[0]:
            owners.pop(struck.split("->")[0])
        case K.BGP_DISCARD if concerned and (here not in owners or owners[here] == struck):
            return None
        case K.BGP_PROCESS if here != fault.element.removeprefix("node/"):
            owners.pop(fault.element.removeprefix("node/"), None)
        case K.BGP_PROCESS if fault.severity != HANGS:
            return None
        case K.BGP_PREFERENCE if concerned and fault.severity > 100:
            owners = {struck.split("->")[0]: struck}
        case K.BGP_PREFERENCE | K.BGP_LONGER_PATH if concerned:
            owners.pop(struck.split("->")[0])
    nearest = sorted(owners, key=lambda x: far[here][x])
    assert len(nearest) == 1 or far[here][nearest[0]] < far[here][nearest[1]]  # no ties
    return owners[here] if nearest[0] == here else nearest[0]


@pytest.mark.parametrize("fault", FAULTS, ids=NAMES)
def test_every_router_chooses_for_itself_and_what_is_led_nowhere_is_lost(fault):
    outcome, wanted = simulate(with_fault(TWO_GROUPS, fault)), walked(fault)
    for name, i in EXITS.items():
        assert outcome.load[i] == pytest.approx(wanted[name], abs=1e-6)
    assert outcome.harm(0.8).discarded == pytest.approx(wanted[LOST], abs=1e-6)
    beyond = [TWO_GROUPS.node(x) for x in ("transit", "content")]
    assert outcome.undelivered[:, beyond].sum() == pytest.approx(wanted[LOST], abs=1e-6)


@pytest.mark.parametrize("fault", FAULTS, ids=NAMES)
def test_the_emulated_network_forwards_as_the_twin_says_and_ends_as_it_began(fault):
    live = EmulatedNetwork(TWO_GROUPS, seed=5, start=START, noise=Noise.off())
    live.inject(fault)
    live.wait(2)
    telemetry = live.read_telemetry(live.now - timedelta(minutes=1))
    n = len(TWO_GROUPS.nodes)
    demands = np.zeros((n, n))
    np.add.at(demands, (telemetry.traffic.source, telemetry.traffic.target), telemetry.traffic.mbps)
    wanted = simulate(with_fault(TWO_GROUPS.with_demands(demands), fault)).load
    found = np.zeros(len(TWO_GROUPS.links))
    found[telemetry.links.link] = telemetry.links.out_mbps
    np.testing.assert_allclose(found, wanted, rtol=0.02, atol=0.02 * wanted.max())
    live.clear(live.faults[0])
    live.wait(1)
    assert live.truth == live.read_topology() == TWO_GROUPS


@pytest.mark.parametrize("fault", FAULTS, ids=NAMES)
def test_it_is_named_with_its_place_and_told_by_what_routers_say(fault):
    seen = observe(TWO_GROUPS, measured(fault, before=6, after=3, network=TWO_GROUPS))
    best = diagnose(seen).best
    assert best.faults == (fault,)
    assert best.confidence > 0.9
    told, expected = (x[list(TWO_GROUPS.exits)] for x in routes(seen, (fault,)))
    assert np.array_equal(told, expected)
    asked = fault != FAULTS[-1]  # nobody is asked of a router without an exit: what it loses tells of it
    assert (told == 0).any() == asked
    assert (routes(seen, ())[1][list(TWO_GROUPS.exits)] == 1).all()


def test_two_exits_of_a_group_led_astray_by_two_causes_are_two_and_one_cause_at_both_stays_one():
    two = (Fault(kind=K.BGP_NEXT_HOP, element=ALONE), Fault(kind=K.BGP_SESSION, element="interface/R3/transit"))
    found = diagnose(observe(TWO_GROUPS, measured(*two, before=6, after=3, network=TWO_GROUPS)))
    assert set(found.hypotheses[0].faults) == set(two)
    one = Fault(kind=K.DEVICE_DOWN, element="node/R4")  # it has an exit of each group
    found = diagnose(observe(TWO_GROUPS, measured(one, before=6, after=3, network=TWO_GROUPS)))
    assert found.hypotheses[0].faults == (one,)


def test_a_session_that_carries_two_groups_breaks_at_both_and_each_is_named():
    both = tuple(Fault(kind=K.BGP_SESSION, element=f"interface/R4/{x}") for x in ("content", "transit"))
    found = diagnose(observe(TWO_GROUPS, measured(*both, before=6, after=3, network=TWO_GROUPS)))
    assert found.hypotheses[0].faults == both


def test_the_odd_one_of_local_preferences_is_the_wrong_one_whatever_the_others_have():
    telemetry = measured(before=6, after=3, network=TWO_GROUPS)
    said = telemetry.peerings
    raised = said._replace(local_pref=np.full(said.time.size, 300.0))
    assert (
        diagnose(observe(TWO_GROUPS, telemetry.__class__(**{**vars(telemetry), "peerings": raised}))).best.faults == ()
    )


@pytest.mark.parametrize("kind", ASTRAY)
def test_places_are_drawn_where_the_kind_can_be(kind):
    for seed in range(6):
        check(TWO_GROUPS, draw_fault(TWO_GROUPS, seed, kinds=[kind]))


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("bgp_hijack@R3,transit", "may announce"),
        ("bgp_hijack@R2,R5", "no group of exits"),
        ("bgp_origin@R3->transit,content", "may announce"),
        ("bgp_preference@R3->transit=100", "severity 100"),
        ("bgp_hijack@R2", "a target"),
        ("bgp_process@transit", "name a router|beyond exits"),
    ],
)
def test_what_is_no_mistake_there_is_refused(written, words):
    with pytest.raises(Exception, match=words) as caught:
        read_fault(written, TWO_GROUPS, seed=1)
    assert isinstance(caught.value, TopologyError) or "target" in words


def test_nobody_probes_from_beyond_the_exits():
    telemetry = measured(network=TWO_GROUPS)
    beyond = [TWO_GROUPS.node(x) for x in ("transit", "content")]
    assert not np.isin(telemetry.probes.source, beyond).any()
    assert np.isin(telemetry.probes.target, beyond).any()
    assert telemetry.probes.loss.max() < 0.1


@pytest.mark.parametrize("kind", [K.ROUTING_DOWN, K.NEIGHBOUR_MISSING])
def test_a_router_whose_igp_ends_goes_on_leaving_by_its_own_exits_and_nobody_else_does(kind):
    fault = Fault(kind=kind, element="node/R4")
    load, here = simulate(with_fault(TWO_GROUPS, fault)).load, TWO_GROUPS.node("R4")
    for group in ("transit", "content"):
        own = TWO_GROUPS.demands[here, TWO_GROUPS.node(group)]
        assert load[EXITS[f"R4->{group}"]] == pytest.approx(own)
    found = diagnose(observe(TWO_GROUPS, measured(fault, network=TWO_GROUPS, before=6, after=3))).best
    assert found.faults == (fault,)
