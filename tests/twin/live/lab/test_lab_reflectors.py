"""Route reflectors of a lab: real BGP that tells routers of other exits than their nearest, and what the twin says."""

from collections.abc import Generator
from dataclasses import replace
from datetime import timedelta
from typing import cast

import numpy as np
import pytest

from evals.suites.lab import next_hops
from tests.twin.live.lab.real import a_lab, diagnosed, settled
from twin.faults import Fault, FaultKind, with_fault
from twin.formats import load_network
from twin.live.lab.control import AskFault, AskHeal, AskOffer, AskTraffic
from twin.live.lab.launch import Lab
from twin.live.lab.layout import Reflection
from twin.live.lab.network import LabNetwork
from twin.model import Floats, Network
from twin.observe.readings.peerings import read_peerings
from twin.plan import SetWeight
from twin.sim.simulate import simulate

REFLECTOR = "R8"


def all_as_far(name: str) -> Network:
    """A network whose circuits all weigh the same: equal ways, of which a reflector tells of one exit alone."""
    network = load_network(name)
    return replace(network, links=tuple(x._replace(weight=10) for x in network.links))


@pytest.fixture(scope="module")
def lab() -> Generator[Lab]:
    reflection = Reflection((REFLECTOR,))
    network = all_as_far("synthetic/8-2")
    # one flow in eight goes round: of 64 some do, but once in five thousand times
    with a_lab("told", network, "isis", bgp=True, reflection=reflection, flows=64) as running:
        yield running


@pytest.fixture
def live(lab: Lab) -> LabNetwork:
    return LabNetwork(lab, lab.record)


def test_every_kernel_leaves_by_the_exits_that_the_reflector_chose_and_traffic_goes_round_where_the_twin_says(
    live: LabNetwork,
) -> None:
    network = live.read_topology()
    wanted = next_hops(network)
    assert settled(live, wanted) == wanted
    everybody_told = next_hops(replace(network, astray=()))
    assert sum(wanted[x] != everybody_told[x] for x in wanted) >= 3
    live.lab.ask(AskOffer(factor=0.25))  # what goes round passes its links some thirty times, and must not fill them
    live.wait(2)
    before = counted(live)
    live.wait(8)
    sent, arrived = (x - y for x, y in zip(counted(live), before, strict=True))
    lost = 1 - arrived / np.maximum(sent, 1)
    predicted = simulate(network).undelivered / np.maximum(network.demands, 1e-9)
    live.lab.ask(AskOffer(factor=1.0))
    busy = sent > 50
    round_, straight = busy & (predicted > 0), busy & (predicted == 0)
    assert round_.any()
    assert np.all(np.abs(sent - arrived)[straight] <= 0.01 * sent[straight] + 3)  # some are always under way
    assert np.all(lost[round_] > 0)
    assert 0.3 < (lost * sent)[round_].sum() / (predicted * sent)[round_].sum() < 2.5


def counted(live: LabNetwork) -> tuple[Floats, Floats]:
    told = cast("dict[str, list[list[int]]]", live.lab.ask(AskTraffic()))
    return np.array(told["sent"], dtype=np.float64), np.array(told["received"], dtype=np.float64)


def test_peerings_stand_and_nothing_is_wrong_with_what_the_reflector_makes_of_them(live: LabNetwork) -> None:
    network = live.read_topology()
    live.wait(5)
    telemetry = live.read_telemetry(live.now - timedelta(seconds=12))
    said = read_peerings(network, telemetry.peerings)
    assert [x.link for x in said] == list(network.exits)
    assert all(x.usable and x.claimed == "" for x in said)
    assert all(x.reachable for x in said if network.links[x.link].tail != REFLECTOR)
    assert diagnosed(live, network, ()) == ()


def test_routes_are_as_the_twin_says_when_a_session_falls_and_when_a_weight_changes(live: LabNetwork) -> None:
    network = live.read_topology()
    for i in network.exits[:3]:
        fault = Fault(kind=FaultKind.BGP_SESSION, element=network.links[i].interface)
        live.lab.ask(AskFault(fault=fault, variant="address"))
        wanted = next_hops(with_fault(network, fault))
        assert settled(live, wanted) == wanted
        live.lab.ask(AskHeal())
        assert settled(live, next_hops(network)) == next_hops(network)
    inner = [x for i, x in enumerate(network.links) if i not in network.exits and x.tail == REFLECTOR]
    for link, weight in zip(inner, (25, 4), strict=False):
        live.apply(SetWeight(link=link.name, weight=weight))
        changed = next_hops(live.read_topology())
        assert changed != next_hops(network)
        assert settled(live, changed) == changed


def test_reflectors_that_pass_on_every_path_leave_each_router_its_nearest_exits() -> None:
    reflection = Reflection(("R2", REFLECTOR), add_path=True)
    with a_lab("all", all_as_far("synthetic/8-2"), "isis", bgp=True, reflection=reflection) as running:
        live = LabNetwork(running, running.record)
        network = live.read_topology()
        assert network.astray == ()
        assert settled(live, next_hops(network)) == next_hops(network)
