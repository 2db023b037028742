"""All IGP weights at once: the weights under which even ECMP splitting comes near the best routing.

Simulated annealing over single weight changes, mostly raising the weight of busy links, then every change that the
peak does not need is taken back. [Fortz, Thorup, "Internet traffic engineering by optimizing OSPF weights", 2000]
"""

from collections.abc import Sequence
from time import monotonic
from typing import NamedTuple

import numpy as np

from twin.model import Floats, Ints, Network
from twin.plan import SetWeight
from twin.policy import Policy
from twin.sim.arrays import FAR, Arrays, compile_network
from twin.sim.route import route
from twin.verdict import Counterexample

from .assemble import assemble, bound_of, without_plan
from .judge import Judge
from .proposal import Proposal

METHOD = "igp-weight-search"
EVALUATIONS = 20_000
HIGHEST = 65_535
COARSE = 50
"""A median weight below this has all weights multiplied by `FINER` first: no path changes, but values fit between."""
FINER = 20
_POWER = 20
_HEAT = 0.02  # share of the cost by which a change may be worse at the start, with probability 1/e
_HOT = 0.7  # share of the changes that are made to busy links


class WeightRouting(NamedTuple):
    """Weights that were found, and what they give. m links."""

    weight: Ints  # [m] one per link
    max_utilisation: float
    bound: float  # no routing at all has a lower peak
    changes: tuple[SetWeight, ...]  # what differs from the network's weights
    evaluations: int

    @property
    def gap(self) -> float | None:
        """Share by which the peak lies above the bound."""
        return self.max_utilisation / self.bound - 1 if self.bound > 0 else None


def search_weights(
    network: Network, *, seed: int = 0, evaluations: int = EVALUATIONS, time_limit_s: float | None = None
) -> WeightRouting:
    """Search all weights for the lowest peak utilisation; never worse than the present ones.

    The same seed and number of evaluations give the same weights. A time limit returns the best so far.
    """
    deadline = None if time_limit_s is None else monotonic() + time_limit_s
    arrays = compile_network(network)
    search = _Annealing(arrays, np.random.default_rng(seed))
    weight = _take_back(arrays, search.run(evaluations, deadline), search)
    peak = search.peak(search.utilisation(weight))
    changed = tuple(
        SetWeight(link=link.name, weight=int(weight[arrays.arc_of[i]]))
        for i, link in enumerate(network.links)
        if weight[arrays.arc_of[i]] not in (FAR, link.weight)
    )
    return WeightRouting(weight[arrays.arc_of], peak, bound_of(network), changed, search.evaluations)


def relieve_by_weight_search(
    network: Network,
    policy: Policy,
    *,
    seed: int = 0,
    avoid: Sequence[Counterexample] = (),
    time_limit_s: float | None = None,
    evaluations: int = EVALUATIONS,
) -> Proposal:
    """Plan the changes that the search found, where they fit into `policy.max_steps` and keep every failure safe."""
    judge = Judge(network, policy, avoid)
    if judge.before.max_utilisation == 0:
        return without_plan(judge, METHOD, "the network carries no traffic")
    found = search_weights(network, seed=seed, evaluations=evaluations, time_limit_s=time_limit_s)
    judge.evaluations += found.evaluations
    if len(found.changes) > policy.max_steps:
        reached = f"{found.max_utilisation:.1%} peak utilisation"
        return without_plan(judge, METHOD, f"{reached} needs {len(found.changes)} changes, {policy.max_steps} allowed")
    links = [network.links[network.link(change.link)] for change in found.changes]
    if any(judge.protects(x.interface, x.circuit, f"node/{x.tail}") for x in links):
        return without_plan(judge, METHOD, "the weights found change protected elements")
    return assemble(judge, METHOD, found.changes)


class _Annealing:
    def __init__(self, arrays: Arrays, rng: np.random.Generator) -> None:
        self.arrays, self.rng, self.evaluations = arrays, rng, 0
        self.free = np.flatnonzero(arrays.weight < FAR)
        coarse = self.free.size > 0 and float(np.median(arrays.weight[self.free])) < COARSE
        scaled = np.where(arrays.weight < FAR, np.minimum(arrays.weight * FINER, HIGHEST), FAR)
        self.start: Ints = scaled if coarse else arrays.weight.copy()

    def utilisation(self, weight: Ints) -> Floats:
        self.evaluations += 1
        return route(self.arrays._replace(weight=weight)).load / self.arrays.capacity

    def peak(self, utilisation: Floats) -> float:
        return float(utilisation.max(initial=0.0))

    def run(self, evaluations: int, deadline: float | None) -> Ints:
        weight, use = self.start, self.utilisation(self.start)
        best, lowest = self.arrays.weight.copy(), self.peak(self.utilisation(self.arrays.weight))
        if self.peak(use) < lowest:
            best, lowest = weight, self.peak(use)
        for done in range(evaluations if lowest > 0 else 0):
            if deadline is not None and monotonic() > deadline:
                break
            trial = self._neighbour(weight, use)
            reached = self.utilisation(trial)
            worse = self._cost(reached) / self._cost(use) - 1
            if worse <= 0 or self.rng.random() < np.exp(-worse / (_HEAT * (1 - done / evaluations) ** 2)):
                weight, use = trial, reached
                if self.peak(use) < lowest:
                    best, lowest = weight, self.peak(use)
        return best

    def _neighbour(self, weight: Ints, use: Floats) -> Ints:
        """Change one weight: raise a busy link's, or draw any link's anew around its value."""
        trial = weight.copy()
        if self.rng.random() < 0.5:
            heat = (use[self.free] / use.max()) ** 30 if self.rng.random() < _HOT else np.ones(self.free.size)
            arc = self.free[self.rng.choice(self.free.size, p=heat / heat.sum())]
            value = weight[arc] * self.rng.uniform(1.0, 1.6) + self.rng.integers(0, 4)
        else:
            arc = self.free[self.rng.integers(self.free.size)]
            value = weight[arc] * self.rng.uniform(0.6, 1.5) + self.rng.integers(-3, 4)
        trial[arc] = min(max(int(value), 1), HIGHEST)
        return trial

    def _cost(self, use: Floats) -> float:
        """A smooth stand-in for the peak: the norm of high power."""
        peak = self.peak(use)
        return peak * float(((use / peak) ** _POWER).sum()) ** (1 / _POWER)


def _take_back(arrays: Arrays, weight: Ints, search: _Annealing) -> Ints:
    """Give every link its first weight again, or that weight made finer, where the peak does not rise."""
    kept, lowest = weight.copy(), search.peak(search.utilisation(weight))
    if np.array_equal(weight, arrays.weight):
        return kept
    for arc in search.free:
        if kept[arc] == search.start[arc]:
            continue
        trial = kept.copy()
        trial[arc] = search.start[arc]
        peak = search.peak(search.utilisation(trial))
        if peak <= lowest * (1 + 1e-9):
            kept, lowest = trial, peak
    return kept
