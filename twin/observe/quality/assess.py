"""How far the measured state can be trusted: every datum checked against all that bears on it, repaired where possible.

Checks: rows are complete and possible, counters of both ends agree, nodes conserve flow, demands explain loads, status
agrees with traffic, circuits are symmetric, the inventory's capacities hold, nothing stands still or is out of date.
"""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from twin.live.network import Flags, Telemetry
from twin.model import Floats, Network
from twin.observe.expect.balance import Expected, link_ends, reading_sigma, reported_state
from twin.observe.expect.mixture import expected_by_turns
from twin.observe.expect.sources import MOST_NODES, SourceFactors, loads_by_source, source_factors
from twin.observe.observe import observe
from twin.observe.readings.intake import Intake, take_in
from twin.observe.readings.observation import Observation
from twin.observe.readings.with_gaps import mean

from .consensus import Consensus, Witness, agreeing, vote
from .counter_doubts import DoubtedColumn, counter_doubts, demand_doubts, far_interface
from .demand_input import DemandFactor, demand_factor
from .plausible import Doubt, capacity_doubts, standing_still, status_doubts, symmetry_doubts
from .report import DemandInput, QualityReport

SHOWN = 40
"""Doubts that a report lists; `doubted` counts them all."""
_REPAIRED = 0.7  # trust in a value that redundancy gives in place of a wrong or missing one
_CARRIED = 0.5  # trust in a demand that was carried over, or is known to be off
_REFUSED = 0.75  # most that a snapshot scores whose demands do not explain its loads
_UNJUDGED = 0.9  # what it scores when nobody can tell
_OLD, _TOO_OLD = 3.0, 12.0  # intervals after which a snapshot loses trust, and how many more until none is left
_AT_BALANCE = 4.0


@dataclass(frozen=True, eq=False)
class Assessment:
    """A report with the arrays behind it, for who goes on computing. m links."""

    report: QualityReport
    consensus: Consensus
    sent_trust: Floats  # [m] trust in each counter at the tails, 0..1
    received_trust: Floats  # [m] at the heads


def assess(network: Network, telemetry: Telemetry, *, now: datetime | None = None) -> Assessment:
    """Check the newest samples of `network`; rows that cannot be true are left out first, and counted.

    Raises `InputError` when no sample is left.
    """
    usable, intake = take_in(telemetry, now)
    return assess_observation(observe(network, usable, now=now), intake)


def assess_observation(observation: Observation, intake: Intake | None = None) -> Assessment:
    """Check an observation; `intake` is what `take_in` found in the rows that it was made from."""
    return _Assessor(observation, intake or Intake(0, 0, 0, 0, 0, 0)).assessment()


class _Assessor:
    """One observation on its way to a report."""

    def __init__(self, observation: Observation, intake: Intake) -> None:
        self._observation, self._intake = observation, intake
        self._asked = "demands" in observation.declared.reads
        self._ends = link_ends(observation.inventory)
        self._witness = _witness(observation)
        self._total_error = _total_error(observation)
        self._consensus, self._expected, self._factor = self._settle()
        self._nodes = self._off_nodes() if self._factor.links else ()

    def assessment(self) -> Assessment:
        consensus, witness = self._consensus, self._witness
        sent = self._trust(consensus.sent_wrong | ~np.isfinite(witness.sent))
        received = self._trust(consensus.received_wrong | ~np.isfinite(witness.received))
        return Assessment(self._report(sent, received), consensus, sent, received)

    def _settle(self) -> tuple[Consensus, Expected, DemandFactor]:
        """Vote twice: the second time the demands are taken times their factor, and known losses off on the way."""
        witness = self._witness
        expect = self._expect(np.zeros(witness.sent.size))
        factor = demand_factor(_arrivals(witness), expect, agreeing(witness), self._total_error)
        consensus = vote(witness, _scaled(expect, factor.factor), self._ends)
        removed = 1 - (1 - consensus.removed) * (1 - _dropped_share(witness, consensus))
        if removed.any():
            expect = self._expect(removed)
        trusted = ~(consensus.by_demands | consensus.doubtful)
        factor = demand_factor(consensus.sent + witness.dropped, expect, trusted, self._total_error)
        return vote(witness, _scaled(expect, factor.factor), self._ends), expect, factor

    def _expect(self, removed: Floats) -> Expected:
        """What the demands say, less surely where a link was read in some of the samples alone."""
        expect, n = expected_by_turns(self._observation, removed), len(self._observation.network.nodes)
        gap = _gaps(self._observation) * expect.arrived
        at_nodes = sum(np.bincount(end, gap**2, n) for end in self._ends)
        return expect._replace(sigma=np.hypot(expect.sigma, gap), net_sigma=np.sqrt(expect.net_sigma**2 + at_nodes))

    def _off_nodes(self) -> tuple[str, ...]:
        """Nodes whose exports are off: the links of their traffic say so, and their own balance agrees."""
        network, consensus = self._observation.network, self._consensus
        if len(network.nodes) > MOST_NODES:
            return ()
        loads = loads_by_source(reported_state(self._observation))
        asked = (self._expected.arrived > 0) & ~consensus.by_demands
        arrived = consensus.sent + self._witness.dropped
        fit = source_factors(loads, arrived, self._expected.sigma, asked, self._factor.factor)
        return tuple(network.nodes[i].id for i in np.flatnonzero(fit.off() & self._unbalanced(fit)))

    def _unbalanced(self, fit: SourceFactors) -> Flags:
        """Nodes from which so much more or less leaves than enters as their factor claims [n]."""
        consensus, expect, n = self._consensus, self._expected, len(self._observation.network.nodes)
        leaves = np.bincount(self._ends.tail, consensus.sent + self._witness.dropped, n)
        excess = leaves - np.bincount(self._ends.head, consensus.received, n) - self._factor.factor * expect.net
        claimed = (fit.factor - 1) * self._observation.network.offered.sum(axis=1)
        return (excess * claimed > claimed**2 / 3) & (np.abs(excess) > _AT_BALANCE * expect.net_sigma)

    def _trust(self, replaced: Flags) -> Floats:
        trust = np.where(replaced, np.where(self._consensus.by_demands, 0.0, _REPAIRED), 1.0)
        return np.where(self._consensus.doubtful & ~replaced, _REPAIRED, trust)

    def _report(self, sent: Floats, received: Floats) -> QualityReport:
        observation, answered = self._observation, self._observation.answered
        # a node that does not answer is a symptom, not bad data: nothing of it is expected
        trust = np.concatenate([sent[answered[self._ends.tail]], received[answered[self._ends.head]]])
        doubts = self._doubts(sent, received)
        parts = self._parts(trust, doubts)
        return QualityReport(
            network=observation.network.name,
            time=observation.time,
            age_s=observation.age_s,
            samples=observation.samples,
            score=math.prod(parts.values()),
            parts=parts,
            demand=self._demand_input(),
            counters=trust.size,
            repaired=int(np.sum((trust > 0) & (trust < 1))),
            unrepaired=int(np.sum(trust == 0)),
            failed=dict(Counter(sorted(x.check for x in doubts))),
            doubts=tuple(doubts[:SHOWN]),
            doubted=len(doubts),
            limits=tuple(self._limits()),
        )

    def _parts(self, trust: Floats, doubts: Sequence[Doubt]) -> dict[str, float]:
        observation, structural = self._observation, ("status", "symmetry", "capacity")
        circuits = max(len(observation.inventory.circuits), 1)
        broken = sum(1 - x.trust for x in doubts if x.check in structural) / circuits
        late = observation.age_s / observation.interval_s - _OLD
        return {
            "counters": float(trust.mean()) if trust.size else 0.0,
            "exports": 1 - (1 - _CARRIED) * _missing_exports(observation) if self._asked else 1.0,
            "demands": self._demand_part(),
            "structure": max(0.0, 1 - broken),
            "rows": 1 - min(1.0, self._intake.defects / max(self._intake.rows, 1)),
            "age": min(1.0, max(0.0, 1 - late / _TOO_OLD)),
        }

    def _demand_part(self) -> float:
        if not self._factor.links:
            return _UNJUDGED
        if self._factor.off:
            return min(_REFUSED, max(0.0, 1 - 5 * abs(math.log(self._factor.factor))))
        offered = self._observation.network.offered
        rows = [self._observation.network.node(name) for name in self._nodes]
        return 1 - (1 - _CARRIED) * float(offered[rows].sum() / max(offered.sum(), 1e-9))

    def _demand_input(self) -> DemandInput:
        factor = self._factor
        return DemandInput(
            judged=factor.links > 0,
            factor=factor.factor,
            error=factor.error,
            detectable=factor.threshold,
            off=factor.off,
            nodes=self._nodes,
        )

    def _doubts(self, sent: Floats, received: Floats) -> list[Doubt]:
        observation, consensus, witness = self._observation, self._consensus, self._witness
        links, still = observation.inventory.links, standing_still(observation)
        tails = DoubtedColumn("sent", [x.interface for x in links], witness.sent, consensus.sent, sent, still[0])
        ends = [far_interface(x) for x in links]
        heads = DoubtedColumn("received", ends, witness.received, consensus.received, received,
                       still[1])  # fmt: skip
        found = [
            *counter_doubts(tails),
            *counter_doubts(heads),
            *status_doubts(observation, consensus),
            *symmetry_doubts(observation),
            *capacity_doubts(observation, consensus),
            *demand_doubts(observation.network, self._factor, self._nodes, observation.fallback if self._asked else ()),
        ]
        return sorted(found, key=lambda x: (x.trust, x.check, x.element, x.reading))

    def _limits(self) -> Iterator[str]:
        intake = self._intake
        for count, what in (
            (intake.undated, "rows without a time were left out"),
            (intake.future, "rows dated after the clock were left out"),
            (intake.duplicated, "rows came twice: the last one counts"),
            (intake.disordered, "rows were out of order: sorted"),
            (intake.impossible, "impossible rates were taken for missing"),
        ):
            if count:
                yield f"{count} {what}"
        if not self._asked:
            yield "nobody measured demands: loads are held against none, and how well the twin explains them is unknown"
        elif not self._factor.links:
            yield "fewer than three links carry enough, read at both ends: whether the demands are right is unknown"
        if len(self._observation.network.nodes) > MOST_NODES:
            yield f"more than {MOST_NODES} nodes: exports were checked as a whole, not per node"
        silent = int(np.sum(~self._observation.answered))
        if silent:
            who = "1 node does not answer: its" if silent == 1 else f"{silent} nodes do not answer: their"
            yield f"{who} counters and exports were not expected"
        if self._observation.samples < 3:
            few = "one steady sample" if self._observation.samples == 1 else "two steady samples"
            yield f"only {few}: counters that stand still cannot be told"


def _witness(observation: Observation) -> Witness:
    """Mean readings over the samples in which both ends were read, where there are such; else over what there is."""
    window = observation.window
    both = np.isfinite(window.out_mbps) & np.isfinite(window.in_mbps)
    paired = np.any(both, axis=0)
    chosen = both | ~paired
    sent, received, dropped = (
        mean(np.where(chosen, x, np.nan)) for x in (window.out_mbps, window.in_mbps, window.dropped_mbps)
    )
    rate = np.fmax(np.nan_to_num(sent), np.nan_to_num(received))
    return Witness(sent, received, np.nan_to_num(dropped), reading_sigma(observation, rate))


def _gaps(observation: Observation) -> Floats:
    """Relative error of a mean rate [m] because some samples of it are missing."""
    window = observation.window
    sent, received = np.isfinite(window.out_mbps), np.isfinite(window.in_mbps)
    both = sent & received
    paired, either = mean(both.astype(np.float64)), mean((sent | received).astype(np.float64))
    share = np.where(paired > 0, paired, either)
    return observation.swing * np.where(share > 0, 1 - share, 0.0)


def _arrivals(witness: Witness) -> Floats:
    return (witness.sent + witness.received) / 2 + witness.dropped


def _dropped_share(witness: Witness, consensus: Consensus) -> Floats:
    return witness.dropped / np.maximum(consensus.sent + witness.dropped, 1e-9)


def _scaled(expect: Expected, factor: float) -> Expected:
    return expect._replace(arrived=expect.arrived * factor, net=expect.net * factor)


def _total_error(observation: Observation) -> float:
    """Relative standard error of the sum of the measured matrix, which no link averages out."""
    offered = observation.network.offered
    root = math.sqrt(float((offered**2).sum()) / observation.samples)
    return observation.declared.export_error * root / max(float(offered.sum()), 1e-9)


def _missing_exports(observation: Observation) -> float:
    """Share of the pairs without an export, of those whose source answers."""
    wanted = (observation.inventory.demands > 0) & observation.answered[:, None]
    return 1 - float(observation.window.demands.known()[wanted].mean()) if wanted.any() else 0.0
