"""The states that the emulated network is in during one interval: one, or several while circuits flap."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from twin.faults import Fault, FaultKind, struck_links
from twin.harm import Harm, mean_harm
from twin.model import Floats, Ints, Network

from .fault_lines import is_down, turns
from .forwarding import Flows, Words
from .interval import Interval, mixed
from .network import Flags
from .plane import DataPlane

Router = Callable[[Network, Sequence[Fault]], DataPlane]
"""Routes all flows through what is configured, after some faults."""


class StatesRead(NamedTuple):
    """Data planes, each with its share of time in the long run; the last one is that with every flapping circuit up.

    Circuits that flap at once are taken to go down together.
    """

    planes: tuple[tuple[float, DataPlane], ...]
    flaps: tuple[Fault, ...]

    @property
    def calm(self) -> DataPlane:
        """The plane with every flapping circuit up."""
        return self.planes[-1][1]

    def truth(self, time: float) -> Network:
        """The network's true state at this moment, epoch seconds."""
        down = sum(is_down(fault, time) for fault in self.flaps)
        return self.planes[len(self.flaps) - down][1].network

    def with_flows(self, flows: Flows) -> "StatesRead":
        """The same routes, when the flows have these sizes."""
        return self._replace(planes=tuple((share, plane.with_flows(flows)) for share, plane in self.planes))

    def probed_by(self, probes: Flows, salts: Words) -> "StatesRead":
        """The same states, when these are the probes."""
        return self._replace(planes=tuple((share, plane.probed_by(probes, salts)) for share, plane in self.planes))

    def interval(self, share: Floats, probed: Ints, span: tuple[float, float]) -> Interval:
        """What there is to measure when every pair is at `share` [n, n] of its peak, from one epoch second to another.

        A state counts for the time that it lasts within the span.
        """
        parts: list[tuple[float, Interval]] = []
        for time, plane in self._lasting(span):
            offered = plane.offered(share)
            parts.append((time, plane.interval(plane.carry(plane.entering(offered)), offered, probed)))
        dark, calm = self._dark(span[1]), parts[-1][1]
        return mixed(parts, calm._replace(oper=calm.oper & ~dark, adjacent=calm.adjacent & ~dark))

    def harm(self, share: Floats, limit: float) -> Harm:
        """What users lose when every pair is at `share` of the peak, on average over the turns of what flaps."""
        parts = ((time, plane, plane.carry(plane.entering(plane.offered(share)))) for time, plane in self.planes)
        return mean_harm((time, plane.harm(carried, share, limit)) for time, plane, carried in parts)

    def _lasting(self, span: tuple[float, float]) -> list[tuple[float, DataPlane]]:
        """The states that a span of time, epoch seconds, meets with their shares of it; the last is the calm one."""
        begin, end = span
        edges = sorted({begin, end, *(time for fault in self.flaps for time in turns(fault, span))})
        lasting = np.zeros(len(self.planes))
        for since, until in pairwise(edges):
            down = sum(is_down(fault, (since + until) / 2) for fault in self.flaps)
            lasting[len(self.flaps) - down] += (until - since) / (end - begin)
        met = zip(lasting.tolist(), (plane for _, plane in self.planes), strict=True)
        return [x for x in met if x[0] or x[1] is self.calm]

    def _dark(self, time: float) -> Flags:
        network = self.calm.network
        dark = np.zeros(len(network.links), dtype=bool)
        for fault in self.flaps:
            if is_down(fault, time):
                dark[list(struck_links(network, fault))] = True
        return dark


def states(configured: Network, faults: Sequence[Fault], route: Router) -> StatesRead:
    """Route every state that the faults lead to; the circuits that are down the longest are down in most of them."""
    steady = [fault for fault in faults if fault.kind is not FaultKind.FLAP]
    flaps = sorted((fault for fault in faults if fault.kind is FaultKind.FLAP), key=lambda x: -x.severity)
    edges = [1.0, *(fault.severity for fault in flaps), 0.0]
    planes = [
        (edges[down] - edges[down + 1], route(configured, [*steady, *flaps[:down]]))
        for down in range(len(flaps), -1, -1)
    ]
    return StatesRead(tuple(planes), tuple(flaps))
