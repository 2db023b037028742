"""What all planners share of a network: its single failures, and what each of its demands does under them."""

import weakref
from dataclasses import replace
from typing import NamedTuple

from twin.engines.local import Local
from twin.gate.checks.stressed import Stressed, proportion
from twin.model import Network
from twin.sim.simulate import single_failures
from twin.sim.succession import PAYS
from twin.sim.superposed import Superposition, SweptLoads
from twin.sim.walked import astray_adds_up

_ENGINE = Local()


class Unchanged(NamedTuple):
    """A network under its single failures, and what each of its demands does on its own and all do together."""

    start: Stressed
    demands: Superposition
    swept: SweptLoads


_baselines: dict[int, dict[float, Unchanged]] = {}
_beside: dict[int, list[Network]] = {}


def baseline(network: Network, limit: float) -> Unchanged:
    """Return what is known of the network under its single failures; swept once for as long as it lives."""
    if id(network) not in _baselines:
        weakref.finalize(network, _baselines.pop, id(network), None)
    known = _baselines.setdefault(id(network), {})
    if limit not in known:
        # with the network itself kept here, it would never go
        same, failures = replace(network), single_failures(network)
        demands = next((x.demands for x in known.values()), None) or Superposition(same, failures)
        swept = next((x.swept for x in known.values()), None) or _in_proportion(network) or demands.total(_ENGINE)
        # where traffic may circle, demand by demand adds up to nothing: then the state is swept as it is
        quick = demands.sweep(swept, limit) if failures and astray_adds_up(same) else None
        start = Stressed(same, failures, limit, quick, summed=(demands, swept))
        known[limit] = Unchanged(start, demands, swept)
    return known[limit]


def beside(start: Stressed, state: Network) -> Stressed | None:
    """Return a state of the network of `start`, which is its baseline, under the same failures; kept as long as that.

    None where the state can fail in other ways, or where what its demands do does not add up.
    """
    if id(start) not in _beside:
        weakref.finalize(start, _beside.pop, id(start), None)
    states = _beside.setdefault(id(start), [])
    kept = next((x for x in states if x == state), state)
    if single_failures(kept) != start.failures or not astray_adds_up(kept):
        return None
    if kept is state:
        states.append(kept)
    return baseline(kept, start.limit).start


def known_under(network: Network, limit: float) -> tuple[Stressed, ...]:
    """Return what is known of a large network under its failures, and of the states beside it; nothing is found out.

    Small ones are swept as quickly, and to the last bit the same whatever was planned before.
    """
    known = _baselines.get(id(network), {}).get(limit)
    if known is None or not known.start.failures or _is_small(network):
        return ()
    return known.start, *(baseline(x, limit).start for x in _beside.get(id(known.start), ()))


def _is_small(network: Network) -> bool:
    return len(single_failures(network)) * len(network.links) < PAYS


def _in_proportion(network: Network) -> SweptLoads | None:
    """Return what the demands do, where those of the same network in another hour are known that are in proportion.

    Of large networks alone: the others are swept as quickly, and to the last bit the same whatever was planned before.
    """
    if _is_small(network):
        return None
    for known in [x for every in list(_baselines.values()) for x in every.values()]:
        other = known.start.network
        same = all(getattr(other, name) == getattr(network, name) for name in ("links", "nodes", "tunnels", "astray"))
        factor = proportion(other.demands, network.demands) if same and not (other.limits or network.limits) else None
        if factor is not None:
            return known.swept.grown(factor)
    return None
