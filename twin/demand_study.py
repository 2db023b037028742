"""What failures do to each demand: how slow it gets, and which failures cut it off."""

from collections.abc import Sequence

import numpy as np
from pydantic import Field

from .model import Floats, Frozen, Ints, Network
from .sim.arrays import compile_network
from .sim.route import delays, route, without
from .sim.simulate import Failure


class DemandCase(Frozen):
    """One demand with everything up and at its worst. Delays are one-way propagation in ms, null without a path."""

    demand: str = Field(description="SOURCE->TARGET.")
    offered: float = Field(description="Mbit/s.")
    delay_ms: float | None
    worst_delay_ms: float | None = Field(description="Longest over the intact network and the failures it survives.")
    worst_failure: str | None = Field(description="The failure causing it; null when the intact state is the worst.")
    cut_by: int = Field(description="Failures that leave it without a path, those of its own ends left out.")
    cut_example: str | None


def study_demands(network: Network, failures: Sequence[Failure]) -> tuple[DemandCase, ...]:
    """Route the network intact and under each failure; demands that are cut come first, then the slowest."""
    arrays = compile_network(network)
    intact = delays(arrays, route(arrays))
    worst, cause = intact.copy(), np.full(intact.shape, -1, dtype=np.int64)
    cuts, example = np.zeros(intact.shape, dtype=np.int64), np.full(intact.shape, -1, dtype=np.int64)
    for position, failure in enumerate(failures):
        arcs, nodes = arrays.arc_of[list(failure.links)], np.array(failure.nodes, dtype=np.int32)
        failed = without(arrays, arcs, nodes)
        reached = delays(failed, route(failed))
        path = np.isfinite(reached)
        slower = path & (reached > worst + 1e-9)
        worst[slower], cause[slower] = reached[slower], position
        cut = ~path & np.isfinite(intact) & np.outer(failed.up, failed.up)
        example[cut & (cuts == 0)] = position
        cuts += cut
    return _cases(network, failures, (intact, worst), (cause, cuts, example))


def _cases(
    network: Network, failures: Sequence[Failure], delay: tuple[Floats, Floats], found: tuple[Ints, Ints, Ints]
) -> tuple[DemandCase, ...]:
    (intact, worst), (cause, cuts, example) = delay, found
    names = [node.name for node in network.nodes]
    cases = [
        DemandCase(
            demand=f"{names[s]}->{names[t]}",
            offered=float(network.offered[s, t]),
            delay_ms=_finite(float(intact[s, t])),
            worst_delay_ms=_finite(float(worst[s, t])),
            worst_failure=failures[int(cause[s, t])].name if cause[s, t] >= 0 else None,
            cut_by=int(cuts[s, t]),
            cut_example=failures[int(example[s, t])].name if example[s, t] >= 0 else None,
        )
        for s, t in np.argwhere(network.offered > 0)
    ]
    return tuple(sorted(cases, key=lambda case: (-case.cut_by, -(case.worst_delay_ms or 0.0), case.demand)))


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
