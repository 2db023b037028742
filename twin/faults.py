"""The faults that can befall a network, each with ground truth: kind, element, severity, onset.

Ids follow the published vocabulary where it has the fault: `link_down`, `device_down`, `link_capacity_bottleneck`,
`silent_egress_packet_loss`; `demand_surge` and `wrong_igp_weight` are ours.
"""

from enum import StrEnum

import numpy as np
from pydantic import Field

from .errors import UnknownElementError
from .model import Frozen, Link, Network


class FaultKind(StrEnum):
    """What can go wrong; the comment says what `element` and `severity` mean."""

    LINK_DOWN = "link_down"  # circuit; severity 1
    DEVICE_DOWN = "device_down"  # node; severity 1
    CAPACITY = "link_capacity_bottleneck"  # circuit; severity is the share of capacity lost, 0 < x < 1
    SURGE = "demand_surge"  # node; severity is the factor on every demand towards it, > 1
    WEIGHT = "wrong_igp_weight"  # interface; severity is the weight found there
    SILENT_LOSS = "silent_egress_packet_loss"  # interface; severity is the share of its traffic lost


class Fault(Frozen):
    """One fault: what, where and how bad. `element` is `node/…`, `interface/…/…` or `link/…--…`."""

    kind: FaultKind
    element: str = Field(min_length=1, max_length=300)
    severity: float = Field(default=1.0, gt=0)

    def __str__(self) -> str:
        return f"{self.kind} at {self.element}"


def afflict(network: Network, fault: Fault) -> Network:
    """Return the network as it is once the fault has struck. Raises `UnknownElementError`, `TopologyError`."""
    raise NotImplementedError
