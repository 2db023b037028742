"""What failures do to each demand: how slow it gets, and which failures cut it off."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from pydantic import Field

from twin.model import Floats, Frozen, Ints, Network
from twin.sim.arrays import FAR, compile_network
from twin.sim.delay import WorstDelays, worst_delays
from twin.sim.kernels import shortest_paths
from twin.sim.route import without
from twin.sim.simulate import Failure, simulate


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
    intact, worst = simulate(network).delay_ms, worst_delays(network, failures)
    return _cases(network, failures, intact, worst, _cuts(network, failures))


class _Cuts(NamedTuple):
    failures: Ints  # [n, n] failures that leave a pair without a path
    example: Ints  # [n, n] the first of them, -1 if none


def _cuts(network: Network, failures: Sequence[Failure]) -> _Cuts:
    arrays = compile_network(network)
    reachable = shortest_paths(arrays).dist < FAR
    cuts = _Cuts(np.zeros(reachable.shape, dtype=np.int64), np.full(reachable.shape, -1, dtype=np.int64))
    for position, failure in enumerate(failures):
        failed = without(arrays, arrays.arc_of[list(failure.links)], np.array(failure.nodes, dtype=np.int32))
        cut = (shortest_paths(failed).dist >= FAR) & reachable & np.outer(failed.up, failed.up)
        cuts.example[cut & (cuts.failures == 0)] = position
        cuts.failures[cut] += 1
    return _Cuts(cuts.failures.T, cuts.example.T)


def _cases(
    network: Network, failures: Sequence[Failure], intact: Floats, worst: WorstDelays, cuts: _Cuts
) -> tuple[DemandCase, ...]:
    names = [node.name for node in network.nodes]
    cases = [
        DemandCase(
            demand=f"{names[s]}->{names[t]}",
            offered=float(network.offered[s, t]),
            delay_ms=_finite(float(intact[s, t])),
            worst_delay_ms=_finite(float(worst.delay_ms[s, t])),
            worst_failure=_name(failures, int(worst.cause[s, t])),
            cut_by=int(cuts.failures[s, t]),
            cut_example=_name(failures, int(cuts.example[s, t])),
        )
        for s, t in np.argwhere(network.offered > 0)
    ]
    return tuple(sorted(cases, key=lambda case: (-case.cut_by, -(case.worst_delay_ms or 0.0), case.demand)))


def _name(failures: Sequence[Failure], position: int) -> str | None:
    return failures[position].name if position >= 0 else None


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
