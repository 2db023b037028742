"""The tools of the MCP server: those of `tools/` under the names of this door, and what the command line can, as tools.

They read, simulate and verify. The only one that writes stores a draft of a plan, and is there only when allowed.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated

from pydantic import AwareDatetime, Field

from agents.goals import Question
from agents.goals.written import read_goal
from agents.record.runs import survey
from agents.show.judging import verdict_on
from agents.show.planning import Wish, search_plan
from tools.arguments import Changes, Handle
from tools.box.handover import Candidate
from tools.box.registry import Tool, bind
from tools.box.results import fetch_result, next_after
from tools.box.run_state import RunState
from tools.diagnosis import rank_causes
from tools.glossary import explain
from tools.planning import WithoutPlan, candidate
from tools.questions import LONG, busiest_links, carried_by, grow_demands, growth_headroom, power_use, worst_failures
from tools.sql.query import sql
from tools.telemetry import data_quality, list_symptoms
from tools.topology import element_status, network_status
from tools.whatif import simulate_plan, what_if
from twin.errors import InputError, RefusedError
from twin.files import exists
from twin.formats import write_plan
from twin.gate.verdict import Check
from twin.model import Frozen
from twin.optimise.proposal import Proposal
from twin.plan import Objective, Plan
from twin.study.window import Window
from twin.untrusted import FileText, ModelText, PersonText

from .mcp_state import TwinState

KEPT = 60  # plans that are known by a handle, the newest
DRAFTS = 200  # files in the folder of drafts
_PAGE = 100

NAMES = {
    "busiest_links": "utilisation",
    "carried_by": "path",
    "grow_demands": "growth",
    "rank_causes": "diagnose",
    "sql": "ask_sql",
    "propose_plans": "plan_for",
}
"""What other rooms call a tool, and what it is called here."""

Words = Annotated[
    str,
    Field(
        min_length=1,
        max_length=1_000,
        description="Written: relieve, drain:NODE, drain:A-B, sleep, upgrade, grow:1.3; with from: until: zone:.",
    ),
]
Offset = Annotated[int, Field(ge=0, description="Rows to skip: `next_offset` of the last page.")]
Limit = Annotated[int, Field(ge=1, le=_PAGE, description="Rows of a page.")]


class ListedElement(Frozen):
    """One element: what to name it in other tools, its id, and what is known of it."""

    name: FileText
    id: str
    about: str


class TopologyPage(Frozen):
    """A page of the elements of the network."""

    network: FileText
    snapshot: str
    total: int
    elements: tuple[ListedElement, ...]
    next_offset: int | None = Field(description="Where to go on; null at the end.")


class ServedNetwork(Frozen):
    """What is served, counted."""

    network: FileText
    snapshot: str
    nodes: int
    circuits: int
    offered: float = Field(description="Mbit/s of demand.")
    measured: bool = Field(description="Whether there are measurements to ask for.")


class PlanFound(Frozen):
    """The plan to follow for a goal, and what the gate says of it. `handle` names it in other tools."""

    snapshot: str
    goal: str
    usable: bool = Field(description="Safe, or a request for capacity that a person has to order.")
    handle: str | None
    plan: Plan | None
    checks: tuple[Check, ...]
    window: Window | None = Field(description="The plan at every hour of the window ahead, where the goal has one.")
    candidates: tuple[Candidate, ...]
    without_plan: tuple[WithoutPlan, ...]


class PlanVerdict(Frozen):
    """What the gate found for a plan on this snapshot: a rehearsal, never a permission."""

    snapshot: str
    handle: str
    policy: str = Field(description="Policy hash.")
    passed: bool
    checks: tuple[Check, ...]
    open_questions: tuple[PersonText, ...] = Field(description="What the calendar leaves open.")


class StoredDraft(Frozen):
    """A plan on file. Nothing follows from it until a person takes it up."""

    handle: str
    file: FileText
    passed: bool = Field(description="What the gate says of it now.")


class AgentRun(Frozen):
    """One run of the agents."""

    run: FileText
    network: FileText
    started: AwareDatetime
    state: str
    outcome: str
    because: ModelText
    seconds: float | None


class AgentRuns(Frozen):
    """A page of the runs, the newest first."""

    total: int
    runs: tuple[AgentRun, ...]
    unreadable: int = Field(description="Folders whose record cannot be read.")
    next_offset: int | None


def tools_for(
    state: TwinState, clock: Callable[[], datetime], *, runs: Path, drafts: Path | None = None
) -> tuple[Tool, ...]:
    """Bind the tools for one state: those on measurements only where there are any, drafts only with a folder."""
    found = [
        bind(_topology(state)),
        _long(busiest_links),
        bind(carried_by),
        bind(what_if),
        _long(worst_failures),
        _long(grow_demands),
        _long(growth_headroom),
        _long(power_use),
        _long(_plan_for(state, clock)),
        _long(simulate_plan),
        _long(_verify_plan(state, clock)),
        bind(sql),
        bind(explain),
        bind(fetch_result),
        bind(_runs(runs)),
    ]
    if state.measured:
        found += [bind(network_status), bind(element_status), bind(list_symptoms), bind(data_quality)]
        found += [_long(rank_causes)]
    if drafts is not None:
        found += [_long(_propose_plan(state, clock, drafts))]
    return tuple(replace(tool, name=NAMES.get(tool.name, tool.name)) for tool in found)


def _long(function: Callable[..., Frozen]) -> Tool:
    return bind(function, deadline=LONG)


def topology_page(state: TwinState, like: str, offset: int, limit: int) -> TopologyPage:
    """Return a page of the elements, of those like a name where one is given; raises as `elements_of`."""
    rows = state.elements(like or None)
    page = rows[offset : offset + limit]
    return TopologyPage(
        network=state.network.name,
        snapshot=state.network.id,
        total=len(rows),
        elements=tuple(ListedElement(name=x.name, id=x.id, about=x.about) for x in page),
        next_offset=next_after(offset + len(page), rows),
    )


def _topology(state: TwinState) -> Callable[..., TopologyPage]:
    def topology(
        _run_state: RunState,
        like: Annotated[str, Field(max_length=120, description="Only what this name means or is close to.")] = "",
        offset: Offset = 0,
        limit: Limit = 50,
    ) -> TopologyPage:
        """List nodes, circuits, risk groups and tunnels by the names that the other tools take."""
        return topology_page(state, like, offset, limit)

    return topology


def _plan_for(state: TwinState, clock: Callable[[], datetime]) -> Callable[..., PlanFound]:
    def plan_for(run_state: RunState, goal: Words) -> PlanFound:
        """Look for a plan that serves a written goal, and let the gate judge it; nothing is stored or carried out."""
        now = clock()
        read = read_goal(goal, state.network, now=now, zone=state.zone)
        if isinstance(read, Question):
            choices = ", ".join(read.choices[:8])
            raise InputError(read.question, fix=f"write one of {choices}" if choices else "say it in the goal")
        found = search_plan(
            state.reading, state.policy, Wish(read), evidence=state.evidence(now), site=state.site, now=now
        )
        planned = {x.plan.hash: x for x in found.proposals if x.plan}
        _remember(run_state, planned)
        chosen = found.choice
        return PlanFound(
            snapshot=state.network.id,
            goal=read.words,
            usable=found.usable,
            handle=chosen.plan.hash if chosen else None,
            plan=chosen.plan if chosen else None,
            checks=chosen.verdict.checks if chosen else (),
            window=found.window,
            candidates=tuple(
                candidate(run_state, handle, x).model_copy(update={"serves_goal": True})
                for handle, x in planned.items()
            ),
            without_plan=tuple(WithoutPlan(method=x.method, reason=x.reason) for x in found.proposals if not x.plan),
        )

    return plan_for


def _verify_plan(state: TwinState, clock: Callable[[], datetime]) -> Callable[..., PlanVerdict]:
    def verify_plan(
        run_state: RunState, plan: Handle = "", changes: Changes = (), objective: Objective = "relieve"
    ) -> PlanVerdict:
        """Rehearse a plan step by step, under every single failure and back again, and judge it. Give one of both."""
        return _verdict_of(
            state, _brought(run_state, plan, changes, objective, "changes brought from outside"), clock()
        )

    return verify_plan


def _propose_plan(state: TwinState, clock: Callable[[], datetime], drafts: Path) -> Callable[..., StoredDraft]:
    def propose_plan(
        run_state: RunState,
        why: Annotated[str, Field(min_length=1, max_length=280, description="What gets better, in one sentence.")],
        plan: Handle = "",
        changes: Changes = (),
        objective: Objective = "relieve",
    ) -> StoredDraft:
        """Store a plan as a draft for people to look at. It approves nothing, and nothing is carried out."""
        drafted = _brought(run_state, plan, changes, objective, why)
        verdict = _verdict_of(state, drafted, clock())
        groundless = next((x for x in verdict.checks if x.name == "grounded" and not x.passed), None)
        if groundless is not None:
            raise InputError(groundless.detail, fix="correct the changes; `topology` lists the elements")
        file = drafts / f"{drafted.hash}.json"
        if not exists(file) and drafts.is_dir() and sum(1 for _ in drafts.iterdir()) >= DRAFTS:
            raise RefusedError(f"there are {DRAFTS} drafts already", fix="have a person look through them")
        drafts.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_plan(drafted, file, state.network)
        return StoredDraft(handle=drafted.hash, file=str(file), passed=verdict.passed)

    return propose_plan


def _verdict_of(state: TwinState, plan: Plan, now: datetime) -> PlanVerdict:
    evidence = state.evidence(now)
    verdict, questions = verdict_on(plan, state.reading, state.policy, evidence=evidence, site=state.site, now=now)
    return PlanVerdict(
        snapshot=verdict.snapshot,
        handle=verdict.plan,
        policy=verdict.policy,
        passed=verdict.passed,
        checks=verdict.checks,
        open_questions=questions,
    )


def _brought(run_state: RunState, handle: str, changes: Changes, objective: Objective, why: str) -> Plan:
    if bool(handle) == bool(changes):
        raise InputError("give one of `plan` and `changes`", fix="`plan` is a handle from plan_for")
    return (
        run_state.plan(handle)
        if handle
        else Plan(goal=why, base=run_state.state.id, steps=changes, objective=objective)
    )


def _remember(run_state: RunState, planned: dict[str, Proposal]) -> None:
    kept = {**{k: v for k, v in run_state.proposals.items() if k not in planned}, **planned}
    run_state.proposals = dict(list(kept.items())[-KEPT:])


def _runs(folder: Path) -> Callable[..., AgentRuns]:
    def runs(_run_state: RunState, offset: Offset = 0, limit: Limit = 20) -> AgentRuns:
        """List what the agents did before: each run with its outcome and why."""
        found = survey(folder)
        page = found.entries[offset : offset + limit]
        kept = set(AgentRun.model_fields)
        return AgentRuns(
            total=len(found.entries),
            runs=tuple(AgentRun.model_validate(x.model_dump(include=kept)) for x in page),
            unreadable=len(found.unreadable),
            next_offset=next_after(offset + len(page), found.entries),
        )

    return runs
