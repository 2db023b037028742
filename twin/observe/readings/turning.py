"""Circuits that go down and come up again and again, as log lines and polled states have it.

Polls that are further apart than the turns meet a circuit in any state, or always in the same one; log lines have all.
"""

from collections import defaultdict
from collections.abc import Sequence
from math import inf
from typing import NamedTuple

import numpy as np

from twin.live.network import Flags
from twin.model import Floats, Network

from .observation import Observation
from .syslog import LineKind, LogFact

FALLS = 2
"""Falls in what is known of a circuit from which on it flaps."""
_LOST: frozenset[LineKind] = frozenset(
    {"neighbour_down", "neighbour_timeout", "neighbour_one_way", "neighbour_stuck", "interface_down"}
)
_FOUND: frozenset[LineKind] = frozenset({"neighbour_up", "interface_up"})


class Spell(NamedTuple):
    """Epoch seconds since when a circuit was out of routing, and until when; inf if it still is."""

    down: float
    up: float


class Turned(NamedTuple):
    """A circuit that flaps, and how it was while the newest samples were taken."""

    circuit: str
    down: float  # share of their time in which it was out of routing, as far as lines or polls tell
    changed: bool  # whether it went down or came up in that time


def logged_spells(network: Network, facts: Sequence[LogFact], circuit: str) -> list[Spell]:
    """Spells of the first of the circuit's interfaces that logs any: its neighbour's, where that is logged.

    For routing uses a circuit from when it has its neighbour back, which is later than the light.
    """
    spells: dict[str, list[Spell]] = defaultdict(list)
    interfaces = [network.links[i].interface for i in network.circuits[circuit]]
    of_neighbours = any(x.kind == "neighbour_up" and x.element in interfaces for x in facts)
    began: dict[str, float] = {}
    for fact in facts:
        if fact.element not in interfaces:
            continue
        if fact.kind in _LOST:
            began.setdefault(fact.element, fact.time)
        elif fact.kind in _FOUND and (fact.kind == "neighbour_up" or not of_neighbours) and fact.element in began:
            spells[fact.element].append(Spell(began.pop(fact.element), fact.time))
    for interface, time in began.items():
        spells[interface].append(Spell(time, inf))
    none: list[Spell] = []
    return next((spells[x] for x in interfaces if spells[x]), none)


def falls(observation: Observation, circuit: str) -> int:
    """How often an end of the circuit was polled as up and then as down."""
    here = list(observation.inventory.circuits[circuit])
    states = np.concatenate([observation.past.up, observation.window.up])[:, here]
    return int((states[:-1] & ~states[1:]).sum(axis=0).max(initial=0))


def routed(observation: Observation, circuit: str) -> Flags:
    """Whether each sample of the window found both ends lit and with their neighbour [K]."""
    return _used(observation, circuit)[-observation.samples :]


def _used(observation: Observation, circuit: str) -> Flags:
    """The same of the past and the window, in which nobody may say anything of neighbours."""
    here = list(observation.inventory.circuits[circuit])
    past, window = observation.past, observation.window
    near = np.nan_to_num(np.concatenate([past.adjacent, window.adjacent])[:, here], nan=1.0)
    return np.asarray(np.min(np.concatenate([past.up, window.up])[:, here] * near, axis=1) > 0)


def resolved(observation: Observation, circuit: str) -> bool:
    """Whether each state that polls met lasted for two of them at least; those of shorter ones were not all met.

    It is the sampling theorem: what turns as fast as it is polled looks like anything.
    """
    turns = np.flatnonzero(np.diff(_used(observation, circuit).astype(np.int64)))
    return bool((np.diff(turns) > 1).all())


def turning(observation: Observation) -> tuple[Turned, ...]:
    """Return the circuits that flap and that went down or came up since the sample before the window."""
    found = (turned(observation, x) for x in observation.inventory.circuits)
    return tuple(x for x in found if x is not None and x.changed)


def turned(observation: Observation, circuit: str) -> Turned | None:
    """How a circuit was in the window, by the log where that shows it flap, else by polls; None where it does not."""
    begin, end = float(observation.window.time[0]) - observation.interval_s, float(observation.window.time[-1])
    spells = logged_spells(observation.inventory, observation.events, circuit)
    if len(spells) >= FALLS:
        inside = [Spell(max(x.down, begin), min(x.up, end)) for x in spells if x.down < end and x.up > begin]
        changed = any(begin < time < end for spell in inside for time in spell)
        return Turned(circuit, sum(x.up - x.down for x in inside) / (end - begin), changed)
    if falls(observation, circuit) < FALLS:
        return None
    states = _used(observation, circuit)
    if not resolved(observation, circuit):
        return Turned(circuit, 1 - float(states[int(np.argmin(states)) :].mean()), changed=True)
    now = states[-observation.samples - 1 :]
    return Turned(circuit, 1 - float(now[-observation.samples :].mean()), changed=bool(now.any() and not now.all()))


def turned_samples(network: Network, facts: Sequence[LogFact], times: Floats, interval_s: float) -> Flags:
    """Samples [K] in which a circuit that flaps by the log went down or came up: they mix two states."""
    mixed = np.zeros(times.size, dtype=np.bool_)
    if not any(x.kind in _LOST for x in facts):
        return mixed
    for circuit in network.circuits:
        spells = logged_spells(network, facts, circuit)
        for time in (x for spell in spells for x in spell if len(spells) >= FALLS):
            mixed |= (times - interval_s < time) & (time <= times)
    return mixed
