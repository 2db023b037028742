"""Circuits over which propagation has come to take longer, found from the probes that cross them."""

from collections.abc import Iterator

import numpy as np

from twin.diagnose.effects import Candidate
from twin.diagnose.simulated_hypothesis import SimulatedHypothesis
from twin.faults import Fault, FaultKind
from twin.model import Bools, Floats, Ints
from twin.observe.expect.probing import clear_delays
from twin.observe.readings.observation import Observation

_LEAST_MS, _TOLERANCE = 0.8, 4.0
_MOST_CIRCUITS = 4


def delayed(observation: Observation, judged: SimulatedHypothesis) -> Iterator[Candidate]:
    """Circuits that most of the late probes cross and few of the others; the delay is what those over it are late."""
    probes, expected = observation.probes, judged.readings.delay_ms
    clear = clear_delays(probes, expected, judged.readings.through, judged.observation.declared)
    late_ms = np.where(clear, np.nan_to_num(probes.delay_ms) - np.where(clear, expected, 0.0), 0.0)
    late = late_ms > np.maximum(_LEAST_MS, _TOLERANCE * judged.readings.delay_error_ms)
    if not late.any():
        return
    chosen = np.flatnonzero(clear)
    crosses = _crossing(judged, probes.source[chosen], probes.target[chosen])
    ranked: list[tuple[float, str, float]] = []
    for circuit, positions in judged.state.circuits.items():
        over = crosses[:, list(positions)].any(axis=1)
        hit, missed = int((over & late[chosen]).sum()), int((over & ~late[chosen]).sum())
        if hit:
            fit = hit - 0.5 * missed
            ranked.append((fit, circuit, float(np.quantile(late_ms[chosen][over & late[chosen]], 0.5))))
    ranked.sort(key=lambda entry: (-entry[0], entry[1]))
    for _, circuit, extra in ranked[:_MOST_CIRCUITS]:
        yield Candidate(Fault(kind=FaultKind.LATENCY, element=circuit, severity=extra))


def _crossing(judged: SimulatedHypothesis, source: Ints, target: Ints) -> Bools:
    """Whether each link is on a shortest path of each pair [p, m]."""
    from twin.sim.arrays import FAR, compile_network
    from twin.sim.kernels import shortest_paths

    arrays = compile_network(judged.residuals.prediction.network)
    dist = shortest_paths(arrays).dist  # by target first
    tail, head = arrays.tail[arrays.arc_of], arrays.head[arrays.arc_of]
    weight = arrays.weight[arrays.arc_of]
    whole = dist[target, source][:, None]
    before: Floats | Ints = dist[tail[None, :], source[:, None]]
    after = dist[target[:, None], head[None, :]]
    return np.asarray((whole < FAR) & (before + np.minimum(weight, FAR)[None, :] + after == whole))
