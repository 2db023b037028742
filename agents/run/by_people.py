"""What a run needs of people: their approval, or their hands."""

from datetime import datetime, timedelta
from typing import NamedTuple

from agents.record.events import PlanRendered
from tools.box.beside import in_thread
from tools.box.goal import GoalInForce
from tools.box.handover import Decision, PlanSubmission
from tools.box.run_state import RunState
from twin.errors import CertificateError, InputError
from twin.execute.agreement import looks_last
from twin.execute.render import Inventory, render
from twin.gate.certificate import Approval
from twin.model import Network
from twin.observe import Observation
from twin.observe.quality.standing import Standing
from twin.plan import Plan
from twin.policy import Policy, RiskTier
from twin.study.window import Window


class PeopleNeeded(NamedTuple):
    """How many `people` have to approve a plan of this `tier`, `because` of what, and if a run `may_act` at all."""

    tier: RiskTier
    people: int
    may_act: bool
    because: str


def people_needed(
    tier: RiskTier, policy: Policy, standing: Standing, *, by_hand: bool, wanted: str = ""
) -> PeopleNeeded:
    """Say who has to approve: the policy asks for people by the plan's risk, or what the twin is worth now does.

    `wanted` is why an adviser asks for a person besides, empty where none does.
    """
    by_standing = 0 if standing.level == "act" else 1
    people = max(policy.people_for(tier), by_standing, int(by_hand), int(bool(wanted)))
    may_act = standing.level in ("approve", "act")
    if by_standing:
        because = f"{'waits for a person' if may_act else 'is a suggestion only'}: {standing.because}"
    elif by_hand and not policy.people_for(tier):
        because = "waits for a person's approval: nothing here can change this network"
    elif wanted and not policy.people_for(tier):
        because = wanted
    else:
        who = "a person's approval" if people == 1 else f"approval by {people} different people"
        because = f"of {tier} risk, for which the policy asks {who}"
    return PeopleNeeded(tier, people, may_act, because)


def people_of_run(run_state: RunState, tier: RiskTier, *, by_hand: bool) -> PeopleNeeded:
    """Say who has to approve the plan of a run, of this tier."""
    standing, wanted = run_state.standing, run_state.person_wanted
    return people_needed(tier, run_state.policy, standing, by_hand=by_hand, wanted=wanted)


def approved(run_state: RunState) -> tuple[PlanSubmission, Decision]:
    """The plan of a run that verification approved, and its decision. Raises `CertificateError` where there is none."""
    submission, decision = run_state.submission, run_state.decision
    if submission is None or decision is None or not decision.approved or decision.plan != submission.plan.hash:
        raise CertificateError("verification has not approved this plan", fix="have it verified and approved")
    return submission, decision


VALID = timedelta(minutes=30)  # how long a plan may wait for its first step, unless it is for a window ahead


def validity(goal: GoalInForce | None, steps: int, seen: Observation, now: datetime) -> timedelta:
    """How long a certificate holds: until its window ends, or as long as its steps and the looks at them may take."""
    if goal is not None and goal.until is not None:
        return goal.until - now
    return VALID + steps * looks_last(seen.declared, seen.interval_s)


def lines_to_type(plan: Plan, state: Network, known: Inventory) -> PlanRendered:
    """Write down what people have to type where it is their network; what is not known is asked for."""
    try:
        return PlanRendered(plan=plan.hash, steps=render(plan, state, known).steps)
    except InputError as error:
        return PlanRendered(plan=plan.hash, question=f"{error}; {error.fix}")


def by_verification(plan: Plan, decision: Decision, policy: Policy, now: datetime) -> Approval:
    """Return the verification agent's approval of a plan."""
    return Approval(
        who="verification-agent",
        decision="approve",
        plan=plan.hash,
        snapshot=plan.base,
        policy=policy.hash,
        time=now,
        reason=decision.reasons,
    )


async def rehearsed(run_state: RunState, plan: Plan) -> Window | None:
    """Rehearse a plan at every hour of the window of the run's goal; None where there is none ahead."""
    goal = run_state.goal
    if goal is None:
        return None
    planned = run_state.inventory
    if not (goal.day and planned.demands.any()):  # then the state, which is that of the fullest hour, tells
        planned = run_state.state.with_demands(run_state.state.demands / goal.share)
    with run_state.span("rehearse", snapshot=run_state.state.id, plan=plan.hash):
        return await in_thread(lambda: goal.rehearse(planned, plan, run_state.policy))
