"""Plans that set back what the inventory has otherwise, in networks that do not survive every failure.

A wrong weight spares some failure by chance, which setting it right takes away again: that is no harm of the plan's. It
would be one where more than that is changed, where less is, and where it was no mistake: where the network as declared
is not as safe as the one that somebody has made of it. The labels are by the definitions, over what `carried` computes.
"""

from collections.abc import Iterable

import numpy as np

from evals.oracle.carried import (
    Carried,
    Failed,
    carried,
    failures,
    gain,
    grown,
    growth,
    hot,
    hotter,
    no_worse,
)
from evals.score.plans import Blame
from twin.model import Network
from twin.plan import Change, SetWeight, apply, apply_all

from .good import NETWORKS, WIDE, Trial, any_link, gate_network, plan_of, random_tunnel, random_weight

_CLEAR = 0.01  # share of capacity that is beyond argument
_LIMIT = WIDE.max_failure_utilisation


def good_set_right(seed: int, start: int = 0) -> Trial | None:
    """A wrong weight is set right: failures overload less together, and some that overload links today more."""
    rng, built = _unsafe(seed, 41, start)
    found, back = _mistaken(built, rng)
    states = [(grown(found, factor), grown(built, factor)) for factor in (1.0, growth(WIDE))]
    fine = all(
        no_worse(carried(was), carried(now), limit) for (was, now), limit in zip(states, (0.8, 1.0), strict=True)
    )
    if not fine or gain(carried(found), carried(built), WIDE.max_utilisation) < WIDE.min_gain + _CLEAR:
        return None
    if not any(_worse(was, now) for was, now in states) or any(_newly(was, now) for was, now in states):
        return None
    if any(_together(now) > _together(was) for was, now in states):
        return None
    return Trial("good set right", plan_of(found, back), found, WIDE, declared=built)


def set_right_and_more(seed: int, start: int = 0) -> Trial | None:
    """Beside the step that sets a weight right is one of somebody's own choice, and a failure gets worse."""
    rng, built = _unsafe(seed, 42, start)
    found, back = _mistaken(built, rng)
    more = random_weight(built, rng) if rng.random() < 0.5 else random_tunnel(built, rng, "T0", 1.0)
    if more is None or (isinstance(more, SetWeight) and more.link == back.link):
        return None
    return _bad("set right and more", found, (back, more), built)


def half_set_right(seed: int, start: int = 0) -> Trial | None:
    """Two weights are wrong, one of them is set right, and a failure gets worse."""
    rng, built = _unsafe(seed, 43, start)
    once, back = _mistaken(built, rng)
    found, other = _mistaken(once, rng)
    return None if other.link == back.link else _bad("half set right", found, (back,), built)


def declared_less_safe(seed: int, start: int = 0) -> Trial | None:
    """The network as declared overloads more in its failures, or in one that overloads nothing today."""
    rng, built = _unsafe(seed, 44, start)
    found, back = _mistaken(built, rng)
    if not no_worse(carried(found), carried(built), WIDE.max_utilisation):
        return None
    if not _newly(found, built) and _together(built) <= _together(found) + 1.0:
        return None
    return _bad("declared less safe", found, (back,), built)


def _unsafe(seed: int, kind: int, start: int) -> tuple[np.random.Generator, Network]:
    """Draw a network some of whose failures overload links."""
    rng = np.random.default_rng([seed, kind])
    network = gate_network(start + 2 * int(rng.integers(0, NETWORKS // 2)) + 1)
    worst = max(carried(network, x).peak for x in failures(network))
    return rng, grown(network, round(float(rng.uniform(1.1, 1.6)) / worst, 3))


def _mistaken(network: Network, rng: np.random.Generator) -> tuple[Network, SetWeight]:
    """The network with a wrong weight at some link, and what sets it right."""
    link = any_link(network, rng)
    wrong = int(rng.choice([1, link.weight + int(rng.integers(1, 12)), 1000]))
    wrong += wrong == link.weight
    return apply(network, SetWeight(link=link.name, weight=wrong)), SetWeight(link=link.name, weight=link.weight)


def _pairs(before: Network, after: Network) -> Iterable[tuple[Failed, Carried, Carried]]:
    for failure in failures(before):
        yield failure, carried(before, failure), carried(after, failure)


def _worse(before: Network, after: Network) -> bool:
    """Whether some failure that overloads links already fills one beyond argument more than any was."""
    return any(now.peak > max(_LIMIT, was.peak) + _CLEAR for _, was, now in _pairs(before, after) if was.peak > _LIMIT)


def _newly(before: Network, after: Network) -> bool:
    """Whether a failure that overloads nothing does so after, or one cuts somebody off."""
    return any(
        (was.peak <= _LIMIT and hot(now, _LIMIT)) or now.lost - was.lost for _, was, now in _pairs(before, after)
    )


def _together(network: Network) -> float:
    """Mbit/s above capacity, summed over all failures."""
    return sum(carried(network, x).above(_LIMIT) for x in failures(network))


def _bad(name: str, found: Network, steps: tuple[Change, ...], declared: Network) -> Trial | None:
    """Blame any link that a failure fills more, where one is filled beyond argument more than any was."""
    final = apply_all(found, steps)
    clear = any(now.peak > max(_LIMIT, was.peak) + _CLEAR for _, was, now in _pairs(found, final))
    cut = any(now.lost - was.lost for _, was, now in _pairs(found, final))
    if not clear or cut or not no_worse(carried(found), carried(final), WIDE.max_utilisation):
        return None
    over = {x.name: hotter(was, now, _LIMIT) for x, was, now in _pairs(found, final)}
    elements = frozenset(x for links in over.values() for x in links)
    blame = Blame("survivable", elements, frozenset(x for x in over if over[x]), len(steps))
    return Trial(name, plan_of(found, *steps), found, WIDE, blame, declared=declared)
