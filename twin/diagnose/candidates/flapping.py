"""Circuits that go down and come up again and again."""

from collections import defaultdict
from collections.abc import Iterator
from math import inf
from typing import NamedTuple

import numpy as np

from twin.diagnose.effects import HINT_BOUND, Candidate
from twin.diagnose.simulated_hypothesis import SimulatedHypothesis
from twin.faults import Fault, FaultKind
from twin.model import Floats
from twin.observe.readings.observation import Observation

_TURNS = 2
_TOLERANCE, _LOADED = 4.0, 20.0  # standard errors
_LEAST, _MOST = 0.02, 0.98


def flaps(observation: Observation, circuit: str) -> bool:
    """Whether the circuit went down more than once, in the log or in its polled states."""
    return len(_turns(observation, circuit)) >= _TURNS or _falls(observation, circuit) >= _TURNS


def is_turning(observation: Observation, circuit: str) -> bool:
    """Whether polls saw the circuit fall more than once, and it is down for no longer than it was before.

    What is down for good stays so for longer than the spells of a flap.
    """
    here = list(observation.inventory.circuits[circuit])
    up = np.asarray(np.all(np.concatenate([observation.past.up, observation.window.up])[:, here] != 0, axis=1))
    falls = np.flatnonzero(up[:-1] & ~up[1:])
    if falls.size < _TURNS or up[-1]:
        return False
    before = [int(np.argmax(up[fall + 1 :])) for fall in falls[:-1]]
    return up.size - 1 - int(falls[-1]) <= max(before)


def flapping(observation: Observation, judged: SimulatedHypothesis) -> Iterator[Candidate]:
    """Circuits that turn more than once, in their polled states or in the log, and that show in the readings."""
    network, window, past = observation.inventory, observation.window, observation.past
    states = np.concatenate([past.up, window.up])
    turned = np.abs(np.diff(states.astype(np.int64), axis=0)).sum(axis=0)
    logged = {network.links[network.link(x.element)].circuit for x in observation.events if x.kind == "interface_down"}
    moved = np.abs(judged.residuals.score) > _TOLERANCE
    for circuit, positions in network.circuits.items():
        here = list(positions)
        in_log = circuit in logged and len(_turns(observation, circuit)) >= _TURNS
        polled = bool((turned[here] >= _TURNS).any())
        if not (in_log or polled):
            continue
        if polled or turned[here].any() or moved[here].any():
            severity = _share_down(observation, judged, circuit)
            fault = Fault(kind=FaultKind.FLAP, element=circuit, severity=severity)
            yield Candidate(fault, hint=HINT_BOUND if in_log else 0.0)


UNPOLLED = 0.03
"""Standard error of the share of time that a circuit is down in one interval, where no poll meets it in one state."""


class Phase(NamedTuple):
    """Where in its turns a circuit was, of which every poll met one state alone."""

    down: float  # share of the newest samples in which routing did not use it
    error: float  # its standard error: where in its sample a turn falls is not known
    up: Floats  # newest state of each of its links, 0 or 1
    adjacent: Floats  # the same of their neighbours
    turning: bool  # whether it turned in these samples: what is lost until all routers know is anybody's guess


def phase(observation: Observation, circuit: str) -> Phase | None:
    """The phase of a flapping circuit, None where polls are too far apart to tell one."""
    if _falls(observation, circuit) < _TURNS:
        return None
    here = list(observation.inventory.circuits[circuit])
    window, past = observation.window, observation.past
    lit, near = window.up[:, here], np.nan_to_num(window.adjacent[:, here], nan=1.0)
    routed = np.asarray(np.min(lit * near, axis=1) > 0)
    states = np.concatenate([np.min(past.up[-1:, here], axis=1) > 0, routed])
    turns = int(np.abs(np.diff(states.astype(np.int64))).sum())
    error = float(np.sqrt((turns + 1) / 12) / routed.size)
    return Phase(1 - float(routed.mean()), error, lit[-1].astype(np.float64), near[-1], turning=turns > 0)


def _falls(observation: Observation, circuit: str) -> int:
    """How often an end of the circuit was polled as up and then as down."""
    here = list(observation.inventory.circuits[circuit])
    states = np.concatenate([observation.past.up, observation.window.up])[:, here]
    return int((states[:-1] & ~states[1:]).sum(axis=0).max(initial=0))


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


def _turns(observation: Observation, circuit: str) -> list[float]:
    """Times, seconds, at which the log has the circuit go down, after it came up or for the first time."""
    return [down for down, _ in _spells(observation, circuit)]


def _logged_share(observation: Observation, circuit: str) -> float:
    spells = _spells(observation, circuit)
    if len(spells) < _TURNS:
        return 0.5
    whole = spells[-1][0] - spells[0][0]
    down = sum(up - begin for begin, up in spells[:-1])
    return down / whole if whole > 0 else 0.5


def _spells(observation: Observation, circuit: str) -> list[tuple[float, float]]:
    """Spells of the first of the circuit's interfaces that logs any: down since, and up again, inf if not yet."""
    network = observation.inventory
    interfaces = [network.links[i].interface for i in network.circuits[circuit]]
    by_interface: dict[str, list[tuple[float, float]]] = defaultdict(list)
    began: dict[str, float] = {}
    for fact in observation.events:
        if fact.element not in interfaces:
            continue
        if fact.kind == "interface_down":
            began.setdefault(fact.element, fact.time)
        elif fact.kind == "interface_up" and fact.element in began:
            by_interface[fact.element].append((began.pop(fact.element), fact.time))
    for interface, time in began.items():
        by_interface[interface].append((time, inf))
    logged = [by_interface[x] for x in interfaces if by_interface[x]]
    return logged[0] if logged else []
