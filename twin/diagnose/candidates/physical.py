"""Circuits, interfaces and routers that fail, and wires that lose, break or delay what they carry."""

from collections.abc import Iterator
from contextlib import suppress

import numpy as np

from twin.diagnose.effects import Candidate, Effect, operational
from twin.diagnose.simulated_hypothesis import SimulatedHypothesis
from twin.errors import TopologyError
from twin.faults import TRAITS, Fault, FaultKind, Measured, check, unchanged, with_fault
from twin.live.network import Flags
from twin.observe.readings.observation import Observation

from .delays import delayed
from .flapping import by_turns, flapping, flaps, is_turning

_K = FaultKind
_DARK = 0.01  # share of the predicted load below which a link carries nothing
_TOLERANCE = 4.0  # standard errors
_AT_REST = -3.0  # nats: for a circuit that is down for good, where it is logged to have come up again and again


EFFECTS: dict[FaultKind, Effect] = {_K.FLAP: Effect(state=unchanged, readings=by_turns, planned=with_fault)}


def candidates(observation: Observation, judged: SimulatedHypothesis) -> Iterator[Candidate]:
    """Outages where links are dark, slow wires, and every kind that is declared with the trace that it leaves."""
    yield from outages(observation, judged)
    yield from flapping(observation, judged)
    seen = _measured(observation)
    traces = [x.trace for x in TRAITS.values() if x.trace is not None]
    yield from (Candidate(fault) for trace in traces for fault in trace(seen, judged.readings))
    yield from delayed(observation, judged)


def _measured(seen: Observation) -> Measured:
    return Measured(
        inventory=seen.inventory,
        sent=seen.window.out_mbps,
        dropped=seen.window.dropped_mbps,
        errors_per_s=seen.window.errors_per_s,
        received=seen.in_mbps,
        wire_loss=seen.wire_loss,
        wire_error=seen.wire_error,
        broken=seen.broken,
        broken_error=seen.broken_error,
        mistimed=seen.declared.mistimed(seen.interval_s),
    )


def dark_links(observation: Observation, judged: SimulatedHypothesis) -> Flags:
    """Links [m] that are reported down though they should be up, or that carry nothing though they should.

    Where nobody reports states, those of a circuit that has lost its neighbour at both ends: a link that carries too
    little for its silence to be seen is gone from a link-state database all the same.
    """
    measured, residuals = np.nan_to_num(judged.residuals.measured), judged.residuals
    expected = operational(judged.state) > 0
    unused = (residuals.predicted > _TOLERANCE * residuals.sigma) & (measured < _DARK * residuals.predicted)
    parted = (observation.adjacent < 0.5) & (observation.adjacent[observation.reverse] < 0.5)
    untold = parted if "state" not in observation.declared.reads else np.zeros_like(parted)
    return np.asarray(expected & (unused | ~observation.up | untold))


def outages(observation: Observation, judged: SimulatedHypothesis) -> Iterator[Candidate]:
    """Circuits, interfaces, conduits, line cards and nodes that are down where links are dark or say so."""
    network, dark = observation.inventory, dark_links(observation, judged)
    asked, missing = observation.unread
    gone = (asked > 0) & (missing >= asked)
    for circuit, positions in network.circuits.items():
        if dark[list(positions)].any():
            hint = _AT_REST if flaps(observation, circuit) else 0.0
            if not is_turning(observation, circuit):
                yield Candidate(Fault(kind=_K.LINK_DOWN, element=circuit), hint=hint)
            for position in positions:
                if gone[position]:
                    yield Candidate(Fault(kind=_K.DETACH, element=network.links[position].interface))
    yield from _grouped(observation, dark, gone)
    tails, heads = observation.ends
    for position, node in enumerate(network.nodes):
        touching = (tails == position) | (heads == position)
        silent = not observation.answered[position] or (touching.any() and dark[touching].all())
        if silent and node.kind != "exits":  # what lies beyond is no device, and its peerings are circuits
            yield Candidate(Fault(kind=_K.DEVICE_DOWN, element=node.id))


def _grouped(observation: Observation, dark: Flags, gone: Flags) -> Iterator[Candidate]:
    """Conduits and line cards all of whose circuits are dark: one cause where there would be several."""
    network = observation.inventory
    for group in network.risk_groups:
        circuits = [list(network.circuits[x]) for x in group.circuits]
        if len(circuits) > 1 and all(dark[x].any() for x in circuits):
            yield Candidate(Fault(kind=_K.LINK_DOWN, element=f"risk-group/{group.name}"))
            if all(gone[x].any() for x in circuits):
                with suppress(TopologyError):  # a conduit: its circuits share no router
                    card = Fault(kind=_K.DETACH, element=f"risk-group/{group.name}")
                    check(network, card)
                    yield Candidate(card)
