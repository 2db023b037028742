"""The best plan for an incident that is known: every planner asked with the truth in hand, and every short plan tried.

What agents leave is held against it. What no accepted plan takes off is no fault of theirs, whatever some routing could
do; and where their own plan leaves less, that is the best known one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import NamedTuple

from agents.run.staging import samples_after
from evals.oracle.exhaustive import short_plan
from twin.errors import PlanError, TwinError
from twin.execute.agreement import step_lasts
from twin.forecast.outlook import outlook_ahead
from twin.gate.checks.context import Context
from twin.gate.verdict import passes
from twin.model import Network
from twin.observe import observe
from twin.observe.observe import interval_of
from twin.optimise import segments, sequential
from twin.optimise.ahead import holding
from twin.optimise.proposal import Proposal
from twin.optimise.relieve import TACTICAL, relieve
from twin.plan import Change, Plan
from twin.policy import Policy

from .incident import Action, Incident, again, hour_after

STRATEGIC = (segments.METHOD, sequential.METHOD)
_SEARCHED = 24  # nodes up to which every short plan is tried: 2 CPU seconds
SECONDS = 30.0
"""Time that the tactical planners share, and the strategic ones."""


_NOTHING = 0.05  # of the noise, below which nobody is harmed in anybody's book


def least_left(incident: Incident, *, noise: float, reached: float) -> float:
    """Mbit/s of harm in the end after the best plan that the gate accepts, made at once, or if nobody acts.

    Among the plans are those of every planner, told the truth, and on a small network the best of all short ones, which
    no planner has a hand in. What takes off less than `noise` is none. `reached` is what was made of it: where that is
    no more than is severed, for which nothing that is up joins the ends, no plan could leave less: none is looked for,
    nor is another one once one leaves no more than that.
    """
    untouched, now = incident.untouched.left, incident.live.now
    if reached - untouched.severed <= _NOTHING * noise:
        return reached
    best, known = min(untouched.total, reached), _known(incident)
    tactical, strategic = (_accepted(incident, known, methods) for methods in (TACTICAL, STRATEGIC))
    for steps in chain(tactical, _short(incident, known, noise), strategic):
        try:
            best = min(best, hour_after(incident, [Action(now, change) for change in steps]).left.total)
        except PlanError:  # what the network refuses to make, as a setting that only routers have wrong, is no plan
            continue
        if best <= untouched.severed:
            break
    return best


def searched(incident: Incident) -> bool:
    """Whether every short plan is tried, so that what none of them gains nobody has to."""
    return len(incident.network.nodes) <= _SEARCHED


class _Known(NamedTuple):
    """The true state of a network as the run begins, and all that the gate is told of it in a run."""

    state: Network
    told: Context

    def accepts(self, plan: Plan, policy: Policy) -> bool:
        try:
            return passes(plan, self.state, policy, known=self.told)
        except TwinError:
            return False


def _known(incident: Incident) -> _Known:
    state = known_state(incident)
    return _Known(state, told_of(incident, state))


def told_of(incident: Incident, state: Network) -> Context:
    """All that the gate is told in a run of a state that is believed: hours ahead, inventory, how long steps last."""
    live, inventory = incident.live, incident.network
    hours, telemetry = incident.request.policy.horizon_hours, live.read_telemetry(live.start)
    ahead = outlook_ahead(state, telemetry, live.now, hours, planned=inventory, now=live.now)
    lasts = step_lasts(live.declared, interval_of(live.declared, telemetry.links.time))
    return Context(outlook=ahead, starts=live.now, step_lasts=lasts, declared=inventory)


def _short(incident: Incident, known: _Known, noise: float) -> Iterator[tuple[Change, ...]]:
    if not searched(incident):
        return
    policy = incident.request.policy
    towards = [x.fault.target for x in incident.live.faults_struck if x.fault.target and "node/" in x.fault.target]

    def accepts(steps: tuple[Change, ...]) -> bool:
        try:
            plan = Plan(goal="less harm", base=known.state.id, steps=steps)
        except TwinError:
            return False
        return known.accepts(plan, policy)

    limit = policy.max_utilisation
    found = short_plan(again(incident), limit, towards=towards, least=noise, accepts=accepts)
    if found:
        yield found


def _accepted(incident: Incident, known: _Known, methods: tuple[str, ...]) -> Iterator[tuple[Change, ...]]:
    policy = incident.request.policy
    made: set[object] = set()

    def planner(state: Network, policy: Policy) -> Sequence[Proposal]:
        return relieve(state, policy, methods=methods, reference=incident.network, time_limit_s=SECONDS)

    for proposal in holding(planner, known.state, policy, known.told):
        plan = proposal.plan
        if plan is not None and plan.steps not in made and known.accepts(plan, policy):
            made.add(plan.steps)
            yield plan.steps


def known_state(incident: Incident) -> Network:
    """The true state of the network as the run begins, under the traffic that was measured since the onset."""
    live = incident.live
    seen = observe(live.read_topology(), live.read_telemetry(live.start), window=samples_after(live), now=live.now)
    return replace(live.truth, demands=seen.network.demands)
