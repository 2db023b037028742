"""What links carry while circuits go down and come up within a sample: neither of two states, but both by turns.

And something is lost at each turn, until every router has heard of it.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from twin.model import Floats, Network
from twin.observe.readings.observation import Observation
from twin.observe.readings.turning import turning
from twin.observe.readings.with_gaps import mean

from .balance import Expected, at_nodes, expected, link_ends
from .reported import as_reported

_FREEDOM = 4.0  # Student's t: links that another cause moves lose their say
_ROUNDS = 6
_LEAST_FACTOR = 0.01  # of the matrix: what is smaller carries nothing that could be shared out
_UNIFORM = 12.0  # 1 / variance of a share of which nothing is known but that it is one


class TurnLoads(NamedTuple):
    """What each link [m] is asked to carry, Mbit/s: with the circuits up, down, and what it misses until all know."""

    up: Floats
    down: Floats
    missed: Floats


class Shares(NamedTuple):
    """Shares of the time in which the circuits were out of routing, and took traffic all the same, with covariance."""

    down: float
    lost: float
    covariance: Floats  # [2, 2]

    def mean(self, of: TurnLoads) -> Floats:
        """Loads in the mean over the states, Mbit/s [m]."""
        return of.up + self.down * (of.down - of.up) - self.lost * of.missed

    def error(self, of: TurnLoads) -> Floats:
        """Standard error of the mean that comes from not knowing the shares, Mbit/s [m]."""
        moves = np.stack([of.down - of.up, -of.missed])
        return np.sqrt(np.maximum(np.einsum("im,ij,jm->m", moves, self.covariance, moves), 0.0))


def missed(before: Floats, after: Floats, links: Sequence[int]) -> Floats:
    """What each link [m] lacks, Mbit/s, while `links` are dark and their routers still send over them.

    `before` and `after` are the loads with these links as they were, and with all lost that is sent over them.
    """
    lacks = np.maximum(before - after, 0.0)
    lacks[list(links)] = before[list(links)]
    return lacks


def fitted(measured: Floats, sigma: Floats, of: TurnLoads, told: float, *, scaled: bool = False) -> Shares:
    """Fit the shares to the arrivals `measured` [m], Mbit/s, that are off by `sigma` [m], by robust least squares.

    `told` is the share of the time down as lines or polls have it: the fit starts there, knowing no more than that it
    is a share; what is lost at turns is part of that time. With `scaled` the whole matrix may be off by a factor as
    well, which is left for others to judge: it is none of the shares.
    """
    known = np.isfinite(measured)
    moves = [of.down - of.up, -of.missed, *([of.up] if scaled else [])]
    design = np.stack([np.where(known, x, 0.0) / sigma for x in moves], axis=1)
    goal = np.where(known, measured - of.up, 0.0) / sigma
    prior = np.diag([_UNIFORM, _UNIFORM / max(told, 1 / _UNIFORM) ** 2, *([1e-9] if scaled else [])])
    pull = prior @ np.array([told, 0.0, *([0.0] if scaled else [])])
    weight, found, normal = np.ones(goal.size), np.zeros(len(moves)), prior
    for _ in range(_ROUNDS):
        normal = (design * weight[:, None]).T @ design + prior
        found = np.linalg.solve(normal, (design * weight[:, None]).T @ goal + pull)
        weight = (_FREEDOM + 1) / (_FREEDOM + (goal - design @ found) ** 2)
    spread = 1.4826 * float(np.median(np.abs(goal - design @ found)[known])) if known.any() else 1.0
    factor = max(1 + float(found[2]), _LEAST_FACTOR) if scaled else 1.0
    covariance = (np.linalg.inv(normal)[:2, :2] * (max(1.0, spread) / factor) ** 2).astype(np.float64)
    down = float(np.clip(found[0] / factor, 0.0, 1.0))
    return Shares(down, float(np.clip(found[1] / factor, 0.0, 1 - down)), covariance)


def expected_by_turns(observation: Observation, removed: Floats) -> Expected:
    """Route the measured demands as `expected` does, in the mean over the states that flapping circuits were in."""
    turned = turning(observation)
    if not turned:
        return expected(observation, removed)
    network = observation.network
    links = [i for x in turned for i in network.circuits[x.circuit]]
    lit, dark = _as_read(observation, links, up=True), _as_read(observation, links, up=False)
    one, other = (expected(observation, removed, x) for x in (lit, dark))
    nothing = removed.copy()
    nothing[links] = 1.0
    of = TurnLoads(one.arrived, other.arrived, missed(one.arrived, expected(observation, nothing, lit).arrived, links))
    told = sum(x.down for x in turned) / len(turned)
    shares = fitted(mean(observation.arrived_mbps), one.sigma, of, told, scaled=True)
    arrived, error, ends = shares.mean(of), shares.error(of), link_ends(network)
    n = len(network.nodes)
    lost = shares.lost * of.missed
    net = (1 - shares.down) * one.net + shares.down * other.net
    net += at_nodes(ends.head, lost, n) - at_nodes(ends.tail, lost, n)
    spread = at_nodes(ends.tail, error**2, n) + at_nodes(ends.head, error**2, n)
    return one._replace(
        arrived=arrived,
        sigma=np.hypot((1 - shares.down) * one.sigma + shares.down * other.sigma, error),
        net=net,
        net_sigma=np.sqrt(np.maximum(one.net_sigma, other.net_sigma) ** 2 + spread),
    )


def _as_read(observation: Observation, links: Sequence[int], *, up: bool) -> Network:
    """The inventory under the measured matrix, as interfaces are reported but for `links`, which are in one state."""
    chosen = np.isin(np.arange(len(observation.network.links)), links)
    near = np.where(chosen, float(up), observation.adjacent)
    state = observation.network
    if up:
        lit = (x._replace(up=True) if mine else x for x, mine in zip(state.links, chosen, strict=True))
        state = replace(state, links=tuple(lit))
    return as_reported(state, observation.up | chosen, near, two_way=observation.declared.two_way)
