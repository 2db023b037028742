"""Whether telemetry agrees with what the twin predicts for a state: what is up, what is lost, every load and probe."""

from datetime import datetime, timedelta

import numpy as np
from pydantic import Field

from twin.live.declared import Confirmation, Declaration, Quantity
from twin.live.network import LiveNetwork, Telemetry
from twin.model import Floats, Frozen, Network
from twin.observe import Observation, observe
from twin.observe.alarms.symptoms import find_symptoms
from twin.observe.expect.expectation import Calibration, Expectation
from twin.observe.expect.prediction import conditioned
from twin.observe.observe import HISTORY, interval_of

from . import deviation
from .deviation import Baseline, Disagreement, Tolerance

__all__ = [
    "Agreement",
    "Baseline",
    "Disagreement",
    "Tolerance",
    "baseline",
    "compare",
    "look_at",
    "looks_last",
    "step_lasts",
    "watch",
]

_PATIENCE = 3  # samples beyond those wanted, after which a network that shows none is silent
_NAMED = 3
_TELLING: frozenset[Quantity] = frozenset({"counters", "drops", "errors", "state", "adjacency", "probes"})
_CONFIRMING: frozenset[Confirmation] = frozenset({"configuration", "loads", "probes"})
_ROUNDING_S = 1e-3
_USUAL = Tolerance()
_UNTOLD = timedelta(days=1)  # of telemetry, where nothing says how far apart samples are


class Agreement(Frozen):
    """How the telemetry of one interval compares with the twin."""

    busiest: str | None = Field(description="The link predicted to be busiest.")
    predicted_utilisation: float
    measured_utilisation: float | None = Field(description="Of the same link; null if it was not measured.")
    worst: Disagreement | None = Field(description="The link whose load is furthest off, within tolerance or not.")
    deviation: Disagreement | None = Field(description="The worst that is beyond tolerance.")
    unseen: tuple[str, ...] = Field(default=(), description="Links whose load could be half as large without a sign.")
    unread: tuple[str, ...] = Field(default=(), description="What this network does not let be read.")

    @property
    def holds(self) -> bool:
        """Whether everything is within tolerance."""
        return self.deviation is None

    @property
    def settled(self) -> bool:
        """Whether more samples would not help: all is well, or something is down or loses traffic."""
        return self.deviation is None or self.deviation.what in ("state", "adjacency", "loss", "drops", "clock")

    @property
    def blind_spots(self) -> str:
        """What this comparison could not see, in words; empty when there is nothing."""
        more = f" and {len(self.unseen) - _NAMED} more" if len(self.unseen) > _NAMED else ""
        half = (f"half the load of {', '.join(self.unseen[:_NAMED])}{more}",) if self.unseen else ()
        return f"could not see: {', '.join((*self.unread, *half))}" if self.unread or half else ""


def compare(observation: Observation, tolerance: Tolerance, before: Baseline | None = None) -> Agreement:
    """Compare an observation of a state with the twin's prediction for it, under the demands measured meanwhile.

    Looks first at the clock, at what is up and at silence, then at what gets lost, on the links and end to end, then at
    loads: a cut circuit explains the loads, not the other way round. The prediction is conditioned on the losses that
    were measured. `before` is what was seen before anything was changed.
    """
    network = observation.network
    expectation = Expectation(observation, Calibration(before.noise, before.hashing) if before else None)
    residuals = expectation.residuals(network)
    capacity = np.array([link.capacity for link in network.links])
    score = np.abs(residuals.score)
    busiest = int((residuals.predicted / capacity).argmax())
    measured = float(residuals.measured[busiest] / capacity[busiest])
    found = (
        deviation.states(observation)
        or deviation.silence(observation, tolerance)
        or deviation.losses(observation, residuals, tolerance)
        or _lost_end_to_end(observation, tolerance, before)
        or deviation.news(observation, before)
        or deviation.loads(observation, residuals, tolerance)
        or deviation.delays(observation, residuals.prediction, tolerance, before)
    )
    return Agreement(
        busiest=network.links[busiest].name if residuals.predicted[busiest] > 0 else None,
        predicted_utilisation=float(residuals.predicted[busiest] / capacity[busiest]),
        measured_utilisation=measured if np.isfinite(measured) else None,
        worst=deviation.load(observation, int(score.argmax()), residuals),
        deviation=found,
        unseen=deviation.unseen(observation, residuals, tolerance),
        unread=_unread(observation),
    )


def _unread(seen: Observation) -> tuple[str, ...]:
    """What would have told of a change that went wrong, and is not there."""
    declared = seen.declared
    missing = {str(x) for x in _TELLING - declared.reads} | {str(x) for x in _CONFIRMING - declared.confirms}
    return tuple(sorted(missing if seen.probes.loss.size else missing | {"probes"}))


def baseline(observation: Observation) -> Baseline:
    """Take what is seen of a state before anything is changed."""
    calibration = Expectation(observation).calibration
    past = np.concatenate([observation.past.probe_loss, observation.window.probe_loss])
    known = np.isfinite(past)
    lost = np.where(known, past, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    pairs = zip(observation.probes.source, observation.probes.target, lost, strict=True)
    return Baseline(
        noise=calibration.noise,
        hashing=calibration.hashing,
        symptoms=frozenset((x.kind, x.element) for x in find_symptoms(observation)),
        probe_loss={(int(s), int(t)): float(x) for s, t, x in pairs},
        logged=frozenset((x.kind, x.element) for x in observation.events),
    )


def watch(
    state: Network, live: LiveNetwork, tolerance: Tolerance, before: Baseline | None = None, *, passing: bool = False
) -> tuple[Agreement, Observation | None]:
    """Wait for whole samples of a state that begins now, and compare them with its prediction.

    A deviation that chance could bring about is looked at once more with new samples: lost readings can do that. A
    state that is `passing`, for another step follows, is first looked at for one sample: errors are those of one.
    """
    agreement, seen = look_at(state, live, tolerance.at_first(passing=passing), before)
    return (agreement, seen) if agreement.settled else look_at(state, live, tolerance, before)


def step_lasts(declared: Declaration, interval_s: float, tolerance: Tolerance = _USUAL) -> timedelta | None:
    """How long a step takes at most until telemetry has confirmed it; None where a person makes it."""
    return None if declared.by_hand else looks_last(declared, interval_s, tolerance)


def looks_last(declared: Declaration, interval_s: float, tolerance: Tolerance = _USUAL) -> timedelta:
    """How long looking at one step takes at most: twice the whole samples that are waited for.

    Before these pass the interval under way and, where it matters, what counters that are read late mix with the next.
    """
    look_s = (tolerance.samples + 1) * interval_s + declared.settle_s(interval_s)
    return timedelta(seconds=2 * look_s)


def look_at(
    state: Network, live: LiveNetwork, tolerance: Tolerance, before: Baseline | None
) -> tuple[Agreement, Observation | None]:
    """Wait for whole samples of a state that begins now, and compare them once; no observation where none came."""
    since = live.now
    telemetry, whole = _whole_samples(live, since, tolerance.samples)
    if whole < tolerance.samples:
        return _nothing(Disagreement(element="network", what="silence", predicted=0.0, observed=1.0)), None
    seen = tolerance.put_right(observe(state, telemetry, window=whole, now=live.now))
    wrong = deviation.clock(seen, live.now.timestamp())
    return (_nothing(wrong) if wrong else compare(seen, tolerance, before)), seen


def _whole_samples(live: LiveNetwork, since: datetime, wanted: int) -> tuple[Telemetry, int]:
    """Wait until this many samples are there of intervals that began after `since`; what came before comes with them.

    The interval under way when something changed mixes two states, and so does the next one while counters are still
    read late by more than does not matter.
    """
    telemetry, whole = recent(live, wanted), 0
    for waited in range(wanted + _PATIENCE):
        live.wait(1 if waited else wanted)
        telemetry = recent(live, wanted)
        interval, times = interval_of(telemetry.declared, telemetry.links.time), np.unique(telemetry.links.time)
        first = since.timestamp() + interval + telemetry.declared.settle_s(interval) - _ROUNDING_S
        whole = int((times >= first).sum())
        if whole >= wanted:
            break
    return telemetry, whole


def recent(live: LiveNetwork, samples: int, *, of: datetime | None = None) -> Telemetry:
    """Read the newest samples, `of` a time or now, and those before them that they are compared with."""
    interval = live.read_telemetry(live.now).declared.interval_s
    return live.read_telemetry(
        (of or live.now) - (timedelta(seconds=interval * (HISTORY + samples + 1)) if interval else _UNTOLD)
    )


def _nothing(wrong: Disagreement) -> Agreement:
    return Agreement(busiest=None, predicted_utilisation=0, measured_utilisation=None, worst=None, deviation=wrong)


def _lost_end_to_end(seen: Observation, tolerance: Tolerance, before: Baseline | None) -> Disagreement | None:
    """Look at what of the probes should reach the far end, given the losses that were measured or diagnosed."""
    if not seen.probes.loss.size:
        return None
    diagnosed = np.array([link.loss for link in seen.network.links])
    lossy = conditioned(seen.network, np.maximum(diagnosed, seen.removed))
    return deviation.probes(seen, _through(lossy), tolerance, before)


def _through(network: Network) -> Floats:
    """Share of the packets of each pair that arrive [n, n], by their tunnel where they have one, 0 without a path."""
    from twin.sim.arrays import compile_network
    from twin.sim.astray import arriving
    from twin.sim.kernels import expect
    from twin.sim.route import route

    arrays = compile_network(network)
    routing = route(arrays)
    through = arriving(network, arrays, routing.paths, expect(arrays, routing.paths).survival).T.copy()
    legs, tunnels, first = through.copy(), arrays.tunnels, arrays.tunnels.first_leg
    for i, (s, t) in enumerate(zip(tunnels.source, tunnels.target, strict=True)):
        lists = [p for p in range(tunnels.first_list[i], tunnels.first_list[i + 1]) if tunnels.healthy[p]]
        arriving = {
            p: float(np.prod([legs[tunnels.leg_from[g], tunnels.leg_to[g]] for g in range(first[p], first[p + 1])]))
            for p in lists
        }
        valid = [p for p in lists if arriving[p] > 0]
        total = sum(float(tunnels.share[p]) for p in valid)
        if total > 0:
            through[s, t] = sum(float(tunnels.share[p]) * arriving[p] for p in valid) / total
    return through
