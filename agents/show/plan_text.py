"""What a planner asked for, as it reads on a terminal: imports, studies of failures, maintenance windows, plans."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rich.console import RenderableType

from agents.wording import counted, mbps, milliseconds, percent, percents, sentence, share, short, stated, written
from twin.gate.order import Ordering
from twin.model import Network
from twin.study.demands import DemandCase
from twin.study.failures import GrowthCase, Study
from twin.study.window import Window
from twin.untrusted import one_line

from .tables import demand_table, failure_table, link_table, text_table, verdict_table, window_table

if TYPE_CHECKING:  # DuckDB and the optimisers only in the commands that use them
    from twin.formats.stored import Imported
    from twin.optimise.goals import Choice, GoalEffect
    from twin.optimise.proposal import Proposal


class Row(NamedTuple):
    """A proposal, and its delay and power under the network's own demands."""

    proposal: Proposal
    effect: GoalEffect


class Findings(NamedTuple):
    """What a search for a plan found: the network as it is, every proposal, the one to follow, and where it goes."""

    present: GoalEffect
    rows: Sequence[Row]
    choice: Choice | None
    output: Path | None


def ordering(found: Ordering, written: Path | None) -> Iterator[RenderableType]:
    """A safe order of a plan's steps, or what stands in the way of every one."""
    if found.plan is not None:
        yield "\nin this order no step does harm on the way:"
        yield from (f"  {i}. {one_line(sentence(step))}" for i, step in enumerate(found.plan.steps, start=1))
        if written:
            yield f"written to {written}"
        return
    states = counted(found.states, "states")
    ruled_out = f"every order of the steps was tried, {states} in all, and each does harm"
    yield f"\n{ruled_out if found.exact else f'no safe order was found in {states}'}:"
    made = ", ".join(str(step) for step in found.reached) or "no step"
    yield from (f"  after {made}, step {step}: {one_line(why, 400)}" for step, why in found.blocked.items())


def imported(networks: Sequence[Imported], into: Path) -> Iterator[RenderableType]:
    """What was read from each file, and what the files leave open."""
    headings = ("network", "snapshot", "nodes>", "circuits>", "demands>", "demand>", "busiest link", "utilisation>")
    spare = ("demands", "demand", "busiest link", "utilisation")
    yield text_table(headings, [_imported_row(one) for one in networks], spare=spare)
    for one in networks:
        yield f"\n{one_line(one.network)}, from {one_line(one.file, 400)}"
        yield from (f"  {remark}" for remark in _remarks(one))
    yield f"\nstored in {into}; the current snapshot is {networks[-1].snapshot}"


def _imported_row(one: Imported) -> tuple[str, ...]:
    counts = (str(one.nodes), str(one.circuits), str(one.demands), mbps(one.demand))
    return (one.network, one.snapshot, *counts, one.busiest or "none", share(one.max_utilisation))


def _remarks(one: Imported) -> Iterator[str]:
    extras = [counted(n, what) for n, what in ((one.risk_groups, "risk groups"), (one.tunnels, "tunnels")) if n]
    yield from extras
    yield from (f"assumed {what}" for what in one.assumed)
    yield from (f"not modelled: {what}" for what in one.not_modelled)
    if not one.assumed and not one.not_modelled:
        yield "nothing was assumed: capacities, weights, delays and traffic are the files' own"
    if one.lost > 0:
        yield f"{mbps(one.lost)} of the demand have no path"


def studied(study: Study, demands: Sequence[DemandCase] | None, top: int) -> Iterator[RenderableType]:
    """The worst case of every link, failure and, where asked for, demand, and how far traffic may grow."""
    busiest = f"busiest link {study.busiest or 'none'} at {share(study.max_utilisation)}"
    many = counted(len(study.failures), "failures")
    yield f"{one_line(study.network)}: {busiest} with everything up, {many} studied\n"
    yield link_table(study, top)
    if study.failures:
        yield ""
        yield failure_table(study, top)
    if demands is not None:
        yield ""
        yield demand_table(demands, top)
    yield ""
    yield growth_table(study)


def growth_table(study: Study) -> RenderableType:
    """How far all demands may grow alike, and what stops them there."""
    headings = ("traffic may grow", "to>", "then this link", "is at>", "when this fails")
    cases = ("with everything up", study.growth), ("under every failure too", study.growth_under_failures)
    return text_table(headings, [(when, *_growth_cells(growth)) for when, growth in cases])


def _growth_cells(growth: GrowthCase) -> tuple[str, ...]:
    if growth.factor is None:
        return "without end", "none", "", ""
    failure = short(growth.failure) if growth.failure else "nothing"
    return f"{growth.factor:.3f} times", growth.link or "none", stated(growth.limit), failure


def rehearsed(window: Window, drained: Sequence[str]) -> Iterator[RenderableType]:
    """A maintenance window hour by hour, whether it keeps the limits, and the quietest window of its length."""
    named = ", ".join(short(element) for element in drained)
    yield f"{one_line(window.network)}: {named} drained\n"
    yield from in_window(window)


def in_window(window: Window) -> Iterator[RenderableType]:
    """The hours of a window, whether it keeps the limits, and the quietest window of its length."""
    yield window_table(window)
    verdict = "keeps the limits, under the next failure too" if window.safe else "breaks the limits"
    yield f"\nthe window {span(window.hours[0].hour, len(window.hours))} {verdict}"
    if window.quietest is None:
        yield "no window of this length in the day keeps them"
    else:
        yield f"the quietest window of this length within the limits is {span(window.quietest, len(window.hours))}"


def span(start: int, hours: int) -> str:
    """Write a window of whole hours, `22:00-02:00`."""
    end = start + hours
    return f"{start:02}:00-{end if end <= 24 else end - 24:02}:00"


def planned(network: Network, goal: str, found: Findings, top: int) -> Iterator[RenderableType]:
    """Every proposal, the steps of the chosen plan, and what the gate says of it."""
    delay, watts = milliseconds(found.present.mean_delay_ms), f"{written(found.present.watts / 1000, 4)} kW"
    yield f"{one_line(network.name)}, goal {one_line(goal)}: mean delay {delay}, {watts} as it is\n"
    yield proposal_table(found.rows[:top])
    for row in found.rows[:top]:
        if row.proposal.reason:
            yield f"{row.proposal.method}: {one_line(row.proposal.reason, 300)}"
    if found.choice is None:
        hint = "; --objective utilisation searches wider, and longer" if goal.strip() == "relieve" else ""
        yield f"\nno plan{hint}"
        return
    plan = found.choice.plan
    yield f"\n{one_line(plan.goal, 300)}"
    yield from (f"  {number}. {sentence(step)}" for number, step in enumerate(plan.steps, start=1))
    yield ""
    yield verdict_table(found.choice.verdict)
    yield from _ending(found)


def proposal_table(rows: Sequence[Row]) -> RenderableType:
    """Proposals side by side; the bound is the lowest peak that any routing could have, the gap what is missing."""
    headings = ("method", "steps>", "busiest link>", "harm>", "mean delay>", "power>", "bound>", "gap>")
    return text_table(headings, [_proposal_row(row) for row in rows], spare=("bound", "power", "mean delay", "gap"))


def _proposal_row(row: Row) -> tuple[str, ...]:
    found, before, after = row.proposal, row.proposal.before, row.proposal.after
    bound = "none" if found.bound is None else percent(found.bound)
    gap = "none" if found.gap is None else percent(found.gap)
    if found.plan is None:
        return found.method, "no plan", percent(before.max_utilisation), mbps(before.harm), "", "", bound, ""
    peak = " -> ".join(percents(before.max_utilisation, after.max_utilisation))
    harm = f"{mbps(before.harm)} -> {mbps(after.harm)}" if before.harm or after.harm else "none"
    effect = milliseconds(row.effect.mean_delay_ms), f"{written(row.effect.watts / 1000, 4)} kW"
    return found.method, str(found.steps), peak, harm, *effect, bound, gap


def _ending(found: Findings) -> Iterator[str]:
    assert found.choice is not None  # noqa: S101  the caller has looked
    choice, named = found.choice, f"plan {found.choice.plan.hash} on snapshot {found.choice.plan.base}"
    if choice.is_request:
        yield f"{named}: a request for capacity, for a person to order"
        against = "has nothing else against it" if choice.usable else "has more against it"
        yield f"the gate passes no such plan, {against}, and nothing executes it automatically"
        effect = next((row.effect for row in found.rows if row.proposal is choice.proposal), None)
        if effect is not None and effect.cost is None:
            yield "what it costs is not told: the policy declares no price for all of it (`upgrade_costs`)"
    else:
        yield f"{named}: {'safe' if choice.verdict.passed else 'rejected'}"
    if found.output:
        yield f"written to {found.output}" if choice.usable else f"not written to {found.output}"
