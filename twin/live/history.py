"""What the emulated network remembers of its measurements, and how a reader gets them: columns, in time order."""

from collections import deque
from collections.abc import Callable, Sequence

import numpy as np

from twin.model import Floats, Ints

from .network import (
    Event,
    Flags,
    FlowSamples,
    InterfaceSamples,
    LinkSamples,
    NodeSamples,
    ProbeSamples,
    Telemetry,
    TrafficSamples,
)
from .peerings import PeeringSamples, no_peerings
from .sensors import Sample, flow_rates

PAIR_ROWS = 4_000_000
"""Rows of flow export that are kept: the last sample of 2,000 nodes, 16 of 500, every one of up to 110."""


class History:
    """The last `retention` samples and the syslog lines of the same time. n nodes, m links.

    Flow export is kept for fewer samples where so many pairs have a demand that it would be more than `PAIR_ROWS` rows.
    """

    def __init__(self, retention: int, *, nodes: int, links: int, pairs: Ints, probed: Ints) -> None:
        self._samples: deque[Sample] = deque(maxlen=retention)
        self._events: list[Event] = []
        self._n, self._m, self._pairs, self._probed = nodes, links, pairs, probed
        self._exports = max(PAIR_ROWS // max(pairs.size, 1), 1)

    def add(self, sample: Sample) -> None:
        """Keep a sample; the oldest one and its syslog lines go when there are too many."""
        full = len(self._samples) == self._samples.maxlen
        gone = self._samples[0].time if full else -np.inf
        self._samples.append(sample)
        if len(self._samples) > self._exports:
            old = self._samples[-self._exports - 1]
            self._samples[-self._exports - 1] = old._replace(export_mbps=np.zeros(0))  # a slice would hold all of it
        if full:
            self._events = [event for event in self._events if event.time > gone]

    def log(self, events: Sequence[Event]) -> None:
        """Keep syslog lines; they show once the clock has passed their time."""
        self._events = sorted([*self._events, *events])

    def read(self, after: float, until: float) -> Telemetry:
        """Return what was measured in (after, until], epoch seconds."""
        kept = [sample for sample in self._samples if after < sample.time <= until]
        time = np.array([sample.time for sample in kept])
        exported = [sample for sample in kept if sample.export_mbps.size == self._pairs.size]
        traffic = self._traffic(exported)
        return Telemetry(
            self._links(kept, time),
            NodeSamples(*_rows(time, np.arange(self._n)), _flags(kept, lambda x: x.answered)),
            self._probes(kept, time),
            traffic,
            tuple(event for event in self._events if after < event.time <= until),
            self._interfaces(kept, time),
            self._flows(exported, traffic),
            peerings=_peerings(kept),
        )

    def _links(self, kept: list[Sample], time: Floats) -> LinkSamples:
        return LinkSamples(
            *_rows(time, np.arange(self._m)),
            _column(kept, lambda x: x.out_mbps),
            _column(kept, lambda x: x.in_mbps),
            _column(kept, lambda x: x.dropped_mbps),
            _flags(kept, lambda x: x.up),
        )

    def _interfaces(self, kept: list[Sample], time: Floats) -> InterfaceSamples:
        errors, adjacent = _column(kept, lambda x: x.errors_per_s), _flags(kept, lambda x: x.adjacent)
        return InterfaceSamples(*_rows(time, np.arange(self._m)), errors, adjacent)

    def _flows(self, kept: list[Sample], traffic: TrafficSamples) -> FlowSamples:
        packets, flows = np.empty(traffic.time.size), np.empty(traffic.time.size)
        for number, sample in enumerate(kept):
            rows = slice(number * self._pairs.size, (number + 1) * self._pairs.size)
            packets[rows], flows[rows] = flow_rates(sample, self._pairs % self._n)
        return FlowSamples(traffic.time, traffic.source, traffic.target, packets, flows)

    def _probes(self, kept: list[Sample], time: Floats) -> ProbeSamples:
        at, source = _rows(time, self._probed // self._n)
        _, target = _rows(time, self._probed % self._n)
        loss, delay = _column(kept, lambda x: x.probe_loss), _column(kept, lambda x: x.probe_delay_ms)
        return ProbeSamples(at, source, target, loss, delay)

    def _traffic(self, kept: list[Sample]) -> TrafficSamples:
        time = np.array([sample.time for sample in kept])
        at, source = _rows(time, self._pairs // self._n)
        target = np.tile(self._pairs % self._n, time.size)
        return TrafficSamples(at, source, target, _column(kept, lambda x: x.export_mbps))


def _peerings(kept: list[Sample]) -> PeeringSamples:
    said = [sample.peerings for sample in kept if sample.peerings is not None]
    if not said:
        return no_peerings()
    return PeeringSamples(*(np.concatenate(column) for column in zip(*said, strict=True)))


def _rows(time: Floats, elements: Ints) -> tuple[Floats, Ints]:
    """Every element at every time: the two key columns."""
    return np.repeat(time, elements.size), np.tile(elements, time.size)


def _column(kept: list[Sample], pick: Callable[[Sample], Floats]) -> Floats:
    return np.concatenate([pick(sample) for sample in kept]) if kept else np.zeros(0)


def _flags(kept: list[Sample], pick: Callable[[Sample], Flags]) -> Flags:
    return np.concatenate([pick(sample) for sample in kept]) if kept else np.zeros(0, dtype=bool)
