"""Weights in increments: intermediate weights through which routers change over without loops, where there are some.

Raising or lowering a weight at once can turn nodes towards each other for a moment; through intermediate weights they
turn one after the other, those farthest from the change first [Francois, Shand, Bonaventure, "Disruption free topology
reconfiguration in OSPF networks", INFOCOM 2007].
"""

from collections.abc import Sequence
from itertools import pairwise

from twin.gate.checks.convergence import convergence
from twin.gate.checks.stressed import Stressed
from twin.model import Network
from twin.plan import Change, SetWeight, apply, states
from twin.sim.arrays import compile_network

from .breakpoints import breakpoints
from .judge import Judge

_CANDIDATES = 24
"""Intermediate weights tried for one increment, spread over all at which paths change."""
_TRAFFIC = 1e-6  # Mbit/s: a loop that nothing gets into is not worth a step


def without_loops(judge: Judge, steps: Sequence[Change]) -> tuple[Change, ...]:
    """Return ordered steps with weights in increments where that lets fewer packets loop, else as they are.

    At most twice as many steps and no more than the policy allows; each state on the way has to be safe, and in this
    very order. Drains and sleeps stay single steps: leading up to them by weights would leave those weights behind.
    """
    given = tuple(steps)
    found = in_increments(judge, given)
    return found if found == given or judge.ordered(found).steps == found else given


def in_increments(judge: Judge, given: tuple[Change, ...]) -> tuple[Change, ...]:
    """Return the same, whether or not each state on the way is safe."""
    network, most, finer = judge.network, min(2 * len(given), judge.policy.max_steps), list[Change]()
    for number, (before, step) in enumerate(zip(states(network, given), given, strict=False)):
        room = most - len(finer) - (len(given) - number)
        finer += _increments(before, step, room) if isinstance(step, SetWeight) and room > 0 else (step,)
    found = tuple(finer)
    if found == given or _may_loop(network, found) >= _may_loop(network, given) - _TRAFFIC:
        return given
    return found


def _increments(network: Network, step: SetWeight, room: int) -> tuple[Change, ...]:
    """Return the change in at most `room` more steps, none of which can loop; as it is where that is not found."""
    made: list[Change] = []
    state = network
    while _loops(state, apply(state, step)):
        if len(made) == room:
            return (step,)
        nearer = next((x for x in _between(state, step) if not _loops(state, apply(state, x))), None)
        if nearer is None:
            return (step,)
        made.append(nearer)
        state = apply(state, nearer)
    return (*made, step)


def _between(network: Network, step: SetWeight) -> list[SetWeight]:
    """Return intermediate weights, those nearest to the last one first."""
    state, link = Stressed(network, (), 1.0), network.link(step.link)
    arrays, now = compile_network(network), network.links[link].weight
    values = breakpoints(arrays, state.routing.paths.dist, int(arrays.arc_of[link]), most=_CANDIDATES)
    low, high = sorted((now, step.weight))
    inside = [int(x) for x in values if low < x < high]
    return [SetWeight(link=step.link, weight=x) for x in sorted(inside, key=lambda x: abs(x - step.weight))]


def _loops(before: Network, after: Network) -> bool:
    return _caught(Stressed(before, (), 1.0), Stressed(after, (), 1.0)) > _TRAFFIC


def _may_loop(network: Network, steps: Sequence[Change]) -> float:
    """Mbit/s that could loop in all steps together."""
    return sum(_caught(*pair) for pair in pairwise(Stressed(state, (), 1.0) for state in states(network, tuple(steps))))


def _caught(before: Stressed, after: Stressed) -> float:
    found = convergence(before, after, 1)
    return found.mbps if found else 0.0
