"""Routers that let no probe pass: all probes by them are lost, and all data arrives."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from twin.diagnose.effects import Candidate, Effect, Scene
from twin.diagnose.simulated_hypothesis import SimulatedHypothesis
from twin.faults import Fault, FaultKind, Readings, unchanged
from twin.live.network import Flags
from twin.model import Astray, Floats, Network
from twin.observe.readings.observation import Observation, Probes

_K = FaultKind
_LOST, _EXPECTED = 0.5, 0.9
"""Shares of probes: lost at least, and due to arrive."""
_LEAST = 2  # pairs that a router is an end of
_SPARED = 1 - 1e-9  # share of what arrived from which on a filter is on no path of a pair


def _muted(readings: Readings, fault: Fault, scene: Scene) -> Readings:
    """No probe from, to or through the router arrives."""
    spared = _spared(scene.network, scene.observation.probes, fault)
    return readings._replace(through=readings.through * spared)


def _void(observation: Observation, fault: Fault) -> Flags:
    """What is lost of every pair of which a path leads by the router."""
    return np.asarray(_spared(observation.network, observation.probes, fault) < _SPARED)


def _spared(network: Network, probes: Probes, fault: Fault) -> Floats:
    """Share of the probes of each pair that go past the router, of those that would arrive without its filter [p]."""
    node = network.node(fault.element)
    name = network.nodes[node].name
    dropped = (Astray("drop", name, x.name) for x in network.nodes if x.name != name)
    before, after = _arriving(network), _arriving(replace(network, astray=(*network.astray, *dropped)))
    pairs = probes.target, probes.source
    share = np.divide(after[pairs], before[pairs], out=np.ones(probes.source.size), where=before[pairs] > 0)
    return np.where((probes.source == node) | (probes.target == node), 0.0, share)


def _arriving(network: Network) -> Floats:
    # numba is slow to import: only who simulates pays for it
    from twin.diagnose.forwarding.routed import routed
    from twin.sim.astray import arriving
    from twin.sim.kernels import expect

    arrays, routing = routed(network)
    return arriving(network, arrays, routing.paths, expect(arrays, routing.paths).survival)


EFFECTS: dict[FaultKind, Effect] = {_K.PROBE_FILTER: Effect(state=unchanged, readings=_muted, void=_void)}


def candidates(observation: Observation, judged: SimulatedHypothesis) -> Iterator[Candidate]:
    """Routers of which every probe is lost that should arrive, though they answer."""
    probes, due = observation.probes, np.nan_to_num(judged.readings.through) > _EXPECTED
    lost = np.nan_to_num(probes.loss) > _LOST
    told = due & np.isfinite(probes.loss)
    for position, node in enumerate(observation.network.nodes):
        ends = told & ((probes.source == position) | (probes.target == position))
        if node.kind == "router" and ends.sum() >= _LEAST and lost[ends].all() and observation.answered[position]:
            yield Candidate(Fault(kind=_K.PROBE_FILTER, element=node.id))
