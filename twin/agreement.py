"""Whether telemetry agrees with what the twin predicts for a state, element by element."""

from typing import Literal

import numpy as np
from pydantic import Field

from .live.network import LiveNetwork
from .model import Floats, Frozen, Network
from .observe import Observation, observe
from .observe.expectation import Expectation, Residuals

_FULL = 0.9  # of capacity: below it, no queue should drop


class Tolerance(Frozen):
    """How far telemetry may be off the prediction.

    Measured on three published networks of 14 to 50 nodes under the emulator's full noise (flows hashed whole, counters
    read up to a second late, sampled export), 216 intervals of two samples: loads strayed by at most 2.8 standard
    errors and 2.1 % of capacity, a wire seemed to lose at most 0.4 %, and up to 13 % of the demand was another demand
    ten minutes later.
    """

    samples: int = Field(default=2, ge=1, le=100, description="Samples to wait for after each step.")
    score: float = Field(default=6.0, gt=0, description="Standard errors by which a link's load may be off, and")
    share: float = Field(default=0.02, gt=0, description="the share of its capacity by which it has to be off.")
    loss: float = Field(default=0.02, gt=0, description="Share of its traffic that a link may lose unexpectedly, if it")
    noticed: float = Field(default=0.005, gt=0, description="is at least this share of its capacity.")
    missing: float = Field(default=0.3, gt=0, le=1, description="Share of interface readings that may be missing.")
    demand_shift: float = Field(
        default=0.25, gt=0, description="Share of demand that may differ before verifying again."
    )


class Deviation(Frozen):
    """One element that is not as predicted: load in Mbit/s, the others as shares.

    A state is 1 up and 0 down, an adjacency 1 with the routing neighbour and 0 without.
    """

    element: str
    what: Literal["load", "state", "adjacency", "loss", "drops", "silence"]
    predicted: float
    observed: float

    def __str__(self) -> str:
        return f"{self.what} of {self.element}: predicted {self.predicted:.6g}, observed {self.observed:.6g}"


class Agreement(Frozen):
    """How the telemetry of one interval compares with the twin."""

    busiest: str | None = Field(description="The link predicted to be busiest.")
    predicted_utilisation: float
    measured_utilisation: float | None = Field(description="Of the same link; null if it was not measured.")
    worst: Deviation | None = Field(description="The link whose load is furthest off, within tolerance or not.")
    deviation: Deviation | None = Field(description="The worst that is beyond tolerance.")

    @property
    def holds(self) -> bool:
        """Whether everything is within tolerance."""
        return self.deviation is None

    @property
    def settled(self) -> bool:
        """Whether more samples would not help: all is well, or something is down or loses traffic."""
        return self.deviation is None or self.deviation.what not in ("load", "silence")


def compare(observation: Observation, tolerance: Tolerance) -> Agreement:
    """Compare an observation of a state with the twin's prediction for it, under the demands measured meanwhile.

    Looks first at what is up, then for silence and losses, then at loads: a cut circuit explains the loads, not the
    other way round. The prediction is conditioned on the losses that were measured.
    """
    network = observation.network
    residuals = Expectation(observation).residuals(network)
    capacity = np.array([link.capacity for link in network.links])
    score = np.abs(residuals.score)
    off = (score > tolerance.score) & (np.abs(residuals.difference) > tolerance.share * capacity)
    busiest = int((residuals.predicted / capacity).argmax())
    measured = float(residuals.measured[busiest] / capacity[busiest])
    deviation = (
        down_or_up(observation)
        or _silence(observation, tolerance)
        or _losses(observation, residuals.predicted / capacity, tolerance)
        or (_load(network, int(np.where(off, score, 0).argmax()), residuals) if off.any() else None)
    )
    return Agreement(
        busiest=network.links[busiest].name if residuals.predicted[busiest] > 0 else None,
        predicted_utilisation=float(residuals.predicted[busiest] / capacity[busiest]),
        measured_utilisation=measured if np.isfinite(measured) else None,
        worst=_load(network, int(score.argmax()), residuals),
        deviation=deviation,
    )


def watch(state: Network, live: LiveNetwork, tolerance: Tolerance) -> Agreement:
    """Wait for samples of a state and compare them with its prediction.

    A load that is off, or too few readings, are looked at once more with new samples: lost readings can do that.
    """
    agreement = _next_samples(state, live, tolerance)
    return agreement if agreement.settled else _next_samples(state, live, tolerance)


def _next_samples(state: Network, live: LiveNetwork, tolerance: Tolerance) -> Agreement:
    since = live.now
    live.wait(tolerance.samples)
    observation = observe(state, live.read_telemetry(since), window=tolerance.samples, now=live.now)
    return compare(observation, tolerance)


def down_or_up(observation: Observation) -> Deviation | None:
    """Return the first node, or else circuit, that is down where the twin has it up, or the other way round.

    Then the first circuit that is up and has lost its routing neighbour, or has one where the twin has none.
    """
    network = observation.network
    for node, answered in zip(network.nodes, observation.answered, strict=True):
        if node.up != bool(answered):
            return Deviation(element=node.id, what="state", predicted=float(node.up), observed=float(answered))
    nodes = {node.name: node for node in network.nodes}
    for link, up in zip(network.links, observation.up, strict=True):
        expected = link.up and not link.asleep and nodes[link.head].up
        if nodes[link.tail].up and expected != bool(up):
            return Deviation(element=link.circuit, what="state", predicted=float(expected), observed=float(up))
    for link, up, near in zip(network.links, observation.up, observation.adjacent, strict=True):
        polled = nodes[link.tail].up and nodes[link.head].up and up and np.isfinite(near)
        if polled and not link.asleep and link.adjacent != bool(near):
            return Deviation(element=link.circuit, what="adjacency", predicted=float(link.adjacent), observed=near)
    return None


def _silence(observation: Observation, tolerance: Tolerance) -> Deviation | None:
    missing = observation.quality.missing_counters
    if missing <= tolerance.missing:
        return None
    return Deviation(element="network", what="silence", predicted=0.0, observed=missing)


def _losses(observation: Observation, utilisation: Floats, tolerance: Tolerance) -> Deviation | None:
    """Return the link that loses most beyond what the twin has: on the wire, or in a queue that should not be full.

    Losses that are a small share of the capacity are no evidence: the two ends of a wire are read up to a second apart,
    and in the interval of a change that second may hold more traffic than the rest.
    """
    links = observation.network.links
    capacity, expected = np.array([(link.capacity, link.loss) for link in links]).T
    sent, dropped = np.nan_to_num(observation.out_mbps), np.nan_to_num(observation.dropped_mbps)
    wire, queue = np.nan_to_num(observation.wire_loss), np.zeros(len(links))
    np.divide(dropped, dropped + sent, out=queue, where=(dropped > 0) & (utilisation < _FULL))
    wire = np.where((wire - expected) * sent > tolerance.noticed * capacity, wire, expected)
    queue = np.where(dropped > tolerance.noticed * capacity, queue, 0.0)
    lossy, full = int((wire - expected).argmax()), int(queue.argmax())
    if wire[lossy] - expected[lossy] > tolerance.loss:
        figures = float(expected[lossy]), float(wire[lossy])
        return Deviation(element=links[lossy].name, what="loss", predicted=figures[0], observed=figures[1])
    if queue[full] > tolerance.loss:
        return Deviation(element=links[full].name, what="drops", predicted=0.0, observed=float(queue[full]))
    return None


def _load(network: Network, link: int, residuals: Residuals) -> Deviation | None:
    if not np.isfinite(residuals.measured[link]):
        return None
    return Deviation(
        element=network.links[link].name,
        what="load",
        predicted=float(residuals.predicted[link]),
        observed=float(residuals.measured[link]),
    )
