"""Plans that wait at the same time, judged together: none may be made that would not pass with the others made."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from agents.record.files import TWIN
from agents.record.history import Past
from twin.errors import TwinError
from twin.gate.checks.context import Evidence
from twin.gate.verdict import Verdict, verify
from twin.model import Network
from twin.plan import Plan, apply_all
from twin.policy import Policy
from twin.store import TwinStore

_JUDGED = Evidence(age_s=0.0, quality=1.0, fidelity=1.0)  # each plan's own verdict asks for that; here it is the others


def objections(past: Past, others: Iterable[Past]) -> Iterator[tuple[str, str]]:
    """Yield the run of every other plan with which this one would not pass the gate, and why.

    Either order is judged, since nobody knows which is made first. Raises `StoreError` when a twin cannot be read.
    """
    if past.judged is None:
        return
    plan, policy = past.judged[0], past.started.policy
    network = _base(past.folder, plan)
    for other in others:
        if other.judged is None or other.started.run == past.started.run:
            continue
        against = objection(plan, other.judged[0], network, policy)
        if against:
            yield other.started.run, against


def objection(plan: Plan, other: Plan, network: Network, policy: Policy) -> str:
    """Say why a plan would not pass with another one made before it, or after it; empty when it would."""
    for first, second in ((other, plan), (plan, other)):
        try:
            between = apply_all(network, first.steps)
        except TwinError as error:
            return f"both cannot be made: {error}"
        verdict = verify(second.model_copy(update={"base": between.id}), between, policy, evidence=_JUDGED)
        failed = _failed(verdict)
        if failed:
            return (
                f"with the other plan made first, {failed}" if first is other else f"the other plan then fails {failed}"
            )
    return ""


def _failed(verdict: Verdict) -> str:
    found = next((x for x in verdict.checks if not x.passed), None)
    return "" if found is None else f"{found.name}: {found.detail}"


def _base(folder: Path, plan: Plan) -> Network:
    with TwinStore.open(folder / TWIN) as store:
        return store.load_snapshot(plan.base)
