"""What can be measured of the emulated network: counters, polls, probes, flow export. Truth in, samples out."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from twin.model import Floats, Ints

from .counters import CounterBank
from .network import Flags
from .plane import DataPlane
from .probes import ProbeResult, measure, silence
from .queues import PACKET_BITS, Carried
from .traffic import Swing


@dataclass(frozen=True)
class Noise:
    """How far traffic strays from its profile and measurements from the truth; `Noise.off()` has neither."""

    swing: Swing = field(default_factory=Swing)
    flow_life_s: float = 1800.0  # mean life of a flow, after which another one takes its place; 0 for ever
    read_jitter_s: float = 1.0  # how old a counter may be when it is read
    missed_reads: float = 0.001  # share of interface polls without an answer
    missed_polls: float = 0.0002  # share of node polls without an answer from a node that is up
    export_error: float = 0.02  # relative error of flow export for the largest flows
    sampling: int = 4000  # flow export sees one packet in this many; 0 sees all
    probe_packets: int = 300  # packets per pair and interval; 0 for exact results
    chatter_per_day: float = 4.0  # meaningless syslog lines per router

    @classmethod
    def off(cls) -> "Noise":
        """Traffic exactly at its daily profile, measured exactly: what is left is the hashing of flows."""
        return cls(Swing(0.0, 7200.0, 0.0), 0.0, 0.0, 0.0, 0.0, 0.0, 0, 0, 0.0)


class Sample(NamedTuple):
    """One interval as measured, NaN where missing. m links, n nodes, k pairs with a demand, p probed pairs."""

    time: float  # the interval's end, epoch seconds
    out_mbps: Floats  # [m]
    in_mbps: Floats  # [m]
    dropped_mbps: Floats  # [m]
    up: Flags  # [m]
    answered: Flags  # [n]
    probe_loss: Floats  # [p]
    probe_delay_ms: Floats  # [p]
    export_mbps: Floats  # [k]


class Sensors:
    """Everything that measures: keeps the counters, and draws the errors of each interval from its own generator."""

    def __init__(self, noise: Noise, interval_s: float, seed: int, *, links: int, pairs: Ints, probed: Ints) -> None:
        self._noise, self._interval_s, self._seed = noise, interval_s, seed
        self._pairs, self._probed = pairs, probed
        self._out, self._in, self._dropped = (
            CounterBank(links, [seed, 7, number], interval_s, noise.read_jitter_s) for number in range(3)
        )

    def measure(self, plane: DataPlane, carried: Carried, offered: Floats, *, time: float, tick: int) -> Sample:
        """Measure one interval in which the data plane carried this. `offered` is Mbit/s [n, n]."""
        rng = np.random.default_rng([self._seed, 8, tick])
        (tail, head), m = plane.ends, plane.capacity.size
        answered = plane.node_up & (rng.random(plane.node_up.size) >= self._noise.missed_polls)
        at_tail = answered[tail] & (rng.random(m) >= self._noise.missed_reads)
        at_head = answered[head] & (rng.random(m) >= self._noise.missed_reads)
        age_tail, age_head = rng.random(m), rng.random(m)
        probes = self._probe(plane, carried, rng)
        return Sample(
            time,
            self._out.poll(carried.sent, age_tail, at_tail),
            self._in.poll(carried.received, age_head, at_head),
            self._dropped.poll(carried.arrived - carried.sent, age_tail, at_tail),
            plane.oper,
            answered,
            probes.loss,
            probes.delay_ms,
            self._export(plane, offered, rng),
        )

    def _probe(self, plane: DataPlane, carried: Carried, rng: np.random.Generator) -> ProbeResult:
        packets, n = self._noise.probe_packets, plane.node_up.size
        survive, takes = plane.survive(carried), plane.takes_ms(carried)
        result = measure(plane.probes, self._probed, survive, takes, packets=packets, rng=rng)
        return silence(result, plane.node_up[self._probed // n])

    def _export(self, plane: DataPlane, offered: Floats, rng: np.random.Generator) -> Floats:
        """Flow export counts one packet in `sampling`: Poisson, so that small flows are known less well."""
        true, error = offered.ravel()[self._pairs], rng.standard_normal(self._pairs.size)
        mbps_per_packet = max(self._noise.sampling, 1) * PACKET_BITS / 1e6 / self._interval_s
        counted = rng.poisson(true / mbps_per_packet) * mbps_per_packet if self._noise.sampling else true
        measured = counted * np.maximum(1 + self._noise.export_error * error, 0.0)
        return np.where(plane.node_up[self._pairs // plane.node_up.size], measured, np.nan)
