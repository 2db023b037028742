"""A hypothesis taken apart into incidents: faults that lie together are one, faults that lie apart are two."""

from collections.abc import Callable, Mapping, Sequence

from twin.faults import Fault, struck_links
from twin.model import Network

from .diagnosis import IncidentCause
from .evidence import evidence
from .simulated_hypothesis import SimulatedHypothesis

Judge = Callable[[tuple[Fault, ...]], SimulatedHypothesis]
"""Simulates some faults of a hypothesis without the others."""


def together(network: Network, faults: Sequence[Fault]) -> tuple[tuple[Fault, ...], ...]:
    """Put faults that share a router or a risk group into one incident, others into incidents of their own.

    In the order of the first fault of each.
    """
    incidents: list[tuple[list[Fault], set[str]]] = []
    for fault in faults:
        members, places = [fault], set(_places(network, fault))
        for incident in [x for x in incidents if x[1] & places]:
            members = [*incident[0], *members]
            places |= incident[1]
            incidents.remove(incident)
        incidents.append((members, places))
    order = {fault: position for position, fault in enumerate(faults)}
    found = (tuple(sorted(members, key=order.__getitem__)) for members, _ in incidents)
    return tuple(sorted(found, key=lambda members: order[members[0]]))


def incident_causes(
    network: Network, whole: SimulatedHypothesis, judge: Judge, posterior: Mapping[tuple[str, ...], float]
) -> tuple[IncidentCause, ...]:
    """Take a hypothesis apart. `posterior` has the share of each hypothesis, by the names of its faults."""
    groups = together(network, whole.faults)
    found = [
        IncidentCause(
            faults=faults,
            confidence=_share(faults, posterior),
            symptoms=evidence(whole, judge(tuple(x for x in whole.faults if x not in faults))),
        )
        for faults in groups
    ]
    return tuple(sorted(found, key=lambda x: (-x.confidence, x.name)))


def _share(faults: tuple[Fault, ...], posterior: Mapping[tuple[str, ...], float]) -> float:
    wanted = set(map(str, faults))
    return min(1.0, sum(share for names, share in posterior.items() if wanted <= set(names)))


def _places(network: Network, fault: Fault) -> set[str]:
    """Routers that a fault is at or between, and the risk groups of its circuits; of the whole network none."""
    if fault.element.startswith("network/"):
        return {fault.element}
    if fault.element.startswith("node/"):
        return {fault.element}
    links = [network.links[i] for i in struck_links(network, fault)]
    circuits = {x.circuit for x in links}
    groups = {f"risk-group/{x.name}" for x in network.risk_groups if circuits & set(x.circuits)}
    return groups | {f"node/{name}" for x in links for name in (x.tail, x.head)}
