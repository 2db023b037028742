"""The gate: a pure function from plan, snapshot and policy to a verdict that code, not a model, has reached."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pydantic import Field

from twin.drawn import Drawn
from twin.engines.seam import Engine, Serial
from twin.model import Frozen, Network
from twin.plan import Plan, SetCapacity, apply_all
from twin.planned import PlannedWork
from twin.policy import Policy, RiskTier

from .checks.context import Context, DemandError, Evidence, Scenario
from .checks.finding import Check, CheckName, Convergence, Counterexample, not_evaluated
from .checks.grounded import ground
from .outlook import Outlook

if TYPE_CHECKING:
    from .checks.rehearsal import Rehearsal

_HERE = Serial()

__all__ = [
    "Check",
    "CheckName",
    "Convergence",
    "Counterexample",
    "DemandError",
    "Evidence",
    "Scenario",
    "Verdict",
    "orderable",
    "passes",
    "risk_tier",
    "verify",
    "verify_knowing",
    "with_growth",
]


class Verdict(Drawn, Frozen):
    """What the gate found for exactly this plan, snapshot and policy."""

    plan: str = Field(description="Plan hash.")
    snapshot: str
    policy: str = Field(description="Policy hash.")
    checks: tuple[Check, ...]
    convergence: tuple[Convergence, ...] = Field(
        default=(), description="What may loop during each step, while routers change over one by one."
    )

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return bool(self.checks) and all(check.passed for check in self.checks)


def verify(  # noqa: PLR0913 - what is judged, and each thing that is known beyond it
    plan: Plan,
    network: Network,
    policy: Policy,
    *,
    evidence: Evidence | None = None,
    scenarios: Sequence[Scenario] = (),
    outlook: Outlook | None = None,
    error: DemandError | None = None,
    unmodelled: Sequence[str] = (),
    estimated: str = "",
    starts: datetime | None = None,
    works: Sequence[PlannedWork] = (),
    step_lasts: timedelta | None = None,
    declared: Network | None = None,
    engine: Engine = _HERE,
) -> Verdict:
    """Simulate the plan on the twin step by step, under every single failure and back again, and judge it.

    `evidence` says how old and how good the measurements behind the snapshot are, `scenarios` which other demands may
    come (without any, the policy's factors on the snapshot's demands), `outlook` what traffic the hours bring in which
    the plan stays. With an `error` of the snapshot's demands, a limit counts as broken where it is by more than that;
    the gate itself judges without one. `unmodelled` is what the file behind the snapshot holds that decides routing and
    is not in the network, `estimated` how its traffic was estimated, if nobody measured it.
    `starts` is when the first step is made, for the policy's windows, and `works` is what others
    have planned: what they take away counts as failed in its hours, and while steps are made, each of which
    `step_lasts` at most; where that is unknown, all that is still to come. `declared` is the network as its inventory
    has it configured: see `twin.gate.declared` for what a plan may do that leaves exactly that. `engine` does the
    failures, and changes nothing of what is found. Never raises on a bad plan: one that is not
    grounded fails every check, with the reason. Every check is in every verdict, in the same order, but for *classes*,
    which is where there are some; the same question
    always gets the same verdict.
    """
    known = Context(
        evidence,
        tuple(scenarios),
        error,
        outlook,
        starts,
        tuple(works),
        step_lasts,
        declared,
        tuple(unmodelled),
        estimated,
    )
    return verify_knowing(known, plan, network, policy, engine)


def verify_knowing(known: Context, plan: Plan, network: Network, policy: Policy, engine: Engine = _HERE) -> Verdict:
    """Judge a plan as `verify` does, on all that is known beyond plan, snapshot and policy."""
    # the simulator is slow to import: only who verifies pays for it
    from .checks.convergence import convergences
    from .checks.rehearsal import Rehearsal

    unmodelled = known.unmodelled if policy.refuse_unmodelled else ()
    grounding = ground(plan, network, policy, unmodelled, known.estimated)
    rehearsal = Rehearsal(plan, policy, grounding.states, known, engine)
    checks = (grounding.check, *_checks(rehearsal, grounded=grounding.check.passed))
    loops = convergences(rehearsal.stressed) if grounding.check.passed else ()
    return Verdict(plan=plan.hash, snapshot=network.id, policy=policy.hash, checks=checks, convergence=loops)


def passes(
    plan: Plan, network: Network, policy: Policy, *, outlook: Outlook | None = None, known: Context | None = None
) -> bool:
    """Whether the verdict of `verify` passes: for those who try many plans, as the first check that fails decides.

    `known` is all that the gate is told, in place of an outlook alone.
    """
    from .checks.rehearsal import Rehearsal

    known = known or Context(outlook=outlook)
    grounding = ground(plan, network, policy, known.unmodelled if policy.refuse_unmodelled else (), known.estimated)
    rehearsal = Rehearsal(plan, policy, grounding.states, known)
    return grounding.check.passed and all(check.passed for check in _checks(rehearsal, grounded=True))


def with_growth(
    verdict: Verdict, plan: Plan, network: Network, policy: Policy, factor: float, engine: Engine = _HERE
) -> Verdict:
    """Judge a plan that is made for `factor` times the demands, and has this verdict, when they have come as well.

    A check passes when it does in both; what the plan is good for is that the grown demands fit.
    """
    if factor == 1 or not verdict.checks[0].passed:
        return verdict
    from .checks.useful import fits

    grown = network.with_demands(network.demands * factor)
    then = verify(plan.model_copy(update={"base": grown.id}), grown, policy, engine=engine)
    serves = fits(apply_all(grown, plan.steps), policy)
    pairs = zip(verdict.checks, then.checks, strict=True)
    checks = tuple(_both(a, serves if a.name == "useful" else b, factor) for a, b in pairs)
    return verdict.model_copy(update={"checks": checks})


def _both(now: Check, then: Check, factor: float) -> Check:
    if now.name != "useful" and (then.passed or not now.passed):
        return now
    return then.model_copy(update={"detail": f"with demand x{factor:g}: {then.detail}"})


def orderable(plan: Plan, verdict: Verdict) -> bool:
    """Whether all that the gate has against a plan is that it asks for capacity, which a person has to order.

    What a purchase is worth is for that person, too.
    """
    failing = [check for check in verdict.checks if not check.passed and check.name != "useful"]
    found = failing[0].counterexample if len(failing) == 1 and failing[0].name == "policy" else None
    if found is None or found.step is None or not 0 < found.step <= len(plan.steps):
        return False
    step = plan.steps[found.step - 1]
    return isinstance(step, SetCapacity) and (found.element, found.measured) == (step.circuit, step.capacity)


def _checks(rehearsal: "Rehearsal", *, grounded: bool) -> Iterator[Check]:
    from .checks import classes, fresh, horizon, limits, nominal, survivable, transient, uncertain, useful

    rest: dict[CheckName, Callable[[Rehearsal], Check]] = {
        "fresh": fresh.fresh,
        "policy": limits.policy,
        "nominal": nominal.nominal,
        "survivable": survivable.survivable,
        "transient": transient.transient,
        "uncertain": uncertain.uncertain,
        "reversible": transient.reversible,
        "useful": useful.useful,
        "horizon": horizon.horizon,
        **({"classes": classes.classes} if rehearsal.base.classes or rehearsal.policy.classes else {}),
    }
    for name, check in rest.items():
        yield check(rehearsal) if grounded else not_evaluated(name)


def risk_tier(plan: Plan, verdict: Verdict, policy: Policy) -> RiskTier:
    """Return how much a plan could hurt if the twin were wrong, by the traffic it moves and the number of its steps.

    *low* up to the policy's `low_risk_blast_radius` and `low_risk_steps`; *high* beyond half of what the policy allows
    at all, or without a passing verdict; *medium* in between.
    """
    moved = next((check.measured for check in verdict.checks if check.name == "policy" and check.passed), None)
    if moved is None or not verdict.passed:
        return "high"
    if moved <= policy.low_risk_blast_radius and len(plan.steps) <= policy.low_risk_steps:
        return "low"
    if moved > policy.max_blast_radius / 2 or len(plan.steps) > policy.max_steps / 2:
        return "high"
    return "medium"
