"""A safe order for the steps of a plan, or the proof that there is none."""

from collections.abc import Callable, Iterable, Sequence
from math import inf
from typing import NamedTuple

from twin.engines.seam import Engine, Serial
from twin.errors import InputError
from twin.model import Network
from twin.plan import Change, Plan, apply, subject
from twin.policy import Policy
from twin.printed import percent
from twin.sim.simulate import FailureSweep, single_failures
from twin.sim.succession import PAYS, SuccessiveSweeps, can_follow
from twin.sim.tunnelled import TunnelledStates, tunnelled_states

from .checks.moved import moved_share
from .checks.stressed import Stressed
from .rules import may_pass

EXACT_STEPS = 12
"""Plans of up to this many steps are searched to the end: they pass through at most 2^12 states."""
_KEPT = 1024
_HERE = Serial()


class Ordering(NamedTuple):
    """What the search found.

    `plan` has the steps in a safe order; None when none was found. `exact` says that every order was ruled out, so that
    None is a proof, or that one was found. `reached` are the steps (numbers in the given plan) of the longest safe
    beginning, `blocked` what is wrong with each step that could come next. `states` counts the states simulated.
    """

    plan: Plan | None
    exact: bool
    reached: tuple[int, ...]
    blocked: dict[int, str]
    states: int


def safe_order(plan: Plan, network: Network, policy: Policy, *, max_states: int = 4096) -> Ordering:
    """Search for an order of the steps in which none does harm on the way, as *transient* and *policy* judge it.

    The given order is tried first. Then depth first over the sets of steps made, the least harm first; a set that leads
    nowhere is never entered again, because the state depends on the set alone: steps about the same element keep their
    order. Plans of up to 12 steps are searched to the end; longer ones until `max_states` have been simulated.
    """
    limit = inf if len(plan.steps) <= EXACT_STEPS else max_states
    search = _Search(plan.steps, network, policy, Effort(limit))
    found = search.run()
    best = found or search.deepest
    return Ordering(
        plan=plan.model_copy(update={"steps": tuple(plan.steps[i] for i in found)}) if found else None,
        exact=found is not None or not search.exhausted,
        reached=tuple(i + 1 for i in best),
        blocked={} if found else search.blocked(best),
        states=search.states,
    )


def _never() -> bool:
    return False


Around = tuple[Stressed, Stressed, Stressed, Stressed]
"""The state before a step, the one after it, the first and the last."""
Against = Callable[[Around, int], str | None]
"""Says what else is against making a step as the n-th one."""


class Effort(NamedTuple):
    """What a search for an order may take: states that it simulates, and whether no time is left."""

    max_states: float
    spent: Callable[[], bool] = _never


class KnownStart(NamedTuple):
    """What is known of the network before the steps: what its failures do to it, and how its tunnels add up.

    `swept` tells what they do to another state, where that is known; `engine` does what is not.
    """

    state: Stressed
    tunnelled: TunnelledStates
    swept: Callable[[Network], FailureSweep | None]
    engine: Engine


class Ordered(NamedTuple):
    """The steps in a safe order, None when none was found, the longest safe beginning, and how many states it took."""

    steps: tuple[Change, ...] | None
    reached: tuple[Change, ...]
    states: int


def order_steps(
    steps: Sequence[Change],
    network: Network,
    policy: Policy,
    *,
    against: Against,
    effort: Effort,
    known: KnownStart | None = None,
) -> Ordered:
    """Search for a safe order as `safe_order` does, in which there is nothing `against` any step, either.

    Ends when the effort is made, however few the steps.
    """
    search = _Search(steps, network, policy, effort, against, known)
    found = search.run()
    reached = tuple(steps[i] for i in found or search.deepest)
    return Ordered(reached if found else None, reached, search.states)


def _nothing(*_: object) -> None:
    return None


class _Reached(NamedTuple):
    state: Stressed
    moved: float


class _Search:
    def __init__(
        self,
        steps: Sequence[Change],
        network: Network,
        policy: Policy,
        effort: Effort,
        against: Against = _nothing,
        known: KnownStart | None = None,
    ) -> None:
        self._steps, self._policy, self._effort, self._against = tuple(steps), policy, effort, against
        self._before = _predecessors(steps)
        self._final = _apply_in_any_order(network, self._steps)
        ends = [network] if self._final is None else [network, self._final]
        self._failures = tuple({x.name: x for state in ends for x in single_failures(state)}.values())
        known = known if known is not None and known.state.failures == self._failures else None
        self._tunnelled = tunnelled_states(network, self._failures)
        if known is not None and self._tunnelled is not None:
            self._tunnelled = known.tunnelled
        self._swept, self._engine = (known.swept, known.engine) if known is not None else (_unknown, _HERE)
        self._ahead: dict[frozenset[int], Stressed] = {}
        self._base = known.state if known is not None else self._stressed(network)
        self._end = self._base if self._final is None else self._stressed(self._final, self._base)
        self._known = {frozenset[int](): _Reached(self._base, 0.0)}
        self._dead: set[frozenset[int]] = set()
        self.deepest: tuple[int, ...] = ()
        self.states, self.exhausted = 0, False

    def run(self) -> tuple[int, ...] | None:
        """Return a safe order of all steps, the given one if it is safe."""
        if self._final is None:
            return None
        order = tuple(range(len(self._steps)))
        self._look_ahead(order[:count] for count in order[1:])
        return self.along(order) or self.extend(())

    def along(self, order: tuple[int, ...]) -> tuple[int, ...] | None:
        """Return this very order if it is safe."""
        for count, step in enumerate(order):
            if self._effort.spent():
                self.deepest = order[:count]
                return None
            if self._obstacle(order[:count], step):
                return None
        return order

    def extend(self, done: tuple[int, ...]) -> tuple[int, ...] | None:
        """Return a safe order that begins with these steps."""
        if len(done) > len(self.deepest):
            self.deepest = done
        if len(done) == len(self._steps):
            return done
        if self._effort.spent():
            return None
        self._look_ahead((*done, step) for step in self._next(done))
        options = [
            step
            for step in self._next(done)
            if frozenset((*done, step)) not in self._dead and self._obstacle(done, step) is None
        ]
        for step in sorted(options, key=lambda step: (self._harm((*done, step)), step)):
            found = self.extend((*done, step))
            if found or self.exhausted:
                return found
        self._dead.add(frozenset(done))
        return None

    def blocked(self, done: tuple[int, ...]) -> dict[int, str]:
        """Return what is wrong with each step that could follow, or that what follows it leads nowhere."""
        return {step + 1: self._obstacle(done, step) or "leads to no safe end" for step in self._next(done)}

    def _next(self, done: tuple[int, ...]) -> list[int]:
        made = frozenset(done)
        return [i for i in range(len(self._steps)) if i not in made and self._before[i] <= made]

    def _obstacle(self, done: tuple[int, ...], step: int) -> str | None:
        """Return why this step may not follow, None when it may."""
        here = self._reach(done)
        try:
            following = self._reach((*done, step))
        except InputError as error:
            return str(error)
        ends = self._base, self._end
        violation = may_pass(here.state, following.state, ends, self._policy, len(done) + 1)
        if violation:
            return violation.detail
        if following.moved > self._policy.max_blast_radius + 1e-9:
            return f"{percent(following.moved)} of the traffic would have moved"
        return self._against((here.state, following.state, *ends), len(done) + 1)

    def _harm(self, done: tuple[int, ...]) -> float:
        return self._reach(done).state.outcome.harm(self._policy.max_utilisation).routable

    def _reach(self, done: tuple[int, ...]) -> _Reached:
        """Simulate the state after a set of steps; the latest states are kept, at most `_KEPT` of them."""
        key = frozenset(done)
        if key not in self._known:
            self.states += 1
            self.exhausted = self.states >= self._effort.max_states
            state = self._after(done)
            if len(self._known) >= _KEPT:
                del self._known[next(x for x in self._known if x)]
            whole = self._end if len(done) == len(self._steps) else self._ahead.pop(key, None)
            whole = whole or self._stressed(state, self._base)
            self._known[key] = _Reached(whole, moved_share(self._base.network, state))
        return self._known[key]

    def _after(self, done: tuple[int, ...]) -> Network:
        key = frozenset(done)
        if key in self._known:
            return self._known[key].state.network
        if key in self._ahead:
            return self._ahead[key].network
        return apply(self._after(done[:-1]), self._steps[done[-1]])

    def _look_ahead(self, orders: Iterable[tuple[int, ...]]) -> None:
        """Have states that are likely to be asked for swept together, once one of them is, where that pays."""
        if len(self._failures) * len(self._base.network.links) < PAYS:
            return
        found: dict[frozenset[int], Network] = {}
        for done in orders:
            key = frozenset(done)
            if key not in self._known and key not in self._dead and len(done) < len(self._steps):
                try:
                    found[key] = self._after(done)
                except InputError:
                    continue
        new = {key: x for key, x in found.items() if not self._adds_up(x) and self._swept(x) is None}
        networks = (self._base.network, *new.values())
        if len(new) > 0 and can_follow(networks):
            limit = self._policy.max_failure_utilisation
            together = SuccessiveSweeps(networks, self._failures, limit, engine=self._engine)
            self._ahead = {key: Stressed(x, self._failures, limit, together=together) for key, x in new.items()}

    def _adds_up(self, state: Network) -> bool:
        return self._tunnelled is not None and self._tunnelled.differs_in_tunnels(state)

    def _stressed(self, state: Network, base: Stressed | None = None) -> Stressed:
        limit, together = self._policy.max_failure_utilisation, self._tunnelled
        beside = (base, together) if base is not None and together is not None else None
        return Stressed(state, self._failures, limit, self._swept(state), together=together, beside=beside)


def _unknown(state: Network) -> None:
    del state


def _apply_in_any_order(network: Network, steps: Sequence[Change]) -> Network | None:
    """Return the state after all steps, in the first order in which each can be made; None when there is none."""
    before, made = _predecessors(steps), set[int]()
    while len(made) < len(steps):
        for i in (i for i in range(len(steps)) if i not in made and before[i] <= made):
            try:
                network = apply(network, steps[i])
            except InputError:
                continue
            made.add(i)
            break
        else:
            return None
    return network


def _predecessors(steps: Sequence[Change]) -> list[frozenset[int]]:
    """Return, for each step, the earlier steps about the same element."""
    about = [subject(step) for step in steps]
    return [frozenset(j for j in range(i) if about[j] == about[i]) for i in range(len(steps))]
