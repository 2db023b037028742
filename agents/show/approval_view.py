"""What somebody sees before they decide on a plan in the console: what exactly, what it does, and what waiting does."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from agents.record.files import TWIN
from agents.record.history import Past
from agents.record.waiting import Pending
from agents.wording import capital, counted, fault_words, mbps, on_screen, place, sentence, share
from twin.gate.verdict import Verdict
from twin.model import Network
from twin.plan import Change, SetTunnel, apply_all, subject, way_back
from twin.sim.simulate import simulate
from twin.store import TwinStore

from .impact import Impact, ImpactState, impact_of
from .report.map import Drawing, Look, bands, draw
from .report.page import Step


class Row(NamedTuple):
    """A figure now and with the plan; `note` says what has to be said beside it."""

    name: str
    now: str
    after: str
    note: str = ""


class ApprovalView(NamedTuple):
    """One plan that waits."""

    plan: Pending
    title: str
    cause: str
    steps: tuple[Step, ...]
    touched: str
    rows: tuple[Row, ...]
    wait: tuple[tuple[str, str], ...]
    wrong: tuple[tuple[str, str], ...]
    verdict: Verdict
    before: Drawing
    after: Drawing
    bands: list[tuple[str, str]]
    hashes: tuple[tuple[str, str], ...]
    reasons: str
    measured: datetime | None


def approval_view(past: Past, plan: Pending) -> ApprovalView:
    """Compute the page from the run's own folder. Raises `StoreError` when its twin file cannot be read."""
    impact = impact_of(past, plan)
    assert past.judged is not None  # noqa: S101  `impact_of` has looked
    proposed, verdict = past.judged
    with TwinStore.open(past.folder / TWIN) as store:
        network = store.load_snapshot(proposed.base)
        measured = next((x.created for x in store.snapshots() if x.id == proposed.base), None)
    limit = past.started.policy.max_utilisation
    cause = past.diagnosis.cause if past.diagnosis else None
    fault = cause.element if cause else None
    back = tuple(reversed(way_back(network, proposed.steps)))
    return ApprovalView(
        plan=plan,
        title=f"Approve {counted(len(proposed.steps), 'changes')} in the network?",
        cause=fault_words(cause) if cause else proposed.goal,
        steps=tuple(Step(capital(sentence(a)), sentence(b)) for a, b in zip(proposed.steps, back, strict=True)),
        touched=_touched(past),
        rows=_rows(impact, limit),
        wait=_wait(impact, verdict),
        wrong=_wrong(impact, verdict, len(proposed.steps)),
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


def _rows(impact: Impact, limit: float) -> tuple[Row, ...]:
    a, b = impact.before, impact.after
    no_better = (
        "" if b.worst_utilisation < a.worst_utilisation - 5e-4 else f"no better: {place(b.worst_failure or 'none')}"
    )
    return (
        Row(
            "Busiest link",
            f"{100 * a.max_utilisation:.1f} %",
            f"{100 * b.max_utilisation:.1f} %",
            f"limit {share(limit)}",
        ),
        Row("Above the limit", mbps(a.overload), mbps(b.overload)),
        Row("Lost", mbps(_lost(a)), mbps(_lost(b)), _severed(b)),
        Row("Mean delay", f"{a.mean_delay_ms:.3f} ms", f"{b.mean_delay_ms:.3f} ms"),
        Row(
            "Worst next failure", f"{100 * a.worst_utilisation:.1f} %", f"{100 * b.worst_utilisation:.1f} %", no_better
        ),
        Row("Most a failure cuts off", mbps(a.worst_lost), mbps(b.worst_lost)),
    )


def _wait(impact: Impact, verdict: Verdict) -> tuple[tuple[str, str], ...]:
    """What happens if nobody decides: now, in the hours ahead, when somebody does later, and at the end."""
    ahead = [x.detail for x in verdict.checks if x.name == "horizon" and x.measured is not None]
    a, b = impact.before, impact.after
    found = [
        ("now", f"{_standing(a)}, busiest link at {100 * a.max_utilisation:.1f} %."),
        *(("in the hours ahead", on_screen(f"{capital(detail)}.")) for detail in ahead),
        ("later", "Whenever you approve, the plan is judged again on what is measured then, before the first step."),
        ("at the end", "The request expires, and nothing is changed."),
    ]
    if a.worst_failure:
        with_plan = f"with the plan {100 * b.worst_utilisation:.1f} %" if b.worst_failure == a.worst_failure else ""
        words = f"If {place(a.worst_failure)} fails before you decide: {100 * a.worst_utilisation:.1f} % at the peak"
        found.append(("any time", f"{words}; {with_plan}." if with_plan else f"{words}."))
    return tuple(found)


def _lost(state: ImpactState) -> float:
    return max(0.0, state.harm - state.overload - state.severed)


def _severed(state: ImpactState) -> str:
    return f"and {mbps(state.severed)} from or to what is down: no plan carries it" if state.severed > 0.5 else ""


def _standing(state: ImpactState) -> str:
    lost = _lost(state)
    return (
        f"{mbps(state.overload)} stay above the limit, {f'{mbps(lost)} are lost' if lost > 0.5 else 'nothing is lost'}"
    )


def _wrong(impact: Impact, verdict: Verdict, steps: int) -> tuple[tuple[str, str], ...]:
    checks = {x.name: x for x in verdict.checks}
    back, grown = checks.get("reversible"), checks.get("uncertain")
    found = [
        (
            "disagrees",
            "After each step the executor compares measured with predicted; if they differ it takes all back.",
        ),
        ("way back", f"{counted(steps, 'steps')}, rehearsed one by one: {back.detail if back else 'not judged'}."),
    ]
    if impact.after.worst_failure:
        peak = f"{100 * impact.after.worst_utilisation:.1f} %"
        words = f"The worst single failure, {place(impact.after.worst_failure)}, leads to {peak} with the plan"
        found.append(
            ("next failure", f"{words}, {100 * impact.before.worst_utilisation:.1f} % is the worst without it.")
        )
    if grown is not None and grown.measured is not None:
        found.append(("traffic grows", f"{grown.detail}."))
    return tuple(found)


def _touched(past: Past) -> str:
    assert past.judged is not None  # noqa: S101  the caller has looked
    names = dict.fromkeys(_router(step) for step in past.judged[0].steps)
    protected = past.started.policy.protected
    said = (
        f"{counted(len(protected), 'elements')} protected, none of them touched"
        if protected
        else "nothing is protected"
    )
    return f"Touched: {', '.join(names)}; {said}."


def _router(step: Change) -> str:
    """Where a step is made: at the head of a tunnel, else at the element itself."""
    if isinstance(step, SetTunnel):
        return step.tunnel.source
    return place(subject(step)).removeprefix("tunnel/").partition(">")[0]


def planned_drawing(
    network: Network, steps: Sequence[Change], title: str, limit: float, fault: str | None = None
) -> Drawing:
    """Draw what the twin foresees of a network with some steps made. Raises `PlanError` where they cannot be."""
    reached = apply_all(network, steps)
    outcome = simulate(reached)
    load = [float(x) for x in outcome.utilisation]
    name = on_screen(f"{title}: busiest link {outcome.busiest or 'none'} at {share(outcome.max_utilisation)}")
    return draw(reached, Look(name, load, fault=fault, steps=steps, limit=limit))
