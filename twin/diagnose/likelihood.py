"""How well a hypothesis explains the readings: one log likelihood per reading, heavy-tailed against gaps.

Every reading is judged given what was measured upstream of it: arrivals given the measured losses, drops given the
arrivals, the far end given the near one. So a hypothesis pays once for what it does not explain.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from twin.faults import TRAITS, Fault, Readings
from twin.live.network import Flags
from twin.model import Floats, Network
from twin.observe.expect.expectation import Expectation, Residuals
from twin.observe.expect.probing import clear_delays, delay_error, probe_error
from twin.observe.readings.observation import Observation

from .balance import excess
from .candidates import effect
from .configured import configured
from .density import EXACT, FLIP, student
from .effects import Change, Effect, Reread, Scene, operational
from .peered import peered
from .simulated_hypothesis import Likelihood, SimulatedHypothesis

_DROPS_SHARE = 0.002  # of a small link's capacity: by so much what it drops may be off
_SWING = 1.1  # how far a part of an interval may exceed what is expected of it
_IMPOSSIBLE = float(np.log(1e-6))  # a router that is down and answers
_BROKEN_SHARE = 0.05  # relative: of a predicted share of broken frames
_CROWDED = 0.02  # probability that a flash crowd is at a node
_CROWD_LOG = float(np.log(1.45))  # by which it grows at most, log units
_PEAK = 0.39  # density of Student's t at 0


def suffered(seen: Observation, faults: tuple[Fault, ...]) -> Network:
    """Return the network, under the measured matrix, with the faults in it; that matrix already holds surges."""
    return _with(seen, faults, lambda x: x.state)


def planned(seen: Observation, faults: tuple[Fault, ...]) -> Network:
    """Return the network, under the measured matrix, in the state that planning is given."""
    return _with(seen, faults, lambda x: x.planned or x.state)


def _with(seen: Observation, faults: tuple[Fault, ...], change: Callable[[Effect], Change]) -> Network:
    """The network with the faults in it, as its routers take them: whether they check a circuit both ways."""
    state, one_way = seen.network, not seen.declared.two_way
    for fault in faults:
        of = effect(fault.kind)
        state = (of.one_way if one_way and of.one_way else change(of))(state, fault)
    return state


def judge(observation: Observation, expectation: Expectation, faults: tuple[Fault, ...]) -> SimulatedHypothesis:
    """Simulate a hypothesis and score every reading. `expectation` is that of the observation."""
    reread = put_right(observation, faults)
    if reread.observation is not observation:
        expectation = Expectation(reread.observation)
    seen = reread.observation
    state = suffered(seen, faults)
    residuals = expectation.residuals(state)
    scene = Scene(seen, state, residuals.prediction.network, residuals.prediction, expectation)
    readings = _expected(scene, residuals)
    for fault in faults:
        change = effect(fault.kind).readings
        readings = readings if change is None else change(readings, fault, scene)
    residuals = residuals._replace(predicted=readings.arrived, sigma=readings.sigma)
    # what a hypothesis takes out was read all the same: no poll went unanswered for that
    found = likelihood(seen, residuals, readings, faults)._replace(counted=_counted(observation, readings))
    return SimulatedHypothesis(faults, seen, state, residuals, readings, found, reread.log_likelihood)


def likelihood(
    seen: Observation, residuals: Residuals, readings: Readings, faults: tuple[Fault, ...] = ()
) -> Likelihood:
    """Score every reading of an observation against what should have been read."""
    known = np.isfinite(residuals.measured)
    return Likelihood(
        load=np.where(known, student(residuals.score) - np.log(residuals.sigma), 0.0),
        drops=_drops(seen, readings),
        wire_loss=_wire_loss(seen, readings),
        errors=_errors(seen, readings),
        oper_up=_oper_up(seen, readings),
        adjacent=_adjacent(seen, readings),
        counted=_counted(seen, readings),
        answers=_answers(seen, readings),
        probe_delay=_probe_delay(seen, readings),
        probe_loss=_probe_loss(seen, readings),
        demand_factor=_demand_factor(seen, readings),
        packet_factor=_packet_factor(seen, readings),
        balance=_balance(seen, readings),
        configured=configured(seen, faults),
        peering=peered(seen, faults),
    )


def predicted_drops(seen: Observation, readings: Readings) -> Floats:
    """Mbit/s above the capacity of each link, of what arrived at it, mean over the window [m]."""
    return np.maximum(np.nan_to_num(seen.arrived_mbps) - readings.capacity, 0.0).mean(axis=0)


def put_right(observation: Observation, faults: tuple[Fault, ...]) -> Reread:
    """Return what the readings mean if these faults are there."""
    found = Reread(observation)
    for fault in faults:
        change = effect(fault.kind).reread
        if change is not None:
            next_one = change(found.observation, fault)
            found = Reread(next_one.observation, found.log_likelihood + next_one.log_likelihood)
    return found


def misread(faults: tuple[Fault, ...]) -> bool:
    """Whether some readings, or what they are held against, are not what they seem if these faults are there."""
    read = any(effect(x.kind).reread is not None or effect(x.kind).void is not None for x in faults)
    return read or any(TRAITS[x.kind].layer == "telemetry" for x in faults)


def without_void(observation: Observation, faults: tuple[Fault, ...]) -> Observation:
    """Take out the losses of probes that say nothing about the data if these faults are there."""
    void = [says(observation, fault) for fault in faults if (says := effect(fault.kind).void) is not None]
    if not void:
        return observation
    window = observation.window
    lost = np.where(np.any(void, axis=0), np.nan, window.probe_loss)
    return replace(observation, window=window._replace(probe_loss=lost))


def _expected(scene: Scene, residuals: Residuals) -> Readings:
    """What the instruments show when they tell the truth about the state."""
    state = scene.state
    n = len(state.nodes)
    up = operational(state)
    return Readings(
        arrived=residuals.predicted,
        sigma=residuals.sigma,
        capacity=np.array([link.capacity for link in state.links]),
        swing=np.zeros(len(state.links)),
        wire_loss=np.array([link.loss for link in state.links]),
        broken=np.zeros(len(state.links)),
        up=up,
        adjacent=up * [link.adjacent for link in state.links],
        missing=np.zeros(len(state.links)),
        answers=np.array([node.up for node in state.nodes], dtype=bool),
        delay_ms=scene.prediction.delay_ms,
        delay_error_ms=delay_error(scene.prediction, scene.observation.declared),
        through=scene.prediction.survival,
        log_factor=np.zeros(n),
        log_packets=np.zeros(n),
        shape=np.zeros(n),
    )


def _drops(seen: Observation, readings: Readings) -> Floats:
    arrived, dropped = seen.arrived_mbps, seen.window.dropped_mbps
    known = np.isfinite(arrived) & np.isfinite(dropped)
    offered, lost = np.where(known, arrived, 0.0), np.where(known, dropped, 0.0)
    off = seen.declared.mistimed(seen.interval_s)
    least = np.maximum(offered * (1 - off) - readings.capacity, 0.0)
    most = np.maximum(offered * (1 + off) + _SWING * readings.swing - readings.capacity, 0.0)
    capacity = np.array([link.capacity for link in seen.inventory.links])
    error = np.minimum(seen.declared.unexported_mbps, _DROPS_SHARE * capacity) + off * lost
    score = np.maximum(np.maximum(least - lost, lost - most), 0.0) / error
    return np.where(known, student(score, EXACT), 0.0).mean(axis=0)


def _wire_loss(seen: Observation, readings: Readings) -> Floats:
    # a rest of what was under way as a wire went dark is no share of what it carries
    known = np.isfinite(seen.wire_loss) & (np.nan_to_num(seen.out_mbps) > 0) & seen.up
    score = (np.nan_to_num(seen.wire_loss) - readings.wire_loss) / seen.wire_error
    return np.where(known, student(score, EXACT), 0.0)


def _errors(seen: Observation, readings: Readings) -> Floats:
    known = np.isfinite(seen.broken)
    error = np.hypot(seen.declared.ordinary_errors + _BROKEN_SHARE * readings.broken, seen.broken_error)
    score = (np.nan_to_num(seen.broken) - readings.broken) / error
    return np.where(known, student(score, EXACT), 0.0)


def _oper_up(seen: Observation, readings: Readings) -> Floats:
    return np.where(seen.told, _reported(seen.up, readings.up), 0.0)


def _adjacent(seen: Observation, readings: Readings) -> Floats:
    known = _at_tail(seen) & np.isfinite(seen.adjacent)
    return np.where(known, _reported(np.nan_to_num(seen.adjacent) > 0, readings.adjacent), 0.0)


def _reported(value: Flags, probability: Floats) -> Floats:
    likely = np.clip(probability, FLIP, 1 - FLIP)
    return np.log(np.where(value, likely, 1 - likely))


def _counted(seen: Observation, readings: Readings) -> Floats:
    """Of the interface at each link's tail: readings that are there and that are missing while its node answers."""
    asked, missing = seen.unread
    usual = seen.usually_missed
    share = np.clip(usual + readings.missing, usual, 1 - 1e-6)
    return missing * np.log(share) + (asked - missing) * np.log1p(-share)


def _answers(seen: Observation, readings: Readings) -> Floats:
    cost = np.where(seen.answered, _IMPOSSIBLE, float(np.log(FLIP)))
    return np.where(seen.answered != readings.answers, cost, 0.0)


def _probe_delay(seen: Observation, readings: Readings) -> Floats:
    probes = seen.probes
    clear = clear_delays(probes, readings.delay_ms, readings.through, seen.declared)
    late = np.where(clear, probes.delay_ms, 0.0) - np.where(clear, readings.delay_ms, 0.0)
    return np.where(clear, student(late / readings.delay_error_ms), 0.0)


def _probe_loss(seen: Observation, readings: Readings) -> Floats:
    """Every round of a pair is a reading of its own: chance takes packets of one, and not of each that follows.

    Which of the equal paths a probe takes is drawn: a loss on some of them is known less well.
    """
    measured = seen.window.probe_loss
    known = np.isfinite(measured) & np.isfinite(readings.through)
    lost = np.where(np.isfinite(readings.through), 1 - readings.through, 0.0)
    score = (np.nan_to_num(measured) - lost) / probe_error(lost, seen.declared)
    return np.where(known, student(score), 0.0).sum(axis=0)


def _demand_factor(seen: Observation, readings: Readings) -> Floats:
    """Demands towards a node stray about what is predicted; now and then more users than usual come, and no fault."""
    growth = seen.growth
    known = np.isfinite(growth.log_factor) & np.isfinite(growth.sigma)
    sigma = np.where(known, growth.sigma, 1.0)
    beyond = np.where(known, np.nan_to_num(growth.log_factor) - readings.log_factor, 0.0)
    usual = np.exp(student(beyond / sigma, EXACT))
    edges = (_logistic(x / sigma) for x in (beyond, beyond - _CROWD_LOG))
    inside = next(edges) - next(edges)
    crowd = _CROWDED * sigma / (_PEAK * _CROWD_LOG) * np.maximum(inside, 0.0)
    return np.where(known, np.log((1 - _CROWDED) * usual + crowd) + readings.shape, 0.0)


def _logistic(score: Floats) -> Floats:
    """Normal distribution function, within 0.01."""
    return 1 / (1 + np.exp(-1.702 * np.clip(score, -30, 30)))


def _balance(seen: Observation, readings: Readings) -> Floats:
    found = excess(seen, readings.arrived)
    known = np.isfinite(found.measured)
    return np.where(known, student(found.difference / found.sigma) - np.log(found.sigma), 0.0)


def _packet_factor(seen: Observation, readings: Readings) -> Floats:
    known = np.isfinite(seen.log_packets)
    score = (np.nan_to_num(seen.log_packets) - readings.log_packets) / seen.packets_error
    return np.where(known, student(score, EXACT), 0.0)


def _at_tail(seen: Observation) -> Flags:
    """Links [m] whose tail answers."""
    return np.asarray(seen.answered[seen.ends[0]])
