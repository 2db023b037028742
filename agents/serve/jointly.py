"""Plans that wait at the same time, judged together: none may be made that would not pass with the others made."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from agents.record.files import TWIN
from agents.record.history import RunHistory
from agents.show.refusal_view import RefusalView, refusal_view
from twin.errors import TwinError
from twin.gate.checks.context import Evidence
from twin.gate.verdict import Verdict, verify
from twin.model import Network
from twin.plan import Plan, apply_all
from twin.policy import Policy
from twin.store import TwinStore

_JUDGED = Evidence(age_s=0.0, quality=1.0, fidelity=1.0)  # each plan's own verdict asks for that; here it is the others


class JointRefusal(NamedTuple):
    """Why a plan would not pass together with that of another run: in words, and as a picture where one shows it."""

    run: str
    words: str
    shown: RefusalView | None = None


def objections(past: RunHistory, others: Iterable[RunHistory]) -> Iterator[JointRefusal]:
    """Yield every other run with whose plan this one would not pass the gate, and why.

    Either order is judged, since nobody knows which is made first. Raises `StoreError` when a twin cannot be read.
    """
    if past.plan_and_verdict is None:
        return
    plan, policy = past.plan_and_verdict[0], past.started.policy
    network, inventory = _snapshots(past.folder, plan.base, past.started.inventory)
    for other in others:
        if other.plan_and_verdict is None or other.started.run == past.started.run:
            continue
        against = objection(plan, other.plan_and_verdict[0], network, policy, inventory)
        if against is not None:
            yield against._replace(run=other.started.run)


def objection(
    plan: Plan, other: Plan, network: Network, policy: Policy, inventory: Network | None = None
) -> JointRefusal | None:
    """Say why a plan would not pass with another one made before it, or after it; None when it would."""
    for first, second in ((other, plan), (plan, other)):
        try:
            between = apply_all(network, first.steps)
        except TwinError as error:
            return JointRefusal("", f"both cannot be made: {error}")
        later = second.model_copy(update={"base": between.id})
        verdict = verify(later, between, policy, evidence=_JUDGED, declared=inventory)
        failed = _failed(verdict)
        if failed:
            order = "with the other plan made first" if first is other else "with this plan made first the other one"
            shown = refusal_view(between, later, verdict, policy.max_utilisation)
            return JointRefusal("", f"{order}{',' if first is other else ' fails'} {failed}", shown)
    return None


def _failed(verdict: Verdict) -> str:
    found = next((x for x in verdict.checks if not x.passed), None)
    return "" if found is None else f"{found.name}: {found.detail}"


def _snapshots(folder: Path, base: str, inventory: str) -> tuple[Network, Network]:
    with TwinStore.open(folder / TWIN) as store:
        return store.load_snapshot(base), store.load_snapshot(inventory)
