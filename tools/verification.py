"""The gate, as verification sees it: the twin judges, the model may only be stricter."""

from typing import Annotated, Literal

from opentelemetry.trace import Span
from pydantic import Field

from twin.engines.local import Local
from twin.errors import RefusedError
from twin.faults import with_fault
from twin.gate.no_worse import Where, falls_short
from twin.gate.rules import accepted_loss, busier_failing
from twin.gate.verdict import Check, Verdict, verify_knowing, with_growth
from twin.harm import Harm
from twin.model import Frozen, Network
from twin.plan import Plan, apply_all
from twin.policy import Policy
from twin.sim.simulate import simulate

from .arguments import Elements
from .box.handover import MAX_EXPLANATION, Decision, PlanSubmission
from .box.known import known_to
from .box.run_state import RunState
from .box.tracing import evaluated
from .whatif import failure

_ENGINE = Local()  # large networks take a minute, which this machine's processors share

Reasons = Annotated[
    str,
    Field(min_length=1, max_length=MAX_EXPLANATION, description="The counterexample, or what gets better."),
]


class VerdictReport(Frozen):
    """What the gate found for the submitted plan."""

    handle: str
    plan: str = Field(description="Plan hash.")
    snapshot: str
    passed: bool
    checks: tuple[Check, ...]
    busiest_circuit: str | None = Field(description="The circuit that is fullest once the plan is in.")


def verify_plan(run_state: RunState) -> VerdictReport:
    """Rehearse the submitted plan on the twin, under every single failure and back again, and judge every check."""
    submission = _submitted(run_state)
    plan = submission.plan
    with run_state.span("verify", snapshot=run_state.state.id, plan=plan.hash) as span:
        verdict = _verdict(run_state, plan)
        _evaluate(span, verdict)
    run_state.verdicts[plan.hash] = verdict
    return VerdictReport(
        handle=submission.handle,
        plan=plan.hash,
        snapshot=verdict.snapshot,
        passed=verdict.passed,
        checks=verdict.checks,
        busiest_circuit=_busiest(run_state, submission) if verdict.passed else None,
    )


def decide(run_state: RunState, decision: Literal["approve", "reject"], reasons: Reasons) -> Decision:
    """Decide on the submitted plan. An approval needs a passing verdict for exactly this plan, snapshot and policy."""
    plan = _submitted(run_state).plan
    verdict = run_state.verdicts.get(plan.hash)
    if decision == "approve":
        _require_passing(run_state, plan.hash, verdict)
        if run_state.broken:
            raise RefusedError(f"a failure that you demanded speaks against it: {run_state.broken[0]}", fix="reject it")
    run_state.decision = Decision(
        approved=decision == "approve", plan=plan.hash, snapshot=run_state.state.id, verdict=verdict, reasons=reasons
    )
    return run_state.decision


class DemandedFailure(Frozen):
    """Elements that fail together, without the plan and with it; rates in Mbit/s."""

    fail: tuple[str, ...]
    lost: tuple[float, float] = Field(description="Lost for good, before and after.")
    overload: tuple[float, float] = Field(description="Above capacity, before and after.")
    holds: bool = Field(description="Whether the plan makes it no worse.")


class DemandedFailures(Frozen):
    """What the twin found for failures that verification demands to be survived: one that does not hold rejects."""

    plan: str
    failures: tuple[DemandedFailure, ...]
    holds: bool


def demand_failures(
    run_state: RunState,
    sets: Annotated[tuple[Elements, ...], Field(min_length=1, max_length=6, description="Each fails together.")],
) -> DemandedFailures:
    """Demand that the plan makes further failures no worse: the twin checks each, and one that it makes worse binds."""
    plan = _submitted(run_state).plan
    with run_state.span("simulate", snapshot=run_state.state.id, plan=plan.hash, failures=len(sets)):
        after = apply_all(run_state.state, plan.steps)
        found = tuple(_demanded(run_state.state, after, elements, run_state.policy) for elements in sets)
    run_state.demanded = (*run_state.demanded, *(x.fail for x in found))
    run_state.broken = (
        *run_state.broken,
        *(
            f"{' and '.join(x.fail)}: {x.lost[1]:,.0f} Mbit/s lost (before {x.lost[0]:,.0f}), "
            f"{x.overload[1]:,.0f} above capacity (before {x.overload[0]:,.0f})"
            for x in found
            if not x.holds
        ),
    )
    return DemandedFailures(plan=plan.hash, failures=found, holds=not run_state.broken)


def _demanded(before: Network, after: Network, elements: tuple[str, ...], policy: Policy) -> DemandedFailure:
    """Judge one failure by the gate's own rule for single failures."""
    struck = [before, after]
    for element in elements:
        struck = [with_fault(x, failure(element)) for x in struck]
    was, now = map(simulate, struck)
    where = Where(0, failure=" and ".join(elements))
    worse = falls_short((was,), now, where, accepted=accepted_loss(before, after, policy))
    worse = worse or busier_failing((was,), now, policy.max_failure_utilisation, where)
    lost, overload = zip(*(_cost(x.harm(1.0)) for x in (was, now)), strict=True)
    return DemandedFailure(fail=elements, lost=lost, overload=overload, holds=worse is None)


def _cost(harm: Harm) -> tuple[float, float]:
    """What is lost for good, and what is above capacity, Mbit/s."""
    return round(harm.total - harm.dropped, 3), round(harm.dropped, 3)


def _submitted(run_state: RunState) -> PlanSubmission:
    if run_state.submission is None:
        raise RefusedError("no plan has been submitted", fix="wait for planning to submit one")
    return run_state.submission


def _require_passing(run_state: RunState, plan: str, verdict: Verdict | None) -> None:
    if verdict is None:
        raise RefusedError("there is no verdict for this plan", fix="call verify_plan first")
    if verdict.plan != plan or verdict.snapshot != run_state.state.id or verdict.policy != run_state.policy.hash:
        raise RefusedError("the verdict is for another plan, snapshot or policy", fix="call verify_plan again")
    if not verdict.passed:
        failed = ", ".join(check.name for check in verdict.checks if not check.passed)
        raise RefusedError(f"the gate found that this plan fails: {failed}", fix="reject it with the counterexample")


def _verdict(run_state: RunState, plan: Plan) -> Verdict:
    verdict = verify_knowing(known_to(run_state), plan, run_state.state, run_state.policy, _ENGINE)
    growth = run_state.goal.growth if run_state.goal else 1.0
    return with_growth(verdict, plan, run_state.state, run_state.policy, growth, _ENGINE)


def _busiest(run_state: RunState, submission: PlanSubmission) -> str | None:
    with run_state.span("simulate", snapshot=run_state.state.id, plan=submission.plan.hash):
        final = apply_all(run_state.state, submission.plan.steps)
        name = simulate(final).busiest
    return final.links[final.link(name)].circuit if name else None


def _evaluate(span: Span, verdict: Verdict) -> None:
    span.set_attribute("twin.verdict", "pass" if verdict.passed else "fail")
    for check in verdict.checks:
        evaluated(span, check.name, passed=check.passed, value=check.measured)
