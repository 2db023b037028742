"""How far traffic may grow, all demands alike, before a link is over its limit."""

from collections.abc import Sequence
from dataclasses import replace
from math import inf
from typing import NamedTuple

from twin.model import Floats, Network
from twin.sim.simulate import Failure, Outcome, simulate

_EXACT = 1e-9


class GrowthHeadroom(NamedTuple):
    """The largest factor on every demand that keeps all links within the limit, and what stops it there."""

    factor: float  # inf where no growth fills a link
    link: str | None  # the first link that is over the limit beyond it
    failure: str | None  # the failure under which it is, None in the intact state


class _Peak(NamedTuple):
    utilisation: float
    link: str | None
    failure: str | None


def growth_headroom(
    network: Network, *, limit: float = 1.0, failures: Sequence[Failure] = (), known: Outcome | None = None
) -> GrowthHeadroom:
    """Find the growth factor up to which every link stays within `limit`, a share of capacity, under every failure too.

    Routing does not look at load, so that loads grow in proportion and the factor is exact. Rate-limited demands grow
    up to their limits only; then the factor is found by bisection to 1e-9. `known` is what the network carries under
    these failures, where somebody has simulated that already.
    """
    unlimited = replace(network, limits=())
    peak = _peak_of(known) if known is not None and not network.limits else _peak(unlimited, failures)
    factor = _ratio(limit, peak)
    if not network.limits or factor == inf:
        return GrowthHeadroom(factor, peak.link, peak.failure)
    high = _most(network, limit, failures)
    if high == inf:
        return GrowthHeadroom(inf, None, None)
    return _between(network, limit, failures, factor, high)


def _most(network: Network, limit: float, failures: Sequence[Failure]) -> float:
    """Factor beyond which a link is certainly over the limit: by the demands without a rate limit, or all at theirs."""
    free, saturated, full = network.demands.copy(), network.demands.copy(), 1.0
    for entry in network.limits:
        pair = network.node_index[entry.source], network.node_index[entry.target]
        if free[pair] > 0:
            full = max(full, entry.limit / free[pair])
            free[pair], saturated[pair] = 0.0, entry.limit
    peak = _peak(network.with_demands(free), failures)
    if peak.utilisation > 0:
        return _ratio(limit, peak) * (1 + _EXACT)
    return inf if _peak(network.with_demands(saturated), failures).utilisation <= limit else full


def _between(network: Network, limit: float, failures: Sequence[Failure], low: float, high: float) -> GrowthHeadroom:
    stop = _peak(_grown(network, high), failures)
    while high - low > _EXACT * high:
        middle = (low + high) / 2
        peak = _peak(_grown(network, middle), failures)
        if peak.utilisation > limit:
            high, stop = middle, peak
        else:
            low = middle
    return GrowthHeadroom(low, stop.link, stop.failure)


def _grown(network: Network, factor: float) -> Network:
    grown: Floats = network.demands * factor
    return network.with_demands(grown)


def _peak(network: Network, failures: Sequence[Failure]) -> _Peak:
    return _peak_of(simulate(network, failures=failures))


def _peak_of(outcome: Outcome) -> _Peak:
    network = outcome.network
    sweep = outcome.sweep
    if sweep is None or not len(sweep.worst_utilisation):
        return _Peak(outcome.max_utilisation, outcome.busiest, None)
    link = int(sweep.worst_utilisation.argmax())
    cause, utilisation = int(sweep.worst_failure[link]), float(sweep.worst_utilisation[link])
    name = network.links[link].name if utilisation > 0 else None
    return _Peak(utilisation, name, sweep.failures[cause].name if cause >= 0 else None)


def _ratio(limit: float, peak: _Peak) -> float:
    return limit / peak.utilisation if peak.utilisation > 0 else inf
