"""Whether the network went through exactly what was certified: its own record, step by step, against the run's."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from agents.record.events import CertificateIssued, ExecutionStep, Outcome, StageFinished, VerdictReached
from agents.record.files import NETWORK, TWIN
from agents.record.history import RunHistory
from agents.wording import sentence
from twin.corrections import with_change
from twin.errors import TwinError
from twin.execute.configured import configuration
from twin.gate.certificate import Certificate
from twin.live.network import MadeChange
from twin.live.recorded import Applied, Begun, Staged, read_record
from twin.live.watch_record import Opened, changes_in, is_watch, read_watch, require_samples
from twin.model import Frozen, Network
from twin.plan import Change, Plan, apply
from twin.printed import utc

from .answers import Answer

_IN_PLACE: frozenset[Outcome] = frozenset({"resolved", "relieved", "done", "needs a person"})
"""Outcomes with which a plan may be in place; the last record names it where one is."""


class Effects(NamedTuple):
    """What the network says was done to it, and whether that is what was certified."""

    made: tuple[Change, ...]
    answer: Answer


def effects_of(past: RunHistory) -> Effects:
    """Hold the network's own record against the certified plans and the steps that were announced.

    Every change forward is the next step of the plan that was certified, made within the certificate's time; every
    change back leads to the configuration before that step; and what is in place at the end is what the outcome says.
    """
    path = past.folder / NETWORK
    if not path.is_file():
        return Effects((), Answer("cannot be told", f"there is no {NETWORK}"))
    try:
        said = _read(path)
        altered = not path.read_bytes().startswith(said.spelled)
    except (TwinError, OSError) as error:
        return Effects((), Answer("broken", str(error)))
    made = tuple(one.change for one in said.made)
    if altered:
        return Effects(made, Answer("broken", f"{NETWORK} is not as the network writes it"))
    try:
        inventory = _inventory(past) if made else None
    except TwinError as error:
        return Effects(made, Answer("cannot be told", f"the network it began with cannot be read: {error}"))
    try:
        because = next(_contradictions(past, said, inventory), None)
    except (TwinError, ValidationError) as error:
        because = f"what the network says was done to it cannot be done: {error}"
    return Effects(made, Answer("broken", because) if because else Answer("holds"))


def _inventory(past: RunHistory) -> Network:
    """Load the network that a run began with; one that changed nothing does not wait for DuckDB."""
    from twin.store import TwinStore

    with TwinStore.open(past.folder / TWIN) as store:
        return store.load_snapshot(past.started.inventory)


class _Said(NamedTuple):
    """What a network's own record says: of which network it is, what was done to it, and before the run began."""

    network: str | None
    made: tuple[MadeChange, ...]
    before: bool
    spelled: bytes  # the record as whoever wrote it spells it


def _read(path: Path) -> _Said:
    """Read the record of an emulated or a watched network, with its samples. Raises `StoreError`."""
    if is_watch(path):
        watched = read_watch(path)
        require_samples(path.parent, watched)
        opened = watched[0] if watched else None
        network = opened.network if isinstance(opened, Opened) else None
        return _Said(network, changes_in(watched), False, _spelled(watched))
    entries = read_record(path)
    begun = entries[0] if entries else None
    staged = next((n for n, entry in enumerate(entries) if isinstance(entry, Staged)), len(entries))
    made = tuple(MadeChange(x.time, x.change, x.recorded) for x in entries if isinstance(x, Applied))
    early = any(isinstance(entry, Applied) for entry in entries[:staged])
    return _Said(begun.network if isinstance(begun, Begun) else None, made, early, _spelled(entries))


def _spelled(entries: Iterable[Frozen]) -> bytes:
    return b"".join(f"{entry.model_dump_json()}\n".encode() for entry in entries)


def _contradictions(past: RunHistory, said: _Said, inventory: Network | None) -> Iterator[str]:
    kept = past.started.inventory if inventory is None else inventory.id
    if not said.network == kept == past.started.inventory:
        yield f"{NETWORK} is the record of another network"
        return
    if said.before:
        yield "the network was changed before the run began"
    walk = _Walk(inventory, list(said.made))
    plans: dict[str, Plan] = {}
    events = past.events
    for number, event in enumerate(events):
        if isinstance(event, VerdictReached):
            plans[event.plan.hash] = event.plan
            if event.passed:
                walk.end_with(event.plan)
        elif isinstance(event, CertificateIssued):
            walk.plan = plans.get(event.plan)
            walk.certificate = Certificate.model_validate(event.certificate)
        elif isinstance(event, StageFinished) and event.stage == "confirm" and event.next in ("plan", "diagnose"):
            walk.settle()
        elif isinstance(event, ExecutionStep) and event.change is not None and _announces(event):
            if _is_announced_again(event, events[number + 1 :]):
                continue
            yield from walk.follow(event, confirmed=_is_confirmed(event, events[number + 1 :]))
    if walk.left:
        yield f"the network was changed beyond what is on record: {sentence(walk.left[0].change)}"
    yield from _ends(past, walk)


def _ends(past: RunHistory, walk: "_Walk") -> Iterator[str]:
    done = past.finished
    if done is None or done.outcome == "failed":
        return
    if done.outcome not in _IN_PLACE or done.plan is None:
        if walk.before:
            yield f"the run ended as {done.outcome}, and {len(walk.before)} steps of its plan are in place"
    else:
        whole = walk.plan is not None and walk.plan.hash == done.plan and len(walk.before) == len(walk.plan.steps)
        if not whole and not (done.plan == walk.settled and not walk.before):
            yield f"the run ended as {done.outcome}, and its plan {done.plan} is not wholly in place"


class _Walk:
    """The network's changes, met one after the other. `before` has the configuration before each step of the plan."""

    def __init__(self, network: Network | None, made: list[MadeChange]) -> None:
        self.left, self.before = made, list[tuple[object, ...]]()
        self.plan: Plan | None = None
        self.certificate: Certificate | None = None
        self.settled = ""  # hash of the last plan that was confirmed before another was made
        self._state = network  # None where nothing was changed, and nothing is met

    def end_with(self, part: Plan) -> None:
        """The plan ends with the steps that are in place, if these are what the gate has let pass meanwhile."""
        steps = self.plan.steps[: len(self.before)] if self.plan is not None else ()
        if steps and part.steps == steps and self.plan is not None and part.base == self.plan.base:
            self.plan = part

    def settle(self) -> None:
        """The plan stays, if it is wholly in place, and the next one is made on top of it."""
        if self.plan is not None and len(self.before) == len(self.plan.steps):
            self.settled, self.before = self.plan.hash, []

    def follow(self, step: ExecutionStep, *, confirmed: bool) -> Iterator[str]:
        """Let happen what a step announced, if the network says that it did."""
        made = self.left[0] if self.left and self.left[0].change == step.change else None
        if made is None or self._state is None:
            if confirmed:
                yield f"step {step.step} is on record as made, and the network knows nothing of it"
            return
        del self.left[0]
        here = configuration(self._state)
        noted = made.recorded
        self._state = apply(self._state, made.change) if noted is None else with_change(self._state, noted)
        if step.action == "apply":
            yield from self._forward(step, made.time)
            self.before.append(here)
        elif step.step != len(self.before):
            yield f"step {step.step} was taken back, and {len(self.before)} were in place"
        elif configuration(self._state) != self.before.pop():
            yield f"taking back step {step.step} did not lead to the configuration before it"

    def _forward(self, step: ExecutionStep, at: datetime) -> Iterator[str]:
        certificate, plan, number = self.certificate, self.plan, len(self.before)
        if certificate is None or plan is None:
            yield f"step {step.step} was made without a certificate"
        elif number >= len(plan.steps) or step.step != number + 1 or step.change != plan.steps[number]:
            yield f"what was made as step {step.step} is not step {number + 1} of the certified plan"
        elif not certificate.not_before <= at < certificate.expires:
            yield f"step {step.step} was made at {utc(at)}, outside the certificate's time"


def _announces(step: ExecutionStep) -> bool:
    return step.action == "apply" or (step.action == "roll back" and "is undone" not in step.detail)


def _is_announced_again(step: ExecutionStep, later: tuple[object, ...]) -> bool:
    """Whether a step was not made, as the record says before it announces the same change once more."""
    actions = [x.action for x in later if isinstance(x, ExecutionStep) and x.change == step.change]
    return step.action == "apply" and "apply" in actions and "not made" in actions[: actions.index("apply")]


def _is_confirmed(step: ExecutionStep, later: tuple[object, ...]) -> bool:
    """Whether the record goes on to say that a change was made: the network may have refused one.

    Steps that are confirmed together are announced one after the other first.
    """
    told = (x for x in later if isinstance(x, ExecutionStep) and x.step == step.step)
    after, then = next(told, None), next(told, None)
    if after is None or (step.action == "apply" and then is not None and then.action == "not made"):
        return False
    undone = after.action == "roll back" and "is undone" in after.detail
    return undone if step.action == "roll back" else after.action in ("agree", "disagree")
