"""What routers run, read one by one: each is heard in its own words, and of a whole answer nothing else is kept."""

import gc
from dataclasses import replace

from tests.twin.live.beyond_exits import FIRST, NETWORK, START
from tests.twin.live.ladder import ladder
from twin.errors import ExecutionError
from twin.execute.running import read_running
from twin.faults import Fault, FaultKind, with_fault
from twin.live.emulated import EmulatedNetwork
from twin.live.network import Configuration
from twin.model import Link, Network
from twin.observe.readings.readback import Item, read_back
from twin.plan import DrainNode, LimitDemand, SetTunnel, UndrainNode
from twin.steering import SegmentList, Tunnel

K = FaultKind
AT_A0 = "interface/a0/a1"


def answers(live: EmulatedNetwork) -> dict[str, Configuration]:
    """The whole answer of every router that gives one."""
    found = {}
    for node in live.read_topology().nodes:
        try:
            found[node.name] = live.read_router(node.name)
        except ExecutionError:
            continue
    return found


def kept_alive(network: Network, *roots: object) -> tuple[int, int]:
    """How many links and networks some values keep alive beside a network and its links."""
    seen, left, found = {id(x) for x in (network, *network.links)}, list(roots), []
    while left:
        here = left.pop()
        if id(here) not in seen and not isinstance(here, type):
            seen.add(id(here))
            found.append(here)
            left += gc.get_referents(here)
    return sum(isinstance(x, Link) for x in found), sum(isinstance(x, Network) for x in found)


def test_a_reading_of_all_routers_keeps_one_network_and_the_links_that_differ():
    network = ladder(rungs=12)
    live = EmulatedNetwork(network, seed=1, start=START)
    live.inject(Fault(kind=K.WEIGHT, element=AT_A0, severity=77.0))
    whole = answers(live)
    links, _ = kept_alive(network, *whole.values())
    assert links == 1
    running = read_running(live, network)
    links, networks = kept_alive(network, running.said)
    assert len(running.said) == len(network.nodes)
    assert networks == 1
    assert links <= len(network.links)
    assert read_back(network, running.said) == read_back(network, whole)
    assert [x.items for x in read_back(network, running.said) if x.items] == [(Item("weight", AT_A0, value=77.0),)]


def test_every_router_is_heard_as_it_answered_whatever_is_believed_of_it():
    live = EmulatedNetwork(NETWORK, seed=5, start=START)
    names = [x.name for x in NETWORK.nodes if x.kind != "exits"]
    inner = [x.interface for i, x in enumerate(NETWORK.links) if i not in NETWORK.exits]
    mine = {name: next(x for x in inner if x.startswith(f"interface/{name}/")) for name in names}
    live.apply(DrainNode(node=names[1]))
    live.inject(Fault(kind=K.STALE_CONFIGURATION, element=f"node/{names[1]}"))
    live.apply(UndrainNode(node=names[1]))
    for kind, at in ((K.WEIGHT, 2), (K.DATA_ACL, 3), (K.STATIC_ROUTE, 4), (K.AREA, 5)):
        target = f"node/{names[0]}" if kind in (K.DATA_ACL, K.STATIC_ROUTE) else None
        live.inject(
            Fault(kind=kind, element=mine[names[at]], target=target, severity=99.0 if kind is K.WEIGHT else 1.0)
        )
    live.apply(
        SetTunnel(tunnel=Tunnel(name="t", source=names[0], target=names[2], paths=(SegmentList(via=(names[3],)),)))
    )
    live.apply(LimitDemand(source=names[4], target=names[5], limit=5.0))
    live.inject(Fault(kind=K.DEVICE_DOWN, element=f"node/{names[7]}"))
    whole = answers(live)
    assert sorted(whole) == sorted(set(names) - {names[7]})
    believed = with_fault(NETWORK, Fault(kind=K.BGP_PREFERENCE, element=FIRST, severity=50))
    believed = replace(believed, links=tuple(x._replace(weight=x.weight + 1) for x in believed.links))
    running = read_running(live, believed)
    assert read_back(NETWORK, running.said) == read_back(NETWORK, whole)
    assert sum(len(x.items) for x in read_back(NETWORK, running.said)) >= 4
    assert (running.unread, running.network.tunnels) == ((names[7],), live.read_topology().tunnels)
    assert running.network.limits == live.read_topology().limits
    for said in running.said.values():
        assert said.network is next(iter(running.said.values())).network
    # of an exit the believed preference stands, of every other link what its router runs
    for i, link in enumerate(running.network.links):
        told = whole[link.tail].network.links[i] if link.tail in whole and i not in NETWORK.exits else believed.links[i]
        assert link.weight == told.weight
