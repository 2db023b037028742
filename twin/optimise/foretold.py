"""Which failures are tried first on states that differ little from a network: those that most likely make one worse.

With everything up, a state puts more on some links than the network does. What a failure would do to it is foretold as
what it does to the network, with that much more on top. Nothing is decided by it but the order.
"""

from collections.abc import Sequence

import numpy as np

from twin.gate.checks.stressed import Stressed
from twin.model import Floats, Ints, Network
from twin.sim.arrays import compile_network
from twin.sim.route import route
from twin.sim.superposed import SweptLoads

_KNOWN = 8
"""Failures that told of the states before, and come first: what breaks one state mostly breaks its neighbours."""
_STATES = 3
"""States that are looked at, the first ones: the others mostly break where these do."""
_BLOCK = 1 << 20
"""Loads, of each link under each failure, that are looked at together."""


def foretold(start: Stressed, states: Sequence[Network], telling: Sequence[int], growth: float) -> list[int]:
    """Return the failures of `start`, by position, in the order in which they are tried on states near its network.

    `telling` is the order so far, `growth` what all demands are multiplied by. Where the loads under each failure are
    not known, that order stays.
    """
    if start.summed is None or start.sweep is None:
        return list(telling)
    swept, most = start.summed[1], compile_network(start.network).capacity * start.limit / growth
    allowed = np.maximum(start.sweep.max_utilisation * growth / start.limit, 1.0)
    more = [route(compile_network(x)).load - swept.intact for x in states[:_STATES]]
    ranked = [_breaking(swept, x, most, allowed).tolist() for x in more]
    first = [*telling[:_KNOWN], *(row for rows in zip(*ranked, strict=True) for row in rows)]
    return list(dict.fromkeys((*first, *telling)))


def _breaking(swept: SweptLoads, more: Floats, most: Floats, allowed: Floats) -> Ints:
    """Return all failures, those first that put some arc furthest above what is `allowed` then, in shares of `most`."""
    arcs = np.flatnonzero(more > 1e-6 * most)
    above, size = np.zeros(len(allowed)), max(1, _BLOCK // max(len(arcs), 1))
    for first in range(0, len(above), size):
        load = swept.load[first : first + size, arcs]
        carries = (load > 0) | (swept.intact[arcs] <= 0)  # else it fails, or the failure takes all from it
        above[first : first + size] = np.where(carries, (load + more[arcs]) / most[arcs], 0.0).max(axis=1, initial=0.0)
    return np.argsort(allowed - above, kind="stable")
