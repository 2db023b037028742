"""What to look at on a map: where the fault is and what the plan touched, as SVG paths."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from twin.model import Network
from twin.plan import Change, DrainNode, LimitDemand, RemoveTunnel, SetTunnel, SetWeight, UndrainNode

from .projection import Sheet

RING = 14  # radius in pixels


class Mark(NamedTuple):
    """Something to look at: where the fault is, or what the plan touched."""

    kind: str
    path: str
    title: str


def nodes_of(network: Network, element: str | None) -> tuple[str, ...]:
    """The node, or the two ends, of an element id; nothing for an element that the network does not have."""
    if element is None:
        return ()
    if element in network.circuits:
        link = network.links[network.circuits[element][0]]
        return (link.tail, link.head)
    if element in network.interface_index:
        link = network.links[network.interface_index[element]]
        return (link.tail, link.head)
    name = element.removeprefix("node/")
    return (name,) if name in network.node_index else ()


def spot(network: Network, sheet: Sheet, element: str | None) -> tuple[float, float] | None:
    """Where an element is drawn: a node, the middle of a circuit, the near part of an interface's link."""
    places = [network.node_index[name] for name in nodes_of(network, element)]
    if element is None or not places:
        return None
    weights = (0.72, 0.28) if element.startswith("interface/") else (0.5, 0.5)
    x = sum(float(sheet.x[i]) * w for i, w in zip(places, weights if len(places) > 1 else (1,), strict=True))
    y = sum(float(sheet.y[i]) * w for i, w in zip(places, weights if len(places) > 1 else (1,), strict=True))
    return (x, y)


def ring(at: tuple[float, float], fault: str) -> Mark:
    """A ring around a fault."""
    x, y = at
    r = RING
    return Mark("ring", f"M{x - r:.1f} {y:.1f}a{r} {r} 0 1 0 {2 * r} 0a{r} {r} 0 1 0 {-2 * r} 0", f"fault at {fault}")


def plan_marks(network: Network, sheet: Sheet, steps: Sequence[Change]) -> tuple[Mark, ...]:
    """Show what each step of a plan touches."""
    marks = [_touch(network, sheet, step) for step in steps]
    return tuple(mark for mark in marks if mark is not None)


def _touch(network: Network, sheet: Sheet, step: Change) -> Mark | None:
    if isinstance(step, SetTunnel):
        stops = [(step.tunnel.source, *path.via, step.tunnel.target) for path in step.tunnel.paths]
        path = "".join(_trail(network, sheet, names, bend=0.16) for names in stops)
        return Mark("tunnel", path, f"tunnel {step.tunnel.name}: {', '.join(' > '.join(names) for names in stops)}")
    if isinstance(step, SetWeight):
        link = network.links[network.link(step.link)]
        return Mark("changed", _trail(network, sheet, (link.tail, link.head)), f"{step.link}: weight {step.weight}")
    if isinstance(step, DrainNode | UndrainNode):
        x, y = (float(axis[network.node(step.node)]) for axis in (sheet.x, sheet.y))
        return Mark("changed", f"M{x - 9:.1f} {y:.1f}a9 9 0 1 0 18 0a9 9 0 1 0 -18 0", f"{step.op} {step.node}")
    if isinstance(step, RemoveTunnel | LimitDemand):
        return None
    return Mark("changed", _trail(network, sheet, nodes_of(network, step.circuit)), f"{step.op} {step.circuit}")


def _trail(network: Network, sheet: Sheet, names: Sequence[str], *, bend: float = 0.0) -> str:
    """An SVG path from node to node; `bend` lifts each leg off the straight line by that share of its length."""
    at = [(float(sheet.x[network.node(name)]), float(sheet.y[network.node(name)])) for name in names]
    path = f"M{at[0][0]:.1f} {at[0][1]:.1f}"
    for (x1, y1), (x2, y2) in pairwise(at):
        cx, cy = (x1 + x2) / 2 - (y2 - y1) * bend, (y1 + y2) / 2 + (x2 - x1) * bend
        path += f"Q{cx:.1f} {cy:.1f} {x2:.1f} {y2:.1f}"
    return path
