"""What a network would carry if what it loses on the way, and a plan brings back, came back on its ordinary ways.

A fault that swallows traffic leaves the links behind it light: a filter, a wrong static route, a lossy card. Held
against that network alone, every plan that delivers the traffic again makes some failure "worse", and so would the
repair itself. The measure is therefore the repair of exactly what the plan delivers, and of nothing else: each demand
of which more arrives counts, in that share, as routers would carry it if none of them lost anything; every other one as
it is found. States, capacities, weights, drains and tunnels stay as found. Nothing but the two states goes in, so that
there is no other network for anybody to supply: a fault that was invented gives back no more than the network carries
in truth, and a plan that brings nothing back is excused from nothing.
"""

from dataclasses import replace

import numpy as np

from twin.model import Network
from twin.sim.simulate import Outcome, simulate

_LEAST = 1e-6  # Mbit/s that count as brought back


def loses_on_the_way(network: Network) -> bool:
    """Whether routers or links of a state may lose traffic that has a path."""
    return bool(network.astray) or any(link.loss > 0 for link in network.links)


def brought_back(before: Outcome, after: Outcome) -> Outcome | None:
    """Return the loads of the state before if it delivered what the state after does; None if that is no more.

    Both are under the same failure and the same demands. Loads of different demands add up, so that the two parts are
    simulated apart: what is still missed as it is found, what is brought back where nothing is lost.
    """
    network = before.network
    if not loses_on_the_way(network):
        return None
    less = before.undelivered - after.undelivered
    share = np.divide(less, before.undelivered, out=np.zeros_like(less), where=less > _LEAST)
    if not share.any():
        return None
    back = np.clip(share, 0.0, 1.0) * network.offered
    found = simulate(replace(network, limits=(), demands=network.offered - back))
    links = tuple(link._replace(loss=0.0) for link in network.links)
    told = tuple(x for x in network.astray if x.does == "reflect")  # who tells of exits is no loss
    mended = simulate(replace(network, limits=(), astray=told, links=links, demands=back))
    load = found.load + mended.load
    capacity = np.array([link.capacity for link in network.links])
    return replace(found, network=network, load=load, utilisation=load / capacity)
