"""What readings mean when the measurement lies: put right, put back under their own names, or taken out.

A reading that is taken out is not explained away for free: what it said under the fault counts as a density per Mbit/s.
A fault of the measurement may have begun before the newest samples: earlier ones are put right where they lie as well.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from twin.faults import Fault
from twin.live.network import Flags
from twin.model import Floats, Network
from twin.observe.readings.observation import Observation
from twin.observe.readings.samples import Samples

from .effects import Reread

_AGREES = 0.05


class CounterColumns(NamedTuple):
    """What an interface counts: the link it sends on, and the one it receives from, -1 where there is none."""

    sends: int
    receives: int


def columns(network: Network, interface: str) -> CounterColumns:
    """Positions of the links that an interface counts."""
    link = network.links[network.link(interface)]
    back = link._replace(tail=link.head, head=link.tail).interface
    return CounterColumns(network.link(interface), network.interface_index.get(back, -1))


def without_stuck(observation: Observation, fault: Fault) -> Reread:
    """Take out the counters of an interface that stand still."""
    at = columns(observation.inventory, fault.element)
    floor = (
        observation.declared.unexported_mbps
    )  # the resolution that rates are judged in: a density in it is taken out
    taken_out = -float(np.log(floor)) * bool(np.isfinite(observation.window.out_mbps[:, at.sends]).any())

    def stands_still(here: Floats, there: Floats) -> Flags:
        return (here == 0) & (there > floor)

    return Reread(_corrected(observation, at, stands_still, lambda x: np.full(x.shape, np.nan)), taken_out)


def unscaled(observation: Observation, fault: Fault) -> Reread:
    """Divide the counters of an interface by their factor."""
    at, factor = columns(observation.inventory, fault.element), fault.severity

    def lies(here: Floats, there: Floats) -> Flags:
        return np.abs(here - factor * there) < _AGREES * factor * there

    # a density per Mbit/s of what was read is that of the rate behind it, over the factor
    shrunk = -float(np.log(factor)) * bool(np.isfinite(observation.window.out_mbps[:, at.sends]).any())
    return Reread(_corrected(observation, at, lies, lambda x: x / factor), shrunk)


def unswapped(observation: Observation, fault: Fault) -> Reread:
    """Give two interfaces of a router each other's counters."""
    network = observation.inventory
    one, two = columns(network, fault.element), columns(network, fault.target or "")
    changed = _exchanged(observation.window, one, two, np.ones(observation.samples, dtype=bool))
    lied = [_belong_to(observation.past, a, b) & _belong_to(observation.past, b, a) for a, b in ((one, two),)]
    return Reread(replace(observation, window=changed, past=_exchanged(observation.past, one, two, lied[0])))


def true_exports(observation: Observation, fault: Fault) -> Reread:
    """Divide the exported demands of a node, or all of them, by the factor that they are off by."""
    network = observation.network
    everywhere = fault.element.startswith("network/")
    rows = np.arange(len(network.nodes)) if everywhere else np.array([network.node(fault.element)])
    demands, exported = network.demands.copy(), observation.window.demands
    demands[rows] /= fault.severity
    off = np.where(np.isin(exported.source, rows), fault.severity, 1.0)
    window = observation.window._replace(demands=replace(exported, mbps=exported.mbps / off))
    return Reread(replace(observation, network=network.with_demands(demands), window=window))


def _corrected(
    observation: Observation,
    at: CounterColumns,
    lies: Callable[[Floats, Floats], Flags],
    truth: Callable[[Floats], Floats],
) -> Observation:
    """Put right what an interface says: of the newest samples all, of earlier ones those that lie by the other end."""
    window = _put_right(observation.window, at, truth, [np.ones(observation.samples, dtype=bool)] * 2)
    past = observation.past
    earlier = [lies(past.out_mbps[:, at.sends], past.in_mbps[:, at.sends])]
    earlier.append(lies(past.in_mbps[:, at.receives], past.out_mbps[:, at.receives]))
    return replace(observation, window=window, past=_put_right(past, at, truth, earlier))


def _put_right(samples: Samples, at: CounterColumns, truth: Callable[[Floats], Floats], rows: list[Flags]) -> Samples:
    sent, received, dropped = (x.copy() for x in (samples.out_mbps, samples.in_mbps, samples.dropped_mbps))
    for column in (sent, dropped):
        column[rows[0], at.sends] = truth(column[rows[0], at.sends])
    if at.receives >= 0:
        received[rows[1], at.receives] = truth(received[rows[1], at.receives])
    return samples._replace(out_mbps=sent, in_mbps=received, dropped_mbps=dropped)


def _exchanged(samples: Samples, one: CounterColumns, two: CounterColumns, rows: Flags) -> Samples:
    sent, received, dropped = (x.copy() for x in (samples.out_mbps, samples.in_mbps, samples.dropped_mbps))
    at = np.flatnonzero(rows)[:, None]
    for column in (sent, dropped):
        column[at, [one.sends, two.sends]] = column[at, [two.sends, one.sends]]
    if one.receives >= 0 and two.receives >= 0:
        received[at, [one.receives, two.receives]] = received[at, [two.receives, one.receives]]
    return samples._replace(out_mbps=sent, in_mbps=received, dropped_mbps=dropped)


def _belong_to(samples: Samples, one: CounterColumns, two: CounterColumns) -> Flags:
    """Samples in which what one interface sends is what came in behind the other, and not behind itself."""
    sent, own, other = samples.out_mbps[:, one.sends], samples.in_mbps[:, one.sends], samples.in_mbps[:, two.sends]
    return (np.abs(sent - other) < _AGREES * other) & (np.abs(sent - own) > np.abs(sent - other))
