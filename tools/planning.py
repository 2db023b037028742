"""Plans: optimisers propose, a model chooses by handle. The steps themselves never pass through a model."""

from dataclasses import replace
from functools import partial
from typing import Annotated

from pydantic import Field

from twin.errors import RefusedError, UnknownElementError
from twin.gate.checks.context import Context
from twin.model import Frozen, Network
from twin.optimise.ahead import Lasting, brought, holding
from twin.optimise.allowance import WallGuard, guarded
from twin.optimise.judge import Judge
from twin.optimise.proposal import Proposal
from twin.optimise.relieve import possible, relieve
from twin.policy import Policy

from .arguments import Handle
from .box.handover import MAX_EXPLANATION, Candidate, NoPlan, PlanSubmission
from .box.known import known_to
from .box.run_state import RunState

Explanation = Annotated[str, Field(max_length=MAX_EXPLANATION, description="For the operator.")]


TIME_LIMIT_S = 90.0
"""Seconds that all optimisers together may compute: a busy machine finds the plans that an idle one does."""
WALL_LIMIT_S = 200.0
"""Seconds by the clock after which they stop all the same: inside the deadline of the tool and the turn of a role, so
that what was found is handed over."""


class WithoutPlan(Frozen):
    """An optimiser that has nothing to offer, and why."""

    method: str
    reason: str


class Candidates(Frozen):
    """What the optimisers propose for the believed state, best first by their own figures."""

    snapshot: str
    round: int
    answered_counterexamples: int = Field(description="How many objections to earlier plans these plans keep clear of.")
    candidates: tuple[Candidate, ...]
    without_plan: tuple[WithoutPlan, ...]
    hindered: str | None = Field(default=None, description="What is in the way of every plan, where none was found.")


def propose_plans(run_state: RunState) -> Candidates:
    """Let every optimiser plan for the believed state, clear of what was wrong with rejected plans."""
    require_diagnosis(run_state)
    require_data(run_state)
    avoid = run_state.counterexamples
    with run_state.span("optimise", snapshot=run_state.state.id, counterexamples=len(avoid)) as span:
        known = (
            known_to(run_state) if run_state.brought is None else Context()
        )  # what was brought is judged by the gate alone
        with guarded(WALL_LIMIT_S) as guard:
            lasting = Lasting(run_state.state, run_state.policy, known)
            found = holding(
                partial(_proposed, run_state, lasting), run_state.state, run_state.policy, known, lasting=lasting
            )
        span.set_attribute("twin.proposals", sum(x.plan is not None for x in found))
        if guard.said:
            span.set_attribute("twin.cut_off", guard.said)
    found = tuple(_told(possible(x, run_state.look().declared.makes), guard) for x in found)
    useful = [x for x in found if _is_new(run_state, x)]
    run_state.unplanned = tuple(f"{x.method}: {x.reason}"[:300] for x in found if x.plan is None)
    run_state.hindered = "" if useful or run_state.brought else Judge(run_state.state, run_state.policy).broken_already
    run_state.proposals |= {_handle(run_state, proposal): proposal for proposal in useful}
    return Candidates(
        snapshot=run_state.state.id,
        round=run_state.round,
        answered_counterexamples=len(avoid),
        candidates=tuple(candidate(run_state, _handle(run_state, x), x) for x in useful),
        without_plan=tuple(WithoutPlan(method=x.method, reason=_why_not(x)[:300]) for x in found if x not in useful),
        hindered=run_state.hindered or None,
    )


def _told(proposal: Proposal, guard: WallGuard) -> Proposal:
    """Have a proposal without a plan say that there was no time for more, where that is so."""
    if proposal.plan is not None or not guard.said:
        return proposal
    return replace(proposal, reason=f"planning was {guard.said}: {proposal.reason}")


def _proposed(run_state: RunState, lasting: Lasting, state: Network, policy: Policy) -> tuple[Proposal, ...]:
    """Ask the planner that serves the goal of the run, without one all that relieve; a brought plan is alone."""
    if run_state.brought is not None:
        return (brought(run_state.brought, state, policy),)
    if run_state.goal is not None:
        return run_state.goal.propose(
            state, policy, run_state.counterexamples, run_state.seed, run_state.rejected_steps
        )
    return relieve(
        state,
        policy,
        faults=run_state.faults,
        reference=run_state.inventory,
        avoid=run_state.counterexamples,
        rejected=run_state.rejected_steps,
        makes=run_state.look().declared.makes,
        seed=run_state.seed,
        time_limit_s=TIME_LIMIT_S,
        lasts=lasting,
        alternatives=bool(run_state.documents),  # words may speak against the best
    )


def submit_plan(run_state: RunState, plan: Handle, explanation: Explanation) -> PlanSubmission:
    """Hand one proposed plan to verification. Each round takes one; a rejected plan is not taken again."""
    require_diagnosis(run_state)
    require_data(run_state)
    chosen = run_state.plan(plan)
    if chosen.hash in run_state.rejected_plans:
        raise RefusedError(f"{plan} was rejected", fix="call propose_plans and submit another one")
    if chosen.base != run_state.state.id:
        raise RefusedError(
            f"{plan} is for snapshot {chosen.base}, not {run_state.state.id}", fix="call propose_plans again"
        )
    run_state.submission = PlanSubmission(
        round=run_state.round,
        handle=plan,
        plan=chosen,
        candidates=tuple(
            candidate(run_state, name, x) for name, x in run_state.proposals.items() if _is_of_round(run_state, name)
        ),
        explanation=explanation,
    )
    run_state.no_plan = None  # of contrary hand-overs in one answer, the last counts
    return run_state.submission


Because = Annotated[
    tuple[str, ...], Field(max_length=4, description="Ids of documents for which a plan that helps is not wanted.")
]


def report_no_plan(run_state: RunState, explanation: Explanation, because: Because = ()) -> NoPlan:
    """Report that no plan helps, or is wanted. Refused while one lowers the harm and no document speaks against it."""
    require_diagnosis(run_state)
    known = {x.id for x in run_state.documents}
    if unknown := [x for x in because if x not in known]:
        raise UnknownElementError("document", unknown[0], known)
    open_plans = (
        []
        if because
        else [
            name for name, x in run_state.proposals.items() if _is_of_round(run_state, name) and _is_new(run_state, x)
        ]
    )
    if open_plans:
        raise RefusedError(
            f"{', '.join(open_plans)} {'serves the goal' if run_state.goal else 'lowers the harm'}",
            fix="submit it, or say in submit_plan what is wrong",
        )
    rejected = tuple(f"{x.plan}: {x.reasons}"[:300] for x in run_state.rejected)
    run_state.no_plan = NoPlan(
        round=run_state.round, reasons=(*rejected, *run_state.unplanned), because=because, explanation=explanation
    )
    run_state.submission = None
    return run_state.no_plan


def require_data(run_state: RunState) -> None:
    """Raise `RefusedError` on data too bad to plan on: no plan is better than the data it is made from."""
    if run_state.data_refusal:
        raise RefusedError(
            run_state.data_refusal, fix="call report_no_plan; have the worst of these data repaired first"
        )


def require_diagnosis(run_state: RunState) -> None:
    """Raise `RefusedError` where nothing has been diagnosed and nothing was asked for."""
    if run_state.diagnosis is None and run_state.goal is None and run_state.brought is None:
        raise RefusedError("there is no diagnosis to plan for", fix="let diagnosis conclude first")


def _is_new(run_state: RunState, proposal: Proposal) -> bool:
    return (
        proposal.plan is not None
        and proposal.plan.hash not in run_state.rejected_plans
        and (run_state.goal is not None or run_state.brought is not None or proposal.after.beats(proposal.before))
    )


def _handle(run_state: RunState, proposal: Proposal) -> str:
    return f"r{run_state.round}-{proposal.method.replace(' ', '-')}"


def _is_of_round(run_state: RunState, handle: str) -> bool:
    return handle.startswith(f"r{run_state.round}-")


def _why_not(proposal: Proposal) -> str:
    return proposal.reason or "its plan does not help, or was rejected"


def candidate(run_state: RunState, handle: str, proposal: Proposal) -> Candidate:
    """Tell of a proposal what a model needs to choose by."""
    before, after = proposal.before, proposal.after
    return Candidate(
        handle=handle,
        method=proposal.method,
        plan=proposal.plan.hash if proposal.plan else "",
        steps=proposal.steps,
        harm=(round(before.harm, 3), round(after.harm, 3)),
        max_utilisation=(round(before.max_utilisation, 4), round(after.max_utilisation, 4)),
        bound=proposal.bound if proposal.bound is None else round(proposal.bound, 4),
        gap=proposal.gap if proposal.gap is None else round(proposal.gap, 4),
        serves_goal=run_state.goal is not None or run_state.brought is not None,
    )
