"""How measurements lie: counters that stand still, are scaled, missing or swapped, and flow export that is off."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from twin.faults import Fault, FaultKind
from twin.model import Floats, Ints, Network

from .network import Flags

_K = FaultKind


class Counters(NamedTuple):
    """What one column of counters really reports; one entry per link, m links."""

    source: Ints  # [m] link whose counter is read in the place of this one
    factor: Floats  # [m]
    stuck: Flags  # [m]
    missing: Floats  # [m] share of polls without an answer


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
        elif fault.kind in _COUNTER_KINDS:
            out = network.link(fault.element)
            other = network.link(fault.target) if fault.target else out
            _distort(sent, fault, out, other)
            _distort(received, fault, reverse[out], reverse[other])
    return Distortion(sent, received, export)


_COUNTER_KINDS = (_K.STUCK_COUNTER, _K.SCALED_COUNTER, _K.MISSING_COUNTERS, _K.SWAPPED_COUNTERS)


def _true_counters(m: int) -> Counters:
    return Counters(np.arange(m), np.ones(m), np.zeros(m, dtype=bool), np.zeros(m))


def _distort(counters: Counters, fault: Fault, here: int | None, there: int | None) -> None:
    if here is None:
        return
    if fault.kind is _K.STUCK_COUNTER:
        counters.stuck[here] = True
    elif fault.kind is _K.SCALED_COUNTER:
        counters.factor[here] *= fault.severity
    elif fault.kind is _K.MISSING_COUNTERS:
        counters.missing[here] = 1 - (1 - counters.missing[here]) * (1 - fault.severity)
    elif there is not None:
        counters.source[[here, there]] = counters.source[[there, here]]
