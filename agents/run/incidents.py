"""Several incidents in one run: what each of them harms, which plan spares it, and how it ended."""

from collections.abc import Sequence
from typing import NamedTuple

from agents.record.events import IncidentEnding, Outcome
from tools.box.handover import DiagnosedIncident
from tools.box.run_state import RunState
from tools.recommendations import recommendations
from twin.diagnose import as_believed, believed_without
from twin.errors import TwinError
from twin.faults import Fault
from twin.model import Network
from twin.observe import Observation
from twin.plan import Plan, apply, apply_all
from twin.policy import Policy
from twin.sim.simulate import simulate

_STOPPED: frozenset[Outcome] = frozenset({"failed", "interrupted", "out of budget"})


class RunSoFar(NamedTuple):
    """What a run did about its incidents: as it was diagnosed, the plans in place, and the one that came to nothing."""

    observation: Observation
    faults: tuple[Fault, ...]
    plans: tuple[Plan, ...]
    pending: Plan | None  # waits for people, or was taken back
    policy: Policy
    negligible: float  # Mbit/s of harm that is nothing to act on
    urgent: frozenset[str]  # elements at which a person is wanted now


def with_plan(run_state: RunState, plan: Plan) -> Network:
    """The believed state with a plan in place, under the traffic that is measured now."""
    state = apply_all(run_state.state, plan.steps)
    return state.with_demands(as_believed(run_state.look(), run_state.faults, state).network.demands)


def still_harmed(run_state: RunState, plan: Plan, least: float) -> bool:
    """Whether some incident harms more than `least` Mbit/s that could be carried, with the plan in place."""
    if run_state.diagnosis is None or len(run_state.diagnosis.incidents) < 2:
        return False
    return simulate(with_plan(run_state, plan)).harm(run_state.policy.max_utilisation).routable > least


def endings_of(
    run_state: RunState, seen: Observation | None, plans: tuple[Plan, ...], run: Outcome, *, harmed: bool, least: float
) -> tuple[IncidentEnding, ...]:
    """Say how each incident ended: `seen` is what diagnosis saw, `plans` those in place, `run` the outcome."""
    if run_state.diagnosis is None or seen is None:
        return ()
    urgent = frozenset(x.element for x in recommendations(run_state, harmed=harmed) if x.urgency == "now")
    last = run_state.submission.plan if run_state.submission and run_state.submission.plan not in plans else None
    made = RunSoFar(seen, run_state.faults, plans, last, run_state.policy, least, urgent)
    return each_ending(run_state.diagnosis.incidents, run, made)


def each_ending(incidents: Sequence[DiagnosedIncident], run: Outcome, made: RunSoFar) -> tuple[IncidentEnding, ...]:
    """Say how each of several incidents ended; nothing where all is one, whose ending is the run's.

    What an incident harms is what is harmed on the twin less what would be with the other incidents alone, before any
    plan and after each. So a plan that serves two incidents is said of both, and one that spares an incident nothing
    is not said of it.
    """
    if len(incidents) < 2:
        return ()
    return tuple(_ending(x, run, made) for x in incidents)


def _ending(incident: DiagnosedIncident, run: Outcome, made: RunSoFar) -> IncidentEnding:
    harm = [_harm(made, incident.faults, number) for number in range(len(made.plans) + 1)]
    spared = made.policy.min_gain
    plans = tuple(
        plan.hash
        for plan, before, after in zip(made.plans, harm, harm[1:], strict=False)
        if before - after > max(made.negligible, spared * before)
    )
    return IncidentEnding(
        faults=incident.faults,
        probability=incident.probability,
        outcome=_outcome(incident, run, made, (harm[0], harm[-1])),
        harm=(round(harm[0], 3), round(harm[-1], 3)),
        plans=plans,
    )


def _outcome(incident: DiagnosedIncident, run: Outcome, made: RunSoFar, harm: tuple[float, float]) -> Outcome:
    first, last = harm
    if run in _STOPPED:
        return run
    if first <= made.negligible:
        return "no action needed"
    if last <= made.negligible:
        return "resolved"
    if run in ("awaiting approval", "rolled back") and made.pending is not None:
        tried = _harm(made._replace(plans=(*made.plans, made.pending)), incident.faults, len(made.plans) + 1)
        if last - tried > max(made.negligible, made.policy.min_gain * last):
            return run
    if first - last <= max(made.negligible, made.policy.min_gain * first):
        return "needs a person"
    return "needs a person" if made.urgent & {x.element for x in incident.faults} else "relieved"


def _harm(made: RunSoFar, faults: tuple[Fault, ...], plans: int) -> float:
    """Mbit/s that some faults add to what the others harm, with the first plans in place."""
    limit = made.policy.max_utilisation
    states = (believed_without(made.observation, made.faults, left_out) for left_out in ((), faults))
    whole, without = (simulate(_after(state, made.plans[:plans])).harm(limit).total for state in states)
    return max(whole - without, 0.0)


def _after(state: Network, plans: Sequence[Plan]) -> Network:
    """The state with the steps of some plans; one that would do nothing where a fault is not there is left out."""
    for plan in plans:
        for step in plan.steps:
            try:
                state = apply(state, step)
            except TwinError:
                continue
    return state
