"""How well a state of the network explains the readings: one log likelihood per reading, heavy-tailed against gaps.

Every reading is judged given what was measured upstream of it: arrivals given the measured losses, drops given the
arrivals, the far end given the near one. So a hypothesis pays once for what it does not explain.
"""

from typing import NamedTuple

import numpy as np

from twin.faults import Fault, FaultKind, afflict
from twin.live.network import Flags
from twin.model import Floats, Network
from twin.observe.expectation import Expectation, Residuals
from twin.observe.observation import Observation

_ROBUST, _EXACT = 4.0, 10.0  # degrees of freedom: of what the whole network adds up to, of what one element counts
_PLATEAU_ERROR, _DROP_ERROR = 0.004, 0.01  # relative: of the rate at which a queue is full, of what it drops
_FLOOR_MBPS = 0.5
_STATE_FLIP = float(np.log(1e-3))  # an interface or a poll that says the opposite of the truth
_IMPOSSIBLE = float(np.log(1e-6))  # a router that is down and answers
_DELAY_MS, _DELAY_SHARE = 0.15, 0.02
_UNPROBED_LOSS = 0.01  # above it a probe's delay tells more about queues than about paths


class Likelihood(NamedTuple):
    """Log likelihood of every reading. m links, n nodes, p probed pairs."""

    load: Floats  # [m]
    drops: Floats  # [m]
    wire_loss: Floats  # [m]
    oper_up: Floats  # [m]
    answers: Floats  # [n]
    probe_delay: Floats  # [p]
    reachable: Floats  # [p]
    demand_factor: Floats  # [n]

    @property
    def total(self) -> float:
        """Sum over all readings."""
        return float(sum(term.sum() for term in self))


class Judged(NamedTuple):
    """A hypothesis, simulated: what it predicts and how likely it makes the readings."""

    state: Network
    residuals: Residuals
    log_factor: Floats  # [n] growth of the demands towards each node that it predicts
    likelihood: Likelihood


def suffered(observation: Observation, fault: Fault | None) -> Network:
    """Return the observed network with the fault in it; the measured matrix already holds a demand surge."""
    if fault is None or fault.kind is FaultKind.SURGE:
        return observation.network
    return afflict(observation.network, fault)


def judge(observation: Observation, expectation: Expectation, fault: Fault | None) -> Judged:
    """Simulate a fault, or none, and score every reading."""
    state = suffered(observation, fault)
    residuals = expectation.residuals(state)
    log_factor = np.zeros(len(state.nodes))
    if fault is not None and fault.kind is FaultKind.SURGE:
        log_factor[state.node(fault.element)] = np.log(fault.severity)
    likelihood = Likelihood(
        np.where(np.isfinite(residuals.measured), student(residuals.score) - np.log(residuals.sigma), 0.0),
        _drops(observation, state),
        _wire_loss(observation, state),
        _oper_up(observation, state),
        _answers(observation, state),
        *_probes(observation, residuals),
        _demand_factor(observation, log_factor),
    )
    return Judged(state, residuals, log_factor, likelihood)


def student(score: Floats, freedom: float = _ROBUST) -> Floats:
    """Log density of Student's t up to a constant: a reading that is far off costs little more than one merely off."""
    return -(freedom + 1) / 2 * np.log1p(score**2 / freedom)


def predicted_drops(observation: Observation, state: Network) -> Floats:
    """Mbit/s above the capacity of each link, of what arrived at it, mean over the window [m]."""
    capacity = np.array([link.capacity for link in state.links])
    return np.maximum(np.nan_to_num(observation.arrived_mbps) - capacity, 0.0).mean(axis=0)


def predicted_up(state: Network) -> Flags:
    """Operational state of each link [m]."""
    up = [node.up for node in state.nodes]
    index = state.node_index
    return np.array(
        [x.up and not x.asleep and up[index[x.tail]] and up[index[x.head]] for x in state.links], dtype=bool
    )


def _drops(observation: Observation, state: Network) -> Floats:
    capacity = np.array([link.capacity for link in state.links])
    arrived, dropped = observation.arrived_mbps, observation.window.dropped_mbps
    known = np.isfinite(arrived) & np.isfinite(dropped)
    offered, lost = np.where(known, arrived, 0.0), np.where(known, dropped, 0.0)
    least, most = (np.maximum(offered * (1 + x) - capacity, 0.0) for x in (-_PLATEAU_ERROR, _PLATEAU_ERROR))
    score = np.maximum(np.maximum(least - lost, lost - most), 0.0) / (_FLOOR_MBPS + _DROP_ERROR * lost)
    return np.where(known, student(score, _EXACT), 0.0).mean(axis=0)


def _wire_loss(observation: Observation, state: Network) -> Floats:
    loss, sent = np.array([link.loss for link in state.links]), np.nan_to_num(observation.out_mbps)
    known = np.isfinite(observation.wire_loss) & (sent > 0)
    score = (np.nan_to_num(observation.wire_loss) - loss) / observation.wire_error
    return np.where(known, student(score, _EXACT), 0.0)


def _oper_up(observation: Observation, state: Network) -> Floats:
    tails = np.array([state.node_index[link.tail] for link in state.links], dtype=np.int64)
    reported = observation.answered[tails]
    return np.where(reported & (observation.up != predicted_up(state)), _STATE_FLIP, 0.0)


def _answers(observation: Observation, state: Network) -> Floats:
    up = np.array([node.up for node in state.nodes], dtype=bool)
    cost = np.where(observation.answered, _IMPOSSIBLE, _STATE_FLIP)
    return np.where(observation.answered != up, cost, 0.0)


def _probes(observation: Observation, residuals: Residuals) -> tuple[Floats, Floats]:
    probes = observation.probes
    predicted = residuals.prediction.delay_ms[probes.source, probes.target]
    reported, reachable = np.isfinite(probes.loss), np.isfinite(predicted)
    contradicted = reported & ((reachable & (probes.loss == 1)) | (~reachable & (probes.loss < 1)))
    clear = reported & reachable & np.isfinite(probes.delay_ms) & (np.nan_to_num(probes.loss) < _UNPROBED_LOSS)
    near = np.where(clear, predicted, 0.0)
    score = (np.where(clear, probes.delay_ms, 0.0) - near) / (_DELAY_MS + _DELAY_SHARE * near)
    return np.where(clear, student(score), 0.0), np.where(contradicted, _STATE_FLIP, 0.0)


def _demand_factor(observation: Observation, log_factor: Floats) -> Floats:
    growth = observation.growth
    known = np.isfinite(growth.log_factor)
    return np.where(known, student((np.nan_to_num(growth.log_factor) - log_factor) / growth.sigma, _EXACT), 0.0)
