"""What can be measured of the emulated network: counters, polls, probes, flow export. Truth in, samples out."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from twin.faults import Counters
from twin.faults.families.traffic import SYN_BITS
from twin.model import Floats, Ints, Network

from .counters import CounterBank
from .distortion import Distortion
from .interval import Interval
from .network import Flags
from .peerings import PeeringSamples
from .probes import ProbeResult, measure, silence
from .queues import PACKET_BITS
from .tables import link_ends
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
    clock_skew_s: float = 0.2  # how far routers' clocks run ahead: half-normal, one value per router
    configuration_every_s: float = 900.0  # how often configurations are collected

    @classmethod
    def off(cls) -> "Noise":
        """Traffic exactly at its daily profile, measured exactly: what is left is the hashing of flows."""
        return cls(Swing(0.0, 7200.0, 0.0), 0.0, 0.0, 0.0, 0.0, 0.0, 0, 0, 0.0, 0.0)

    def skews(self, n: int, seed: int) -> Floats:
        """How far each router's clock runs ahead of the true time, seconds [n]."""
        return self.clock_skew_s * np.abs(np.random.default_rng([seed, 13]).standard_normal(n))


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
    errors_per_s: Floats  # [m]
    adjacent: Flags  # [m]
    small: Floats  # [n] share of what goes to a node that is a flood of 64-byte packets
    peerings: PeeringSamples | None = None  # a row an exit; None on a network without exits


FLOWS_PER_MBIT = 2.5
"""New flows per Mbit: a mean flow carries 50 kB."""


class Sensors:
    """Everything that measures: keeps the counters, and draws the errors of each interval from its own generator."""

    def __init__(self, noise: Noise, interval_s: float, seed: int, network: Network, pairs: tuple[Ints, Ints]) -> None:
        """`pairs` are those that export flows [k] and those that are probed [p], as source * n + target."""
        self._noise, self._interval_s, self._seed = noise, interval_s, seed
        self._ends, self._skew = link_ends(network), noise.skews(len(network.nodes), seed)
        self._pairs, self._probed = pairs
        self._out, self._in, self._dropped, self._errors = (
            CounterBank(len(network.links), [seed, 7, number], interval_s, noise.read_jitter_s) for number in range(4)
        )

    def measure(self, truth: Interval, lies: Distortion, *, time: float, tick: int) -> Sample:
        """Measure one interval, with what is wrong with the measurement."""
        rng, more = (np.random.default_rng([self._seed, stream, tick]) for stream in (8, 12))
        (tail, head), m = self._ends, truth.sent.size
        answered = truth.node_up & (rng.random(truth.node_up.size) >= self._noise.missed_polls)
        at_tail = answered[tail] & (rng.random(m) >= self._noise.missed_reads) & ~truth.detached
        at_head = answered[head] & (rng.random(m) >= self._noise.missed_reads) & ~self._gone(truth)
        at_tail &= more.random(m) >= lies.sent.missing
        at_head &= more.random(m) >= lies.received.missing
        age_tail, age_head = self._age(rng.random(m), tail), self._age(rng.random(m), head)
        probes = self._probe(truth, rng)
        export = self._export(truth, rng) * lies.export[self._pairs // truth.node_up.size]
        return Sample(
            time,
            _reported(self._out.poll(truth.sent, age_tail, at_tail, lies.sent.stuck), lies.sent),
            _reported(self._in.poll(truth.received, age_head, at_head, lies.received.stuck), lies.received),
            _reported(self._dropped.poll(truth.dropped, age_tail, at_tail, lies.sent.stuck), lies.sent),
            truth.oper,
            answered,
            probes.loss,
            probes.delay_ms,
            export,
            self._errors.poll(truth.errored, age_head, at_head) * 1e6 / PACKET_BITS,
            truth.adjacent,
            truth.small,
        )

    def _gone(self, truth: Interval) -> Flags:
        """Links [m] whose head's interface, the other end of its reverse, is gone."""
        tail, head = self._ends
        n = truth.node_up.size
        return np.isin(head * n + tail, (tail * n + head)[truth.detached])

    def _age(self, share: Floats, router: Ints) -> Floats:
        """How old an answer is, as a share of the jitter: a clock that runs ahead reads early."""
        jitter = self._noise.read_jitter_s
        return share + self._skew[router] / jitter if jitter else share

    def _probe(self, truth: Interval, rng: np.random.Generator) -> ProbeResult:
        result = measure(truth.through, truth.delay_ms, packets=self._noise.probe_packets, rng=rng)
        return silence(result, truth.node_up[self._probed // truth.node_up.size])

    def _export(self, truth: Interval, rng: np.random.Generator) -> Floats:
        """Flow export counts one packet in `sampling`: Poisson, so that small flows are known less well."""
        true, error = truth.offered.ravel()[self._pairs], rng.standard_normal(self._pairs.size)
        mbps_per_packet = max(self._noise.sampling, 1) * PACKET_BITS / 1e6 / self._interval_s
        counted = rng.poisson(true / mbps_per_packet) * mbps_per_packet if self._noise.sampling else true
        measured = counted * np.maximum(1 + self._noise.export_error * error, 0.0)
        return np.where(truth.node_up[self._pairs // truth.node_up.size], measured, np.nan)


def flow_rates(sample: Sample, target: Ints) -> tuple[Floats, Floats]:
    """Packets and new flows a second in what was exported [k]; every packet of a flood is a flow of its own.

    `target` [k] are the positions of the pairs' target nodes. It follows from the sample, and is not kept with it: on a
    large network it would be most of it.
    """
    flood = sample.small[target] * sample.export_mbps
    rest = sample.export_mbps - flood
    packets = flood * 1e6 / SYN_BITS
    return rest * 1e6 / PACKET_BITS + packets, rest * FLOWS_PER_MBIT + packets


def _reported(rate: Floats, counters: Counters) -> Floats:
    """Rates as they are reported under each interface's name."""
    return rate[counters.source] * counters.factor
