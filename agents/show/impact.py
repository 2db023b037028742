"""What a person sees before they decide on a plan: one page, every figure computed by the twin."""

from collections.abc import Iterable

from pydantic import Field
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.text import Text

from agents.record.files import TWIN
from agents.record.history import Past
from agents.record.waiting import Pending
from agents.wording import mbps, place, sentence, share
from twin.errors import StoreError
from twin.model import Frozen, Network
from twin.plan import apply_all, way_back
from twin.sim.simulate import FailureSweep, simulate, single_failures
from twin.store import TwinStore
from twin.untrusted import one_line, visible

from .tables import text_table, verdict_table


class ImpactState(Frozen):
    """A state in a few figures. Shares are of capacity."""

    max_utilisation: float
    busiest: str | None
    harm: float = Field(description="Mbit/s lost, dropped, or above the policy's limit.")
    overload: float = Field(description="Of it, carried above the limit, Mbit/s.")
    severed: float = Field(description="Of it, from or to what is down: no plan can carry it, Mbit/s.")
    mean_delay_ms: float
    worst_failure: str | None = Field(description="The single failure that hurts most.")
    worst_utilisation: float = Field(description="How full that link gets.")
    worst_lost: float = Field(description="Most that any single failure cuts off from a path, Mbit/s.")


class Impact(Frozen):
    """What a plan that waits would do, and what leads back."""

    plan: Pending
    cause: str
    before: ImpactState
    after: ImpactState
    blast_radius: float = Field(description="Share of the traffic that the plan moves.")
    blast_limit: float
    steps: tuple[str, ...]
    way_back: tuple[str, ...] = Field(description="What undoes it, in order.")
    reasons: str = Field(description="Why verification approved, in its words.")


def impact_of(past: Past, plan: Pending) -> Impact:
    """Compute the page from a run's own folder. Raises `StoreError` when its twin file cannot be read."""
    judged = past.judged
    if judged is None:
        raise StoreError(f"run {past.started.run} has no verdict on record", fix="restore the run's folder")
    proposed, verdict = judged
    with TwinStore.open(past.folder / TWIN) as store:
        network = store.load_snapshot(proposed.base)
    moved = next((check for check in verdict.checks if check.name == "policy"), None)
    limit, diagnosis = past.started.policy.max_utilisation, past.diagnosis
    return Impact(
        plan=plan,
        cause=f"{diagnosis.cause.kind} at {diagnosis.cause.element}" if diagnosis and diagnosis.cause else "no fault",
        before=_state(network, limit),
        after=_state(apply_all(network, proposed.steps), limit),
        blast_radius=round(moved.measured or 0.0, 4) if moved else 0.0,
        blast_limit=past.started.policy.max_blast_radius,
        steps=tuple(sentence(step) for step in proposed.steps),
        way_back=tuple(sentence(step) for step in way_back(network, proposed.steps)),
        reasons=past.reasons,
    )


def impact_page(impact: Impact, past: Past) -> Iterable[RenderableType]:
    """Put the page into text."""
    plan, before, after = impact.plan, impact.before, impact.after
    people = f"{plan.asked - len(plan.approved)} of {plan.asked} approvals missing"
    given = f", given by {', '.join(plan.approved)}" if plan.approved else ""
    head = Text.assemble(
        (visible(plan.goal), "bold"),
        f"\nplan {plan.plan} of run {plan.run}, {visible(plan.network)}\n{plan.tier} risk: {people}{given}; ",
        f"expires {plan.expires:%F %T} UTC\ncause: {place(impact.cause)}\n",
        (one_line(impact.reasons, 400), "italic"),
    )
    rows = [
        ("busiest link", _busiest(before), _busiest(after)),
        ("harm", mbps(before.harm), mbps(after.harm)),
        ("mean delay", f"{before.mean_delay_ms:.2f} ms", f"{after.mean_delay_ms:.2f} ms"),
        ("worst single failure", _worst(before), _worst(after)),
        ("most that a failure cuts off", mbps(before.worst_lost), mbps(after.worst_lost)),
    ]
    moved = (
        f"The plan moves {share(impact.blast_radius)} of the traffic, at most {share(impact.blast_limit)} is allowed."
    )
    yield Panel(
        Group(
            head,
            Text(""),
            text_table(("", "before", "after"), rows),
            Text(f"\n{moved}\n"),
            *_numbered("Steps", impact.steps),
            *_numbered("Way back", impact.way_back),
        ),
        title=" impact ",
        title_align="left",
        expand=False,
    )
    if past.judged is not None:
        yield verdict_table(past.judged[1])


def _state(network: Network, limit: float) -> ImpactState:
    outcome = simulate(network, failures=single_failures(network))
    worst, utilisation, lost = _of(outcome.sweep)
    harm = outcome.harm(limit)
    return ImpactState(
        max_utilisation=round(outcome.max_utilisation, 4),
        busiest=outcome.busiest,
        harm=round(harm.total, 3),
        overload=round(harm.overload, 3),
        severed=round(harm.severed, 3),
        mean_delay_ms=round(outcome.mean_delay_ms, 4),
        worst_failure=worst,
        worst_utilisation=utilisation,
        worst_lost=lost,
    )


def _of(sweep: FailureSweep | None) -> tuple[str | None, float, float]:
    worst = None if sweep is None else sweep.worst
    if sweep is None or worst is None:
        return None, 0.0, 0.0
    utilisation, lost = round(float(sweep.max_utilisation[worst]), 4), round(float(sweep.lost[worst]), 3)
    return sweep.failures[worst].name, utilisation, lost


def _busiest(state: ImpactState) -> str:
    return f"{share(state.max_utilisation)} on {state.busiest or 'none'}"


def _worst(state: ImpactState) -> str:
    return f"{share(state.worst_utilisation)} when {place(state.worst_failure or 'none')} fails"


def _numbered(title: str, lines: Iterable[str]) -> Iterable[Text]:
    yield Text(title, style="bold")
    for number, line in enumerate(lines, start=1):
        yield Text(f"  {number}. {visible(line)}")
