"""The last look before the first step, at whether the live network is still the one that the plan was verified on."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from twin.corrections import recorded_states
from twin.errors import InputError
from twin.gate.outlook import Outlook
from twin.gate.verdict import DemandError, Evidence, Verdict, verify
from twin.live.declared import Declaration
from twin.live.network import LiveNetwork
from twin.model import Network
from twin.observe import Observation, observe
from twin.observe.expect.settled import Settled, settled
from twin.observe.quality.assess import assess_observation
from twin.observe.quality.fidelity import OtherState, fidelity_of
from twin.observe.quality.standing import evidence_of
from twin.plan import DrainLink, Plan
from twin.planned import PlannedWork
from twin.policy import Policy

from .agreement import Agreement, Baseline, Tolerance, baseline, compare, recent, step_lasts, watch
from .deviation import down_lately, neighbours
from .running import Difference, Running, differences, items, read_running, told

_SPURIOUS = 0.01
"""Chance that noise alone puts any link of a network above a limit that its demands keep."""


@dataclass(frozen=True)
class Preflight:
    """What was found: the state that the plan starts from, its verdict there, and why it may not start, if so.

    `base` carries the demands measured; `configured` is what the inventory says, `running` what the routers say.
    `starts` and `step_lasts` are for when the verdict holds: the first step, and how long one takes at most.
    """

    base: Network
    configured: Network
    running: Running | None
    verdict: Verdict
    starts: datetime
    step_lasts: timedelta | None
    agreement: Agreement | None = None
    before: Baseline | None = None
    refusal: str | None = None
    evidence: Evidence | None = None


class Coming(NamedTuple):
    """What the hours ahead bring: their traffic, and what others take away in them.

    `unmodelled` is what decides routing now and then, and is not in the twin.
    """

    outlook: Outlook | None = None
    works: tuple[PlannedWork, ...] = ()
    unmodelled: tuple[str, ...] = ()


@dataclass(frozen=True)
class Found:
    """The state that the live network is in, and what of its configuration nobody knows of."""

    base: Network
    configured: Network
    running: Running | None
    foreign: tuple[Difference, ...]
    moved: bool  # whether it is in another state, demands apart
    measured: Settled  # the demands of `base`, with their error


def preflight(  # noqa: PLR0913 - what is asked, what is in force, and what comes
    plan: Plan,
    network: Network,
    live: LiveNetwork,
    policy: Policy,
    tolerance: Tolerance,
    inventory: Network | None = None,
    coming: Coming = Coming(),
    turns: Sequence[OtherState] = (),
) -> Preflight:
    """Measure the live state, verify the plan on it once more, and see whether the twin explains the telemetry.

    The plan is verified on what is found under the demands that it was made for, and under those measured. It may not
    start where something is configured that neither the snapshot nor the diagnosis has: `inventory` is what the
    diagnosis started from, and tells the two apart. While circuits flap, telemetry is a mean over `turns`: where
    the plan begins with taking them out, it is held against the twin once they are.
    """
    observation = look_around(network, live, tolerance)
    found = find(network, live, observation, inventory)
    lasts = step_lasts(observation.declared, observation.interval_s, tolerance)
    starts = live.now
    evidence = _evidence(found.base, observation, turns)
    verdict = _verified(plan, network, found, observation, policy, (coming, starts, lasts, evidence, inventory))
    start = Preflight(found.base, found.configured, found.running, verdict, starts, lasts, evidence=evidence)
    if against := _against(plan, found, verdict, observation.declared):
        return replace(start, refusal="; ".join(against))
    seen = look_around(found.base, live, tolerance)
    if turns and _takes_out(plan, network, turns):
        return replace(start, before=baseline(seen))
    before, agreement = baseline(seen), compare(seen, tolerance)
    if not agreement.settled:
        agreement, _ = watch(found.base, live, tolerance, before)
    refusal = f"telemetry contradicts the twin before the first step: {agreement.deviation}"
    return replace(start, agreement=agreement, before=before, refusal=None if agreement.holds else refusal)


def _against(plan: Plan, found: Found, verdict: Verdict, declared: Declaration) -> list[str]:
    """What is against the plan in what is configured now: foreign changes, a check that fails, impossible steps."""
    failed = next((check for check in verdict.checks if not check.passed), None)
    because = [f"the configuration is not what the plan was made for: {told(found.foreign)}"] if found.foreign else []
    if failed:
        subject = "the live state has moved and the plan" if found.moved or found.foreign else "the plan"
        because.append(f"{subject} fails *{failed.name}* now: {failed.detail}")
    try:
        recorded_states(found.configured, plan.steps)
    except InputError as error:
        because.append(f"the plan cannot be made to the live configuration: {error}")
    unable = sorted({step.op for step in plan.steps} - declared.makes)
    if unable:
        because.append(f"the network cannot make this change: {', '.join(unable)}")
    return because


def _takes_out(plan: Plan, network: Network, turns: Sequence[OtherState]) -> bool:
    """Whether a plan begins with draining every circuit that is up in some turn and not in `network`."""
    flapping = {
        x.circuit for turn in turns for x, y in zip(turn.state.links, network.links, strict=True) if x.up != y.up
    }
    first = plan.steps[: len(flapping)]
    return {x.circuit for x in first if isinstance(x, DrainLink)} == flapping


def find(network: Network, live: LiveNetwork, observation: Observation, inventory: Network | None = None) -> Found:
    """Find out what state the live network is in; `network` is the state that it is believed to be in.

    A configured value that differs from `network` is the diagnosis' where that speaks of it: then what the routers run
    is what is in force, for a diagnosis can only estimate it. Every other difference is foreign.
    """
    configured = live.read_topology()
    running = read_running(live, network)
    recorded, known, believed = items(configured), items(inventory or configured), items(network)
    told = items(running.network) if running else recorded
    foreign = list(differences(inventory, configured, built=True)) if inventory else []
    for difference in differences(network, running.network if running else configured):
        item = difference.item
        diagnosed = believed.get(item) != known.get(item) and recorded.get(item) == known.get(item)
        seen = told.get(item) != known.get(item) if running else inventory is not None
        if not (diagnosed and seen) and item not in {x.item for x in foreign}:
            foreign.append(difference)
    in_force = _in_force(network, running.network if running else configured) if running or foreign else network
    measured = settled(observation)
    base = _measured_state(in_force, observation, measured)
    moved = base.with_demands(network.demands) != network
    return Found(base, configured, running, tuple(foreign), moved, measured)


def demand_error(planned: Network, measured: Settled, policy: Policy) -> DemandError:
    """The error of measured demands, and from which multiple of it on a load is surely above its limit.

    That is the quantile of the normal distribution that none of the links of an honest network exceeds but in one of a
    hundred. Where the traffic of some node has surely grown beyond all that the plan was judged for, by the policy's
    factors on the demands of `planned`, its swing excuses nothing any more: what the instruments declare is the error.
    """
    sure = NormalDist().inv_cdf(1 - _SPURIOUS / max(1, len(planned.links)))
    foreseen = policy.growth
    for axis in (0, 1):
        grown = measured.demands.sum(axis=axis) - foreseen * planned.demands.sum(axis=axis)
        if (grown > sure * np.sqrt(measured.variance.sum(axis=axis))).any():
            return DemandError(measured.declared, sure)
    return DemandError(measured.variance, sure)


def look_around(network: Network, live: LiveNetwork, tolerance: Tolerance) -> Observation:
    """Observe the newest samples against a state, with the past that observing takes; known errors are put right."""
    telemetry = recent(live, tolerance.samples)
    if not telemetry.links.time.size:
        live.wait(tolerance.samples)
        telemetry = recent(live, tolerance.samples)
    return tolerance.put_right(observe(network, telemetry, window=tolerance.samples, now=live.now))


def _verified(
    plan: Plan,
    network: Network,
    found: Found,
    observation: Observation,
    policy: Policy,
    ahead: tuple[Coming, datetime, timedelta | None, Evidence, Network | None],
) -> Verdict:
    """Verify on what was found: under the demands the plan was made for, and if it passes, under those measured.

    What the error of the measured ones could explain is no reason to refuse.
    """
    (outlook, works, unmodelled), now, lasts, evidence, inventory = ahead
    planned = found.base.with_demands(network.demands)
    estimated = observation.declared.estimated
    for base, error in ((planned, None), (found.base, demand_error(network, found.measured, policy))):
        again = plan.model_copy(update={"base": base.id})
        hours = outlook if error is None else None  # what comes is foreseen for the demands that the plan was made for
        verdict = verify(
            again,
            base,
            policy,
            evidence=evidence,
            error=error,
            outlook=hours,
            unmodelled=unmodelled,
            estimated=estimated,
            starts=now,
            works=works,
            step_lasts=lasts,
            declared=inventory,
        )
        if not verdict.passed:
            break
    return verdict


def _evidence(base: Network, observation: Observation, turns: Sequence[OtherState]) -> Evidence:
    """How old and how good the newest measurements are, and how well the state to start from explains them."""
    believed = base.with_demands(observation.network.demands)
    assessment = assess_observation(replace(observation, network=believed))
    measured = [x._replace(state=x.state.with_demands(observation.network.demands)) for x in turns]
    return evidence_of(assessment.report, fidelity_of(observation, believed, assessment, measured))


def _in_force(network: Network, source: Network) -> Network:
    """The believed network with what is configured in `source` in place of what was."""
    links = tuple(
        link._replace(weight=x.weight, drained=x.drained, asleep=x.asleep, cost_out=x.cost_out)
        for link, x in zip(network.links, source.links, strict=True)
    )
    nodes = tuple(
        node._replace(drained=x.drained, cost_out=x.cost_out)
        for node, x in zip(network.nodes, source.nodes, strict=True)
    )
    return replace(network, links=links, nodes=nodes, tunnels=source.tunnels, limits=source.limits)


def _measured_state(network: Network, observation: Observation, measured: Settled) -> Network:
    """The network with everything up that is up and adjacent that is adjacent, under the demands measured.

    Like is compared with like: light with light, neighbours with neighbours. A circuit that is believed down and was
    down lately, or flaps, stays so, and one of which nobody tells whether it is up is as it is believed to be.
    """
    nodes = tuple(x._replace(up=bool(up)) for x, up in zip(network.nodes, observation.answered, strict=True))
    links = tuple(
        link._replace(
            up=link.up if link.asleep or not told or (up and lately) else bool(up),
            adjacent=link.adjacent if not up or (lately and not link.up) or not np.isfinite(near) else bool(near),
        )
        for link, up, told, near, lately in zip(
            network.links,
            observation.up,
            observation.told,
            neighbours(observation),
            down_lately(observation),
            strict=True,
        )
    )
    return replace(network, nodes=nodes, links=links, demands=measured.demands)
