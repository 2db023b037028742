"""Plans of a model's own: written change by change, or put together from candidates; the gate judges them like any."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from twin.errors import InputError
from twin.optimise.proposal import Proposal, Value
from twin.plan import Change, ExpectedEffect, Plan, apply_all
from twin.sim.simulate import Outcome, simulate

from .arguments import OwnChanges
from .box.handover import Candidate, PlanSubmission
from .box.run_state import RunState
from .planning import Explanation, candidate, require_data, require_diagnosis, submit_plan

Parts = Annotated[
    tuple[Annotated[str, Field(pattern=r"^[^:]{1,80}(:\d{1,2})?$")], ...],
    Field(min_length=1, max_length=12, description="In order: HANDLE for all steps of a candidate, HANDLE:2 for one."),
]


def submit_changes(run_state: RunState, changes: OwnChanges, why: Explanation) -> PlanSubmission:
    """Hand a plan of your own to verification, where no candidate does what is right; it is judged like any other."""
    if not changes:
        raise InputError("a plan has at least one change", fix="report_no_plan if nothing helps")
    return submit_plan(run_state, keep(run_state, changes, "own changes"), why)


def compose_plan(run_state: RunState, parts: Parts) -> Candidate:
    """Make one candidate of steps of several, in your order; submit_plan then hands it over."""
    changes: list[Change] = []
    for part in parts:
        handle, _, number = part.partition(":")
        steps = run_state.plan(handle).steps
        if number and not 1 <= int(number) <= len(steps):
            raise InputError(f"{handle} has no step {number}", fix=f"steps 1 to {len(steps)}")
        changes += [steps[int(number) - 1]] if number else steps
    handle = keep(run_state, changes, "composed")
    return candidate(run_state, handle, run_state.proposals[handle])


def keep(run_state: RunState, changes: Sequence[Change], method: str) -> str:
    """Put a plan into the run's state as a candidate, with what it would do; return its handle.

    Raises `PlanError` or `UnknownElementError` where a change cannot be made.
    """
    require_diagnosis(run_state)
    require_data(run_state)
    with run_state.span("simulate", snapshot=run_state.state.id):
        before, after = simulate(run_state.state), simulate(apply_all(run_state.state, changes))
    values = _value(before, run_state.policy.max_utilisation), _value(after, run_state.policy.max_utilisation)
    plan = Plan(
        goal=f"{method}: harm from {values[0].harm:,.0f} to {values[1].harm:,.0f} Mbit/s",
        base=run_state.state.id,
        steps=tuple(changes),
        method=method,
        expected=ExpectedEffect(
            max_utilisation=(values[0].max_utilisation, values[1].max_utilisation),
            harm=(values[0].harm, values[1].harm),
        ),
    )
    handle = f"r{run_state.round}-{method.replace(' ', '-')}-{plan.hash[:6]}"
    run_state.proposals |= {handle: Proposal(method=method, plan=plan, before=values[0], after=values[1])}
    return handle


def _value(outcome: Outcome, limit: float) -> Value:
    return Value(outcome.harm(limit).total, outcome.max_utilisation)
