"""Who uses an element, and who suffers: demands by what of them crosses it, is lost, or shares a link too full.

What crosses some links is what would be lost if they lost everything: one simulation, whatever tunnels, equal paths and
diversions there are.
"""

from collections.abc import Collection
from dataclasses import replace
from typing import Annotated

import numpy as np
from pydantic import Field

from twin.model import Floats, Frozen, Network
from twin.sim.simulate import simulate

from .arguments import Element
from .box.results import next_after
from .box.run_state import RunState

PAGE = 8
_LEAST = 1e-3  # Mbit/s below which nothing crosses and nothing is lost


class DemandUse(Frozen):
    """One demand, Mbit/s: what is offered, what of it crosses, what does not arrive, what shares a link too full."""

    demand: str
    offered: float
    crosses: float = Field(description="Of it, over the element; 0 without one.")
    lost: float = Field(description="Not delivered in the believed state.")
    crowded: float = Field(description="Of it, over links above the limit of the policy.")
    importance: tuple[str, ...] = Field(description="Documents on what it is for, by id.")


class DemandUsePage(Frozen):
    """Demands of the believed state that cross an element, or suffer: what somebody called important, then most."""

    snapshot: str
    total: int
    demands: tuple[DemandUse, ...]
    next_offset: int | None


def affected_demands(
    run_state: RunState,
    element: Annotated[Element, Field(description="Who crosses it; empty: who suffers.")] = "",
    offset: Annotated[int, Field(ge=0)] = 0,
) -> DemandUsePage:
    """Say which demands cross a node, circuit or link, or, without one, which suffer in the believed state."""
    network = run_state.state
    links = _links_of(network, element) if element else ()
    with run_state.span("simulate", snapshot=network.id):
        outcome = simulate(network)
        crosses = crossing(network, links)
        capacity = np.array([link.capacity for link in network.links])
        full = np.flatnonzero(outcome.load > run_state.policy.max_utilisation * capacity)
        crowded = crossing(network, [int(i) for i in full])
    lost = _lost(network, outcome.undelivered)
    if element.startswith("node/"):
        end = network.node(element)
        crosses[end, :], crosses[:, end] = network.offered[end, :], network.offered[:, end]
    rank = crosses if element else np.where(lost > _LEAST, lost, 0.0) + crowded
    pairs = sorted(
        ((int(s), int(t)) for s, t in zip(*np.nonzero(rank > _LEAST), strict=True)),
        key=lambda x: (not _papers(run_state, x), -rank[x], x),
    )
    return DemandUsePage(
        snapshot=network.id,
        total=len(pairs),
        demands=tuple(_use(run_state, x, crosses, lost, crowded) for x in pairs[offset : offset + PAGE]),
        next_offset=next_after(offset + PAGE, pairs),
    )


def crossing(network: Network, links: Collection[int]) -> Floats:
    """Mbit/s of each demand that reaches one of some links [n, n], by what would be lost on them."""
    if not links:
        return np.zeros_like(network.offered)
    chosen = set(links)
    losing = tuple(link._replace(loss=1.0) if i in chosen else link for i, link in enumerate(network.links))
    before, after = simulate(network), simulate(replace(network, links=losing))
    found = after.undelivered - before.undelivered
    return np.where(found > _LEAST, found, 0.0)


def _lost(network: Network, undelivered: Floats) -> Floats:
    """What does not arrive [n, n], with what starts or ends at a node that is down."""
    down = ~np.array([node.up for node in network.nodes])
    lost = undelivered.copy()
    lost[down, :], lost[:, down] = network.offered[down, :], network.offered[:, down]
    return lost


def _links_of(network: Network, element: str) -> tuple[int, ...]:
    """Raises `UnknownElementError` for what the network does not have."""
    if element.startswith("node/"):
        name = network.nodes[network.node(element)].name
        return tuple(i for i, link in enumerate(network.links) if name in (link.tail, link.head))
    return network.circuit(element) if element.startswith("link/") else (network.link(element),)


def _use(run_state: RunState, pair: tuple[int, int], crosses: Floats, lost: Floats, crowded: Floats) -> DemandUse:
    return DemandUse(
        demand=_named(run_state, pair),
        offered=round(float(run_state.state.offered[pair]), 3),
        crosses=round(float(crosses[pair]), 3),
        lost=round(float(lost[pair]), 3),
        crowded=round(float(crowded[pair]), 3),
        importance=_papers(run_state, pair),
    )


def _papers(run_state: RunState, pair: tuple[int, int]) -> tuple[str, ...]:
    """What was written on the importance of a demand, by id."""
    name = _named(run_state, pair)
    return tuple(x.id for x in run_state.documents if x.kind == "importance" and x.element == name)


def _named(run_state: RunState, pair: tuple[int, int]) -> str:
    return f"demand/{run_state.state.nodes[pair[0]].name}->{run_state.state.nodes[pair[1]].name}"
