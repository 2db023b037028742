"""How each demand grows, told from how links grow: what all have in common, and what is a node's or a pair's own.

The growth of a link is the mean of the growths of the demands on it, each weighted by what it carries there. There are
more demands than links, so that most of what is told of one demand is what it shares with others: growths are taken to
differ by what a node sends, what it receives and what is a pair's own, a third of the variance each. How much they
differ at all is told by how much links differ beyond their own errors (Paule, Mandel 1982), and what that may be off
for so few links (Q-profile, Viechtbauer 2007); growths are the best linear ones under that variance (universal kriging;
Matheron 1969). Where links differ by no more than their errors, all demands grow alike.

Demands that were measured themselves tell of their own growth, each as a link would that carries nothing else: what one
of them has little history of, or much noise, is drawn towards what its ends and all of them tell.
"""

from typing import NamedTuple

import numpy as np

from twin.model import Floats, Network
from twin.sim.arrays import compile_network
from twin.sim.kernels import shortest_paths

from .fractions import ecmp_fractions

MOST = 2_000_000
"""Nodes squared times links up to which growth is told by demand: some 70 nodes; beyond that all demands grow alike."""
MOST_MEASURED = 300
"""Measured demands, the largest ones, that tell of growth; the time that this takes rises with their third power."""
_DRAWS, _GRID, _FINEST = 60, 24, 1e-3
_LEAST_LINKS = 3
_PARTS = 3.0


class DemandGrowth(NamedTuple):
    """Logarithms of growth a year of each demand [n, n]: the likely one, its error, and what it may be [D, n, n]."""

    likely: Floats
    error: Floats
    draws: Floats


class _Links(NamedTuple):
    """Of K links: the share of each demand in what they carry [K, n, n], their growth and its error [K]."""

    share: Floats
    growth: Floats
    error: Floats

    @property
    def likeness(self) -> Floats:
        """How much alike the growths of two links are for a variance of 1 among demands [K, K]."""
        sent, received = self.share.sum(axis=2), self.share.sum(axis=1)
        own = self.share.reshape(len(self.share), -1)
        return (sent @ sent.T + received @ received.T + own @ own.T) / _PARTS


def growth_of_demands(network: Network, growth: Floats, error: Floats, *, seed: int = 0) -> DemandGrowth | None:
    """Tell how each demand grows from the logarithms of growth of links, and their standard errors [m]; NaN for none.

    None where they grow alike as far as can be told, where the network is too large, and where traffic is not all on
    shortest paths: with tunnels and rate limits.
    """
    n, m = len(network.nodes), len(network.links)
    if n * n * m > MOST or network.tunnels or network.limits or network.astray:
        return None
    return _grown_by(_links(network, growth, error), seed)


def growth_of_measured(network: Network, growth: Floats, error: Floats, *, seed: int = 0) -> DemandGrowth | None:
    """Tell how each demand grows from the logarithms of growth of demands, and their standard errors [n, n].

    NaN for what was not measured. None where they grow alike as far as can be told, or too few were measured.
    """
    n = len(network.nodes)
    told = np.argwhere(np.isfinite(growth) & np.isfinite(error) & (network.demands > 0))
    largest = np.argsort([-network.demands[s, t] for s, t in told.tolist()], kind="stable")[:MOST_MEASURED]
    share = np.zeros((len(largest), n, n))
    s, t = told[largest].T if len(largest) else (np.zeros(0, np.int64),) * 2
    share[np.arange(len(largest)), s, t] = 1.0
    return _grown_by(_Links(share, growth[s, t], np.maximum(error[s, t], 1e-6)), seed)


def _grown_by(links: "_Links", seed: int) -> DemandGrowth | None:
    if len(links.growth) < _LEAST_LINKS:
        return None
    spread = _spread(links)
    most = len(links.growth) - 1
    variance = spread.where(float(most))
    if variance <= 0:
        return None
    rng = np.random.default_rng(seed)
    likely = _told(links, spread.weight(variance), variance, links.growth)
    draws = np.array([_drawn(links, spread, spread.where(float(x)), rng) for x in rng.chisquare(most, _DRAWS)])
    return DemandGrowth(likely, draws.std(axis=0), draws)


def _links(network: Network, growth: Floats, error: Floats) -> _Links:
    arrays = compile_network(network)
    share = ecmp_fractions(arrays, shortest_paths(arrays)).share[:, :, arrays.arc_of]  # by target, source, link
    carried: Floats = share.transpose(2, 1, 0) * network.offered
    load = carried.sum(axis=(1, 2))
    told = np.isfinite(growth) & np.isfinite(error) & (load > 0)
    return _Links(carried[told] / load[told][:, None, None], growth[told], np.maximum(error[told], 1e-6))


class _Spread(NamedTuple):
    """How far links are apart, in their own errors and those of a variance among demands, for some variances."""

    likeness: Floats  # [K, K]
    errors: Floats  # [K, K]
    variances: Floats  # from 0 up
    apart: Floats  # at each of them, falling

    def weight(self, variance: float) -> Floats:
        """The inverse of what growths of links vary [K, K]."""
        return np.linalg.inv(variance * self.likeness + self.errors).astype(np.float64)

    def where(self, apart: float) -> float:
        """The variance with which links are so far apart; 0 where they are no farther than by their errors."""
        return float(np.interp(-apart, -self.apart, self.variances))


def _spread(links: _Links) -> _Spread:
    likeness, errors = links.likeness, np.diag(links.error**2)
    scale = max(float(links.growth.var()), float((links.error**2).mean()))
    variances = np.concatenate([[0.0], scale * np.geomspace(_FINEST, 1 / _FINEST, _GRID)])

    def apart(variance: float) -> float:
        weight = np.linalg.inv(variance * likeness + errors)
        rest = links.growth - float((weight @ links.growth).sum() / weight.sum())
        return float(rest @ weight @ rest)

    return _Spread(likeness, errors, variances, np.array([apart(float(x)) for x in variances]))


def _told(links: _Links, weight: Floats, variance: float, growth: Floats) -> Floats:
    """Best linear growths [n, n] for those of the links, with a common one that is not known."""
    total = weight.sum(axis=0)
    common = float(total @ growth) / float(total.sum())
    rest = np.tensordot(weight @ (growth - common), links.share, axes=1)
    return common + variance / _PARTS * (rest.sum(axis=1)[:, None] + rest.sum(axis=0)[None, :] + rest)


def _drawn(links: _Links, spread: _Spread, variance: float, rng: np.random.Generator) -> Floats:
    """One of the growths that may be: a draw from that variance, put right by what the links tell beside its own."""
    n, deviation = links.share.shape[1], np.sqrt(variance / _PARTS)
    free = deviation * (rng.standard_normal((n, 1)) + rng.standard_normal((1, n)) + rng.standard_normal((n, n)))
    seen = (links.share * free).sum(axis=(1, 2)) + links.error * rng.standard_normal(len(links.error))
    return free + _told(links, spread.weight(variance), variance, links.growth - seen)
