"""What the newest telemetry says about the network, in one frozen value."""

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import NamedTuple

import numpy as np

from twin.live.declared import Declaration
from twin.live.network import Flags
from twin.model import Floats, Frozen, Ints, Network

from .growth import Growth
from .link_rates import arrivals, both_ends, removed_share
from .peerings import Peering
from .readback import Readback
from .samples import Samples
from .syslog import LogFact
from .with_gaps import mean, middle, missed_polls, newest, ratio

FRAME_MBIT = 0.008
"""A mean frame, 1,000 bytes."""
_BREAKING = 1e-3  # share of frames that arrive broken above which they tell what the wire takes off
_LEAST_LEFT = 0.1
_EXACT = 1e-6  # log units: no instrument is more exact
REMEMBERED = 2
"""Samples for which the loss of a link is taken to last while nobody measures it."""
_SILENT = 0.01  # of the rate before
_CALM = 0.9  # of the interfaces: how polls usually go is told by those that missed fewest


class Quality(Frozen):
    """How complete and consistent the window is; shares, 0..1."""

    missing_counters: float  # share of interface readings that are missing
    missing_exports: float  # share of pair readings that are missing
    disagreement: float  # median of |out - in| / out over the links that are up: both ends of a wire
    noise: float  # how far healthy links stray from the twin's prediction, as a multiple of the stated error, >= 1

    @property
    def score(self) -> float:
        """1 for complete and consistent data, falling with each defect."""
        return max(
            0.0, 1 - self.missing_counters - self.missing_exports - min(self.disagreement, 1) - 0.02 * (self.noise - 1)
        )


class Probes(NamedTuple):
    """Mean loss and middle delay over the window per probed pair [p]; NaN where nothing was measured."""

    source: Ints
    target: Ints
    loss: Floats
    delay_ms: Floats


@dataclass(frozen=True, eq=False)
class Observation:
    """Measured state of a network over the newest samples between which nothing changed. m links, n nodes.

    `network` is the inventory under the measured matrix; `window` holds those samples, `past` the earlier ones.
    """

    inventory: Network
    network: Network
    window: Samples
    past: Samples
    quality: Quality
    growth: Growth
    fallback: tuple[str, ...]  # nodes whose own demands could not be measured: last known values are used
    age_s: float  # seconds between the newest sample and the reader's clock
    interval_s: float
    events: tuple[LogFact, ...]  # syslog lines of the window and the recent past, that were understood
    unread_lines: int = 0  # syslog lines of that time which are no template: counted, never read
    readbacks: tuple[Readback, ...] = ()  # what routers said of their configuration, the newest of each
    peerings: tuple[Peering, ...] = ()  # what the routers of the exits say of them, the newest of each
    declared: Declaration = field(default_factory=Declaration)  # how wrong the instruments may be

    @property
    def time(self) -> datetime:
        """End of the newest sample, UTC."""
        return datetime.fromtimestamp(float(self.window.time[-1]), UTC)

    @property
    def samples(self) -> int:
        """How many samples the means are over."""
        return len(self.window.time)

    @property
    def out_mbps(self) -> Floats:
        """Mean rate sent [m]; NaN where it was never measured."""
        return mean(self.window.out_mbps)

    @property
    def in_mbps(self) -> Floats:
        """Mean rate received at the far end [m]; NaN where it was never measured."""
        return mean(self.window.in_mbps)

    @property
    def dropped_mbps(self) -> Floats:
        """Mean rate dropped by the queue [m]; NaN where it was never measured."""
        return mean(self.window.dropped_mbps)

    @property
    def up(self) -> Flags:
        """Newest operational state [m] that the tail told; true where it told none, which proves nothing."""
        return np.where(self.told, newest(np.where(self.window.told, self.window.up, np.nan)) > 0, True)

    @property
    def told(self) -> Flags:
        """Whether the tail of each link answers, and said in any sample whether it is up [m]."""
        return np.asarray(self.answered[self.ends[0]] & self.window.told.any(axis=0))

    @property
    def answered(self) -> Flags:
        """Whether each node answered at least one poll of the window [n]."""
        return np.asarray(np.any(self.window.answered, axis=0))

    @cached_property
    def arrived_mbps(self) -> Floats:
        """Rate that wanted to leave by each link, per sample [K, m]: sent and dropped, else what the far end tells."""
        window = self.window
        sent = np.isfinite(window.out_mbps + window.dropped_mbps)
        return np.where(sent, arrivals(window), window.in_mbps / np.maximum(1 - self.removed, _LEAST_LEFT))

    @cached_property
    def wire_loss(self) -> Floats:
        """Share of what was sent that the far end did not receive [m]; NaN where one end was never measured."""
        both = both_ends(self.window)
        sent = np.sum(np.where(both, self.window.out_mbps, 0.0), axis=0)
        received = np.sum(np.where(both, self.window.in_mbps, 0.0), axis=0)
        return ratio(sent - received, sent)

    @cached_property
    def removed(self) -> Floats:
        """Share of its traffic that each link takes off, in its queue or on the wire [m].

        Where the window lacks it, what arrives broken, or what was known before it; 0 where it was never measured.
        """
        read = self.declared.read_s / self.interval_s
        now = np.where(self._fell_silent, 0.0, removed_share(self.window, read))
        before = removed_share(self.past.rows(slice(-REMEMBERED, None)), read)
        broken = np.nan_to_num(self.broken)
        known = np.where(broken > _BREAKING, broken / (1 + broken), before)
        return np.nan_to_num(np.where(np.isfinite(now), now, known))

    @property
    def _fell_silent(self) -> Flags:
        """Links [m] with next to nothing of what they carried: what is read is a rest from before, and no share."""
        before, now = mean(arrivals(self.past)[-REMEMBERED:]), mean(arrivals(self.window))
        return np.nan_to_num(now) < _SILENT * np.nan_to_num(before)

    @cached_property
    def reading_error(self) -> Floats:
        """Standard error of a mean rate [m], Mbit/s, NaN where none was measured.

        The first and the last reading of samples in a row are each off by part of a second; what one sample has too
        much the next has too little.
        """
        return self._reading_error(np.isfinite(self.arrived_mbps))

    def _reading_error(self, known: Flags) -> Floats:
        """Standard error of the mean rate over some samples of each link [K, m], all with a rate."""
        rates, edge, count = self.arrived_mbps, np.zeros_like(known[:1]), known.sum(axis=0)
        before = rates.copy()
        if len(self.past.time):
            last = arrivals(self.past)[-1]
            before[0] = np.where(np.isfinite(last), last, rates[0])
        begins = known & ~np.concatenate([edge, known[:-1]])
        ends = known & ~np.concatenate([known[1:], edge])
        square = (np.where(begins, before, 0.0) ** 2 + np.where(ends, rates, 0.0) ** 2).sum(axis=0)
        return self.declared.read_s / self.interval_s * ratio(np.where(count > 0, square**0.5, np.nan), count)

    @cached_property
    def swing(self) -> float:
        """How much a rate moves from one sample to the next, relative: the error of a mean that lacks some of them.

        The robust spread of all links over what is kept; where there are no two samples, rates are taken to move by all
        that they are.
        """
        rates = np.concatenate([arrivals(self.past), arrivals(self.window)])
        moved = np.abs(np.diff(rates, axis=0)) / np.where(rates[1:] > self.declared.unexported_mbps, rates[1:], np.nan)
        known = moved[np.isfinite(moved)]
        return min(1.0, 1.4826 * float(np.median(known))) if known.size else 1.0

    @cached_property
    def wire_error(self) -> Floats:
        """Standard error of `wire_loss` [m], larger than stated where most wires disagree by more."""
        sent = np.nan_to_num(self.out_mbps)
        apart = np.sqrt(2) * np.nan_to_num(self._reading_error(both_ends(self.window)))
        error = np.hypot(self.declared.unexported_mbps, apart)
        stated = np.where(sent > error, error / np.maximum(sent, error), 1.0)
        scores = np.abs(self.wire_loss / stated)
        known = scores[np.isfinite(scores)]
        return stated * (max(1.0, 1.4826 * float(np.median(known))) if known.size else 1.0)

    @cached_property
    def ends(self) -> tuple[Ints, Ints]:
        """Positions of the tail and the head of each link [m], [m]."""
        index, links = self.inventory.node_index, self.inventory.links
        return np.array([index[x.tail] for x in links], np.int64), np.array([index[x.head] for x in links], np.int64)

    @cached_property
    def reverse(self) -> Ints:
        """Position of the other direction of each link's circuit [m], -1 where there is none."""
        links = self.inventory.links
        position = {(x.tail, x.head, x.index): i for i, x in enumerate(links)}
        return np.array([position.get((x.head, x.tail, x.index), -1) for x in links], np.int64)

    @property
    def adjacent(self) -> Floats:
        """Newest reading of whether each link's tail has its routing neighbour [m]: 1, 0, or NaN where none says."""
        return newest(self.window.adjacent)

    @cached_property
    def broken(self) -> Floats:
        """Frames that arrive broken over each link, as a share of those received whole [m]; NaN where unknown.

        Where none was received whole, as if one had been: an idle link can have errors, too.
        """
        errors, whole = self._frames
        return np.where(np.isfinite(errors), errors / np.maximum(whole, 1.0), np.nan)

    @cached_property
    def broken_error(self) -> Floats:
        """Standard error of `broken` [m] that comes from counting few frames; 0 where none are counted."""
        errors, whole = self._frames
        return np.nan_to_num(np.sqrt(errors + 1) / np.maximum(whole, 1.0))

    @property
    def _frames(self) -> tuple[Floats, Floats]:
        """Frames that arrived broken over each link in the window, NaN where unknown, and those that arrived whole."""
        both = np.isfinite(self.window.errors_per_s) & np.isfinite(self.window.in_mbps)
        errors, received = (np.where(both, x, 0.0).sum(axis=0) for x in (self.window.errors_per_s, self.window.in_mbps))
        counted = np.where(both.any(axis=0), errors * self.interval_s, np.nan)
        return counted, received * self.interval_s / FRAME_MBIT

    @cached_property
    def unread(self) -> tuple[Floats, Floats]:
        """Polls of the interface at each link's tail, made while its node answered, and those without an answer [m].

        A rate takes two polls in a row, so a node must have answered the one before as well.

        The interface counts what leaves by the link and what comes in by its reverse: two polls. Where nobody says
        anything of a link, not even its state, it is not known whether anybody asked.
        """
        return self._polls(self.window, self._answered_before)

    @cached_property
    def usually_missed(self) -> float:
        """Share of polls that this network misses when nothing is wrong: as declared, or more if its past shows it.

        Taken over the interfaces but the tenth that missed most: one that lies is not how polls usually go.
        """
        past = self.past
        if len(past.answered) < 2:
            return self.declared.ordinary_missed
        asked, missing = self._polls(past.rows(slice(1, None)), past.answered[:-1])
        share = np.divide(missing, asked, out=np.zeros_like(missing), where=asked > 0)
        calm = np.argsort(share, kind="stable")[: max(1, math.ceil(_CALM * share.size))]
        polls = float(asked[calm].sum())
        return max(self.declared.ordinary_missed, float(missing[calm].sum()) / polls if polls else 0.0)

    def _polls(self, samples: Samples, before: Flags) -> tuple[Floats, Floats]:
        """Polls asked and missed in some samples [m]; `before` is whether each node answered the sample before each."""
        (tails, _), reverse = self.ends, self.reverse
        answered = (samples.answered & before)[:, tails]
        sending, receiving = answered & samples.told, answered & samples.told[:, reverse] & (reverse >= 0)
        unsent = sending & np.isnan(samples.out_mbps)
        unreceived = receiving & np.isnan(samples.in_mbps[:, reverse])
        missing = missed_polls(unsent) + missed_polls(unreceived)
        read = (sending & ~unsent).sum(axis=0) + (receiving & ~unreceived).sum(axis=0)
        return read + missing, missing

    @property
    def _answered_before(self) -> Flags:
        """Whether each node answered the poll before each of the window [K, n]; yes where that is not known."""
        window, past = self.window.answered, self.past.answered
        first = past[-1:] if len(past) else np.ones_like(window[:1])
        return np.concatenate([first, window[:-1]])

    @cached_property
    def log_packets(self) -> Floats:
        """Growth of the packets per Mbit towards each node [n], log, against the past, or else against other nodes."""
        now, usual = mean(self.window.packets_per_mbit), middle(self._usual_packets)
        known = now[np.isfinite(now) & (now > 0)]
        usual = np.where(np.isfinite(usual) & (usual > 0), usual, np.median(known) if known.size else np.nan)
        grown = ratio(now, np.nan_to_num(usual))
        return np.where(grown > 0, np.log(np.where(grown > 0, grown, 1.0)), np.nan)

    @cached_property
    def _usual_packets(self) -> Floats:
        """Packets per Mbit of the past's samples [K, n]; NaN since the traffic of a node last changed its level."""
        past, since = self.past.packets_per_mbit, self.growth.since
        return past if since is None else np.where(np.arange(len(past))[:, None] < since, past, np.nan)

    @cached_property
    def packets_error(self) -> Floats:
        """Standard error of `log_packets` [n]: how far the past's samples stray around their middle, robustly.

        Where there is no past, it is how far the nodes stray from each other.
        """
        past, now = self._usual_packets, mean(self.window.packets_per_mbit)
        log = np.log(np.where(past > 0, past, np.nan)) if len(past) else np.full((1, now.size), np.nan)
        least = max(self.declared.export_error, _EXACT)
        own = np.maximum(1.4826 * middle(np.abs(log - middle(log))), least) / self.samples**0.5
        known = np.log(now[np.nan_to_num(now) > 0])
        apart = 1.4826 * float(np.median(np.abs(known - np.median(known)))) if known.size else 0.0
        return np.where(np.isfinite(own), own, max(apart, least))

    @cached_property
    def probes(self) -> Probes:
        """Probe results over the window."""
        window = self.window
        # a prober or a router that was busy once makes a sample late, a longer way all of them
        delay_ms = middle(window.probe_delay_ms)
        return Probes(window.probe_source, window.probe_target, mean(window.probe_loss), delay_ms)
