"""All IGP weights at once: the weights under which even ECMP splitting comes near the best routing.

Simulated annealing over single weight changes, mostly raising the weight of busy links, then every change that the
peak does not need is taken back. [Fortz, Thorup, "Internet traffic engineering by optimizing OSPF weights", 2000]
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from twin.gate.verdict import Counterexample
from twin.model import Floats, Ints, Network
from twin.plan import SetWeight
from twin.policy import Policy
from twin.sim.arrays import FAR, compile_network
from twin.sim.delta import WeightProbe
from twin.sim.simulate import simulate

from .allowance import Allowance
from .assemble import assemble, bound_of, without_plan
from .breakpoints import HIGHEST, heaviest
from .judge import Judge
from .proposal import Proposal

METHOD = "igp-weight-search"
EVALUATIONS = 20_000
PLANNED = 6_000
"""Evaluations where only as many weights may change as fit into a plan."""
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
    network: Network,
    *,
    seed: int = 0,
    evaluations: int = EVALUATIONS,
    most: int | None = None,
    fixed: Collection[str] = (),
    time_limit_s: float | None = None,
) -> WeightRouting:
    """Search all weights for the lowest peak utilisation; never worse than the present ones.

    At most `most` weights ever differ from the present ones, those of the links `fixed`, by name, never. The same
    seed and number of evaluations give the same weights. A time limit returns the best so far.
    """
    allowance = Allowance(time_limit_s)
    preferences = set(network.exits)
    free = [i for i, link in enumerate(network.links) if link.name not in fixed and i not in preferences]
    search = _Annealing(network, np.random.default_rng(seed), most, free)
    search.run(evaluations, allowance)
    search.take_back()
    weight, arrays = search.weight, search.arrays
    changed = tuple(
        SetWeight(link=link.name, weight=int(weight[i]))
        for i, link in enumerate(network.links)
        if arrays.weight[arrays.arc_of[i]] < FAR and weight[i] != link.weight
    )
    return WeightRouting(weight, search.peak(search.use), bound_of(network), changed, search.evaluations)


def with_weights(network: Network, changes: Sequence[SetWeight]) -> Network:
    """Return the network with these weights."""
    links = list(network.links)
    for change in changes:
        position = network.link(change.link)
        links[position] = links[position]._replace(weight=change.weight)
    return replace(network, links=tuple(links))


def relieve_by_weight_search(
    network: Network,
    policy: Policy,
    *,
    seed: int = 0,
    avoid: Sequence[Counterexample] = (),
    time_limit_s: float | None = None,
) -> Proposal:
    """Plan the best that the search finds with `policy.max_steps` weights, where that keeps every failure safe."""
    judge = Judge(network, policy, avoid)
    if judge.before.max_utilisation == 0:
        return without_plan(judge, METHOD, "the network carries no traffic")
    found = search_weights(
        network,
        seed=seed,
        evaluations=PLANNED,
        most=policy.max_steps,
        fixed=judge.fixed_weights,
        time_limit_s=time_limit_s,
    )
    judge.evaluations += found.evaluations
    return assemble(judge, METHOD, found.changes)


class _Annealing:
    """One walk through the weights; all arrays are by link [m]."""

    def __init__(self, network: Network, rng: np.random.Generator, most: int | None, free: Sequence[int]) -> None:
        self.arrays, self.rng, self.most, self.evaluations = compile_network(network), rng, most, 0
        self.capacity = self.arrays.capacity[self.arrays.arc_of]
        usable = self.arrays.weight[self.arrays.arc_of] < FAR
        self.free = np.array([i for i in free if usable[i]], dtype=np.int64)
        self.present = np.array([link.weight for link in network.links], dtype=np.int64)
        metrics = np.isin(np.arange(self.present.size), network.exits, invert=True)
        self.highest = heaviest(network)
        coarse = most is None and self.free.size > 0 and float(np.median(self.present[self.free])) < COARSE
        coarse = coarse and self.highest == HIGHEST  # narrow metrics have no room for it
        self.start = (
            np.where(usable & metrics, np.minimum(self.present * FINER, HIGHEST), self.present)
            if coarse
            else self.present
        )
        changes = [SetWeight(link=link.name, weight=int(self.start[i])) for i, link in enumerate(network.links)]
        self.probe = WeightProbe(with_weights(network, changes) if coarse else network)
        self.weight, self.use = self.start.copy(), self.probe.utilisation
        self.as_it_was = simulate(network).utilisation

    def peak(self, utilisation: Floats) -> float:
        return float(utilisation.max(initial=0.0))

    def run(self, evaluations: int, allowance: Allowance) -> None:
        """Walk, and end at the best weights met; the present ones, unscaled, where nothing is better."""
        best, lowest = self.weight.copy(), self.peak(self.use)
        for done in range(evaluations if lowest > 0 and self.free.size else 0):
            if allowance.spent:
                break
            change = self._neighbour()
            reached = self._tried(change)
            worse = self._cost(reached) / self._cost(self.use) - 1
            if worse <= 0 or self.rng.random() < np.exp(-worse / (_HEAT * (1 - done / evaluations) ** 2)):
                self._move(change)
                if self.peak(self.use) < lowest:
                    best, lowest = self.weight.copy(), self.peak(self.use)
        if lowest >= self.peak(self.as_it_was):
            best = self.present
        self._move({int(i): int(best[i]) for i in np.flatnonzero(best != self.weight)})

    def take_back(self) -> None:
        """Give every link its first weight again, or that weight made finer, where the peak does not rise."""
        if np.array_equal(self.weight, self.present):
            return
        for link in self.free:
            change = {int(link): int(self.start[link])}
            if self.weight[link] != self.start[link] and self.peak(self._tried(change)) <= self.peak(self.use) * (
                1 + 1e-9
            ):
                self._move(change)

    def _tried(self, change: Mapping[int, int]) -> Floats:
        self.evaluations += 1
        return self.probe.loads([change])[0] / self.capacity

    def _move(self, change: Mapping[int, int]) -> None:
        for link, value in change.items():
            self.weight[link] = value
        self.probe.commit(change)
        self.use = self.probe.utilisation

    def _neighbour(self) -> dict[int, int]:
        """Change one weight: raise a busy link's, or draw any link's anew around its value.

        Where no more weights may differ, another one is given back for it.
        """
        use, weight = self.use[self.free], self.weight
        if self.rng.random() < 0.5:
            heat = (use / use.max()) ** 30 if use.max() > 0 and self.rng.random() < _HOT else np.ones(self.free.size)
            link = self.free[self.rng.choice(self.free.size, p=heat / heat.sum())]
            value = weight[link] * self.rng.uniform(1.0, 1.6) + self.rng.integers(0, 4)
        else:
            link = self.free[self.rng.integers(self.free.size)]
            value = weight[link] * self.rng.uniform(0.6, 1.5) + self.rng.integers(-3, 4)
        change = {int(link): min(max(int(value), 1), self.highest)}
        changed = np.flatnonzero(weight != self.start)
        if self.most is not None and changed.size >= self.most and weight[link] == self.start[link]:
            back = int(self.rng.choice(changed))
            change[back] = int(self.start[back])
        return change

    def _cost(self, use: Floats) -> float:
        """A smooth stand-in for the peak: the norm of high power."""
        peak = self.peak(use)
        return peak * float(((use / peak) ** _POWER).sum()) ** (1 / _POWER)
