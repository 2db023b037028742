"""What is left of a plan, verified again on its way: under the newest demands, and in what was not foreseen."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple

from twin.errors import CertificateError
from twin.gate.outlook import HOUR, Outlook
from twin.gate.verdict import DemandError, Evidence, Verdict, verify
from twin.model import Network
from twin.plan import Plan, apply_all
from twin.planned import PlannedWork
from twin.policy import Policy
from twin.printed import utc

from .preflight import Coming

_ON_THE_WAY = frozenset({"useful", "fresh"})
"""Checks that are about a plan as a whole: not asked of the rest of one."""


def remaining(  # noqa: PLR0913 - what is left, where the plan stands, and what it is held against
    plan: Plan, made: int, here: Network, base: Network, policy: Policy, error: DemandError, declared: Network
) -> str | None:
    """Verify what is left of a plan on the state reached, under its demands; return why it must not be made.

    What is left may be no better than where it stands now and the plan still better than where it began: it is refused
    when it fails both ways. `error` is that of the demands: what it could explain is no reason; `declared` is what the
    inventory has.
    """
    first = _failure(verify(_rest(plan, made, here), here, policy, error=error, declared=declared))
    if first is None:
        return None
    start = base.with_demands(here.demands)
    whole = verify(_rest(plan, 0, start), start, policy, error=error, declared=declared)
    return first if _failure(whole) else None


def standing(plan: Plan, made: int, start: Network, policy: Policy, error: DemandError, declared: Network) -> bool:
    """Whether the steps made are a plan of their own that holds, and helps, where the plan began.

    `start` is that state under the demands measured, `error` theirs; `declared` is what the inventory has.
    """
    verdict = verify(part_made(plan, made, start), start, policy, error=error, declared=declared)
    return _failure(verdict, but=frozenset({"fresh"})) is None


def part_made(plan: Plan, made: int, base: Network) -> Plan:
    """Return the steps made as a plan of their own for a state."""
    return plan.model_copy(update={"base": base.id, "steps": plan.steps[:made], "expected": None})


class VerifiedFor(NamedTuple):
    """For when a plan was verified: its first step is made at `starts`, and each takes `step_lasts` at most.

    `base` is the state before it under the demands that it was made for, `coming` what the hours ahead bring to these,
    and `declared` what the inventory has.
    """

    plan: Plan
    base: Network
    policy: Policy
    coming: Coming
    starts: datetime
    step_lasts: timedelta | None
    declared: Network | None
    evidence: Evidence | None = None

    def require(self, made: int, now: datetime, known: Sequence[PlannedWork]) -> None:
        """Raise `CertificateError` where the rest must not be made now, in what it was not verified for.

        It meets such where it comes later than was foreseen, or where more work of others is `known` by now.
        """
        against = self._objection(made, now, known)
        if against:
            step = f"step {made + 1} would be made at {utc(now)}"
            unjudged = "in hours or work of others that the plan was not verified for"
            raise CertificateError(f"{step}, {unjudged}: {against}", fix="plan again")

    def standing(self, made: int, now: datetime, known: Sequence[PlannedWork], snapshot: Network) -> Verdict:
        """Judge the steps made as a plan of their own for a snapshot, in all that comes while they stay."""
        _, works, unmodelled = self.coming
        ask = self._asking(now, (*works, *(x for x in known if x not in works)))
        part = part_made(self.plan, made, snapshot)
        return ask(part, snapshot, evidence=self.evidence, unmodelled=unmodelled)

    def _objection(self, made: int, now: datetime, known: Sequence[PlannedWork]) -> str | None:
        more = tuple(x for x in known if x not in self.coming.works and now < x.ends)
        if not more and not self._meets_more(made, now):
            return None
        ask = self._asking(now, (*self.coming.works, *more))
        here = apply_all(self.base, self.plan.steps[:made])
        first = _failure(ask(_rest(self.plan, made, here), here))
        if first is None:
            return None
        return first if _failure(ask(_rest(self.plan, 0, self.base), self.base)) else None

    def _asking(self, now: datetime, works: tuple[PlannedWork, ...]) -> "partial[Verdict]":
        """The gate, told of what comes from now on: it is asked about a plan for a network."""
        return partial(
            verify,
            policy=self.policy,
            outlook=_from(now, self.coming.outlook),
            starts=now,
            works=works,
            step_lasts=self.step_lasts,
            declared=self.declared,
        )

    def _meets_more(self, made: int, now: datetime) -> bool:
        outlook, works = self.coming.outlook, self.coming.works
        hours = [x.begins for x in outlook.hours] if outlook is not None else []
        if self.step_lasts is None:  # verified for the hour of the first step, and for all work to come
            return any(self.starts < x <= now for x in hours)
        if now <= self.starts + made * self.step_lasts:
            return False
        judged, over = self.starts + (made + 1) * self.step_lasts, now + (len(self.plan.steps) - made) * self.step_lasts
        return any(judged <= x < over for x in (*hours, *(work.begins for work in works)))


def _rest(plan: Plan, made: int, here: Network) -> Plan:
    return plan.model_copy(update={"base": here.id, "steps": plan.steps[made:]})


def _from(now: datetime, outlook: Outlook | None) -> Outlook | None:
    """The hours that are not over."""
    left = sum(now < x.begins + HOUR for x in outlook.hours) if outlook is not None else 0
    if outlook is None or not left:
        return None
    return replace(outlook, hours=outlook.hours[-left:], quantiles=outlook.quantiles[-left:])


def _failure(verdict: Verdict, but: frozenset[str] = _ON_THE_WAY) -> str | None:
    failed = [x for x in verdict.checks if not x.passed and x.name not in but]
    return f"*{failed[0].name}*: {failed[0].detail}" if failed else None
