"""The gate, as verification sees it: the twin judges, the model may only be stricter."""

from typing import Annotated, Literal

from opentelemetry.trace import Span
from pydantic import Field

from twin.errors import RefusedError
from twin.gate.checks.context import Evidence
from twin.gate.verdict import Check, Verdict, verify, with_growth
from twin.model import Frozen
from twin.plan import Plan, apply_all
from twin.sim.simulate import simulate

from .box.handover import MAX_EXPLANATION, Decision, PlanSubmission
from .box.run_state import Desk
from .box.tracing import evaluated

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


def verify_plan(desk: Desk) -> VerdictReport:
    """Rehearse the submitted plan on the twin, under every single failure and back again, and judge every check."""
    submission = _submitted(desk)
    plan = submission.plan
    with desk.span("verify", snapshot=desk.state.id, plan=plan.hash) as span:
        verdict = _verdict(desk, plan)
        _evaluate(span, verdict)
    desk.verdicts[plan.hash] = verdict
    return VerdictReport(
        handle=submission.handle,
        plan=plan.hash,
        snapshot=verdict.snapshot,
        passed=verdict.passed,
        checks=verdict.checks,
        busiest_circuit=_busiest(desk, submission) if verdict.passed else None,
    )


def decide(desk: Desk, decision: Literal["approve", "reject"], reasons: Reasons) -> Decision:
    """Decide on the submitted plan. An approval needs a passing verdict for exactly this plan, snapshot and policy."""
    plan = _submitted(desk).plan
    verdict = desk.verdicts.get(plan.hash)
    if decision == "approve":
        _require_passing(desk, plan.hash, verdict)
    desk.decision = Decision(
        approved=decision == "approve", plan=plan.hash, snapshot=desk.state.id, verdict=verdict, reasons=reasons
    )
    return desk.decision


def _submitted(desk: Desk) -> PlanSubmission:
    if desk.submission is None:
        raise RefusedError("no plan has been submitted", fix="wait for planning to submit one")
    return desk.submission


def _require_passing(desk: Desk, plan: str, verdict: Verdict | None) -> None:
    if verdict is None:
        raise RefusedError("there is no verdict for this plan", fix="call verify_plan first")
    if verdict.plan != plan or verdict.snapshot != desk.state.id or verdict.policy != desk.policy.hash:
        raise RefusedError("the verdict is for another plan, snapshot or policy", fix="call verify_plan again")
    if not verdict.passed:
        failed = ", ".join(check.name for check in verdict.checks if not check.passed)
        raise RefusedError(f"the gate found that this plan fails: {failed}", fix="reject it with the counterexample")


def _verdict(desk: Desk, plan: Plan) -> Verdict:
    verdict = verify(
        plan,
        desk.state,
        desk.policy,
        evidence=_evidence(desk),
        outlook=desk.outlook,
        unmodelled=desk.unmodelled,
        starts=desk.starts,
        works=desk.works,
    )
    return with_growth(verdict, plan, desk.state, desk.policy, desk.aim.growth if desk.aim else 1.0)


def _evidence(desk: Desk) -> Evidence | None:
    return desk.evidence if desk.observation is not None else None


def _busiest(desk: Desk, submission: PlanSubmission) -> str | None:
    with desk.span("simulate", snapshot=desk.state.id, plan=submission.plan.hash):
        final = apply_all(desk.state, submission.plan.steps)
        name = simulate(final).busiest
    return final.links[final.link(name)].circuit if name else None


def _evaluate(span: Span, verdict: Verdict) -> None:
    span.set_attribute("twin.verdict", "pass" if verdict.passed else "fail")
    for check in verdict.checks:
        evaluated(span, check.name, passed=check.passed, value=check.measured)
