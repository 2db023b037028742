"""The gate against labelled plans, bad ones of many classes and good ones; an independent oracle labels them."""

from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from pydantic import ValidationError

from evals.cases.case import Case, Split
from evals.cases.gate.cases import BAD, GOOD, trial
from evals.cases.gate.good import Trial
from evals.cases.result import Measures
from evals.cases.suite import SEEDS, Check, Metric, Suite, Workplace, of_split
from evals.score.expected import fails
from evals.score.plans import Blame, false_rejection, names_it, unsafe_approval
from twin.errors import InputError
from twin.formats import load_network
from twin.gate.verdict import Evidence, Scenario, Verdict, verify
from twin.plan import apply_all
from twin.policy import Policy
from twin.sim.simulate import simulate

HELD_OUT = (
    "slow_detour",
    "smuggled_upgrade",
    "overload_under_failure",
    "shed_demand",
    "impossible_step",
    "later_step_meets_others",
    "way_out_in_the_peak",
    "half_set_right",
)
DEV = tuple(name for name in BAD if name not in HELD_OUT)
FIRST_NETWORK = {"dev": 4000, "held-out": 9000}
"""Number of the first of the networks that each split's plans are for; forty follow it."""

_EACH = 20
"""Plans of each class of bad ones that the dev split asks about, at least."""

_ON_PAPER = ("grounded", "policy", "fresh")


class Ruling(NamedTuple):
    """Whether a plan may go ahead, and the gate's verdict where there was one."""

    approved: bool
    verdict: Verdict | None = None


class Asked(Trial):
    """A labelled plan, and what the gate says of it: asked once, however many systems look at a part of the answer."""

    @cached_property
    def verdict(self) -> Verdict:
        """The gate's verdict."""
        return verdict_on(self)


def _stage(case: Case, workplace: Workplace) -> Asked:
    del workplace
    if case.plan is None:
        return Asked(*trial(case.kind, case.seed, start=FIRST_NETWORK[case.split]))
    if case.expect is None or case.expect.approved is None:
        raise InputError("a written plan needs expect.approved: nothing else says whether it is good")
    named = Blame(case.expect.failed_check or "", frozenset())
    network = load_network(case.network)
    return Asked("written", case.plan, network, Policy(), None if case.expect.approved else named)


def verdict_on(case: Trial) -> Verdict:
    """Ask the gate about a labelled plan, with all that its case says of data, demands, hours and works."""
    evidence = None if case.age_s is None else Evidence(age_s=case.age_s)
    scenarios = [Scenario(*x) for x in case.scenarios]
    return verify(
        case.plan,
        case.network,
        case.policy,
        evidence=evidence,
        scenarios=scenarios,
        outlook=case.outlook,
        starts=case.starts,
        works=case.works,
        step_lasts=case.step_lasts,
        declared=case.declared,
    )


def _gate(case: Asked) -> Ruling:
    return Ruling(case.verdict.passed, case.verdict)


def _no_gate(case: Trial) -> Ruling:
    """What a planner submits is applied."""
    del case
    return Ruling(approved=True)


def _no_twin(case: Asked) -> Ruling:
    """Only what can be checked without a simulation: that elements exist, the policy's lists, the age of the data."""
    return Ruling(all(check.passed for check in case.verdict.checks if check.name in _ON_PAPER))


def _end_state(case: Trial) -> Ruling:
    """A twin that simulates the end state alone: no step on the way, no failure, no other demand."""
    try:
        final = simulate(apply_all(case.network, case.plan.steps))
    except InputError:
        return Ruling(approved=False)
    before, limit = simulate(case.network), case.policy.max_utilisation
    try:
        worse = final.harm(limit).routable > before.harm(limit).routable + 1e-6
    except ValidationError:  # a plan of odd figures has an end that is no state
        return Ruling(approved=False)
    return Ruling(final.lost <= before.lost + 1e-6 and not worse)


def score(case: Trial, ruling: Ruling) -> Measures:
    """Judge a ruling by the label; a rejection of a bad plan should name the check and the element as well."""
    bad = case.blame is not None
    values = {
        "bad": float(bad),
        "good": float(not bad),
        "unsafe": float(unsafe_approval(bad=bad, approved=ruling.approved)),
        "rejected": float(false_rejection(bad=bad, approved=ruling.approved)),
    }
    if case.blame is not None and case.blame.elements and ruling.verdict is not None:
        values["named"] = float(names_it(case.blame, ruling.verdict))
        values["nameable"] = 1.0
    told = "approved" if ruling.approved else f"rejected: {_failed(ruling.verdict)}"
    truth = f"bad: {case.blame.check} at {', '.join(sorted(case.blame.elements)[:3])}" if case.blame else "good"
    return Measures(not values["unsafe"] and not values["rejected"], values, told, f"{case.name}, {truth}")


def _failed(verdict: Verdict | None) -> str:
    return ", ".join(check.name for check in verdict.checks if not check.passed) if verdict else "without a verdict"


def _ruled(wanted: bool, case: Trial, ruling: Ruling) -> bool:
    del case
    return ruling.approved == wanted


def _failed_it(wanted: str, case: Trial, ruling: Ruling) -> bool | None:
    del case
    return fails(wanted, ruling.verdict) if ruling.verdict else None


def _draw(split: Split) -> Iterator[Case]:
    """Every class of bad plans in turn, and a good plan after each three."""
    bad, good = of_split(split, DEV, HELD_OUT), ("good_relief", *GOOD)
    for number, seed in enumerate(SEEDS[split]):
        turn, which = divmod(number, 4)
        kind = good[turn % len(good)] if which == 3 else bad[(3 * turn + which) % len(bad)]
        yield Case(suite="verify", kind=kind, network="rings with chords", seed=seed, split=split)


SUITE = Suite(
    name="verify",
    purpose="the gate on labelled plans: unsafe approvals, false rejections, what it names",
    draw=_draw,
    stage=_stage,
    systems={"gate": _gate, "end state only": _end_state, "no twin": _no_twin, "no gate": _no_gate},
    score=score,
    metrics=(
        Metric("bad plans approved", "share", "unsafe", where="bad", higher=False, bar=0.0),
        Metric("good plans rejected", "share", "rejected", where="good", higher=False, bar=0.01),
        Metric("check and element named right", "share", "named", where="nameable", bar=0.98),
    ),
    cases=4 * -(-_EACH * len(DEV) // 3),
    slice=30,
    checks={"approved": Check(_ruled, needs="plan"), "failed_check": Check(_failed_it, needs="plan")},
)
