"""Hypothesis strategies: small connected networks, and one applicable change of any kind."""

import numpy as np
from hypothesis import strategies as st

from twin.model import DemandLimit, Link, Network, Node, SegmentList, Tunnel
from twin.plan import (
    Change,
    DrainLink,
    DrainNode,
    LimitDemand,
    RemoveTunnel,
    SetCapacity,
    SetTunnel,
    SetWeight,
    SleepLink,
    UndrainLink,
    UndrainNode,
    WakeLink,
)

RARELY = st.sampled_from((False, False, False, False, False, True))


@st.composite
def networks(draw, max_nodes: int = 6) -> Network:
    """A connected network with parallels, drained, sleeping and failed parts, tunnels and rate limits."""
    n = draw(st.integers(3, max_nodes))
    names = [f"N{i}" for i in range(n)]
    nodes = tuple(Node(name, float(i), 0.0, drained=draw(RARELY)) for i, name in enumerate(names))
    nodes = tuple(x._replace(cost_out=x.drained and draw(st.booleans())) for x in nodes)
    ends = [(i, draw(st.integers(0, i - 1))) for i in range(1, n)]
    ends += draw(
        st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)).filter(lambda e: e[0] != e[1]), max_size=n)
    )
    links: list[Link] = []
    parallels: dict[tuple[int, int], int] = {}
    for a, b in ends:
        pair = (min(a, b), max(a, b))
        parallels[pair] = index = parallels.get(pair, 0) + 1
        capacity, drained, asleep = draw(st.sampled_from((10.0, 40.0))), draw(RARELY), draw(RARELY)
        last = drained and draw(st.booleans())
        for tail, head in ((a, b), (b, a)):
            weight = draw(st.integers(1, 3))
            links.append(
                Link(
                    names[tail],
                    names[head],
                    capacity,
                    weight,
                    1.0,
                    index,
                    drained=drained,
                    asleep=asleep,
                    cost_out=last,
                )
            )
    demands = np.array(draw(st.lists(st.integers(0, 9), min_size=n * n, max_size=n * n)), dtype=float).reshape(n, n)
    np.fill_diagonal(demands, 0)
    tunnels = (draw(tunnel(names, "T1", (0, 1))), draw(tunnel(names, "T2", (1, 2))))
    limits = (DemandLimit(names[0], names[2], 3.5),)
    kept = tuple(x for x in tunnels if draw(st.booleans()))
    return Network("random", nodes, tuple(links), demands, kept, (), limits if draw(st.booleans()) else ())


@st.composite
def tunnel(draw, names: list[str], name: str, ends: tuple[int, int]) -> Tunnel:
    """A tunnel between two nodes with one or two segment lists."""
    via = st.lists(st.sampled_from(names), max_size=3).map(tuple)
    if draw(st.booleans()):
        paths = (SegmentList(via=draw(via)),)
    else:
        paths = (SegmentList(via=draw(via), share=0.25), SegmentList(via=draw(via), share=0.75))
    told = draw(st.sampled_from(("blackhole", "igp", "igp")))
    return Tunnel(name=name, source=names[ends[0]], target=names[ends[1]], paths=paths, on_invalid=told)


@st.composite
def changes(draw, network: Network) -> Change:
    """Any kind of change that can be made to this state."""
    names = [x.name for x in network.nodes]
    node = network.nodes[draw(st.integers(0, len(names) - 1))]
    link = network.links[draw(st.integers(0, len(network.links) - 1))]
    new = draw(tunnel(names, "T1", (0, 1)))
    a, b = draw(st.permutations(names))[:2]
    choices: list[Change] = [
        SetWeight(link=link.name, weight=draw(st.integers(1, 4) | st.integers(1, 65_535))),
        UndrainLink(circuit=link.circuit)
        if link.drained
        else DrainLink(circuit=link.circuit, mode=draw(st.sampled_from(("remove", "cost_out")))),
        (WakeLink if link.asleep else SleepLink)(circuit=link.circuit),
        UndrainNode(node=node.name)
        if node.drained
        else DrainNode(node=node.name, mode=draw(st.sampled_from(("overload", "cost_out")))),
        SetTunnel(tunnel=new),
        SetCapacity(circuit=link.circuit, capacity=draw(st.floats(1, 1e6))),
        LimitDemand(source=a, target=b, limit=draw(st.none() | st.floats(0, 100))),
    ]
    choices += [RemoveTunnel(name=x.name) for x in network.tunnels]
    return draw(st.sampled_from(choices))
