"""What a planner's commands answer: a document for programs, text for people, and an exit code.

DuckDB, the templates and the optimisers are imported by the answers that need them: a study is there sooner.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pydantic import JsonValue

from agents.goals import Goal
from agents.goals.limits import tighten
from twin.elements import find_elements
from twin.engines.seam import Engine, Serial
from twin.formats import load_network
from twin.formats.build import Choices, Reading
from twin.formats.load import load_reading
from twin.gate.checks.context import Evidence
from twin.model import Network
from twin.policy import Policy
from twin.study.day import parse_window, read_day
from twin.study.demands import study_demands
from twin.study.failures import find_failures, study
from twin.study.window import AT_PEAK, Window, drain_steps, rehearse_window

from .answer import OK, REJECTED, Answer
from .estimated import estimated_traffic
from .judging import scenarios_in
from .plan_text import Findings, Row, imported, in_window, planned, rehearsed, studied
from .queues import queues

if TYPE_CHECKING:  # reading a site imports what a study has no use for
    from twin.optimise.goals import Choice
    from twin.optimise.proposal import Proposal
    from twin.site import OpenSite

WHOLE_DAY = "00:00-24:00"
_HERE = Serial()
_NO_DAY = "every hour carries the planned traffic: give its shares with --day where you know them"


class Failing(NamedTuple):
    """Which failures a study looks at, by the names of `find_failures`, whether they strike at once, and who does them.

    The engine changes no figure.
    """

    names: Sequence[str] = ("all",)
    together: bool = False
    engine: Engine = _HERE


def import_files(files: Sequence[Path], traffic: Path | None, into: Path, *, now: datetime, choices: Choices) -> Answer:
    """Read networks into a twin file, all of them or none."""
    from twin.formats.stored import import_networks

    found = import_networks(files, into, now=now, traffic=traffic, choices=choices)
    networks: list[JsonValue] = [one.model_dump(mode="json") for one in found]
    return Answer({"into": str(into), "networks": networks}, imported(found, into))


def study_failures(
    network: str,
    failing: Failing,
    policy: Policy,
    *,
    demands: bool = False,
    page: Path | None = None,
    top: int = 12,
) -> Answer:
    """Study failures of a network: each link, each failure, with `demands` each demand; `page` is written as HTML."""
    loaded = load_network(network)
    failures = find_failures(loaded, failing.names, together=failing.together)
    found = study(loaded, failures, policy, engine=failing.engine)
    cases = study_demands(loaded, failures) if demands or page else ()
    if page:
        from .report.study import write_study

        write_study(page, loaded, found, cases, failure_limit=policy.max_failure_utilisation)
    document: dict[str, JsonValue] = found.model_dump(mode="json")
    if demands:
        document["demands"] = [case.model_dump(mode="json") for case in cases]
    document["rests_on"] = list[JsonValue](rests := estimated_traffic(network))
    return Answer(document, chain(studied(found, cases if demands else None, top), rests))


def wait_in_queues(network: str, burstiness: float, top: int) -> Answer:
    """Tell what queues add to delays. Raises `InputError` on a burstiness that was never measured."""
    return Answer(*queues(load_network(network), burstiness, top))


def rehearse_drain(network: str, drain: Sequence[str], window: str, policy: Policy, *, day: Path | None) -> Answer:
    """Rehearse the drain of elements in a window of the day; the code says whether it keeps the limits."""
    span, profile = parse_window(window), read_day(day) if day else AT_PEAK
    loaded = load_network(network)
    names = list(dict.fromkeys(element for name in drain for element in find_elements(loaded, name)))
    steps = drain_steps(loaded, names)
    found = rehearse_window(loaded, steps, start=span.start, hours=span.hours, policy=policy, day=profile)
    document: dict[str, JsonValue] = {"safe": found.safe, "drained": list(names), **found.model_dump(mode="json")}
    text = chain(rehearsed(found, names), () if day else (_NO_DAY,))
    return Answer(document, text, OK if found.safe else REJECTED)


class Wish(NamedTuple):
    """What a plan is for, and how to look for it in the words of the command line."""

    goal: Goal
    objective: str | None = None
    scenarios: Path | None = None
    measure: str = "cvar"
    time_limit_s: float | None = None
    seed: int = 0
    day: Path | None = None


class PlanSearch(NamedTuple):
    """What was found for a wish: every proposal, the one to follow with its verdict, and its window hour by hour."""

    proposals: "tuple[Proposal, ...]"
    choice: "Choice | None"
    window: Window | None

    @property
    def usable(self) -> bool:
        """Whether there is a plan that may be made or ordered."""
        return self.choice is not None and self.choice.usable and (self.window is None or self.window.safe)


def search_plan(
    reading: Reading,
    policy: Policy,
    wish: Wish,
    *,
    evidence: Evidence | None,
    site: "OpenSite | None",
    now: datetime,
) -> PlanSearch:
    """Look for a plan and let the gate judge it, in a window ahead of `now` hour by hour; nothing is written.

    The limits of the goal tighten the policy.
    """
    from agents.goals.plan import ending, goal_in_force, serve
    from tools.box.goal import planned_traffic
    from twin.optimise.ahead import holding
    from twin.optimise.goals import choose, read_terms
    from twin.site_state import coming_to

    network, policy = reading.network, tighten(policy, wish.goal)
    matrices = scenarios_in(wish.scenarios, network)
    terms = read_terms(wish.objective, matrices, wish.measure, time_limit_s=wish.time_limit_s, seed=wish.seed)
    day = read_day(wish.day) if wish.day else ()
    shares = (site.site.instruments.day if site else day) or policy.day
    goal = goal_in_force(wish.goal, network, now, shares)
    coming = coming_to(site, network, policy, now, starts=goal.since, until=goal.ends, day=day)

    def served(state: Network, limits: Policy) -> Sequence["Proposal"]:
        return ending(wish.goal, state, serve(wish.goal, state, limits, terms))

    known = coming.known(reading.account, evidence, terms.scenarios)
    proposals = holding(served, network, policy, known)
    choice = choose(proposals, network, policy, growth=goal.growth, known=known)
    planned = network
    if site is not None and goal.hours is not None:  # the state carries the traffic of now, whatever was planned
        planned = network.with_demands(planned_traffic(site.reading().network, network.demands, now, shares))
    return PlanSearch(proposals, choice, goal.rehearse(planned, choice.plan, policy) if choice else None)


def make_plan(  # noqa: PLR0913 - what is asked of which network, when, and where the answer goes
    name: str,
    policy: Policy,
    wish: Wish,
    *,
    now: datetime,
    output: Path | None = None,
    top: int = 12,
    site: "OpenSite | None" = None,
) -> Answer:
    """Look for a plan, let the gate judge it, and write it to `output` if it is safe or a request for capacity.

    The limits of the goal tighten the policy; in a window ahead of `now` the plan is rehearsed hour by hour. The code
    says whether there is such a plan.
    """
    from twin.site_state import evidence_for

    reading = load_reading(name)
    policy, network = tighten(policy, wish.goal), reading.network
    found = search_plan(reading, policy, wish, evidence=evidence_for(name, network.id, now), site=site, now=now)
    return told_plan(reading, policy, wish.goal.words, found, output=output, top=top)


def told_plan(
    reading: Reading, policy: Policy, goal: str, found: PlanSearch, *, output: Path | None, top: int
) -> Answer:
    """Tell what was found for a goal, and write the plan to `output` if it is safe or a request for capacity."""
    from twin.formats import write_plan
    from twin.optimise.goals import effect_of

    network = reading.network
    proposals, choice, window, usable = found.proposals, found.choice, found.window, found.usable
    if choice is not None and usable and output is not None:
        write_plan(choice.plan, output, network)
    rows = [Row(proposal, effect_of(network, proposal.plan, policy)) for proposal in proposals]
    present = effect_of(network, None, policy)
    document: dict[str, JsonValue] = {
        "goal": goal,
        "network": network.name,
        "snapshot": network.id,
        "present": {
            "mean_delay_ms": present.mean_delay_ms,
            "watts": present.watts,
            "failure_utilisation": present.failure_utilisation,
        },
        "proposals": [_proposal(row) for row in rows],
        "usable": usable,
        "request": choice is not None and choice.is_request,
        "plan": choice.plan.model_dump(mode="json") if choice else None,
        "hash": choice.plan.hash if choice else None,
        "verdict": {"passed": choice.verdict.passed, **choice.verdict.model_dump(mode="json")} if choice else None,
        "window": {"safe": window.safe, **window.model_dump(mode="json")} if window else None,
        "file": str(output) if output and usable else None,
    }
    text = planned(network, goal, Findings(present, rows, choice, output if usable else None), top)
    return Answer(document, chain(text, in_window(window) if window else ()), OK if usable else REJECTED)


def _proposal(row: Row) -> dict[str, JsonValue]:
    found, before, after = row.proposal, row.proposal.before, row.proposal.after
    return {
        "method": found.method,
        "steps": found.steps,
        "plan": found.plan.hash if found.plan else None,
        "harm": [before.harm, after.harm],
        "max_utilisation": [before.max_utilisation, after.max_utilisation],
        "mean_delay_ms": row.effect.mean_delay_ms,
        "watts": row.effect.watts,
        "failure_utilisation": row.effect.failure_utilisation,
        "cost": row.effect.cost,
        "bound": found.bound,
        "gap": found.gap,
        "reason": found.reason or None,
        "evaluations": found.evaluations,
    }
