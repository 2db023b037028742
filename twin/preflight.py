"""The last look before the first step, at whether the live network is still the one that the plan was verified on."""

from dataclasses import dataclass, replace
from datetime import timedelta

import numpy as np

from .agreement import Agreement, Tolerance, compare, down_or_up, watch
from .errors import InputError
from .evidence import evidence_of
from .live.network import LiveNetwork
from .model import Network
from .observe import Observation, observe
from .observe.fidelity import fidelity_of
from .observe.quality import assess_observation
from .plan import Plan, states
from .policy import Policy
from .verdict import Evidence, Verdict, verify

LOOKBACK = timedelta(hours=1)
"""How far back telemetry is read."""


@dataclass(frozen=True)
class Preflight:
    """What was found: the state that the plan starts from, its verdict there, and why it may not start, if so."""

    base: Network
    configured: Network
    verdict: Verdict
    agreement: Agreement | None = None
    refusal: str | None = None


def preflight(plan: Plan, network: Network, live: LiveNetwork, policy: Policy, tolerance: Tolerance) -> Preflight:
    """Measure the live state, verify the plan on it once more, and see whether the twin explains the telemetry.

    When the state is still `network`, the plan is verified on `network`; when it has moved, on what was found.
    """
    configured, observation = live.read_topology(), _look_around(network, live, tolerance)
    found = moved_state(network, configured, observation, tolerance)
    base = found or network
    rebased = plan.model_copy(update={"base": base.id})
    verdict = verify(rebased, base, policy, evidence=_evidence(base, observation))
    if not verdict.passed:
        failed = next(check for check in verdict.checks if not check.passed)
        subject = "the live state has moved and the plan" if found else "the plan"
        refusal = f"{subject} fails *{failed.name}* now: {failed.detail}"
        return Preflight(base, configured, verdict, refusal=refusal)
    try:
        states(configured, plan.steps)
    except InputError as error:
        refusal = f"the plan cannot be made to the live configuration: {error}"
        return Preflight(base, configured, verdict, refusal=refusal)
    agreement = compare(_look_around(base, live, tolerance), tolerance)
    if not agreement.settled:
        agreement = watch(base, live, tolerance)
    refusal = f"telemetry contradicts the twin before the first step: {agreement.deviation}"
    return Preflight(base, configured, verdict, agreement, None if agreement.holds else refusal)


def _evidence(base: Network, observation: Observation) -> Evidence:
    """How old and how good the newest measurements are, and how well the state to start from explains them."""
    believed = base.with_demands(observation.network.demands)
    assessment = assess_observation(replace(observation, network=believed))
    return evidence_of(assessment.report, fidelity_of(observation, believed, assessment))


def moved_state(
    network: Network, configured: Network, observation: Observation, tolerance: Tolerance
) -> Network | None:
    """Return the live state when it is not `network` any more, None while it is.

    It is not when other elements are drained, other tunnels or limits set, other things up, or when more than the
    tolerated share of the demand is other demand. Weights are left to the comparison of loads: where a router deviates
    from the inventory, the twin's diagnosis and not the inventory says what is in force.
    """
    shift = float(np.abs(observation.network.demands - network.demands).sum())
    same = configuration(configured)[1:] == configuration(network)[1:] and down_or_up(observation) is None
    if same and shift <= tolerance.demand_shift * float(network.demands.sum()):
        return None
    nodes = tuple(
        node._replace(drained=other.drained, up=bool(answered))
        for node, other, answered in zip(network.nodes, configured.nodes, observation.answered, strict=True)
    )
    links = tuple(
        link._replace(
            drained=other.drained,
            asleep=other.asleep,
            up=link.up if other.asleep else bool(up),
            adjacent=bool(near) if up and np.isfinite(near) else link.adjacent,
        )
        for link, other, up, near in zip(
            network.links, configured.links, observation.up, observation.adjacent, strict=True
        )
    )
    demands, tunnels, limits = observation.network.demands, configured.tunnels, configured.limits
    return replace(network, nodes=nodes, links=links, demands=demands, tunnels=tunnels, limits=limits)


def configuration(network: Network) -> tuple[object, ...]:
    """Return what operators configure, weights first, and nothing that fails or is measured."""
    weights = tuple(link.weight for link in network.links)
    drains = tuple((link.drained, link.asleep) for link in network.links)
    return weights, drains, tuple(node.drained for node in network.nodes), network.tunnels, network.limits


def _look_around(network: Network, live: LiveNetwork, tolerance: Tolerance) -> Observation:
    telemetry = live.read_telemetry(live.now - LOOKBACK)
    if not telemetry.links.time.size:
        live.wait(tolerance.samples)
        telemetry = live.read_telemetry(live.now - LOOKBACK)
    return observe(network, telemetry, window=tolerance.samples, now=live.now)
