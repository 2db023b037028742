"""How measurements lie: counters that stand still, are scaled, missing or swapped, and flow export that is off."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from twin.faults import TRAITS, Counters, Fault, FaultKind
from twin.model import Floats, Network

_K = FaultKind


class Distortion(NamedTuple):
    """Everything that is wrong with the measurement: `sent` at the tails, `received` at the heads, flow export [n]."""

    sent: Counters
    received: Counters
    export: Floats  # [n] factor on what each ingress exports


def distortion(network: Network, faults: Sequence[Fault]) -> Distortion:
    """Combine the faults of the measurement.

    An interface counts what leaves by its link and what comes in by the reverse of it.
    """
    position = {(link.tail, link.head, link.index): i for i, link in enumerate(network.links)}
    reverse = [position.get((link.head, link.tail, link.index)) for link in network.links]
    sent, received = _true_counters(len(network.links)), _true_counters(len(network.links))
    export = np.ones(len(network.nodes))
    for fault in faults:
        if fault.kind is _K.DEMAND_INPUT:
            everywhere = fault.element.startswith("network/")
            export[slice(None) if everywhere else network.node(fault.element)] *= fault.severity
        elif TRAITS[fault.kind].miscounts is not None:
            out = network.link(fault.element)
            other = network.link(fault.target) if fault.target else out
            _distort(sent, fault, out, other)
            _distort(received, fault, reverse[out], reverse[other])
    return Distortion(sent, received, export)


def _true_counters(m: int) -> Counters:
    return Counters(np.arange(m), np.ones(m), np.zeros(m, dtype=bool), np.zeros(m))


def _distort(counters: Counters, fault: Fault, here: int | None, there: int | None) -> None:
    lies = TRAITS[fault.kind].miscounts
    if lies is not None and here is not None:
        lies(counters, fault, here, there)
