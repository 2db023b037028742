"""What a person sees before they decide on a plan: one page, every figure computed by the twin."""

from pydantic import Field

from agents.record.files import TWIN
from agents.record.history import RunHistory
from agents.record.waiting import Pending
from agents.wording import sentence
from twin.errors import StoreError
from twin.model import Frozen, Network
from twin.plan import apply_all, way_back
from twin.sim.simulate import FailureSweep, simulate, single_failures
from twin.store import TwinStore


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


def impact_of(past: RunHistory, plan: Pending) -> Impact:
    """Compute the page from a run's own folder. Raises `StoreError` when its twin file cannot be read."""
    judged = past.plan_and_verdict
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
