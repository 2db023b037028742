"""A plan on its way into the live network: one step, one look, and the way back."""

import signal
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from threading import current_thread, main_thread

from twin.corrections import in_place, recorded_back, recorded_states
from twin.errors import CertificateError, ExecutionError, TwinError
from twin.gate.checks.moved import moved_share
from twin.gate.checks.touch import blacked_out
from twin.live.network import LiveNetwork, keep_change
from twin.model import Network
from twin.observe.expect.settled import Settled, settled
from twin.plan import Change, LimitDemand, Plan, SetTunnel, SetWeight, states, way_back
from twin.policy import Policy
from twin.printed import short, utc

from .agreement import Baseline, Tolerance, compare, watch
from .configured import configuration
from .logbook import Logbook
from .preflight import demand_error, look_around
from .remaining import remaining, standing
from .running import ConfiguredItem, Difference, Running, beside, differences, items, read_running, told

_ATTEMPTS = 3
Light = Callable[[int, int], bool]


def together(steps: Sequence[Change], most: int, light: Light) -> Iterator[tuple[int, ...]]:
    """Yield the numbers of a plan's steps, counted from 1, in groups that may be confirmed together, `most` at a time.

    A tunnel or a rate limit changes the way of one demand and of no other, so that those of different demands add up in
    any order. Every other step changes paths that others use: it is confirmed with those before it only while `light`
    says of the first and the last of them that all together are little. The gate has judged every state on the way.
    """
    group: list[int] = []
    demands: list[tuple[str, str] | None] = []
    for number, step in enumerate(steps, start=1):
        demand = _demand_of(step)
        adds_up = demand is not None and None not in demands and demand not in demands
        if group and (len(group) >= max(1, most) or not (adds_up or light(group[0], number))):
            yield tuple(group)
            group, demands = [], []
        group.append(number)
        demands.append(demand)
    if group:
        yield tuple(group)


def _demand_of(step: Change) -> tuple[str, str] | None:
    match step:
        case SetTunnel():
            return step.tunnel.source, step.tunnel.target
        case LimitDemand():
            return step.source, step.target
        case _:
            return None


class Rollout:
    """The steps of a plan on a live network, of which `applied` are in place.

    `contradicted` is how many were when telemetry was not as the twin predicts of them, 0 while it is.

    `base` is the state that the twin predicts from, `configured` what the inventory says before the plan, `running`
    what the routers say. Raises `PlanError` when the steps cannot be made to either.
    """

    def __init__(
        self,
        plan: Plan,
        base: Network,
        live: LiveNetwork,
        *,
        configured: Network,
        log: Logbook,
        running: Running | None = None,
    ) -> None:
        self._plan, self._live, self._log = plan, live, log
        self._states, self._back = states(base, plan.steps), way_back(base, plan.steps)
        self._configured = recorded_states(configured, plan.steps)
        self._beside = running.beside if running else None
        self._measured: Settled | None = None
        self._looked_at = live.now
        self._silent: tuple[str, ...] = ()
        self.applied = self._announced = 0
        self.contradicted = 0
        self._rest_fails = False

    def advance(self, tolerance: Tolerance, before: Baseline, policy: Policy, permit: Callable[[], None]) -> str | None:
        """Make every step, look at the network before and after, and ask `permit` before each.

        Steps that do not depend on each other, or are of low risk together by the policy, are made one after the other,
        each read back at once, and confirmed by telemetry together. Returns why to turn back, or None when all steps
        are confirmed; what `permit`, `on_step` or the network raises, passes.
        """
        light = partial(self._light, policy.low_risk_blast_radius)
        for group in together(self._plan.steps, policy.low_risk_steps, light):
            for number in group:
                reason = self._make(number, tolerance, before, policy, permit, first=number == group[0])
                if reason:
                    return reason
            reason = self._look_after(group, tolerance, before, passing=group[-1] < len(self._plan.steps))
            if reason:
                return reason
        return None

    def _look_after(self, group: Sequence[int], tolerance: Tolerance, before: Baseline, *, passing: bool) -> str | None:
        """Confirm by telemetry steps that were made one after the other; return why to turn back, if so."""
        last = group[-1]
        agreement, seen = watch(self._states[last], self._live, tolerance, before, passing=passing)
        misconfigured = self._wrongly_configured(last)
        wrong = misconfigured or agreement.deviation
        if wrong:
            self.contradicted = last if seen and not misconfigured else 0
            reason = f"after step {last} the network is not as predicted: {wrong}"
            self._log.write(last, "disagree", reason, change=self._plan.steps[last - 1], agreement=agreement)
            return reason
        keep_change(self._live)
        self._measured = settled(seen) if seen else None
        self._looked_at = self._live.now
        told = (f"as predicted, furthest off is {agreement.worst}", agreement.blind_spots, self._unread())
        for number in group:
            self._log.write(number, "agree", "; ".join(filter(None, told)), agreement=agreement)
        return None

    def stands(self, tolerance: Tolerance, before: Baseline, policy: Policy) -> bool:
        """Whether only what is left of the plan does not hold, and the steps made do, and help, as a plan of their own.

        A look as long as one after a whole plan has to find them as predicted. Raises as `advance` does.
        """
        made = self.applied
        if not (made and self._rest_fails):
            return False
        self.say_not_made()
        if self._look_after((made,), tolerance, before, passing=False) or self._measured is None:
            return False
        error = demand_error(self._states[0], self._measured, policy)
        start = self._states[0].with_demands(self._measured.demands)
        return standing(self._plan, made, start, policy, error, self._configured[0])

    def _light(self, most: float, first: int, last: int) -> bool:
        """Whether these steps and those between them set weights of one circuit, or move at most this share of traffic.

        Both directions of a circuit are no more than one drain of it, which is one step.
        """
        before, steps = self._states[first - 1], self._plan.steps[first - 1 : last]
        circuits = {before.links[before.link(x.link)].circuit if isinstance(x, SetWeight) else None for x in steps}
        return (len(circuits) == 1 and None not in circuits) or moved_share(before, self._states[last]) <= most

    def _make(
        self,
        number: int,
        tolerance: Tolerance,
        before: Baseline,
        policy: Policy,
        permit: Callable[[], None],
        *,
        first: bool,
    ) -> str | None:
        """Make one step and read it back; return why it must not be made, or is not there."""
        change, asked = self._plan.steps[number - 1], self._live.now
        self._require_leave(number, policy, permit)
        self._announced = number
        self._log.write(number, "apply", f"making step {number}", change=change)
        reason = self._look_before(number, tolerance, before, policy, measure=first)
        if reason:
            self._log.write(number, "disagree", reason, change=change)
            return reason
        if self._live.now != asked:  # a look can wait for samples, and a router for its answer
            self._require_leave(number, policy, permit)
        # what only the routers had wrong is put right there: the inventory takes nothing new
        corrects = in_place(self._configured[number - 1], change)
        self._live.apply(change, recorded=change if corrects else None)
        self.applied = number
        return None

    def _require_leave(self, number: int, policy: Policy, permit: Callable[[], None]) -> None:
        """The gate knew when the first step would be made: a later one may come into a blackout."""
        permit()
        found = blacked_out(self._states[number - 1], self._plan.steps[number - 1], policy, self._live.now)
        if found:
            touches = f"step {number} touches {short(found[0])} at {utc(self._live.now)}"
            raise CertificateError(f"{touches}, in the blackout {found[1]}", fix="wait until it is over")

    def _look_before(
        self, number: int, tolerance: Tolerance, before: Baseline, policy: Policy, *, measure: bool
    ) -> str | None:
        """Return why a step must not be made now: what is configured, measured, or left of the plan.

        Telemetry is looked at where it has gone on since the look before, and with `measure`: between two steps that
        are confirmed together, it mixes their states.
        """
        wrong = self._wrongly_configured(number - 1)
        if wrong:
            return f"before step {number} the network is not configured as expected: {wrong}"
        if measure and self._live.now != self._looked_at:
            seen = look_around(self._states[number - 1], self._live, tolerance)
            agreement = compare(seen, tolerance, before)
            if not agreement.settled:
                agreement, again = watch(self._states[number - 1], self._live, tolerance, before)
                seen = again or seen
            if agreement.deviation:
                return f"before step {number} the network is not as predicted: {agreement.deviation}"
            self._measured, self._looked_at = settled(seen), self._live.now
        if self._measured is None:
            return None
        here = self._states[number - 1].with_demands(self._measured.demands)
        error = demand_error(self._states[0], self._measured, policy)
        failed = remaining(self._plan, number - 1, here, self._states[0], policy, error, self._configured[0])
        if failed is None:
            return None
        self._rest_fails = True
        return f"before step {number} what is left of the plan fails under the demands measured: {failed}"

    def _differences(self, number: int) -> dict[ConfiguredItem, Difference]:
        """What is not configured as it should be after `number` steps, by the inventory and by the routers."""
        inventory, state = self._live.read_topology(), items(self._states[number])
        told_so = differences(self._configured[number], inventory, built=True)
        # an element that the diagnosis names is set back to what was found there, and then the inventory says that
        found = [x for x in told_so if x.item not in state or state[x.item] != x.found]
        running = read_running(self._live, self._states[number])
        self._silent = running.unread if running else ()
        if running:
            found += differences(self._states[number], running.network)
            found += () if self._beside is None else beside(self._beside, running.beside)
        return {x.item: x for x in found}

    def _wrongly_configured(self, number: int) -> str | None:
        found = tuple(self._differences(number).values())
        return told(found) if found else None

    def _unread(self) -> str:
        return f"could not see: what {', '.join(self._silent)} runs" if self._silent else ""

    def _changed_by(self, number: int) -> set[ConfiguredItem]:
        """What step `number` configures."""
        pairs = (self._states, self._configured)
        return {x.item for reached in pairs for x in differences(reached[number - 1], reached[number])}

    def _touched(self, steps: int) -> set[ConfiguredItem]:
        """What the first steps configure."""
        return {item for number in range(1, steps + 1) for item in self._changed_by(number)}

    def turn_back(self, reason: str, tolerance: Tolerance) -> None:
        """Undo the steps made, also one that was under way when something was raised, if any of it was made."""
        with _uninterrupted():
            with suppress(TwinError):
                if self.applied < len(self._plan.steps):
                    touched = self._changed_by(self.applied + 1)
                    made = bool(touched & set(self._differences(self.applied)))
                    self.applied += made
                    if not made and self._announced > self.applied:
                        self.say_not_made()
            self.roll_back(reason, tolerance)

    def say_not_made(self) -> None:
        """Keep on record that the step after those in place is not, as the network says; nothing where all are."""
        number = self.applied + 1
        if number <= len(self._plan.steps):
            words = f"step {number} is not made: the network was asked"
            self._log.try_to_write(number, "not made", words, change=self._plan.steps[number - 1])

    def find(self) -> None:
        """Find out from the live configuration alone how many steps are in place. Raises `ExecutionError`.

        Where the inventory never heard of a fault it says the same before and after the repair. Then steps are in place
        only if something that they set is what the routers run.
        """
        found = configuration(self._live.read_topology())
        passed = [number for number, state in enumerate(self._configured) if configuration(state) == found]
        if not passed:
            raise ExecutionError(
                "the live configuration is none of those that the plan passes through: somebody else changed it",
                fix="compare it with the snapshot and restore it by hand",
            )
        made = [number for number in passed if not number or self._touched(number) - set(self._differences(number))]
        self.applied = made[-1] if made else passed[-1]

    def in_place(self) -> str | None:
        """Return what of the finished plan is not configured any more, None while all of it is."""
        touched = self._touched(len(self._plan.steps))
        gone = tuple(x for item, x in self._differences(len(self._plan.steps)).items() if item in touched)
        return told(gone) if gone else None

    def roll_back(self, reason: str, tolerance: Tolerance) -> None:
        """Undo the steps in place, last one first; neither Ctrl-C nor a failing `on_step` stops it.

        What somebody else has configured meanwhile is left as it is and named. Raises `ExecutionError` that names what
        is still in place when a step cannot be undone.
        """
        undone = self.applied
        with _uninterrupted():
            for number in range(undone, 0, -1):
                change = self._back[len(self._plan.steps) - number]
                self._log.try_to_write(number, "roll back", f"undoing step {number}: {reason}", change=change)
                self._undo(number, change)
                self.applied = number - 1
                self._log.try_to_write(number, "roll back", f"step {number} is undone", change=change)
            self._confirm(undone, tolerance)

    def _undo(self, number: int, change: Change) -> None:
        """Undo a step until it is read back as undone: an answer alone is not believed."""
        error: BaseException | None = None
        touched = self._changed_by(number)
        recorded = recorded_back(self._configured[number - 1], self._plan.steps[number - 1])
        for _ in range(_ATTEMPTS):
            try:
                self._live.apply(change, recorded=None if recorded == change else recorded)
                keep_change(self._live)
            except BaseException as raised:  # whatever it is, the way back comes first
                error = raised
            left = touched & set(self._differences(number - 1))
            if not left:
                return
            error = error or ExecutionError(f"the network said yes, and {min(left)} is as before", fix="undo by hand")
        raise ExecutionError(
            f"step {number} could not be undone: {error}; steps 1 to {number} are STILL IN PLACE",
            fix="undo by hand, in this order: " + "; ".join(x.model_dump_json() for x in self._back[-number:]),
        ) from error

    def _confirm(self, undone: int, tolerance: Tolerance) -> None:
        touched = self._touched(undone)
        found = self._differences(0)
        if touched & set(found):
            raise ExecutionError(
                "every step was undone, yet the live configuration is NOT what it was before",
                fix="compare it with the snapshot and restore it by hand",
            )
        others = f"; somebody else's and left as it is: {told(tuple(found.values()))}" if found else ""
        with suppress(TwinError):
            agreement, _ = watch(self._states[0], self._live, tolerance)
            detail = str(agreement.deviation or f"as before the plan, furthest off is {agreement.worst}")
            action = "agree" if agreement.holds and not found else "disagree"
            self._log.try_to_write(0, action, f"{detail}{others}", agreement=agreement)


@contextmanager
def _uninterrupted() -> Generator[None]:
    """Ignore Ctrl-C meanwhile; signals reach the main thread only."""
    if current_thread() is not main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
