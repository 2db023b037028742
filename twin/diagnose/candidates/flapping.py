"""Circuits that go down and come up again and again."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from twin.diagnose.effects import HINT_BOUND, Candidate, Scene
from twin.diagnose.simulated_hypothesis import SimulatedHypothesis
from twin.faults import Fault, FaultKind, Readings, struck_links, with_fault
from twin.model import Floats
from twin.observe.expect.mixture import Shares, TurnLoads, fitted, missed
from twin.observe.expect.prediction import Prediction
from twin.observe.readings.observation import Observation
from twin.observe.readings.turning import FALLS, falls, logged_spells, resolved, routed, turned
from twin.observe.readings.with_gaps import mean

_TOLERANCE, _LOADED = 4.0, 20.0  # standard errors
_LEAST, _MOST = 0.02, 0.98


def flaps(observation: Observation, circuit: str) -> bool:
    """Whether the circuit went down more than once, in the log or in its polled states."""
    return _fallen(observation, circuit) >= FALLS or falls(observation, circuit) >= FALLS


def is_turning(observation: Observation, circuit: str) -> bool:
    """Whether polls saw the circuit fall more than once, and it is down for no longer than it was before.

    What is down for good stays so for longer than the spells of a flap.
    """
    here = list(observation.inventory.circuits[circuit])
    up = np.asarray(np.all(np.concatenate([observation.past.up, observation.window.up])[:, here] != 0, axis=1))
    fallen = np.flatnonzero(up[:-1] & ~up[1:])
    if fallen.size < FALLS or up[-1]:
        return False
    before = [int(np.argmax(up[fall + 1 :])) for fall in fallen[:-1]]
    return up.size - 1 - int(fallen[-1]) <= max(before)


def flapping(observation: Observation, judged: SimulatedHypothesis) -> Iterator[Candidate]:
    """Circuits that turn more than once, in their polled states or in the log, and that show in the readings."""
    network, window, past = observation.inventory, observation.window, observation.past
    states = np.concatenate([past.up, window.up])
    turned = np.abs(np.diff(states.astype(np.int64), axis=0)).sum(axis=0)
    kinds = ("interface_down", "neighbour_down")  # of an interface that fell; hellos that got lost are another matter
    logged = {network.links[network.link(x.element)].circuit for x in observation.events if x.kind in kinds}
    moved = np.abs(judged.residuals.score) > _TOLERANCE
    for circuit, positions in network.circuits.items():
        here = list(positions)
        in_log = circuit in logged and _fallen(observation, circuit) >= FALLS
        polled = bool((turned[here] >= FALLS).any())
        if not (in_log or polled):
            continue
        if polled or turned[here].any() or moved[here].any():
            severity = _share_down(observation, judged, circuit)
            fault = Fault(kind=FaultKind.FLAP, element=circuit, severity=severity)
            yield Candidate(fault, hint=HINT_BOUND if in_log else 0.0)


class Phase(NamedTuple):
    """Where in its turns a circuit was, of which every poll met one state alone."""

    down: float  # share of the newest samples in which routing did not use it
    error: float  # its standard error: where in its sample a turn falls is not known
    up: Floats  # newest state of each of its links, 0 or 1
    adjacent: Floats  # the same of their neighbours
    turning: bool  # whether it turned in these samples: what is lost until all routers know is anybody's guess


def phase(observation: Observation, circuit: str) -> Phase | None:
    """The phase of a flapping circuit, None where polls are too far apart to tell one, or miss logged falls."""
    polled = falls(observation, circuit)
    if polled < FALLS or _fallen(observation, circuit) > polled or not resolved(observation, circuit):
        return None
    here = list(observation.inventory.circuits[circuit])
    window, past = observation.window, observation.past
    used = routed(observation, circuit)
    states = np.concatenate([np.min(past.up[-1:, here], axis=1) > 0, used])
    turns = int(np.abs(np.diff(states.astype(np.int64))).sum())
    error = float(np.sqrt((turns + 1) / 12) / used.size)
    near = np.nan_to_num(window.adjacent[-1, here], nan=1.0)
    return Phase(1 - float(used.mean()), error, window.up[-1, here].astype(np.float64), near, turning=turns > 0)


def by_turns(readings: Readings, fault: Fault, scene: Scene) -> Readings:
    """Means over the two states, by the share of time in each; polls that are close enough say in which it is.

    Where they are not, that share, and what gets lost at each turn, are what the loads say.
    """
    polled, links = phase(scene.observation, fault.element), list(struck_links(scene.state, fault))
    dark = with_fault(scene.state, Fault(kind=FaultKind.LINK_DOWN, element=fault.element))
    other, unheard = scene.expectation.residuals(dark), scene.expectation.unheard(scene.network, links)
    lacks = missed(readings.arrived, unheard.arrived + readings.arrived - scene.prediction.arrived, links)
    states = TurnLoads(readings.arrived, other.predicted, lacks)
    shares = _shares(readings, fault, scene, states) if polled is None else _polled_shares(polled)
    if polled is not None:
        lacks[links] = 0.0  # what they carry themselves is in the share that polls tell
    through, delay_ms = _mixed_probes(readings, shares, scene, (other.prediction, unheard))
    moved = other.predicted - readings.arrived
    # how far a load swings is known no better than the load of either state: beside a full queue that decides
    swings = np.where(moved > other.sigma, moved + _TOLERANCE * other.sigma, np.maximum(moved, 0.0))
    turning = polled is not None and polled.turning
    up, adjacent = readings.up.copy(), readings.adjacent.copy()
    up[links] = up[links] * (1 - shares.down) if polled is None else polled.up
    adjacent[links] = adjacent[links] * (1 - shares.down) if polled is None else polled.adjacent
    return readings._replace(
        arrived=shares.mean(states),
        sigma=np.hypot(readings.sigma, shares.error(states)),
        through=through,
        delay_ms=delay_ms,
        swing=readings.swing + (np.abs(moved) if turning else (1 - shares.down) * swings),
        up=up,
        adjacent=adjacent,
    )


def _polled_shares(polled: Phase) -> Shares:
    """Shares of the time down, and lost: any part of an interval in which it turns, none of it or all."""
    lost = (0.5, 1 / 12) if polled.turning else (0.0, 0.0)
    return Shares(polled.down, lost[0], np.diag([polled.error**2, lost[1]]))


def _shares(readings: Readings, fault: Fault, scene: Scene, states: TurnLoads) -> Shares:
    logged = turned(scene.observation, fault.element)
    told = fault.severity if logged is None else logged.down
    return fitted(mean(scene.observation.arrived_mbps), readings.sigma, states, told)


def _mixed_probes(
    readings: Readings, shares: Shares, scene: Scene, others: tuple[Prediction, Prediction]
) -> tuple[Floats, Floats]:
    """What gets through of each probed pair [p], and its delay, ms, in the mean over the states.

    What is lost at turns hits a round of probes or it does not: that of pairs whose way leads over them is not known.
    """
    dark, unheard = others
    arriving = (1 - shares.down) * readings.through, shares.down * dark.survival
    late = np.nan_to_num(dark.delay_ms, posinf=0.0)
    spent = arriving[0] * np.nan_to_num(readings.delay_ms, posinf=0.0) + arriving[1] * late
    total = arriving[0] + arriving[1]
    hit = (shares.lost > 0) & (unheard.survival < scene.prediction.survival)
    delay_ms = np.divide(spent, total, out=np.full(total.size, np.inf), where=total > 0)
    return np.where(hit, np.nan, total), delay_ms


def _share_down(observation: Observation, judged: SimulatedHypothesis, circuit: str) -> float:
    """Share of time that it is down: of its load where it should carry enough, else of the time in the log."""
    here = list(observation.inventory.circuits[circuit])
    residuals = judged.residuals
    loaded = [i for i in here if residuals.predicted[i] > _LOADED * residuals.sigma[i]]
    if loaded:
        measured = float(np.nan_to_num(residuals.measured[loaded]).sum())
        share = 1 - measured / float(residuals.predicted[loaded].sum())
    else:
        share = _logged_share(observation, circuit)
    return float(np.clip(share, _LEAST, _MOST))


def _fallen(observation: Observation, circuit: str) -> int:
    """How often the log has the circuit go down, after it came up or for the first time."""
    return len(logged_spells(observation.inventory, observation.events, circuit))


def _logged_share(observation: Observation, circuit: str) -> float:
    spells = logged_spells(observation.inventory, observation.events, circuit)
    if len(spells) < FALLS:
        return 0.5
    whole = spells[-1].down - spells[0].down
    return sum(x.up - x.down for x in spells[:-1]) / whole if whole > 0 else 0.5
