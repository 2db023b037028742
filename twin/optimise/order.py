"""The order of a plan's steps: one in which no step does harm on the way."""

from collections.abc import Sequence
from typing import NamedTuple

from twin.checks.compare import Where
from twin.checks.moved import moved_share
from twin.checks.transient import rises
from twin.errors import PlanError
from twin.model import Network
from twin.plan import Change, apply
from twin.sim.simulate import Outcome, simulate

from .judge import Judge

STATE_LIMIT = 600
"""States that the search for an order may evaluate."""


def safe_order(judge: Judge, steps: Sequence[Change]) -> tuple[Change, ...] | None:
    """Return the steps in an order in which no kind of harm ever rises, or None when none was found.

    The given order is tried first, then depth first, the least harm first, never through the same set of steps twice;
    ends after `STATE_LIMIT` states.
    """
    return _Search(judge, steps).run()


class _Reached(NamedTuple):
    network: Network
    outcome: Outcome


class _Search:
    def __init__(self, judge: Judge, steps: Sequence[Change]) -> None:
        self.judge, self.steps = judge, tuple(steps)
        self.limit = judge.policy.max_utilisation
        self.dead: set[frozenset[int]] = set()
        self.states = 0

    def run(self) -> tuple[Change, ...] | None:
        start = _Reached(self.judge.network, self.judge.base)
        found = self._walk(start) or self._extend((), start)
        return tuple(self.steps[i] for i in found) if found else None

    def _walk(self, reached: _Reached) -> tuple[int, ...] | None:
        for step in self.steps:
            following = self._after(reached, step)
            if following is None:
                return None
            reached = following
        return tuple(range(len(self.steps)))

    def _extend(self, done: tuple[int, ...], reached: _Reached) -> tuple[int, ...] | None:
        if len(done) == len(self.steps):
            return done
        options: list[tuple[float, int, _Reached]] = []
        for i, step in enumerate(self.steps):
            if i not in done and frozenset((*done, i)) not in self.dead:
                following = self._after(reached, step)
                if following is not None:
                    options.append((following.outcome.harm(self.limit), i, following))
        for _, i, following in sorted(options, key=lambda option: option[:2]):
            found = self._extend((*done, i), following)
            if found is not None:
                return found
        self.dead.add(frozenset(done))
        return None

    def _after(self, reached: _Reached, step: Change) -> _Reached | None:
        """Return what a step leads to; None when it does harm, moves too much or the search has spent its states."""
        self.states += 1
        if self.states > STATE_LIMIT:
            return None
        try:
            state = apply(reached.network, step)
        except PlanError:
            return None
        outcome = simulate(state)
        self.judge.evaluations += 1
        if rises(reached.outcome, outcome, self.limit, Where(1)) or not self.judge.keeps_ceilings(outcome):
            return None
        moved = moved_share(self.judge.network, state)
        return _Reached(state, outcome) if moved <= self.judge.policy.max_blast_radius else None
