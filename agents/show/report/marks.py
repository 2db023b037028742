"""What to look at on a map: where the fault is and what the plan touched, as SVG paths."""

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from agents.wording import sentence, short
from twin.errors import TwinError
from twin.model import Network, Tunnel
from twin.plan import Change, DrainNode, LimitDemand, RemoveTunnel, SetTunnel, SetWeight, UndrainNode

from .projection import MapSheet

RING = 14  # radius in pixels
_ASIDE = 4.0  # pixels


class Mark(NamedTuple):
    """Something to look at: where the fault is, or what the plan touched."""

    kind: str
    path: str
    title: str


def nodes_of(network: Network, element: str | None) -> tuple[str, ...]:
    """The node, or the two ends, of an element id or a link; nothing for what the network does not have."""
    if element is None:
        return ()
    if element in network.link_index:
        link = network.links[network.link_index[element]]
        return (link.tail, link.head)
    if element in network.circuits:
        link = network.links[network.circuits[element][0]]
        return (link.tail, link.head)
    if element in network.interface_index:
        link = network.links[network.interface_index[element]]
        return (link.tail, link.head)
    name = element.removeprefix("node/")
    return (name,) if name in network.node_index else ()


def spot(network: Network, sheet: MapSheet, element: str | None) -> tuple[float, float] | None:
    """Where an element is drawn: a node, the middle of a circuit, the near part of an interface's link."""
    places = [network.node_index[name] for name in nodes_of(network, element)]
    if element is None or not places:
        return None
    weights = (0.72, 0.28) if element.startswith("interface/") or element in network.link_index else (0.5, 0.5)
    x = sum(float(sheet.x[i]) * w for i, w in zip(places, weights if len(places) > 1 else (1,), strict=True))
    y = sum(float(sheet.y[i]) * w for i, w in zip(places, weights if len(places) > 1 else (1,), strict=True))
    return (x, y)


def ring(at: tuple[float, float], element: str, *, refused: bool = False) -> Mark:
    """A ring around a fault, or a square on its corner around what a plan is refused for."""
    x, y = at
    r = RING
    if refused:
        path = f"M{x - r:.1f} {y:.1f}L{x:.1f} {y - r:.1f}L{x + r:.1f} {y:.1f}L{x:.1f} {y + r:.1f}Z"
        return Mark("refused", path, f"refuses the plan: {short(element)}")
    path = f"M{x - r:.1f} {y:.1f}a{r} {r} 0 1 0 {2 * r} 0a{r} {r} 0 1 0 {-2 * r} 0"
    return Mark("ring", path, f"fault at {short(element)}")


def without(network: Network, down: Collection[str]) -> Network:
    """The network with what is known to be down taken down, circuits and nodes."""
    links = tuple(link._replace(up=link.up and link.circuit not in down) for link in network.links)
    nodes = tuple(node._replace(up=node.up and node.id not in down) for node in network.nodes)
    return replace(network, links=links, nodes=nodes)


def plan_marks(network: Network, sheet: MapSheet, steps: Sequence[Change]) -> tuple[Mark, ...]:
    """Show what each step of a plan touches; a tunnel by the links that its traffic leaves, and those that it takes."""
    return tuple(mark for step in steps for mark in _touch(network, sheet, step))


def _touch(network: Network, sheet: MapSheet, step: Change) -> Iterator[Mark]:
    if isinstance(step, SetTunnel):
        yield from _steered(network, sheet, step.tunnel)
        return
    mark = _changed(network, sheet, step)
    if mark is not None:
        yield mark


def _steered(network: Network, sheet: MapSheet, tunnel: Tunnel) -> Iterator[Mark]:
    words = ", ".join(" \N{RIGHTWARDS ARROW} ".join((tunnel.source, *path.via, tunnel.target)) for path in tunnel.paths)
    before, after = (_carrying(network, tunnel, tunnels) for tunnels in ((), (tunnel,)))
    for kind, links, title in (
        ("left", [x for x in before if x not in after], f"tunnel {tunnel.name}: the way that its traffic leaves"),
        ("taken", after, f"tunnel {tunnel.name}: {words}"),
    ):
        if links:
            yield Mark(kind, "".join(_beside(network, sheet, link) for link in links), title)


def _carrying(network: Network, tunnel: Tunnel, tunnels: tuple[Tunnel, ...]) -> list[int]:
    """Positions of the links that a demand from the tunnel's source to its target passes, with these tunnels alone."""
    from twin.sim.simulate import simulate  # only a page with a tunnel on it waits for the simulator

    if tunnel.source not in network.node_index or tunnel.target not in network.node_index:
        return []
    demands = np.zeros_like(network.demands)
    demands[network.node(tunnel.source), network.node(tunnel.target)] = 1.0
    try:
        return np.flatnonzero(simulate(replace(network, demands=demands, tunnels=tunnels)).load > 0).tolist()
    except TwinError:  # a network in which the tunnel cannot be: the plan's table names its way
        return []


def _beside(network: Network, sheet: MapSheet, position: int) -> str:
    """A link from its tail to its head, a little to the right of its middle line, where its direction drives."""
    link = network.links[position]
    (x1, y1), (x2, y2) = (
        (float(sheet.x[network.node(name)]), float(sheet.y[network.node(name)])) for name in (link.tail, link.head)
    )
    length = math.hypot(x2 - x1, y2 - y1) or 1.0
    aside = _ASIDE + 9.0 * ((link.index // 2) if link.index > 1 else 0)
    dx, dy = -(y2 - y1) / length * aside, (x2 - x1) / length * aside
    return f"M{x1 + dx:.1f} {y1 + dy:.1f}L{x2 + dx:.1f} {y2 + dy:.1f}"


def _changed(network: Network, sheet: MapSheet, step: Change) -> Mark | None:
    if isinstance(step, SetWeight):
        link = network.links[network.link(step.link)]
        return Mark("changed", _trail(network, sheet, (link.tail, link.head)), sentence(step))
    if isinstance(step, DrainNode | UndrainNode):
        x, y = (float(axis[network.node(step.node)]) for axis in (sheet.x, sheet.y))
        return Mark("changed", f"M{x - 9:.1f} {y:.1f}a9 9 0 1 0 18 0a9 9 0 1 0 -18 0", sentence(step))
    if isinstance(step, SetTunnel | RemoveTunnel | LimitDemand):
        return None
    return Mark("changed", _trail(network, sheet, nodes_of(network, step.circuit)), sentence(step))


def _trail(network: Network, sheet: MapSheet, names: Sequence[str]) -> str:
    """An SVG path from node to node."""
    at = [(float(sheet.x[network.node(name)]), float(sheet.y[network.node(name)])) for name in names]
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in at)
