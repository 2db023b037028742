"""`twinops plan --goal upgrade --until`: the upgrades that growth makes due by a day, in the order of their weeks."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

from pydantic import JsonValue

from twin.errors import InputError
from twin.forecast.sources import load_series
from twin.formats.load import load_reading
from twin.gate.checks.context import Context
from twin.observe.readings.files import Measured, is_twin
from twin.optimise.goals import choose
from twin.optimise.proposal import Proposal
from twin.optimise.upgrade import plan_upgrades_due
from twin.policy import Policy
from twin.site import OpenSite
from twin.site_state import history

from .answer import Answer
from .growth import NeededUpgrade, bought, exported_demands, foresee, week
from .measurements import Brought, measured_in
from .planning import PlanSearch, told_plan


def plan_upgrades(  # noqa: PLR0913 - what grows, by when, by which measurements, and where the answer goes
    name: str,
    policy: Policy,
    until: datetime,
    sources: Sequence[Path],
    brought: Brought,
    *,
    now: datetime,
    site: OpenSite | None = None,
    output: Path | None = None,
    top: int = 12,
) -> Answer:
    """Plan the upgrades of a network that its growth fills by a day; the gate judges the plan under today's traffic.

    Growth is told from the files named, the site's history or the network's own twin file. Raises `InputError` where
    there is none of them, or too little in it.
    """
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    reading = load_reading(name)
    measured = _history(name, sources, brought, site, now)
    if [x.name for x in measured.network.links] != [x.name for x in reading.network.links]:
        raise InputError(f"{name} has other links than those measured", fix="measure the network that is planned for")
    series = load_series(measured.network, measured.telemetry, now=measured.now)
    exported = exported_demands(measured.network, measured.telemetry, measured.now)
    foreseen = foresee(series, measured.network, until, policy, exported=exported)
    if foreseen is None:
        raise InputError("nothing is carried from which growth could be told", fix="give measured links and demands")
    needed = foreseen.needed
    proposal = plan_upgrades_due(reading.network, policy, foreseen.due, foreseen.busy, growth=foreseen.growth)
    proposal = _with_weeks(proposal, needed)
    account = reading.account
    known = Context(unmodelled=account.unmodelled_routing, estimated=account.estimated_traffic)
    choice = choose((proposal,), reading.network, policy, known=known)
    found = PlanSearch((proposal,), choice, None)
    answer = told_plan(reading, policy, f"upgrade until {until:%F}", found, output=output, top=top)
    weeks: list[JsonValue] = [x.model_dump(mode="json") for x in needed]
    document: dict[str, JsonValue] = {"until": until.isoformat(), "growth": foreseen.factor, "upgrades": weeks}
    text = chain(bought(needed, until, policy, top), ("",) if needed else (), answer.text)
    return answer._replace(document=document | answer.document, text=text)


def _with_weeks(proposal: Proposal, needed: Sequence[NeededUpgrade]) -> Proposal:
    """Say in the goal of a plan in which weeks its first and its last upgrade are due."""
    if proposal.plan is None:
        return proposal
    first, last = (week(x.likely) for x in (needed[0], needed[len(proposal.plan.steps) - 1]))
    goal = f"{proposal.plan.goal} The first is due in {first}, the last in {last}."
    return replace(proposal, plan=proposal.plan.model_copy(update={"goal": goal}))


def _history(name: str, sources: Sequence[Path], brought: Brought, site: OpenSite | None, now: datetime) -> Measured:
    if sources:
        return measured_in(sources, name, brought)
    if site is not None:
        look = history(site, lambda: now)
        return Measured(look.network, look.telemetry, look.now)
    file = Path(name.partition("#")[0])
    if is_twin(file):
        return measured_in([file], None, brought)
    raise InputError("growth is told from measured links", fix="give their counters with --measured, or --site")
