"""Where the what-if map can be clicked."""

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote, urlencode

from agents.show.live_views import TriedView
from agents.wording import place
from twin.model import Network


class Hit(NamedTuple):
    """What can be clicked on the what-if map."""

    href: str
    title: str
    node: bool
    x1: float
    y1: float
    x2: float = 0.0
    y2: float = 0.0


def hits_of(network: Network, tried: TriedView, asked: Mapping[str, str]) -> tuple[Hit, ...]:
    """Every circuit and node, to fail it or to put it back."""
    failed = [x for x in asked["fail"].split(",") if x]
    rest = urlencode({k: v for k, v in asked.items() if k != "fail" and v})
    seen, found = set[str](), list[Hit]()
    for half, link in zip(tried.drawing.halves, network.links, strict=True):
        if link.circuit not in seen:  # from end to end: both directions fail together
            seen.add(link.circuit)
            href, title = _toggled(rest, failed, link.circuit), _offer(link.circuit, failed)
            far = 2 * half.x2 - half.x1, 2 * half.y2 - half.y1
            found.append(Hit(href, title, False, half.x1, half.y1, *far))
    for dot, node in zip(tried.drawing.dots, network.nodes, strict=True):
        found.append(Hit(_toggled(rest, failed, node.id), _offer(node.id, failed), True, dot.x, dot.y))
    return tuple(found)


def _toggled(rest: str, failed: list[str], name: str) -> str:
    now = [x for x in failed if x != name] if name in failed else [*failed, name]
    return f"/what-if?fail={quote(','.join(now), safe='/:,-')}{f'&{rest}' if rest else ''}"


def _offer(name: str, failed: list[str]) -> str:
    return f"{place(name)}: {'put it back' if name in failed else 'fail it'}"
