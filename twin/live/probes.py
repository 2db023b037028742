"""Active probes: small packets between node pairs that measure loss and one-way delay end to end."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin.model import Floats, Ints, Network

from .forwarding import Flows, Paths, even_flows, link_ends

PORTS = 16
"""Port numbers that a prober goes through, so that it sees all the equal paths."""
CLOCK_MS = 0.03
"""Standard error of a delay mean: what is left of clock offset between two nodes."""


class ProbeResult(NamedTuple):
    """Share lost and mean one-way delay in ms for each probed pair; NaN where nothing was measured."""

    loss: Floats
    delay_ms: Floats


def probe_flows(network: Network, seed: int) -> Flows:
    """Flows of the probes: every adjacent pair, and as many pairs further apart, drawn."""
    n = len(network.nodes)
    tail, head = link_ends(network)
    adjacent = np.unique(tail * n + head)
    beyond = [i for i, node in enumerate(network.nodes) if node.kind == "exits"]  # nobody sends from there
    from_there = (np.array(beyond, dtype=np.int64)[:, None] * n + np.arange(n)).ravel()
    others = np.setdiff1d(np.arange(n * n), np.concatenate([adjacent, np.arange(n) * (n + 1), from_there]))
    drawn = np.random.default_rng([seed, 5]).permutation(others)[: adjacent.size]
    pairs = np.sort(np.concatenate([adjacent, drawn]))
    return even_flows(pairs // n, pairs % n, PORTS, seed)


def fate(paths: Paths, pairs: Ints, survive: Floats, delay_ms: Floats) -> tuple[Floats, Floats]:
    """What becomes of probes: for each pair in `pairs` the share that arrives and its mean delay in ms, or NaN.

    `survive` is the share of traffic that gets over each link and `delay_ms` what it takes, queue included. [m].
    """
    get_over, takes = np.append(survive, 1.0), np.append(delay_ms, 0.0)
    row = np.searchsorted(pairs, paths.pair)
    arrives = np.where(paths.delivered, get_over[paths.hops].prod(axis=1), 0.0) * paths.share
    through = np.bincount(row, arrives, minlength=pairs.size).clip(0, 1)
    spent = np.bincount(row, arrives * takes[paths.hops].sum(axis=1), minlength=pairs.size)
    return through, np.divide(spent, through, out=np.full(pairs.size, np.nan), where=through > 0)


def measure(through: Floats, mean: Floats, *, packets: int, rng: np.random.Generator) -> ProbeResult:
    """Measure with `packets` packets a pair, 0 for exact results, what becomes of them as `fate` says."""
    if not packets:
        return ProbeResult(1 - through, mean)
    counted = rng.binomial(packets, through)
    noisy = np.maximum(mean + CLOCK_MS * rng.standard_normal(through.size), 0.0)
    return ProbeResult(1 - counted / packets, np.where(counted > 0, noisy, np.nan))


def silence(result: ProbeResult, sender_up: NDArray[np.bool_]) -> ProbeResult:
    """Blank the rows whose sender is down: nobody is there to report them."""
    return ProbeResult(*(np.where(sender_up, column, np.nan) for column in result))
