"""What somebody sees before they decide on a plan in the console: what exactly, what it does, and what waiting does."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from agents.record.files import TWIN
from agents.record.history import RunHistory
from agents.record.waiting import Pending
from agents.wording import counted, on_screen, share
from twin.gate.verdict import Verdict
from twin.model import Network
from twin.plan import Change, apply_all
from twin.sim.simulate import simulate
from twin.store import TwinStore

from .deciding import DecisionView, decision_view
from .impact import impact_of
from .report.map import Drawing, Look, bands, draw


class ApprovalView(NamedTuple):
    """One plan that waits."""

    plan: Pending
    title: str
    told: DecisionView
    verdict: Verdict
    before: Drawing
    after: Drawing
    bands: list[tuple[str, str]]
    hashes: tuple[tuple[str, str], ...]
    reasons: str
    measured: datetime | None


def approval_view(past: RunHistory, plan: Pending) -> ApprovalView:
    """Compute the page from the run's own folder. Raises `StoreError` when its twin file cannot be read."""
    impact = impact_of(past, plan)
    assert past.plan_and_verdict is not None  # noqa: S101  `impact_of` has looked
    proposed, verdict = past.plan_and_verdict
    with TwinStore.open(past.folder / TWIN) as store:
        network = store.load_snapshot(proposed.base)
        measured = next((x.created for x in store.snapshots() if x.id == proposed.base), None)
    limit = past.started.policy.max_utilisation
    cause = past.diagnosis.cause if past.diagnosis else None
    fault = cause.element if cause else None
    return ApprovalView(
        plan=plan,
        title=f"Approve {counted(len(proposed.steps), 'changes')} in the network?",
        told=decision_view(impact, past),
        verdict=verdict,
        before=planned_drawing(network, (), "Now, as the twin believes it", limit, fault),
        after=planned_drawing(network, proposed.steps, "With the plan, predicted", limit, fault),
        bands=bands(limit),
        hashes=(
            ("plan", proposed.hash),
            ("snapshot", proposed.base),
            ("policy", past.started.policy.hash),
            ("run", past.started.run),
        ),
        reasons=past.reasons,
        measured=measured,
    )


def planned_drawing(
    network: Network, steps: Sequence[Change], title: str, limit: float, fault: str | None = None
) -> Drawing:
    """Draw what the twin foresees of a network with some steps made. Raises `PlanError` where they cannot be."""
    reached = apply_all(network, steps)
    outcome = simulate(reached)
    load = [float(x) for x in outcome.utilisation]
    name = on_screen(f"{title}: busiest link {outcome.busiest or 'none'} at {share(outcome.max_utilisation)}")
    return draw(reached, Look(name, load, fault=fault, steps=steps, limit=limit))
