"""Exits for a network that comes without: where it meets others, and how much of its traffic leaves by them."""

from dataclasses import replace

import numpy as np

from twin.model import Network

from .exits import ExitGroup, with_groups

_BEYOND = 0.4
"""Share of the traffic that leaves the network."""
_SHARES = {"transit": 0.6, "content": 0.4}
_MANY = 8  # routers from which on there are three places instead of two


def with_drawn_exits(network: Network, *, seed: int, capacity: float) -> Network:
    """Return the network with two groups of exits at two or three routers, drawn by the seed, and traffic to them.

    `capacity`, Mbit/s, is of each exit. `transit` is met everywhere, `content` at the first two places. What routers
    send to each other falls by what they send beyond. A network that has exits keeps its own. Raises `FormatError`
    where a router has the name of a group.
    """
    if network.exits:
        return network
    names = [x.name for x in network.nodes]
    drawn = np.random.default_rng([seed, 65_000]).permutation(len(names))[: 3 if len(names) >= _MANY else 2]
    at = [name for i, name in enumerate(names) if i in drawn]
    places = {"transit": at, "content": at[:2]}
    groups = [ExitGroup(group, dict.fromkeys(where, 1), capacity) for group, where in places.items()]
    found = with_groups(network, groups)
    n, demands = len(names), found.demands * (1 - _BEYOND)
    for group, share in _SHARES.items():
        demands[:n, found.node(group)] = _BEYOND * share * network.demands.sum(axis=1)
    return replace(found, demands=demands)
