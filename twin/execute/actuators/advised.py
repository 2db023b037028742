"""A network that files describe and a person changes: each step is handed over in a file, and waited for.

Beside the site file, `advice/0003.txt` says what to type where and how to take it back. The person answers with
`twinops done SITE`, or `--no REASON`; whether it helped is for telemetry to say.
"""

import time
from collections.abc import Callable
from pathlib import Path

from twin.corrections import with_change
from twin.errors import ExecutionError, InputError
from twin.execute.render import Inventory, RenderedStep
from twin.files import exists, read_text, write_text
from twin.live.declared import Declaration
from twin.live.effects import Intended
from twin.live.files import Look
from twin.model import Network
from twin.plan import Change, inverse

from .acting import WaitingNetwork, written
from .made import MadeByHand, same, told_at

FOLDER = "advice"
_LOOK_S = 0.5
_MOST = 400


class AdvisedNetwork(WaitingNetwork):
    """A `LiveNetwork` whose changes a person makes, one at a time."""

    def __init__(
        self,
        look: Callable[[], Look],
        known: Inventory,
        made: MadeByHand,
        folder: Path,
        *,
        wait_s: float,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        """A step that nobody answers within `wait_s` seconds is not made. `say` tells where it is."""
        super().__init__(look)
        self._known, self._made, self._folder, self._wait_s, self._say = known, made, folder, wait_s, say

    @property
    def declared(self) -> Declaration:
        """What files say of the instruments, and that a person makes each step that is handed over."""
        return super().declared.model_copy(update={"by_hand": True, "handed_over": True})

    def read_topology(self) -> Network:
        """Return the inventory with every change that a person said was made."""
        return self._made.topology(self._look.network)

    def apply(self, change: Change, *, recorded: Change | None = None) -> None:
        """Hand a change over, and wait until a person has answered.

        A step that was handed over before a kill is waited for again. One that is in place by the inventory is handed
        over where `recorded` says that the routers run something else, or shall. Raises `PlanError`, `InputError` as
        rendering does, `ExecutionError` when the person says no, or nothing in time.
        """
        before, record = self.read_topology(), self._made.record(self._look.network)
        if recorded is None and same(with_change(before, change), before):
            return
        effect = record.open_effect
        if effect is not None and (effect.change, effect.recorded) != (change, recorded):
            self._answered(effect)
            effect, before = None, self.read_topology()
        if effect is None:
            record.intend(change, self.now, recorded=recorded)
            effect = record.open_effect
            assert effect is not None  # noqa: S101 - it was written just now
        if recorded == change:  # the inventory has it already, the routers do not
            before = with_change(before, inverse(before, change))
        step = written(before, change, self._known)
        path = self._folder / f"{effect.effect:04}.txt"
        if not exists(path):
            self._folder.mkdir(exist_ok=True)
            write_text(path, "\n".join(advice_lines(effect, step)) + "\n", below=self._folder)
        self._say(f"{path} says what to do now; then: twinops done {self._folder.parent}")
        self._answered(effect)

    def _answered(self, effect: Intended) -> None:
        """Wait for an answer, and write it down."""
        record, end = self._made.record(self._look.network), time.monotonic() + self._wait_s
        while (answer := answer_to(self._folder, effect.effect)) is None:
            if time.monotonic() > end:
                record.deny(effect.effect, f"nobody answered within {self._wait_s:g} s", self.now)
                raise ExecutionError("nobody has said that it is done", fix="see what is in place, then run again")
            time.sleep(_LOOK_S)
        if answer:
            record.deny(effect.effect, f"a person said no: {answer}", self.now)
            raise ExecutionError(f"a person said no: {answer}", fix="plan otherwise")
        record.confirm(effect.effect, "a person said that it is done", self.now)


def advice_lines(effect: Intended, step: RenderedStep) -> list[str]:
    """A step as a person reads it."""
    found = [f"step {effect.effect}, {told_at(effect.time)}: {effect.change.op} {step.about}"]
    found += [f"do: {step.by_hand}"] if step.by_hand else []
    for part in step.routers:
        found += [f"on {part.router} ({part.dialect}):", *(f"  {x}" for x in part.lines)]
        found += [f"see that it took: {part.check}"]
        kept = [part.when_kept, *(f"  {x}" for x in part.keep)] if part.keep else []
        found += [*kept, "to take it back:", *(f"  {x}" for x in part.back), *kept]
    return [*found, *([step.note] if step.note else [])]


def answer_to(folder: Path, effect: int) -> str | None:
    """What a person answered: nothing that speaks against it, the reason, or None as long as there is no answer."""
    done, no = folder / f"{effect:04}.done", folder / f"{effect:04}.no"
    if exists(no):
        return " ".join(read_text(no, most=_MOST * 4, below=folder).split())[:_MOST] or "no reason given"
    return "" if exists(done) else None


def answer(site: Path, *, no: str | None = None) -> Path:
    """Answer the step that waits beside a site file, with the reason where it was not made; returns its file.

    Raises `InputError` where no step waits.
    """
    folder = (site if site.is_dir() else site.parent) / FOLDER
    waiting = sorted(x for x in folder.glob("[0-9][0-9][0-9][0-9].txt") if answer_to(folder, int(x.stem)) is None)
    if not waiting:
        raise InputError(f"no step waits in {folder}", fix="see `twinops runs`")
    step = waiting[-1]
    write_text(step.with_suffix(".done" if no is None else ".no"), (no or "done") + "\n", below=folder)
    return step
