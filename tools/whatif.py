"""What would happen if: a branch of the believed state, simulated. Nothing is stored and nothing is changed."""

from pydantic import Field

from twin.errors import InputError
from twin.faults import Fault, FaultKind, with_fault
from twin.model import Frozen, Network
from twin.plan import Change, apply_all, states
from twin.sim.simulate import Outcome, simulate, single_failures
from twin.untrusted import FileText

from .arguments import Changes, Elements, Handle, MaybeFault
from .box.run_state import RunState

SHOWN = 6


class StateFigures(Frozen):
    """What one state carries and what it cannot; rates in Mbit/s."""

    harm: float = Field(description="Lost, dropped, or above the policy's limit.")
    lost: float = Field(description="Both ends up and no path.")
    severed: float = Field(description="From or to a node that is down: no plan can carry it.")
    max_utilisation: float
    busiest: str | None
    mean_delay_ms: float


class LinkChange(Frozen):
    """Utilisation of one link, before and after."""

    link: str
    before: float
    after: float


class WhatIf(Frozen):
    """The believed state before and after."""

    snapshot: str = Field(description="What the branch was made from.")
    before: StateFigures
    after: StateFigures
    moved_most: tuple[LinkChange, ...]


class StepFigures(Frozen):
    """The state after one step."""

    step: int
    change: Change
    harm: float
    max_utilisation: float
    busiest: str | None


class WorstFailure(Frozen):
    """The single failure that hurts most."""

    failure: FileText
    max_utilisation: float
    lost: float = Field(description="Mbit/s with both ends up and no path.")
    overload: float = Field(description="Mbit/s above capacity.")


class PlanRehearsal(Frozen):
    """A plan, step by step, and the worst that a single failure does before and after it."""

    plan: str
    before: StateFigures
    steps: tuple[StepFigures, ...]
    worst_failure_before: WorstFailure | None
    worst_failure_after: WorstFailure | None


def what_if(
    run_state: RunState, plan: Handle = "", changes: Changes = (), fault: MaybeFault = None, fail: Elements = ()
) -> WhatIf:
    """Simulate the believed state with a plan, changes, a fault or failing elements, in that order, against without."""
    if not (plan or changes or fault or fail):
        raise InputError("nothing to try", fix="give a plan, changes, a fault or failing elements")
    with run_state.span("simulate", snapshot=run_state.state.id):
        branch = apply_all(run_state.state, run_state.plan(plan).steps) if plan else run_state.state
        branch = apply_all(branch, changes)
        for struck in (*([fault] if fault else []), *map(failure, fail)):
            branch = with_fault(branch, struck)
        before, after = simulate(run_state.state), simulate(branch)
    return WhatIf(
        snapshot=run_state.state.id,
        before=figures(before, run_state.policy.max_utilisation),
        after=figures(after, run_state.policy.max_utilisation),
        moved_most=_moved(before, after),
    )


def simulate_plan(run_state: RunState, plan: Handle) -> PlanRehearsal:
    """Simulate a proposed plan step by step, and the worst single failure before and after it."""
    steps, limit = run_state.plan(plan).steps, run_state.policy.max_utilisation
    with run_state.span("simulate", snapshot=run_state.state.id, plan=run_state.plan(plan).hash):
        reached = states(run_state.state, steps)
        outcomes = [simulate(state) for state in reached]
        worst_before, worst_after = worst_of(reached[0]), worst_of(reached[-1])
    rows = zip(steps, outcomes[1:], strict=True)
    return PlanRehearsal(
        plan=run_state.plan(plan).hash,
        before=figures(outcomes[0], limit),
        steps=tuple(
            StepFigures(
                step=number,
                change=change,
                harm=round(outcome.harm(limit).total, 3),
                max_utilisation=round(outcome.max_utilisation, 4),
                busiest=outcome.busiest,
            )
            for number, (change, outcome) in enumerate(rows, start=1)
        ),
        worst_failure_before=worst_before,
        worst_failure_after=worst_after,
    )


def figures(outcome: Outcome, limit: float) -> StateFigures:
    """Return the figures of a simulated state; `limit` is the share of capacity above which load is harm."""
    return StateFigures(
        harm=round(outcome.harm(limit).total, 3),
        lost=round(outcome.lost, 3),
        severed=round(outcome.severed, 3),
        max_utilisation=round(outcome.max_utilisation, 4),
        busiest=outcome.busiest,
        mean_delay_ms=round(outcome.mean_delay_ms, 3),
    )


def failure(element: str) -> Fault:
    """The failure of a node or a circuit, as a fault."""
    kind = FaultKind.DEVICE_DOWN if element.startswith("node/") else FaultKind.LINK_DOWN
    return Fault(kind=kind, element=element)


def _moved(before: Outcome, after: Outcome) -> tuple[LinkChange, ...]:
    moved = abs(after.utilisation - before.utilisation)
    order = sorted(range(len(moved)), key=lambda i: (-moved[i], i))[:SHOWN]
    return tuple(
        LinkChange(
            link=before.network.links[i].name,
            before=round(float(before.utilisation[i]), 4),
            after=round(float(after.utilisation[i]), 4),
        )
        for i in order
        if moved[i] > 0
    )


def worst_of(network: Network) -> WorstFailure | None:
    """Simulate every single failure and return the one that hurts most, None where nothing is up that could fail."""
    failures = single_failures(network)
    sweep = simulate(network, failures=failures).sweep
    worst = None if sweep is None else sweep.worst
    if sweep is None or worst is None:
        return None
    return WorstFailure(
        failure=failures[worst].name,
        max_utilisation=round(float(sweep.max_utilisation[worst]), 4),
        lost=round(float(sweep.lost[worst]), 3),
        overload=round(float(sweep.overload[worst]), 3),
    )
