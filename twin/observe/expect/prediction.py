"""What the twin says that each link should be asked to carry, and how far off an honest measurement may be.

The prediction is conditioned on what was measured to get lost on the way (full queues, bad links), so that it tests
routing and traffic alone: a drop upstream is no surprise downstream.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from twin.live.declared import Declaration
from twin.model import Floats, Ints, Network

if TYPE_CHECKING:
    from twin.sim.arrays import Arrays
    from twin.sim.kernels import Expectation
    from twin.sim.route import Routing

_FULL = 0.95  # of capacity, on the mean of a sample: within it the queue fills up time and again
_FULL_MS = 250.0  # buffers are sized to hold a round trip (Villamizar and Song, 1994): a full one holds about that
_WAIT_MS = 0.02  # below it no probe tells a queue from nothing


class Prediction(NamedTuple):
    """m links, p pairs that were asked for: matrices of all pairs of every state would fill the memory."""

    arrived: Floats  # [m] Mbit/s that want to leave by each link
    sigma: Floats  # [m] standard error of the measured minus the predicted arrivals, Mbit/s
    delay_ms: Floats  # [p] one-way propagation; inf where there is no path
    delay_spread_ms: Floats  # [p] by which the paths of a pair differ, of equal cost or of its tunnel
    survival: Floats  # [p] share of packets that arrive; NaN for pairs in a tunnel
    hashed: Floats  # [m] standard error, part of `sigma`, that hashing whole flows to equal paths adds, Mbit/s
    network: Network  # the state that was simulated: the losses of its links are the measured ones
    queue_ms: Floats  # [p] mean wait in the queues on the way, 0 where no link makes packets wait to speak of


class ExportNoise(NamedTuple):
    """What measuring adds: variance of the flow export per Mbit/s of load on each link [m], errors of the counters."""

    per_mbps: Floats
    reading: float  # relative standard error of a mean rate: its first and last reading are each off in time
    declared: Declaration


def export_noise(
    network: Network, removed: Floats, declared: Declaration, *, samples: int, interval_s: float
) -> ExportNoise:
    """Propagate the error of the measured matrix to the links: one more simulation, of variances instead of rates."""
    demands = network.offered
    variance = ((declared.export_error * demands) ** 2 + declared.sampled_mbit / interval_s * demands) / samples
    lossy = conditioned(network, removed)
    unlimited = replace(lossy, limits=()) if lossy.limits else lossy
    on_links, load = _loads(unlimited.with_demands(variance)), _loads(lossy)
    overall = float(on_links.sum() / load.sum()) if load.any() else 0.0
    per_mbps = np.divide(on_links, load, out=np.full(load.size, overall), where=load > 0)
    return ExportNoise(per_mbps, np.sqrt(2) * declared.read_s / (interval_s * samples), declared)


def _loads(network: Network) -> Floats:
    from twin.sim.arrays import compile_network
    from twin.sim.route import route

    arrays = compile_network(network)
    return route(arrays).load[arrays.arc_of]


Pairs = tuple[Ints, Ints]
"""Positions of the sources and the targets of some pairs, [p] each."""
_NO_PAIRS: Pairs = (np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))


def predict(
    network: Network,
    removed: Floats,
    noise: ExportNoise,
    *,
    pairs: Pairs = _NO_PAIRS,
    hashing: float = 1.0,
    carried: Floats | None = None,
) -> Prediction:
    """Simulate `network` with the share `removed` [m] of each link's traffic taken off on the way.

    Of `pairs`, those that are probed, it is told what becomes of a packet.

    `hashing` is the standard error that flows hashed to equal paths cause here, as a multiple of the stated one.
    `carried` [K, m] is what samples show to have arrived at each link, Mbit/s: queues are those of what is carried,
    also where it is more than predicted.
    """
    from twin.sim.arrays import compile_network
    from twin.sim.route import route

    from .splits import split_squares

    lossy = conditioned(network, removed)
    arrays = compile_network(lossy)
    routing = route(arrays)
    arrived = routing.load[arrays.arc_of]
    variance = noise.declared.unexported_mbps**2 + (noise.reading * arrived) ** 2 + noise.per_mbps * arrived
    hashed = hashing**2 * noise.declared.concentration * split_squares(arrays, routing.paths)[arrays.arc_of]
    waits = _waits(arrays, routing.load, carried, noise.declared.packet_bits)
    fates = _fates(lossy, arrays, routing, pairs, waits) if len(pairs[0]) else _Fates(*[np.zeros(0)] * 4)
    return Prediction(
        arrived,
        np.sqrt(variance + hashed),
        fates.delay_ms,
        fates.delay_spread_ms,
        fates.survival,
        np.sqrt(hashed),
        lossy,
        fates.queue_ms,
    )


class _Fates(NamedTuple):
    """What becomes of a packet of each pair [p]; as in `Prediction`."""

    delay_ms: Floats
    delay_spread_ms: Floats
    survival: Floats
    queue_ms: Floats


def _fates(network: Network, arrays: "Arrays", routing: "Routing", pairs: Pairs, waits: Floats) -> _Fates:
    from twin.sim.astray import arriving
    from twin.sim.kernels import expect

    from .path_delays import delay_spread, towards

    by_target = pairs[1], pairs[0]
    if not (arrays.astray or arrays.tunnels.source.size):
        routing = routing._replace(paths=towards(arrays, routing.paths, pairs))
    expected = expect(arrays, routing.paths)
    survival = arriving(network, arrays, routing.paths, expected.survival)
    survival[arrays.tunnels.target, arrays.tunnels.source] = np.nan
    queue_ms = np.zeros(len(pairs[0]))
    if waits.max(initial=0.0) > _WAIT_MS:
        waiting = arrays._replace(delay=waits)
        queue_ms = np.nan_to_num(_end_to_end(waiting, routing, expect(waiting, routing.paths))[by_target], posinf=0.0)
    delay_ms = _end_to_end(arrays, routing, expected)[by_target]
    spread_ms = delay_spread(arrays, routing.paths, routing.used)[by_target]
    return _Fates(delay_ms, spread_ms, survival[by_target], queue_ms)


def _end_to_end(arrays: "Arrays", routing: "Routing", expected: "Expectation") -> Floats:
    """Mean of the links' `delay` over the paths of each pair, ms by target first [n, n]; inf where there is none."""
    from twin.sim.astray import diverted_delays
    from twin.sim.route import demand_delays

    if len(arrays.tunnels.source):
        return demand_delays(arrays, routing.paths, routing.used).mean.T
    return diverted_delays(arrays, routing.paths, expected.delay) if arrays.astray else expected.delay


def _waits(arrays: "Arrays", load: Floats, carried: Floats | None, packet_bits: float) -> Floats:
    """Mean wait at each arc, ms: of the predicted load, or in the mean of the samples where they show more."""
    loads = load[None, :]
    if carried is not None:
        loads = np.repeat(loads, len(carried), axis=0)
        loads[:, arrays.arc_of] = np.fmax(loads[:, arrays.arc_of], carried)
    return queue_waits(loads, arrays.capacity, packet_bits).mean(axis=0)


def queue_waits(load: Floats, capacity: Floats, packet_bits: float) -> Floats:
    """Mean wait in each queue, ms: M/D/1, rho / (2 (1 - rho)) times what a packet takes to send.

    One that is all but full may hold its whole buffer: how much that is nobody says, and it can go on without a loss.
    """
    busy = load / capacity
    part = np.minimum(busy, _FULL)
    return np.where(busy < _FULL, part / (2 * (1 - part)) * packet_bits / (capacity * 1e3), _FULL_MS)


def conditioned(network: Network, removed: Floats) -> Network:
    """Return the network with the loss of every link set to the share `removed` [m]."""
    if all(link.loss == share for link, share in zip(network.links, removed, strict=True)):
        return network
    pairs = zip(network.links, removed.tolist(), strict=True)
    links = (link if link.loss == share else link._replace(loss=share) for link, share in pairs)
    return replace(network, links=tuple(links))


def hashing_variance(network: Network, concentration: float) -> Floats:
    """Variance [m] of link loads, (Mbit/s)^2, because flows are hashed whole to equal paths; 0 where none splits.

    A demand d with flow shares p_i puts f d on a link on average; when each flow takes the link with probability f, the
    variance is f (1 - f) d^2 sum p_i^2. The bound used is f d^2 sum p_i^2 over the demands that have been split.
    `concentration` is the sum of the p_i^2.
    """
    from twin.sim.arrays import compile_network
    from twin.sim.remembered import remembered_paths

    from .splits import split_squares

    arrays = compile_network(network)
    return concentration * split_squares(arrays, remembered_paths(arrays))[arrays.arc_of]
