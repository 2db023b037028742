"""How well the twin explains what is measured: predicted against observed loads, sample after sample."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from pydantic import Field

from twin.model import Floats, Frozen, Network
from twin.observe.expect.balance import Expected, expected
from twin.observe.expect.mixture import expected_by_turns
from twin.observe.expect.reported import as_reported
from twin.observe.readings.observation import Observation
from twin.observe.readings.samples import Samples
from twin.observe.readings.turning import turning

from .assess import Assessment, assess_observation
from .split_evidence import split_concentration

MEASURABLE = 3.0
"""Standard errors of the comparison up to which a difference says nothing about the twin."""
EARLIER, _BETWEEN = 8, 3
"""Samples that tell how faithful the twin was before, and the ones left out next to the newest: of either state."""
DRIFT = 0.03
"""Fall of the score, from the earlier samples to the newest, that is a drift."""
_SHOWN = 5


class Misfit(Frozen):
    """One link whose load the twin does not explain, Mbit/s."""

    link: str
    predicted: float
    observed: float


class Fidelity(Frozen):
    """How faithful the twin is: 1 when its predictions explain all the load, 0 when they explain none.

    The score is 1 - (sum over links of what |observed - predicted| exceeds three standard errors by) / (sum of the
    larger of both), over the mean of the newest samples, lying counters replaced by what redundancy says. Demands that
    were estimated from these very loads explain them whatever the twin is worth: then it is unknown.
    """

    score: float | None = Field(ge=0, le=1, description="Null where nothing independent of the loads tells.")
    earlier: float | None = Field(description="The same before the newest state, under the inventory; null if unknown.")
    samples: int
    load: float = Field(description="Sum of what the links were asked to carry, Mbit/s.")
    unexplained: float = Field(description="Mbit/s of it that the twin does not explain.")
    worst: tuple[Misfit, ...]

    @property
    def drifting(self) -> bool:
        """Whether the twin explains clearly less than it did."""
        return self.earlier is not None and self.score is not None and self.earlier - self.score > DRIFT


class _Held(NamedTuple):
    """Observed and predicted arrivals of links [m], Mbit/s, and by how much they differ beyond measurement."""

    observed: Floats
    predicted: Floats
    beyond: Floats

    @property
    def load(self) -> float:
        return float(np.maximum(self.observed, self.predicted).sum())

    @property
    def score(self) -> float:
        return 1 - float(self.beyond.sum()) / self.load if self.load > 0 else 1.0


class OtherState(NamedTuple):
    """Another state that the network was in as well, and for which share of the time."""

    share: float
    error: float  # standard error of the share
    state: Network


def fidelity_of(
    observation: Observation,
    state: Network | None = None,
    known: Assessment | None = None,
    turns: Sequence[OtherState] = (),
) -> Fidelity:
    """Hold what was measured against the twin's prediction of `state`, by default the inventory under its traffic.

    `state` must carry the measured matrix; a diagnosis gives one with the fault in it. `known` is the observation's
    assessment, where there is one already. What is measured of a network that was in other states as well, by `turns`,
    is the mean over them all, by the shares that lines, polls and loads tell where they show the turns.
    """
    state, known = state or observation.network, known or assess_observation(observation)
    newest = _held(_as_split(observation, state), state, known, turns)
    return Fidelity(
        score=None if observation.declared.estimated else min(1.0, max(0.0, newest.score)),
        earlier=_earlier(observation),
        samples=observation.samples,
        load=newest.load,
        unexplained=float(newest.beyond.sum()),
        worst=tuple(_worst(observation, newest)),
    )


def _held(observation: Observation, state: Network, known: Assessment, turns: Sequence[OtherState] = ()) -> _Held:
    consensus, dropped = known.consensus, np.nan_to_num(observation.dropped_mbps)
    observed = consensus.sent + dropped
    queue = dropped / np.maximum(observed, 1e-9)
    removed = 1 - (1 - consensus.removed) * (1 - queue)
    seen = replace(observation, network=state)
    if turns and turning(seen):
        return _compared(observed, expected_by_turns(seen, removed), known)
    expect = expected(seen, removed)
    for turn in turns:
        other = expected(observation, removed, _as_in(observation, state, turn.state))
        expect = _mixed(expect, other, turn.share, turn.error)
    return _compared(observed, expect, known)


def _as_in(observation: Observation, state: Network, other: Network) -> Network:
    """Another state as its interfaces were reported; of links that only that one has up, what is reported is of now."""
    lit = np.array([x.up and not y.up for x, y in zip(other.links, state.links, strict=True)])
    near = np.where(lit & np.isfinite(observation.adjacent), 1.0, observation.adjacent)
    return as_reported(other, observation.up | lit, near, two_way=observation.declared.two_way)


def _mixed(one: Expected, other: Expected, share: float, error: float) -> Expected:
    """The mean over two states, `share` of the time in the other, as far as that is known."""
    moved = np.abs(other.arrived - one.arrived)
    return one._replace(
        arrived=(1 - share) * one.arrived + share * other.arrived,
        sigma=np.hypot((1 - share) * one.sigma + share * other.sigma, error * moved),
    )


def _compared(observed: Floats, expect: Expected, known: Assessment) -> _Held:
    seen = np.where(known.consensus.by_demands, expect.arrived, observed)
    beyond = np.maximum(np.abs(seen - expect.arrived) - MEASURABLE * expect.sigma, 0.0)
    return _Held(seen, expect.arrived, beyond)


def _earlier(observation: Observation) -> float | None:
    """The score over the samples before the newest state; None where they do not hold a whole matrix."""
    past: Samples = observation.past.rows(slice(-EARLIER - _BETWEEN, -_BETWEEN))
    if not len(past.time) or not past.demands.known().all():
        return None
    network = observation.inventory.with_demands(past.demands.mean())
    older = observation.past.rows(slice(0, -EARLIER - _BETWEEN))
    before = replace(observation, network=network, window=past, past=older, fallback=())
    return min(1.0, max(0.0, _held(_as_split(before, network), network, assess_observation(before)).score))


def _as_split(observation: Observation, state: Network) -> Observation:
    """The observation with what its own samples tell of how evenly flows split, where nobody declares it."""
    if not observation.declared.splits_told:
        return observation
    told = split_concentration(observation, state)
    return replace(observation, declared=observation.declared.model_copy(update={"concentration": max(told, 1e-9)}))


def _worst(observation: Observation, held: _Held) -> list[Misfit]:
    order = np.argsort(-held.beyond, kind="stable")[:_SHOWN]
    return [
        Misfit(
            link=observation.inventory.links[i].name,
            predicted=round(float(held.predicted[i]), 1),
            observed=round(float(held.observed[i]), 1),
        )
        for i in map(int, order)
        if held.beyond[i] > 0
    ]
