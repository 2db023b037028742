"""The ways between the screens, as far as somebody may go them."""

from collections.abc import Sequence
from typing import NamedTuple

from agents.serve.board import Incident

from .rights import Visitor

_ICONS = {
    "wall": "M3 5h18v11H3zM9 20h6M12 16v4",
    "incident": "M12 4 21 20H3zM12 10v4M12 17v.5",
    "approvals": "M12 3l7 3v5c0 5-3 8-7 10-4-2-7-5-7-10V6zM9 12l2 2 4-4",
    "what-if": "M4 5h6v6H4zM14 13h6v6h-6zM10 8h7v5M7 11v5h7",
    "ask": "M4 5h16v11H11l-5 4v-4H4zM9 10.5h.5M12 10.5h.5M15 10.5h.5",
    "history": "M4 12a8 8 0 1 0 3-6M4 4v4h4M12 8v4l3 2",
    "health": "M3 12h4l2-6 4 12 2-6h6",
}
_WHOLE = ("what-if", "ask", "health")  # they show the whole network


class Item(NamedTuple):
    """One entry of the rail."""

    word: str
    href: str
    icon: str
    here: bool
    number: int


def rail(standing: Sequence[Incident], here: str, visitor: Visitor) -> tuple[Item, ...]:
    """Return the screens in their order; `standing` are the incidents that have not ended, as far as they are seen."""
    first = next((f"/incidents/{x.id}" for x in standing), "/history")
    waits = sum(x.outcome == "awaiting approval" for x in standing)
    every = (
        ("wall", "Wall", "/", 0),
        ("incident", "Incident", first, len(standing)),
        ("approvals", "Approve", "/approvals", waits),
        ("what-if", "What-if", "/what-if", 0),
        ("ask", "Ask", "/ask", 0),
        ("history", "History", "/history", 0),
        ("health", "Health", "/health", 0),
    )
    return tuple(
        Item(word, href, _ICONS[name], here == name, number)
        for name, word, href, number in every
        if visitor.everywhere or name not in _WHOLE
    )
