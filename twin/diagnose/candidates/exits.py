"""Exits whose routers say that they have no route by them: no session, nothing announced, nothing let in."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from twin.diagnose.effects import Candidate, Effect
from twin.diagnose.simulated_hypothesis import SimulatedHypothesis
from twin.faults import EXIT_KINDS, Fault, FaultKind
from twin.model import Network
from twin.observe.readings.observation import Observation


def candidates(observation: Observation, judged: SimulatedHypothesis) -> Iterator[Candidate]:
    """For each exit without a route that no fault so far explains: the first step of the session's that fails.

    One whose interface says that it is down is a circuit that is down.
    """
    for peering in observation.peerings:
        element = observation.network.links[peering.link].interface
        if judged.likelihood.peering[peering.link] == 0 or not observation.up[peering.link]:
            continue
        steps = zip(
            (FaultKind.BGP_SESSION, FaultKind.BGP_ADVERTISEMENT, FaultKind.BGP_FILTER),
            (peering.established, peering.received, peering.accepted),
            strict=True,
        )
        kind = next((kind for kind, holds in steps if holds is False), None)
        if kind is not None:
            yield Candidate(Fault(kind=kind, element=element))


def _without(network: Network, fault: Fault) -> Network:
    """For planning: the exit is down, which no plan of ours can undo."""
    links, position = list(network.links), network.link(fault.element)
    links[position] = links[position]._replace(up=False)
    return replace(network, links=tuple(links))


EFFECTS: Mapping[FaultKind, Effect] = {kind: Effect(planned=_without) for kind in EXIT_KINDS}
