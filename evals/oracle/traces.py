"""Whether a fault shows at all: by how many standard errors it moves the reading that it moves the most.

What moves nothing by more than `MOVED` of them is beyond any diagnosis that reads the telemetry, and is counted apart.
"""

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np

from twin.faults import Fault, FaultKind
from twin.live.emulated import EmulatedNetwork
from twin.live.network import Flags, Telemetry
from twin.live.sensors import Noise
from twin.model import Floats, Network

MOVED = 5.0
"""Standard errors by which a fault must move a reading for anybody to see it."""
EQUAL = frozenset({FaultKind.ECMP_MISSING, FaultKind.ECMP_STALE})
"""Kinds that move flows between equal paths, as hashing them does: what they move less than that shows nowhere."""
_HASHED, _NOON = 8, datetime(2026, 3, 2, 12, tzinfo=UTC)
_MISSED = 3  # readings missing on one side alone that count as seen


def shown(fault: Fault, inventory: Network, telemetry: Telemetry, without: Telemetry, *, samples: int) -> float:
    """Standard errors by which the reading moves that shows a fault the best, in the newest samples.

    `without` is the same stretch of time without this fault; `inventory` what the twin is told the network is.
    """
    if fault.kind is FaultKind.WRONG_CAPACITY:
        return recorded(inventory, telemetry, fault.element)
    if fault.kind in EQUAL:
        return beyond_hashing(inventory, telemetry, without, samples)
    return moved(telemetry, without, samples)


def moved(one: Telemetry, other: Telemetry, samples: int) -> float:
    """Standard errors by which the reading differs that differs the most, in the newest samples. Logs do not count."""
    times = np.unique(one.links.time)
    since, mistimed = times[-samples], _mistimed(times)
    links, i, p, t, f = (x[0] >= since for x in (one.links, one.interfaces, one.probes, one.traffic, one.flows))
    counters = [
        _apart(a[links], b[links], lambda x: 1.0 + np.hypot(0.005, mistimed) * x)
        for a, b in zip(one.links[2:5], other.links[2:5], strict=True)
    ]
    flags = [
        float((a[chosen] != b[chosen]).any()) * 100
        for a, b, chosen in (
            (one.links.up, other.links.up, links),
            (one.interfaces.adjacent, other.interfaces.adjacent, i),
            (one.nodes.answered, other.nodes.answered, one.nodes.time >= since),
        )
    ]
    rest = [
        _apart(one.interfaces.errors_per_s[i], other.interfaces.errors_per_s[i], lambda x: 1.0 + 0.05 * x),
        _apart(one.probes.loss[p], other.probes.loss[p], lambda x: 0.006 + 0.05 * x),
        _apart(one.probes.delay_ms[p], other.probes.delay_ms[p], lambda x: 0.15 + 0.02 * x),
        _apart(one.traffic.mbps[t], other.traffic.mbps[t], lambda x: 5.0 + 0.2 * x),
        _apart(_exported(one, t), _exported(other, t), lambda x: 5.0 + 0.008 * x),
        _apart(one.flows.packets_per_s[f], other.flows.packets_per_s[f], lambda x: 5000 + 0.2 * x),
    ]
    return max(*counters, *flags, *rest)


def _exported(telemetry: Telemetry, chosen: Flags) -> Floats:
    """Mbit/s that each node exports in sum over the chosen rows."""
    traffic = telemetry.traffic
    return np.bincount(traffic.source[chosen], np.nan_to_num(traffic.mbps[chosen])).astype(np.float64)


def recorded(inventory: Network, telemetry: Telemetry, circuit: str) -> float:
    """Standard errors by which loads contradict the capacity recorded of a circuit: above it, or full well below it."""
    here, times = list(inventory.circuits[circuit]), np.unique(telemetry.links.time)
    newest = telemetry.links.time == times[-1]
    capacity = np.array([inventory.links[i].capacity for i in here])
    sent, dropped = (np.nan_to_num(x[newest][here]) for x in (telemetry.links.out_mbps, telemetry.links.dropped_mbps))
    error = np.hypot(0.002 * capacity, _mistimed(times) * sent)
    above, below = (sent - capacity) / error, np.where(dropped > 0.01 * sent, (capacity - sent) / error, 0.0)
    return float(max(above.max(initial=0.0), below.max(initial=0.0)))


def _mistimed(times: Floats) -> float:
    """Share by which a rate is off between two readings that each come up to `Noise.read_jitter_s` late."""
    return float(Noise().read_jitter_s / np.sqrt(6) / (times[-1] - times[-2]))


def _apart(one: Floats, other: Floats, error: Callable[[Floats], Floats]) -> float:
    both = np.isfinite(one) & np.isfinite(other)
    if ((np.isnan(one) ^ np.isnan(other)).mean() if one.size else 0.0) * one.size >= _MISSED:
        return 100.0
    score = np.abs(one - other)[both] / error(np.abs(other[both]))
    return float(score.max(initial=0.0))


def beyond_hashing(network: Network, one: Telemetry, other: Telemetry, samples: int) -> float:
    """Standard errors by which the load of some link differs, in the newest samples, beyond what hashing moves anyhow.

    Which flows go which of equal paths is chance: how far it moves a load is measured on networks that differ in their
    flows alone.
    """
    since = np.unique(one.links.time)[-samples]
    rates = [x.links.out_mbps[x.links.time >= since].reshape(samples, -1).mean(axis=0) for x in (one, other)]
    loads: list[Floats] = []
    for seed in range(_HASHED):
        live = EmulatedNetwork(network, seed=seed, start=_NOON, noise=Noise.off())
        live.wait(1)
        loads.append(live.read_telemetry(_NOON).links.out_mbps)
    level = np.maximum(np.mean(loads, axis=0), 1e-9)
    error = np.hypot(1.0 + 0.005 * rates[1], np.std(loads, axis=0, ddof=1) / level * rates[1])
    apart = np.abs(rates[0] - rates[1]) / error
    return float(np.nan_to_num(apart).max(initial=0.0))
