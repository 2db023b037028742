"""A network that files describe and a hand changes: each change on trial, read back, and kept once telemetry agrees.

A process that is killed at any moment leaves a change that takes itself back. Whoever acts next ends a trial that it
finds open, asks the routers what they run, and closes the record.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from twin.corrections import with_change
from twin.errors import ExecutionError, InputError, TwinError
from twin.execute.actions import LARGEST, IgpMetric, Overload, Unwritten, actions_of, is_costed_out
from twin.execute.render import Inventory, RenderedStep, render
from twin.execute.running import Difference, differences
from twin.live.declared import Declaration
from twin.live.effects import EffectRecord, Intended
from twin.live.files import FilesNetwork, Look
from twin.live.network import Configuration, ProbeReading
from twin.model import Network
from twin.plan import Change, Plan

from .hand import Hand, Order, RouterState
from .made import MadeByHand, same, token_of

_PATIENCE = 3.0
"""Intervals that a sample may be late."""
_LEAST_S = 3.0


class _Trial(NamedTuple):
    effect: Intended
    before: Network
    after: Network
    orders: tuple[Order, ...]


class WaitingNetwork(FilesNetwork):
    """A network read from files that somebody writes: waiting means until new samples are there."""

    def wait(self, samples: int = 1) -> None:
        """Wait for so many more samples. Raises `ExecutionError` when none come."""
        interval = self.declared.interval_s or self._interval()
        newest, end = self._newest(), time.monotonic() + (samples + _PATIENCE) * interval + _LEAST_S
        while int((self._times() > newest).sum()) < samples:
            if time.monotonic() > end:
                raise ExecutionError("no new sample has come in", fix="look at who writes the measurements")
            time.sleep(min(1.0, interval / 5))
            self.look_again()

    def _times(self) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        times = self._look.telemetry.links.time
        return np.unique(times[np.isfinite(times)])

    def _newest(self) -> float:
        times = self._times()
        return float(times[-1]) if times.size else 0.0

    def _interval(self) -> float:
        steps = np.diff(self._times())
        return float(np.median(steps)) if steps.size else 300.0


class ActingNetwork(WaitingNetwork):
    """A `LiveNetwork` that is `Measurable` and `Provisional`: the routers are asked, and changed, by a hand."""

    def __init__(
        self, look: Callable[[], Look], hand: Hand, known: Inventory, made: MadeByHand, *, trial_s: int
    ) -> None:
        """`known` names interfaces; a change takes itself back after `trial_s` seconds. Raises what `look` raises."""
        super().__init__(look)
        self._hand, self._known, self._made, self._trial_s = hand, known, made, trial_s
        self._trial: _Trial | None = None

    @property
    def declared(self) -> Declaration:
        """What files say of the instruments, and the hand of itself."""
        said = super().declared
        reads = said.reads | {"running"}
        return said.model_copy(
            update={"by_hand": False, "makes": self._hand.makes, "reads": reads, "trial_s": float(self._trial_s)}
        )

    def read_topology(self) -> Network:
        """Return the inventory with every change that was kept, and the one that is on trial by this process."""
        return self._trial.after if self._trial else self._made.topology(self._look.network)

    def read_router(self, router: str) -> Configuration:
        """Ask one router what it runs. Raises `UnknownElementError`, `ExecutionError`."""
        network = self.read_topology()
        router = network.nodes[network.node(router)].name
        return Configuration(self.now, self._as_said(network, router), tells=frozenset({"weight", "drained"}))

    def probe(self, source: str, target: str) -> ProbeReading:
        """Nobody probes on request here: raises `ExecutionError`."""
        raise ExecutionError(f"nobody probes from {source} to {target} on request", fix="look at its measurements")

    def drift(self) -> tuple[tuple[Difference, ...], tuple[str, ...]]:
        """Ask every router: what it runs that is not on record, and the routers that do not answer."""
        network = self.read_topology()
        found, silent = list[Difference](), list[str]()
        for node in network.nodes:
            if node.kind != "router":
                continue
            try:
                found += differences(network, self._as_said(network, node.name))
            except ExecutionError:
                silent.append(node.name)
        return tuple(found), tuple(silent)

    def apply(self, change: Change, *, recorded: Change | None = None) -> None:
        """Make one change on trial, and read it back.

        The routers must run what is on record, and take the change in a rehearsal: what only they have wrong is not
        corrected here. The undoing of the change that is on
        trial ends its trial. Raises `PlanError` on what cannot be made, `InputError` on an interface without a name,
        `ExecutionError` when a router says no: then the routers run what they ran before.
        """
        self._close_others()
        trial, before = self._trial, self.read_topology()
        wanted = with_change(before, recorded or change)
        if trial is not None:
            if not same(wanted, trial.before):
                raise ExecutionError("the change before is still on trial", fix="confirm it first")
            self._end(trial, "taken back")
            return
        if recorded is None and same(wanted, before):
            return
        orders = self._orders(before, change)
        for order in orders:
            self._require_on_record(order)
            self._hand.rehearse(order)
        record = self._record
        record.intend(change, self.now)
        effect = record.open_effect
        assert effect is not None  # noqa: S101 - it was written just now
        self._trial = _Trial(effect, before, wanted, orders)
        try:
            for order in orders:
                self._hand.make(order, token_of(effect), self._trial_s)
            self._require_running(orders)
        except TwinError as error:
            self._end(self._trial, str(error))
            raise

    def confirm_change(self) -> None:
        """Let the change on trial stay. Raises `ExecutionError` where it has been taken back: then it is nowhere."""
        trial = self._trial
        if trial is None:
            if self._record.open_effect is not None and not self._close_others():
                raise ExecutionError("the change did not stay: its process was gone", fix="plan again on what runs now")
            return
        try:
            for order in trial.orders:
                self._hand.keep(order.router, token_of(trial.effect))
            self._require_running(trial.orders)
        except TwinError as error:
            self._undo_kept(trial)
            self._end(trial, str(error))
            raise ExecutionError(f"the change did not stay: {error}", fix="look at the router") from error
        self._record.confirm(trial.effect.effect, "read back, agreed with telemetry, kept", self.now)
        self._trial = None

    @property
    def _record(self) -> EffectRecord:
        return self._made.record(self._look.network)

    def _end(self, trial: _Trial, why: str) -> None:
        """End a trial at every router, see that they run what they ran, and write it down.

        Raises `ExecutionError` where one does not: the record stays open then, and the router's own timer runs.
        """
        for order in trial.orders:
            with suppress(ExecutionError):  # a router that does not answer takes it back by itself
                self._hand.take_back(order.router, token_of(trial.effect))
        self._trial = None
        wrong = self._wrong([x._replace(wanted=x.before) for x in trial.orders])
        if wrong:
            raise ExecutionError(
                f"{why}; and it is not taken back everywhere yet: {wrong}", fix="ask again after the trial"
            )
        self._record.deny(trial.effect.effect, why, self.now)

    def _undo_kept(self, trial: _Trial) -> None:
        """Take back what some routers kept when others did not: by a change of its own, kept at once.

        What is still on trial is ended as such: a change on top of it might keep it.
        """
        token = token_of(trial.effect)[::-1]
        for order in trial.orders:
            with suppress(ExecutionError, InputError):
                self._hand.take_back(order.router, token_of(trial.effect))
                if self._state(order) == order.wanted:
                    turned = order._replace(
                        wanted=order.before, before=order.wanted, lines=order.back, back=order.lines
                    )
                    self._hand.make(turned, token, self._trial_s)
                    self._hand.keep(order.router, token)

    def _close_others(self) -> bool:
        """End the trial of a process that was killed, by what the routers say: whether it was kept by then."""
        effect = self._record.open_effect
        if effect is None or self._trial is not None:
            return False
        before = self.read_topology()
        after = with_change(before, effect.change)
        orders = self._orders(before, effect.change)
        for order in orders:
            self._hand.take_back(order.router, token_of(effect))
        if not self._wrong(orders):  # killed between keeping it and writing that down
            self._record.confirm(effect.effect, "found kept", self.now)
            return True
        trial = _Trial(effect, before, after, orders)
        self._undo_kept(trial)
        self._end(trial, "found after its process was gone, and taken back")
        return False

    # -- in the words of routers -----------------------------------------------------------------------------

    def _orders(self, before: Network, change: Change) -> tuple[Order, ...]:
        if change.op not in self._hand.makes:
            raise ExecutionError(
                f"this hand cannot {change.op}", fix=f"plan with {', '.join(sorted(self._hand.makes))}"
            )
        actions = actions_of(before, change, self._known.routers.igp)
        if isinstance(actions, Unwritten):
            raise ExecutionError(f"no line does {change.op}: {actions.because}", fix="have a person make it")
        step = written(before, change, self._known)
        orders: list[Order] = []
        for router in dict.fromkeys(x.router for x in actions):
            own = [x for x in actions if x.router == router]
            metrics = {self._named(x.link.name, router): x.value for x in own if isinstance(x, IgpMetric)}
            loads = [x.on for x in own if isinstance(x, Overload)]
            if len(metrics) + len(loads) != len(own):
                raise ExecutionError(f"this hand cannot {change.op}", fix="have a person make it")
            after = RouterState(metrics, loads[0] if loads else None)
            said = [x for x in step.routers if x.router == router]
            there, back = (tuple(line for x in said for line in getattr(x, part)) for part in ("lines", "back"))
            orders.append(Order(router, after, self._recorded(before, router, after), there, back))
        return tuple(orders)

    def _recorded(self, network: Network, router: str, like: RouterState) -> RouterState:
        """What is on record for the interfaces of an order."""
        at = self._interfaces(network, router)
        igp = self._known.routers.igp
        links = {name: network.links[at[name]] for name in like.metrics}
        metrics = {x: LARGEST[igp] if is_costed_out(network, y, igp) else y.weight for x, y in links.items()}
        drained = network.nodes[network.node(router)].drained
        return RouterState(metrics, None if like.overloaded is None else drained)

    def _interfaces(self, network: Network, router: str) -> dict[str, int]:
        """Directed links by the router's own names of their interfaces."""
        exits = set(network.exits)
        return {
            self._named(x.name, router): i for i, x in enumerate(network.links) if x.tail == router and i not in exits
        }

    def _named(self, link: str, router: str) -> str:
        name = self._known.interfaces.get(link)
        if not name:
            raise InputError(
                f"not known: the interface of {link} at {router}", fix="name it under `interfaces` in [sources]"
            )
        return name

    def _state(self, order: Order) -> RouterState:
        said = self._hand.read(order.router, tuple(order.wanted.metrics))
        return said if order.wanted.overloaded is not None else said._replace(overloaded=None)

    def _wrong(self, orders: Sequence[Order]) -> str:
        """What routers run that they were not told to, in words; a router that does not answer is named."""
        found: list[str] = []
        for order in orders:
            try:
                state = self._state(order)
            except TwinError as error:
                found.append(str(error))
                continue
            found += [
                f"{order.router} runs metric {state.metrics[x]} at {x} where {value} was told"
                for x, value in order.wanted.metrics.items()
                if state.metrics[x] != value
            ]
            if order.wanted.overloaded != state.overloaded:
                found.append(f"{order.router} is {'' if state.overloaded else 'not '}overloaded")
        return "; ".join(found[:3])

    def _require_running(self, orders: Sequence[Order]) -> None:
        wrong = self._wrong(orders)
        if wrong:
            raise ExecutionError(f"the routers said yes, and run something else: {wrong}", fix="roll back")

    def _require_on_record(self, order: Order) -> None:
        wrong = self._wrong([order._replace(wanted=order.before)])
        if wrong:
            raise ExecutionError(
                f"the router does not run what is on record: {wrong}",
                fix="bring both together, see `twinops doctor --site`",
            )

    def _as_said(self, network: Network, router: str) -> Network:
        at = self._interfaces(network, router)
        said = self._hand.read(router, tuple(at))
        igp = self._known.routers.igp
        links, most = list(network.links), LARGEST[igp]
        for name, i in at.items():
            metric = said.metrics[name]
            drained = metric >= most
            if drained and is_costed_out(network, links[i], igp):
                continue  # by its router, or by itself: as it is on record
            links[i] = links[i]._replace(drained=True) if drained else links[i]._replace(weight=metric, drained=False)
        nodes = tuple(
            x._replace(drained=said.overloaded) if x.name == router and said.overloaded is not None else x
            for x in network.nodes
        )
        return replace(network, links=tuple(links), nodes=nodes)


def written(before: Network, change: Change, known: Inventory) -> RenderedStep:
    """One change in the words of the routers that it is about. Raises as `render` does."""
    plan = Plan(goal=f"{change.op}", base=before.id, steps=(change,))
    return render(plan, before, known).steps[0]
