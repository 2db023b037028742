"""What a plan showed while it was in place: a measurement of its own, which tells apart causes that looked alike.

Where a network is steered differently, two causes that predicted the same of it may not any more. What was measured
then counts for and against each of them as readings of now do.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from twin.faults import Fault, struck_links
from twin.model import Network
from twin.observe.readings.observation import Observation

from .search import Scored, Search
from .simulated_hypothesis import SimulatedHypothesis


class PlanTrial(NamedTuple):
    """What was measured while some steps of a plan were in place."""

    observation: Observation  # of what was configured then
    changed: frozenset[int]  # positions of the links whose weights and drains are the plan's


class PlanTrials:
    """What plans showed of hypotheses about one network."""

    def __init__(self, trials: Sequence[PlanTrial]) -> None:
        self._searches = [(x, Search(x.observation)) for x in trials]

    def weighed(self, some: Iterable[Scored]) -> list[Scored]:
        """Add to each hypothesis what it says of the readings of each trial, log likelihoods; the likeliest first."""
        told = ((x, sum(judged.total for judged in self._simulated(x.judged.faults))) for x in some)
        weighed = (x._replace(total=x.total + more, score=x.score + more) for x, more in told)
        return sorted(weighed, key=lambda x: (-x.score, x.name))

    def gross(self, faults: tuple[Fault, ...]) -> float:
        """Nats that the reading of some trial costs which these faults explain the worst; 0 without trials."""
        return max((x.gross for x in self._simulated(faults)), default=0.0)

    def _simulated(self, faults: tuple[Fault, ...]) -> list[SimulatedHypothesis]:
        return [
            max((search.simulated(x) for x in still(trial, faults)), key=lambda x: x.total)
            for trial, search in self._searches
        ]


def still(trial: PlanTrial, faults: tuple[Fault, ...]) -> set[tuple[Fault, ...]]:
    """What may have been there of some faults while a plan was in place: all of them, and those that it leaves.

    A wrong weight that the plan sets back is over; what it drains may still be down.
    """
    return {faults, left_by(trial.observation.inventory, trial.changed, faults)}


def left_by(network: Network, changed: frozenset[int], faults: tuple[Fault, ...]) -> tuple[Fault, ...]:
    """Return the faults that strike none of the links, given by position, whose weights or drains were set."""
    return tuple(x for x in faults if not changed & set(struck_links(network, x)))


def set_anew(before: Network, after: Network) -> frozenset[int]:
    """Positions of the links whose weights or drains differ between two states of a network."""
    pairs = enumerate(zip(before.links, after.links, strict=True))
    return frozenset(i for i, (was, now) in pairs if (was.weight, was.drained) != (now.weight, now.drained))
