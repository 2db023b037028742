"""Orders of steps: whether there is a safe one, and which; the truth comes from trying every order on an oracle."""

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise, permutations
from typing import NamedTuple

import numpy as np

from evals.cases.case import Case, Split
from evals.cases.gate.good import NETWORKS, POLICY, any_node, gate_network, night, plan_of
from evals.cases.result import Measures
from evals.cases.suite import SEEDS, Metric, Suite, Workplace
from evals.oracle.carried import carried
from evals.oracle.passing import rise
from evals.oracle.walker import expected_share
from evals.score.plans import keeps_order
from twin.errors import InputError
from twin.gate.order import safe_order
from twin.model import Network
from twin.plan import Change, DrainLink, DrainNode, Plan, UndrainLink, UndrainNode, apply

from .verify import FIRST_NETWORK

KINDS = ("swap circuits", "swap nodes", "three circuits")
_TRIES = 300
_EDGE = 1e-3  # Mbit/s: orders whose harm is this close to the limit of the rule are not asked for


class Puzzle(NamedTuple):
    """Steps to be put in order, and every order that is safe, as positions in the given one."""

    plan: Plan
    network: Network
    safe: frozenset[tuple[int, ...]]
    given: tuple[int, ...]


class OrderFindings(NamedTuple):
    """An order, or none, and whether that is claimed to be a proof."""

    order: tuple[int, ...] | None


def _stage(case: Case, workplace: Workplace) -> Puzzle:
    """Draw steps whose end is fine and whose given order is not."""
    del workplace
    start = FIRST_NETWORK[case.split]
    for number in range(_TRIES):
        puzzle = _puzzle(case.kind, np.random.default_rng([case.seed, number, 17]), start)
        if puzzle is not None and puzzle.given not in puzzle.safe:
            return puzzle
    raise InputError(f"no steps to order from seed {case.seed}", fix="use another seed")


def _puzzle(kind: str, rng: np.random.Generator, start: int) -> Puzzle | None:
    plain = night(gate_network(start + 2 * int(rng.integers(0, NETWORKS // 2)) + 1))
    network, steps = _steps(kind, plain, rng)
    if carried(network).lost:
        return None
    safe = _safe_orders(network, steps)
    if safe is None:
        return None
    given = tuple(range(len(steps)))
    return Puzzle(plan_of(network, *steps, objective="drain"), network, safe, given)


def _steps(kind: str, plain: Network, rng: np.random.Generator) -> tuple[Network, tuple[Change, ...]]:
    """Work moves from some elements to others: the old drains are lifted, new ones set."""
    if kind == "swap nodes":
        one, other = (any_node(plain, rng).name for _ in range(2))
        if one == other:
            return plain, (DrainNode(node=one),)
        return apply(plain, DrainNode(node=one)), (DrainNode(node=other), UndrainNode(node=one))
    count = 4 if kind == "swap circuits" else 3
    names = [str(x) for x in rng.choice(sorted(plain.circuits), count, replace=False)]
    old = names[: count // 2]
    network = plain
    for name in old:
        network = apply(network, DrainLink(circuit=name))
    steps = [*(DrainLink(circuit=x) for x in names[count // 2 :]), *(UndrainLink(circuit=x) for x in old)]
    return network, tuple(steps)


def _safe_orders(network: Network, steps: Sequence[Change]) -> frozenset[tuple[int, ...]] | None:
    """Every safe order by trying them all; None where one is safe or not by a hair only."""

    @cache
    def state(made: frozenset[int]) -> Network:
        reached = network
        for i in sorted(made):
            reached = apply(reached, steps[i])
        return reached

    @cache
    def moved(made: frozenset[int]) -> float:
        return expected_share(network, state(made))

    ends = network, state(frozenset(range(len(steps))))

    @cache
    def risen(made: frozenset[int], more: frozenset[int]) -> float:
        return rise(state(made), state(more), ends, POLICY)

    safe: set[tuple[int, ...]] = set()
    for order in permutations(range(len(steps))):
        sets = [frozenset(order[:i]) for i in range(len(steps) + 1)]
        rises = [risen(a, b) for a, b in pairwise(sets)]
        shares = [moved(x) - POLICY.max_blast_radius for x in sets]
        if any(0 < x < _EDGE for x in rises) or any(abs(x) < 1e-4 for x in shares):
            return None
        if max(rises) <= 0 and max(shares) <= 0:
            safe.add(order)
    return frozenset(safe)


def _search(puzzle: Puzzle) -> OrderFindings:
    found = safe_order(puzzle.plan, puzzle.network, POLICY).plan
    if found is None:
        return OrderFindings(None)
    return OrderFindings(tuple(puzzle.plan.steps.index(step) for step in found.steps))


def _as_given(puzzle: Puzzle) -> OrderFindings:
    return OrderFindings(puzzle.given)


def _back_first(puzzle: Puzzle) -> OrderFindings:
    """A rule of thumb: give back first, take out afterwards."""
    takes = [isinstance(step, DrainLink | DrainNode) for step in puzzle.plan.steps]
    return OrderFindings(tuple(sorted(puzzle.given, key=lambda i: (takes[i], i))))


def score(puzzle: Puzzle, found: OrderFindings) -> Measures:
    """Right is a safe order where there is one, and none where there is none."""
    possible = bool(puzzle.safe)
    complete = found.order is not None and keeps_order(puzzle.given, found.order)
    harmful = found.order is not None and found.order not in puzzle.safe
    right = (complete and not harmful) if possible else found.order is None
    values = {"possible": float(possible), "unsafe": float(harmful), "found": float(possible and right)}
    truth = f"{len(puzzle.safe)} safe orders of {len(puzzle.given)} steps"
    return Measures(right, values, str(found.order), truth)


def _draw(split: Split) -> Iterator[Case]:
    for number, seed in enumerate(SEEDS[split]):
        yield Case(suite="order", kind=KINDS[number % 3], network="rings with chords", seed=seed, split=split)


SUITE = Suite(
    name="order",
    purpose="whether steps have a safe order, and which; every order was tried on an oracle",
    draw=_draw,
    stage=_stage,
    systems={"search": _search, "give back first": _back_first, "as given": _as_given},
    score=score,
    metrics=(
        Metric("right", "share", bar=1.0),
        Metric("harmful orders", "share", "unsafe", higher=False, bar=0.0),
        Metric("safe order found where there is one", "share", "found", where="possible", bar=1.0),
    ),
    cases=120,
    slice=6,
)
