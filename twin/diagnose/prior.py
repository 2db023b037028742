"""How likely hypotheses are before anything is measured, and what log lines may add to that."""

from collections.abc import Mapping

import numpy as np

from twin.faults import MAX_WEIGHT, TRAITS, Fault
from twin.model import Network

from .effects import HINT_BOUND, Candidate

PRIOR_BOUND = 1.5
"""Most log odds that past incidents may add: a factor of 4.5, which a single clear reading outweighs."""
_HEALTHY, _ANOTHER = 0.5, 0.2  # probability that nothing is wrong, that one more thing is
_USUAL = 4.0  # how much likelier a kind is at its usual sort of element than in each of its other forms
_FORMS = sum(_USUAL + len(trait.forms) for trait in TRAITS.values() if trait.layer != "exits")
"""Those of exits have readings of their own, which tell them from all others: they take nothing from the others."""
_SEVERITY_COST = 2.5  # nats: half of log N for one severity that is fitted to N readings


def log_prior(network: Network, causes: tuple[Candidate, ...]) -> float:
    """Log of the prior: uniform over kinds and their forms, over elements and targets, less a cost for severities.

    So it is a length of description: one mistake at a router is shorter than the same at each of its interfaces.

    Log lines shift each fault within `HINT_BOUND`.
    """
    if not causes:
        return float(np.log(_HEALTHY))
    several = float(np.log(1 - _HEALTHY)) + (len(causes) - 1) * float(np.log(_ANOTHER))
    return several + sum(_of(network, cause) for cause in causes)


def one_more(network: Network) -> float:
    """Log of the prior that one more fault of a given kind is at a given interface."""
    return float(np.log(_ANOTHER) + np.log(_USUAL / (_FORMS * max(len(network.links), 1))))


def odds_from_memory(causes: tuple[Candidate, ...], prior: Mapping[tuple[str, str], float]) -> float:
    """Log odds that past incidents add, by kind and element, each within `PRIOR_BOUND`."""
    found = (prior.get((str(x.fault.kind), x.fault.element), 0.0) for x in causes)
    return float(sum(np.clip(odds, -PRIOR_BOUND, PRIOR_BOUND) for odds in found))


def _of(network: Network, candidate: Candidate) -> float:
    fault = candidate.fault
    places = _FORMS * _elements(network, fault) * _targets(network, fault)
    return (
        float(np.log((_USUAL if usual(fault) else 1.0) * (1 + len(candidate.also)) / places))
        + _severity(candidate)
        + float(np.clip(candidate.hint, -HINT_BOUND, HINT_BOUND))
    )


def usual(fault: Fault) -> bool:
    """Whether a fault is at the sort of element that its kind is usually at."""
    sort = {"link": "circuit", "risk-group": "risk group"}.get(found := fault.element.split("/", 1)[0], found)
    return sort not in TRAITS[fault.kind].forms


def _elements(network: Network, fault: Fault) -> int:
    """How many elements of its sort the network has."""
    known = {
        "link": network.circuits,
        "node": network.nodes,
        "interface": network.links,
        "network": (network,),
        "risk-group": network.risk_groups,
    }
    return len(known[fault.element.split("/", 1)[0]])


def _targets(network: Network, fault: Fault) -> int:
    """Among how many targets the fault's own is one: nodes, or the other interfaces of a router."""
    if fault.target is None:
        return 1
    if fault.target.startswith("node/"):
        return len(network.nodes)
    router = fault.target.split("/")[1]
    return max(1, sum(link.tail == router for link in network.links) - 1)


def _severity(candidate: Candidate) -> float:
    if candidate.weights is not None:
        low, high = candidate.weights
        return float(np.log(np.log((high + 1) / low) / np.log(MAX_WEIGHT + 1)))
    return -_SEVERITY_COST if TRAITS[candidate.fault.kind].severity.words != "1" else 0.0
