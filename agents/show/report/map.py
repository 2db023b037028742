"""The network as a picture: two half-links per circuit, coloured by utilisation; geometry only, no markup.

Each direction of a circuit is drawn from its own end to the middle. Colour is never alone: the busy ones are also
dashed and carry their percentage, and every element has its figures as a tooltip.
"""

import math
from collections.abc import Collection, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from agents.wording import capacity, share, stated
from twin.model import Link, Network
from twin.plan import Change, SetTunnel, subject

from .labels import Box, Label, Lettering, Segment, around, centred, text_width
from .marks import RING, Mark, nodes_of, plan_marks, ring, spot, without
from .projection import MapSheet, project

LIMIT = 0.8  # from the limit on a half-link is dashed and carries its percentage
_QUIET = (0.25, 0.5, 0.7)  # where the colours of loads within the limit change
_THIN, _THICK = 2.2, 6.4
_NODE, _TEXT, _FIGURE = 4.2, 10.5, 11.0
_CLEAR = 8.0  # radii of a node that most circuits are longer than
_PHONE_TEXT = 17.0  # of the names that a narrow page keeps, by its stylesheet


class HalfLink(NamedTuple):
    """One direction of a circuit, from its tail to the middle, with an arrow head of three points."""

    x1: float
    y1: float
    x2: float
    y2: float
    arrow: str
    width: float
    band: str
    title: str


class Dot(NamedTuple):
    """A node."""

    name: str
    x: float
    y: float
    state: str
    title: str


class Drawing(NamedTuple):
    """Everything on one map; `width` and `height` in pixels."""

    width: float
    height: float
    halves: tuple[HalfLink, ...]
    dots: tuple[Dot, ...]
    marks: tuple[Mark, ...]
    names: tuple[Label, ...]
    figures: tuple[Label, ...]
    widths: tuple[tuple[str, float], ...]
    title: str
    keys: frozenset[str]  # nodes to name where there is room for few
    dot: float  # radius of a node


class Look(NamedTuple):
    """What one map shows: utilisation per link (-1 is unmeasured), what is down, fault, plan, and what refuses it."""

    title: str
    utilisation: Sequence[float]
    down: Collection[str] = ()
    fault: str | None = None
    steps: Sequence[Change] = ()
    limit: float = LIMIT
    refused: str | None = None  # where the gate refuses what is drawn


class _Ends(NamedTuple):
    link: Link
    segment: Segment
    width: float


def draw(network: Network, look: Look) -> Drawing:
    """Lay the network out on a sheet and say what every element looks like; what ends at a node that is down, is."""
    look = look._replace(down={*look.down, *(x.id for x in network.nodes if not x.up)})
    sheet = project(network)
    fine = _fineness(network, sheet)
    widths = {size: width * fine for size, width in _widths(network).items()}
    ends = [_Ends(link, _half(network, sheet, link), widths[link.capacity]) for link in network.links]
    halves = tuple(_draw_half(end, value, look) for end, value in zip(ends, look.utilisation, strict=True))
    fault, refused = spot(network, sheet, look.fault), spot(network, sheet, look.refused)
    taken = [_square(float(x), float(y), _NODE * fine) for x, y in zip(sheet.x, sheet.y, strict=True)]
    taken += [_square(*at, RING) for at in (fault, refused) if at]
    ground = Lettering([end.segment for end in ends], taken)
    figures = _place_figures(ends, look, ground)
    names = _place_names(network, sheet, look, ground, crowded=fine < 1)
    dots = tuple(_dot(network, sheet, i, look) for i in range(len(network.nodes)))
    legend = tuple((capacity(value), width) for value, width in sorted(widths.items()))[-5:]
    rings = [ring(fault, look.fault)] if fault and look.fault else []
    rings += [ring(refused, look.refused, refused=True)] if refused and look.refused else []
    marks = (*(plan_marks(without(network, look.down), sheet, look.steps) if look.steps else ()), *rings)
    keys = _keys(network, look)
    more = look.title, keys, _NODE * fine
    return Drawing(sheet.width, sheet.height, halves, dots, marks, names, figures, legend, *more)


def band(utilisation: float, limit: float = LIMIT) -> str:
    """Return the style of a utilisation: `b0` (nearly idle) to `b3`, `b4` from the limit, `b5` from full on.

    Below zero it is `unknown`.
    """
    if utilisation < 0 or not math.isfinite(utilisation):
        return "unknown"
    if utilisation >= max(limit, 1.0):
        return "b5"
    if utilisation >= limit:
        return "b5" if utilisation >= 1 else "b4"
    return f"b{sum(utilisation >= x for x in _QUIET)}"


def bands(limit: float = LIMIT) -> list[tuple[str, str]]:
    """Return the styles of utilisation on a map with their meaning, for its legend."""
    edges = [0.0, *(x for x in _QUIET if x < limit), limit]
    quiet = [(band(low, limit), _span(low, high)) for low, high in pairwise(edges)]
    marked = [("b4", f"{_span(limit, 1.0)}, above the limit")] if limit < 1 else []
    return [*quiet, *marked, ("b5", f"{stated(max(limit, 1.0))} and more")]


def _span(low: float, high: float) -> str:
    return f"{100 * low:.5g} to {stated(high)}" if low else f"under {stated(high)}"


def _widths(network: Network) -> dict[float, float]:
    sizes = sorted({link.capacity for link in network.links})
    if len(sizes) < 2:
        return dict.fromkeys(sizes, (_THIN + _THICK) / 2)
    low, span = math.log(sizes[0]), max(math.log(sizes[-1] / sizes[0]), math.log(10))
    return {size: _THIN + (_THICK - _THIN) * (math.log(size) - low) / span for size in sizes}


def _fineness(network: Network, sheet: MapSheet) -> float:
    """By how much nodes and lines are drawn smaller, so that half of the circuits are as long as four nodes."""
    forth = [network.links[first] for first, *_ in network.circuits.values()]
    tails, heads = [network.node_index[x.tail] for x in forth], [network.node_index[x.head] for x in forth]
    long = np.hypot(sheet.x[tails] - sheet.x[heads], sheet.y[tails] - sheet.y[heads])
    return min(1.0, float(np.median(long)) / (_CLEAR * _NODE)) if long.any() else 1.0


def _half(network: Network, sheet: MapSheet, link: Link) -> Segment:
    tail, head = network.node_index[link.tail], network.node_index[link.head]
    x1, y1, x2, y2 = (float(v) for v in (sheet.x[tail], sheet.y[tail], sheet.x[head], sheet.y[head]))
    length = math.hypot(x2 - x1, y2 - y1) or 1.0
    # Parallel circuits lie side by side; both directions of one lie on one line.
    aside = (link.index // 2) * 9.0 * (-1 if link.index % 2 else 1) * (1 if link.tail < link.head else -1)
    dx, dy = -(y2 - y1) / length * aside, (x2 - x1) / length * aside
    return Segment(x1 + dx, y1 + dy, (x1 + x2) / 2 + dx, (y1 + y2) / 2 + dy)


def _draw_half(end: _Ends, utilisation: float, look: Look) -> HalfLink:
    x1, y1, x2, y2 = end.segment
    length = math.hypot(x2 - x1, y2 - y1) or 1.0
    ux, uy = (x2 - x1) / length, (y2 - y1) / length
    head = min(1.5 * end.width + 2.5, length / 2)
    tip_x, tip_y = x2 - ux * 0.8, y2 - uy * 0.8
    base_x, base_y = tip_x - ux * head, tip_y - uy * head
    wing = end.width / 2 + 1.6
    points = ((tip_x, tip_y), (base_x - uy * wing, base_y + ux * wing), (base_x + uy * wing, base_y - ux * wing))
    state = _state(end.link, look.down)
    style = "down" if state else band(utilisation, look.limit)
    title = f"{end.link.name}: {state or f'{share(utilisation)} of {capacity(end.link.capacity)}'}"
    arrow = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    if state:  # no arrow head, so the line itself reaches the middle
        base_x, base_y = tip_x, tip_y
    return HalfLink(x1, y1, base_x, base_y, arrow, end.width, style, title)


def _state(link: Link, down: Collection[str]) -> str:
    """Why a link carries nothing, in a word; empty when it may."""
    if not link.up or not {link.circuit, f"node/{link.tail}", f"node/{link.head}"}.isdisjoint(down):
        return "down"
    if not link.adjacent:
        return "without its routing neighbour"
    return "asleep" if link.asleep else ""


def _dot(network: Network, sheet: MapSheet, i: int, look: Look) -> Dot:
    node = network.nodes[i]
    state = "down" if not node.up or node.id in look.down else "drained" if node.drained else "up"
    return Dot(node.name, float(sheet.x[i]), float(sheet.y[i]), state, f"{node.name}: {state}")


def _place_figures(ends: Sequence[_Ends], look: Look, ground: Lettering) -> tuple[Label, ...]:
    """Write the percentage beside every busy half-link, the busiest first; what is placed is taken."""
    shown = [i for i, end in enumerate(ends) if look.utilisation[i] >= look.limit and not _state(end.link, look.down)]
    placed: list[Label] = []
    for i in sorted(shown, key=lambda i: (-look.utilisation[i], i)):
        spots = _beside(share(look.utilisation[i]), ends[i].segment)
        # A full link without its figure would be told by colour alone: rather overlap than leave it out.
        label = ground.choose(spots) or spots[0]
        placed.append(label)
        ground.take(label.box)
    return tuple(placed)


def _beside(text: str, segment: Segment) -> list[Label]:
    x1, y1, x2, y2 = segment
    length = math.hypot(x2 - x1, y2 - y1) or 1.0
    across, up = -(y2 - y1) / length, (x2 - x1) / length
    off = 5 + text_width(text, _FIGURE) / 2 * abs(across) + _FIGURE / 2 * abs(up)  # clear of the line at any angle
    spots = [
        centred(text, x1 + (x2 - x1) * along + across * away, y1 + (y2 - y1) * along + up * away, size=_FIGURE)
        for away in (off, -off, off + 9, -off - 9)
        for along in (0.6, 0.4, 0.8)
    ]
    return [*spots, *around(text, x2, y2, size=_FIGURE, gap=20)]


def _place_names(
    network: Network, sheet: MapSheet, look: Look, ground: Lettering, *, crowded: bool
) -> tuple[Label, ...]:
    """Write the node names that find room; what is placed is taken. On a crowded map most of them cover no line."""
    placed: list[Label] = []
    keys = _keys(network, look)
    for i in _by_importance(network, look):
        name, at_x, at_y = network.nodes[i].name, float(sheet.x[i]), float(sheet.y[i])
        spots, grown = (
            [spot for gap in (_NODE + 4, 16) for spot in around(name, at_x, at_y, size=size, gap=gap)]
            for size in (_TEXT, _PHONE_TEXT)
        )
        inside = [spot for spot in spots if spot.box.inside(sheet.width, sheet.height)]
        stays = [spot for spot, big in zip(spots, grown, strict=True) if big.box.inside(sheet.width, sheet.height)]
        most = 0 if crowded and name not in keys else None
        label = ground.choose(stays if name in keys and stays else inside, most)
        if label is not None:
            placed.append(label)
            ground.take(label.box)
    return tuple(placed)


def _by_importance(network: Network, look: Look) -> list[int]:
    """Nodes at the fault first, then by the utilisation and the number of their links."""
    peak, degree = [0.0] * len(network.nodes), [0] * len(network.nodes)
    for link, value in zip(network.links, look.utilisation, strict=True):
        for name in (link.tail, link.head):
            peak[network.node_index[name]] = max(peak[network.node_index[name]], value)
        degree[network.node_index[link.tail]] += 1
    at_fault = {*nodes_of(network, look.fault), *nodes_of(network, look.refused)}
    return sorted(
        range(len(network.nodes)),
        key=lambda i: (network.nodes[i].name not in at_fault, peak[i] < look.limit, -degree[i], -peak[i], i),
    )


def _keys(network: Network, look: Look) -> frozenset[str]:
    """Nodes at the fault, at what is down, at busy links (else the busiest), at the ends of what a plan touches."""
    loaded = list(zip(network.links, look.utilisation, strict=True))
    most = max((value for _, value in loaded if value > 0), default=look.limit)
    busy = [link for link, value in loaded if value >= min(most, look.limit)]
    steered = [x.tunnel for x in look.steps if isinstance(x, SetTunnel)]
    return frozenset(
        (
            *nodes_of(network, look.fault),
            *nodes_of(network, look.refused),
            *(name for element in look.down for name in nodes_of(network, element)),
            *(name for link in busy for name in (link.tail, link.head)),
            *(name for tunnel in steered for name in (tunnel.source, tunnel.target)),
            *(name for step in look.steps for name in nodes_of(network, subject(step))),
        )
    )


def _square(x: float, y: float, half: float) -> Box:
    return Box(x - half, y - half, x + half, y + half)
