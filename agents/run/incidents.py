"""Several incidents in one run: what each of them harms, which plan spares it, and how it ended."""

from collections.abc import Sequence
from typing import NamedTuple

from agents.record.events import IncidentEnding, Outcome
from tools.box.handover import DiagnosedIncident
from twin.diagnose import believed_without
from twin.errors import TwinError
from twin.faults import Fault
from twin.model import Network
from twin.observe import Observation
from twin.plan import Plan, apply
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


def endings_of(incidents: Sequence[DiagnosedIncident], run: Outcome, course: RunSoFar) -> tuple[IncidentEnding, ...]:
    """Say how each of several incidents ended; nothing where all is one, whose ending is the run's.

    What an incident harms is what is harmed on the twin less what would be with the other incidents alone, before any
    plan and after each. So a plan that serves two incidents is said of both, and one that spares an incident nothing
    is not said of it.
    """
    if len(incidents) < 2:
        return ()
    return tuple(_ending(x, run, course) for x in incidents)


def _ending(incident: DiagnosedIncident, run: Outcome, course: RunSoFar) -> IncidentEnding:
    harm = [_harm(course, incident.faults, number) for number in range(len(course.plans) + 1)]
    spared = course.policy.min_gain
    plans = tuple(
        plan.hash
        for plan, before, after in zip(course.plans, harm, harm[1:], strict=False)
        if before - after > max(course.negligible, spared * before)
    )
    return IncidentEnding(
        faults=incident.faults,
        probability=incident.probability,
        outcome=_outcome(incident, run, course, (harm[0], harm[-1])),
        harm=(round(harm[0], 3), round(harm[-1], 3)),
        plans=plans,
    )


def _outcome(incident: DiagnosedIncident, run: Outcome, course: RunSoFar, harm: tuple[float, float]) -> Outcome:
    first, last = harm
    if run in _STOPPED:
        return run
    if first <= course.negligible:
        return "no action needed"
    if last <= course.negligible:
        return "resolved"
    if run in ("awaiting approval", "rolled back") and course.pending is not None:
        tried = _harm(course._replace(plans=(*course.plans, course.pending)), incident.faults, len(course.plans) + 1)
        if last - tried > max(course.negligible, course.policy.min_gain * last):
            return run
    if first - last <= max(course.negligible, course.policy.min_gain * first):
        return "needs a person"
    return "needs a person" if course.urgent & {x.element for x in incident.faults} else "relieved"


def _harm(course: RunSoFar, faults: tuple[Fault, ...], plans: int) -> float:
    """Mbit/s that some faults add to what the others harm, with the first plans in place."""
    limit = course.policy.max_utilisation
    states = (believed_without(course.observation, course.faults, left_out) for left_out in ((), faults))
    whole, without = (simulate(_after(state, course.plans[:plans])).harm(limit).total for state in states)
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
