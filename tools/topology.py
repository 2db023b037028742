"""The network as it is measured now: the whole, and one element."""

from datetime import datetime
from typing import Annotated

import numpy as np
from pydantic import Field

from twin.elements import find_element
from twin.harm import Harm
from twin.model import Floats, Frozen
from twin.observe import Observation
from twin.untrusted import FileText

from .arguments import Element
from .box.run_state import RunState

SHOWN, BUSIEST = 8, 3


class LinkReading(Frozen):
    """One directed link, means over the newest samples; null where nothing was measured."""

    link: str
    up: bool
    utilisation: float | None = Field(description="Of the capacity that the inventory states.")
    out_mbps: float | None
    in_mbps: float | None
    dropped_mbps: float | None
    capacity: float
    weight: int


class NetworkStatus(Frozen):
    """The whole network, measured."""

    network: FileText
    snapshot: str
    nodes: int
    circuits: int
    live_time: datetime
    samples: int = Field(description="Samples the figures are means over, from one state of the network.")
    interval_s: float
    quality: float = Field(description="1 for complete and consistent telemetry, lower for each defect.")
    offered: float = Field(description="Mbit/s of measured demand.")
    harm: float = Field(description="Mbit/s that users lose or that is above the policy's limit.")
    harm_parts: Harm = Field(description="The same by what becomes of it.")
    limit: float = Field(description="Highest utilisation that the policy allows.")
    max_utilisation: float
    busiest: str | None
    busiest_links: tuple[LinkReading, ...]
    down: tuple[str, ...] = Field(description="Circuits that are down and nodes that do not answer; at most 12.")


class ElementStatus(Frozen):
    """One element: the links that belong to it."""

    element: str
    answered: bool | None = Field(default=None, description="Of a node: whether it answers its polls.")
    links: tuple[LinkReading, ...]
    truncated: bool


def network_status(run_state: RunState) -> NetworkStatus:
    """Show the measured state of the whole network: harm, busiest links, what is down, quality of the telemetry."""
    observation = run_state.look()
    load = utilisation(observation)
    order = sorted(range(len(load)), key=lambda i: (-np.nan_to_num(load[i]), i))[:BUSIEST]
    peak = float(np.nan_to_num(load).max(initial=0.0))
    return NetworkStatus(
        network=run_state.inventory.name,
        snapshot=run_state.inventory.id,
        nodes=len(run_state.inventory.nodes),
        circuits=len(run_state.inventory.circuits),
        live_time=run_state.live.now,
        samples=observation.samples,
        interval_s=observation.interval_s,
        quality=round(run_state.assessment.report.score, 3),
        offered=round(float(observation.network.offered.sum()), 1),
        harm=round(run_state.harm.total, 3),
        harm_parts=run_state.harm.rounded(),
        limit=run_state.policy.max_utilisation,
        max_utilisation=round(peak, 4),
        busiest=run_state.inventory.links[order[0]].name if peak > 0 else None,
        busiest_links=tuple(_reading(run_state, i) for i in order),
        down=down_elements(observation)[:12],
    )


def element_status(
    run_state: RunState,
    element: Annotated[
        Element, Field(description="`node/NAME`, `interface/NODE/NEIGHBOUR`, `link/A:B--B:A` or `A->B`.")
    ],
) -> ElementStatus:
    """Show what is measured on one node, circuit, interface or link."""
    network, observation = run_state.inventory, run_state.look()
    answered = None
    named = element if element.startswith("interface/") or "->" in element else find_element(network, element)
    if named.startswith("node/"):
        node = network.node(named)
        answered = bool(observation.answered[node])
        name = network.nodes[node].name
        positions = [i for i, link in enumerate(network.links) if name in (link.tail, link.head)]
    elif named.startswith("link/"):
        positions = list(network.circuit(named))
    else:
        positions = [network.link(named)]
    shown = tuple(_reading(run_state, i) for i in positions[: 2 * SHOWN])
    return ElementStatus(element=element, answered=answered, links=shown, truncated=len(positions) > 2 * SHOWN)


def utilisation(observation: Observation) -> Floats:
    """Measured share of the stated capacity per link [m]; NaN where nothing was measured."""
    return observation.out_mbps / np.array([link.capacity for link in observation.inventory.links])


def down_elements(observation: Observation) -> tuple[str, ...]:
    """Element ids of circuits that are down and nodes that do not answer, as measured."""
    network, up = observation.inventory, observation.up
    circuits = [name for name, links in network.circuits.items() if not up[list(links)].all()]
    nodes = [node.id for node, answered in zip(network.nodes, observation.answered, strict=True) if not answered]
    return (*nodes, *circuits)


def _reading(run_state: RunState, position: int) -> LinkReading:
    observation, link = run_state.look(), run_state.inventory.links[position]
    out = float(observation.out_mbps[position])
    return LinkReading(
        link=link.name,
        up=bool(observation.up[position]),
        utilisation=_known(out / link.capacity, 4),
        out_mbps=_known(out, 1),
        in_mbps=_known(float(observation.in_mbps[position]), 1),
        dropped_mbps=_known(float(observation.dropped_mbps[position]), 2),
        capacity=link.capacity,
        weight=link.weight,
    )


def _known(value: float, digits: int) -> float | None:
    return round(value, digits) if np.isfinite(value) else None
