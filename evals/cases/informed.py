"""The best plan for an incident that is known: every planner asked with the truth in hand, judged by the gate.

What agents leave is held against it. What no accepted plan takes off is no fault of theirs, whatever some routing could
do; and where their own plan leaves less, that is the best known one.
"""

from collections.abc import Iterator
from dataclasses import replace

from agents.run.staging import samples_after
from twin.gate.verdict import verify
from twin.model import Network
from twin.observe import observe
from twin.optimise import segments, sequential
from twin.optimise.relieve import TACTICAL, relieve
from twin.plan import Plan

from .incident import Action, Incident, hour_after

METHODS = (*TACTICAL, segments.METHOD, sequential.METHOD)
SECONDS = 30.0
"""Time that all planners share."""


def least_left(incident: Incident) -> float:
    """Mbit/s of harm in the end after the best plan that the gate accepts, made at once, or if nobody acts."""
    now, plans = incident.live.now, _accepted(incident)
    left = (hour_after(incident, [Action(now, change) for change in plan.steps]).left.total for plan in plans)
    return min((incident.untouched.left.total, *left))


def _accepted(incident: Incident) -> Iterator[Plan]:
    state, policy = known_state(incident), incident.request.policy
    made: set[object] = set()
    for proposal in relieve(state, policy, methods=METHODS, reference=incident.network, time_limit_s=SECONDS):
        plan = proposal.plan
        if plan is not None and plan.steps not in made and verify(plan, state, policy).passed:
            made.add(plan.steps)
            yield plan


def known_state(incident: Incident) -> Network:
    """The true state of the network as the run begins, under the traffic that was measured since the onset."""
    live = incident.live
    seen = observe(live.read_topology(), live.read_telemetry(live.start), window=samples_after(live), now=live.now)
    return replace(live.truth, demands=seen.network.demands)
