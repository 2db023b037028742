"""One thing at a time in which telemetry is not what the twin predicts for a state."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple

import numpy as np
from pydantic import Field

from twin.live.network import Flags
from twin.model import Floats, Frozen
from twin.observe import Observation
from twin.observe.alarms.symptoms import SymptomKind, find_symptoms
from twin.observe.expect.expectation import Residuals
from twin.observe.expect.prediction import Prediction
from twin.observe.expect.probing import clear_delays, delay_error, loss_surprise
from twin.observe.readings.turning import turned
from twin.observe.readings.with_gaps import ratio
from twin.printed import percents, rates, short

_FULL = 0.9  # of capacity: below it, no queue should drop
_EMPTY = 0.05  # of what is predicted: with less than this the whole path is missing
_LATELY = 2  # samples before a change: the one under way mixes what was before with what is after
_NATS = 3.0  # by which flows must all have gone another way by chance for an empty path to be no surprise
_NEW: Mapping[SymptomKind, Literal["errors", "routes"]] = MappingProxyType(
    {"frame_errors": "errors", "no_routes": "routes"}
)
_SEVERE = frozenset(
    {
        "interface_down", "neighbour_down", "neighbour_timeout", "neighbour_one_way", "neighbour_stuck",
        "process_ended", "bgp_ended", "session_down", "session_timeout", "session_refused", "session_limit",
        "session_closed",
    }
)  # fmt: skip


def _as_read(seen: Observation) -> Observation:
    return seen


class Tolerance(Frozen):
    """What counts as agreement: how sure a deviation must be, and from which size on it matters to anybody.

    How far readings stray by themselves is not said here: the network declares it, and its own past shows it.
    """

    samples: int = Field(default=2, ge=1, le=100, description="Whole samples to wait for after each step.")
    score: float = Field(default=6.0, gt=0, description="Standard errors by which a reading may be off.")
    share: float = Field(default=0.02, gt=0, description="Of a link's capacity: a load that is off by less is no harm.")
    loss: float = Field(default=0.005, gt=0, description="Share of traffic; less may get lost unexpectedly.")
    delay_ms: float = Field(default=1.0, gt=0, description="A path may be slower by this.")
    missing: float = Field(default=0.3, gt=0, le=1, description="Share of interface readings that may be missing.")
    put_right: Callable[[Observation], Observation] = Field(
        default=_as_read, exclude=True, description="Puts right or leaves out the readings that are known to be false."
    )

    def at_first(self, *, passing: bool) -> "Tolerance":
        """For a first look at a state: one sample of one that is `passing`, for another step follows."""
        return self.model_copy(update={"samples": 1}) if passing else self


class Disagreement(Frozen):
    """One element that is not as predicted: load in Mbit/s, delay in ms, the others as shares.

    A state is 1 up and 0 down, an adjacency 1 with the routing neighbour and 0 without; the routes by an exit are 1
    where its router has any.
    """

    element: str
    what: Literal[
        "load", "state", "adjacency", "routes", "loss", "drops", "silence", "probe loss", "probe delay", "errors",
        "log", "clock",
    ]  # fmt: skip
    predicted: float
    observed: float

    def __str__(self) -> str:
        match self.what:
            case "load":
                predicted, observed = rates(self.predicted, self.observed)
            case "probe delay":
                predicted, observed = f"{self.predicted:.4g} ms", f"{self.observed:.4g} ms"
            case "clock":
                predicted, observed = f"{self.predicted:.3g} s", f"{self.observed:.3g} s ahead"
            case "state":
                predicted, observed = ("up" if x else "down" for x in (self.predicted, self.observed))
            case "adjacency" | "routes" | "log":
                predicted, observed = ("one" if x else "none" for x in (self.predicted, self.observed))
            case "loss" | "drops" | "silence" | "probe loss" | "errors":
                predicted, observed = percents(self.predicted, self.observed)
        return f"{self.what} of {short(self.element)}: predicted {predicted}, observed {observed}"


class Baseline(NamedTuple):
    """What was seen of the network before anything was changed, and how noisy it was then."""

    noise: float  # how far links stray from the prediction, as a multiple of the stated error
    hashing: float  # the same of what hashing moves
    symptoms: frozenset[tuple[str, str]]  # kind and element
    probe_loss: dict[tuple[int, int], float]  # share, of probed pairs
    logged: frozenset[tuple[str, str]]  # kind and element of the log lines so far


def states(seen: Observation) -> Disagreement | None:
    """Return the first node, or else circuit, that is down where the twin has it up, or the other way round.

    Then the first circuit that is up and has lost its routing neighbour, or has one where the twin has none. A circuit
    that the twin has down and that was down lately may be up for the moment: it flaps.
    """
    network = seen.network
    for node, answered in zip(network.nodes, seen.answered, strict=True):
        if node.up != bool(answered):
            return Disagreement(element=node.id, what="state", predicted=float(node.up), observed=float(answered))
    nodes = {node.name: node for node in network.nodes}
    for link, up, told, lately in zip(network.links, seen.up, seen.told, down_lately(seen), strict=True):
        expected = link.up and not link.asleep and nodes[link.head].up
        if told and nodes[link.tail].up and expected != bool(up) and not (up and lately):
            return Disagreement(element=link.circuit, what="state", predicted=float(expected), observed=float(up))
    for link, up, near in zip(network.links, seen.up, neighbours(seen), strict=True):
        polled = nodes[link.tail].up and nodes[link.head].up and link.up and up and np.isfinite(near)
        if polled and not link.asleep and link.adjacent != bool(near):
            return Disagreement(element=link.circuit, what="adjacency", predicted=float(link.adjacent), observed=near)
    return None


def down_lately(seen: Observation) -> Flags:
    """Whether a link was down in some sample [m], flaps, or is an exit by which its router says to have no route.

    Where the twin has such a link down, light on it says nothing against that: polls may meet a circuit that flaps in
    one of its states alone.
    """
    out: Flags = np.asarray(~(seen.window.up.all(axis=0) & seen.past.up.all(axis=0)))
    for circuit, positions in seen.inventory.circuits.items():
        out[list(positions)] |= turned(seen, circuit) is not None
    out[[x.link for x in seen.peerings if not x.usable]] = True
    return out


def neighbours(seen: Observation) -> Floats:
    """Return whether each link has its routing neighbour [m], as 0 and 1; NaN where nobody says, or that says nothing.

    A session that stands says nothing of an exit by which its router has no route.
    """
    out = np.array(seen.adjacent, dtype=np.float64)
    out[[x.link for x in seen.peerings if not x.usable]] = np.nan
    return out


def clock(seen: Observation, now: float) -> Disagreement | None:
    """Return telemetry that is dated after the network's own clock, or that repeats what it said before."""
    ahead = float(seen.window.time[-1]) - now
    if ahead > seen.declared.skew_s:
        return Disagreement(element="network", what="clock", predicted=0.0, observed=ahead)
    rates = np.concatenate([seen.past.out_mbps[-1:], seen.window.out_mbps])
    busy = np.isfinite(rates).all(axis=0) & (rates > 0).all(axis=0)
    repeats = len(rates) > 1 and busy.any() and bool((np.diff(rates[:, busy], axis=0) == 0).all(axis=1).any())
    return (
        Disagreement(element="network, which repeats itself", what="silence", predicted=0, observed=1)
        if repeats
        else None
    )


def silence(seen: Observation, tolerance: Tolerance) -> Disagreement | None:
    """Return the network where too many counters do not answer."""
    missing = seen.quality.missing_counters
    if missing <= tolerance.missing:
        return None
    return Disagreement(element="network", what="silence", predicted=0.0, observed=missing)


def losses(seen: Observation, residuals: Residuals, tolerance: Tolerance) -> Disagreement | None:
    """Return the link that loses most beyond what the twin has: on the wire, or in a queue that should not be full."""
    links = seen.network.links
    capacity, expected = np.array([(link.capacity, link.loss) for link in links]).T
    wire = np.nan_to_num(seen.wire_loss) - expected
    sure = (wire > tolerance.score * seen.wire_error) & (wire > tolerance.loss)
    if sure.any():
        lossy = int(np.where(sure, wire, 0.0).argmax())
        figures = float(expected[lossy]), float(expected[lossy] + wire[lossy])
        return Disagreement(element=links[lossy].name, what="loss", predicted=figures[0], observed=figures[1])
    out, gone = np.nan_to_num(seen.window.out_mbps), np.nan_to_num(seen.window.dropped_mbps)
    idle = np.minimum(out, _at_most(seen, residuals, tolerance)) < _FULL * capacity
    dropped = np.maximum(np.where(idle, gone, 0.0).mean(axis=0) - _dropped_before(seen), 0.0)
    share = np.nan_to_num(ratio(dropped, (out + gone).mean(axis=0)))
    share = np.where(dropped > seen.declared.unexported_mbps, share, 0.0)
    full = int(share.argmax())
    if share[full] <= tolerance.loss:
        return None
    return Disagreement(element=links[full].name, what="drops", predicted=0.0, observed=float(share[full]))


def _dropped_before(seen: Observation) -> Floats:
    """Mbit/s of the mean drops of each link that counters read late may have counted of the time before [m].

    A queue that was far too full drops in a second what it does not drop in minutes once it is relieved.
    """
    lately = np.nan_to_num(seen.past.dropped_mbps[-_LATELY:]).max(axis=0, initial=0.0)
    return np.asarray(lately * seen.declared.mistimed(seen.interval_s) / max(1, len(seen.window.dropped_mbps)))


def _at_most(seen: Observation, residuals: Residuals, tolerance: Tolerance) -> Floats:
    """Mbit/s that the demands of each sample may have put on each link, their error included [K, m].

    A queue drops in the sample in which it is full, whatever the mean of several is.
    """
    from twin.sim.simulate import simulate

    state, off = residuals.prediction.network, tolerance.score * np.sqrt(seen.samples) * residuals.sigma
    matrices = map(seen.window.matrix, range(seen.samples))
    rows = (np.where(np.isfinite(x), x, state.demands) for x in matrices)
    return np.array([simulate(state.with_demands(x)).load for x in rows]) + off


def probes(seen: Observation, through: Floats, tolerance: Tolerance, before: Baseline | None) -> Disagreement | None:
    """Return the probed pair that surely loses more than the twin has for it and than it lost before.

    `through` is the share of packets that should arrive [n, n]. See `loss_surprise` for what is sure.
    """
    names, pairs = [node.name for node in seen.network.nodes], (seen.probes.source, seen.probes.target)
    counted = np.isfinite(seen.window.probe_loss).sum(axis=0)
    known = before.probe_loss if before else {}
    lost_before = np.array([known.get((int(s), int(t)), 0.0) for s, t in zip(*pairs, strict=True)])
    usual = np.maximum(1 - through[pairs], lost_before)
    nats = loss_surprise(seen.probes.loss, usual, counted, seen.declared)
    matters = np.nan_to_num(seen.probes.loss) - usual > tolerance.loss
    sure = np.where(matters & (nats > tolerance.score**2 / 2 + np.log(max(counted.size, 1))), nats, 0.0)
    if not sure.any():
        return None
    worst = int(sure.argmax())
    element = f"probe/{names[int(pairs[0][worst])]}/{names[int(pairs[1][worst])]}"
    figures = float(usual[worst]), float(seen.probes.loss[worst])
    return Disagreement(element=element, what="probe loss", predicted=figures[0], observed=figures[1])


def delays(
    seen: Observation, prediction: Prediction, tolerance: Tolerance, before: Baseline | None
) -> Disagreement | None:
    """Return the probed pair that is slower than its path, the queues on it included."""
    probed = seen.probes
    expected = prediction.delay_ms + prediction.queue_ms
    error = delay_error(prediction, seen.declared)
    clear = clear_delays(probed, expected, prediction.survival, seen.declared)
    late = np.where(clear, probed.delay_ms, 0.0) - np.where(clear, expected, 0.0)
    score = np.where(clear & (late > tolerance.delay_ms), late / error, 0.0)
    names = [node.name for node in seen.network.nodes]
    for p in np.argsort(-score, kind="stable"):
        if score[p] <= tolerance.score:
            return None
        element = f"probe/{names[int(probed.source[p])]}/{names[int(probed.target[p])]}"
        if before is None or ("probe_delay", element) not in before.symptoms:
            figures = float(expected[p]), float(probed.delay_ms[p])
            return Disagreement(element=element, what="probe delay", predicted=figures[0], observed=figures[1])
    return None


def news(seen: Observation, before: Baseline | None) -> Disagreement | None:
    """Return a symptom, or else a severe log line, that was not there before and that the state does not explain."""
    if before is None:
        return None
    for symptom in find_symptoms(seen):
        if symptom.kind in _NEW and (symptom.kind, symptom.element) not in before.symptoms:
            figures = symptom.expected, symptom.measured
            what = _NEW[symptom.kind]
            return Disagreement(element=symptom.element, what=what, predicted=figures[0], observed=figures[1])
    usable = {x.interface for x in seen.network.links if x.usable}
    since = float(seen.window.time[0]) - seen.interval_s
    for fact in seen.events:
        about = fact.element in usable or fact.kind in ("process_ended", "bgp_ended")
        if fact.kind in _SEVERE and about and fact.time > since and (fact.kind, fact.element) not in before.logged:
            return Disagreement(element=f"{fact.element} ({fact.kind})", what="log", predicted=0.0, observed=1.0)
    return None


def loads(seen: Observation, residuals: Residuals, tolerance: Tolerance) -> Disagreement | None:
    """Return the link whose load is furthest off: beyond its error, or empty where a whole path should be.

    Hashing moves flows, and it cannot take away all of them: when flows choose independently, none of those predicted
    comes with probability exp(-n), n the square of the predicted load over its variance by hashing.
    """
    capacity = np.array([link.capacity for link in seen.network.links])
    score = np.abs(residuals.score)
    off = (score > tolerance.score) & (np.abs(residuals.difference) > tolerance.share * capacity)
    if off.any():
        return load(seen, int(np.where(off, score, 0).argmax()), residuals)
    gone = _empty(residuals, tolerance) & (residuals.predicted > tolerance.share * capacity)
    return (
        load(seen, int(np.where(gone, residuals.predicted / capacity, 0).argmax()), residuals) if gone.any() else None
    )


def _empty(residuals: Residuals, tolerance: Tolerance) -> Flags:
    """Links that carry nothing of what hashing alone could have moved elsewhere [m]."""
    hashed = residuals.prediction.hashed
    rest = np.sqrt(np.maximum(residuals.sigma**2 - hashed**2, 0.0))
    least = np.minimum(_EMPTY * residuals.predicted, np.maximum(tolerance.score * rest, 0.01 * residuals.predicted))
    chance = ratio(residuals.predicted**2, hashed**2)
    measured = np.where(np.isfinite(residuals.measured), residuals.measured, np.inf)
    return np.asarray((hashed > 0) & (chance > _NATS) & (measured <= least))


def unseen(seen: Observation, residuals: Residuals, tolerance: Tolerance) -> tuple[str, ...]:
    """Links that should be carrying something and whose load could be half as large, or unread, without a sign."""
    capacity = np.array([link.capacity for link in seen.network.links])
    carries = residuals.predicted > tolerance.share * capacity
    blind = (tolerance.score * residuals.sigma > residuals.predicted / 2) | ~np.isfinite(residuals.measured)
    return tuple(seen.network.links[int(i)].name for i in np.flatnonzero(carries & blind))


def load(seen: Observation, link: int, residuals: Residuals) -> Disagreement | None:
    """Return a link's load as predicted and measured; None where it was not measured."""
    if not np.isfinite(residuals.measured[link]):
        return None
    return Disagreement(
        element=seen.network.links[link].name,
        what="load",
        predicted=float(residuals.predicted[link]),
        observed=float(residuals.measured[link]),
    )
