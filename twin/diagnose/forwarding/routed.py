"""The simulator's routing of a scene, computed once for as long as its network lives."""

import weakref
from typing import NamedTuple

from twin.model import Network
from twin.sim.arrays import Arrays, compile_network
from twin.sim.route import Routing, route


class Routed(NamedTuple):
    """A compiled network and what it carries."""

    arrays: Arrays
    routing: Routing


_known: dict[int, Routed] = {}


def routed(network: Network) -> Routed:
    """Return the routing of a network, from the last time if there was one."""
    found = _known.get(id(network))
    if found is None:
        arrays = compile_network(network)
        found = _known[id(network)] = Routed(arrays, route(arrays))
        weakref.finalize(network, _known.pop, id(network), None)
    return found
