"""Flow conservation: what leaves a node minus what enters it is what starts there minus what ends there."""

from typing import NamedTuple

import numpy as np

from twin.model import Floats, Ints, Network
from twin.observe.readings.observation import Observation

from .prediction import export_noise, predict
from .reported import as_reported

_CARRIED_OVER = 0.3
"""Relative error of a demand that could not be measured and was carried over."""

_NO_EVIDENCE = 1e12  # Mbit/s by which a link may differ from what demands say that nobody has measured


class Expected(NamedTuple):
    """What the measured demands say of every link [m] and node [n], Mbit/s, with standard errors."""

    arrived: Floats  # [m] what wants to leave by each link
    sigma: Floats  # [m]
    net: Floats  # [n] what leaves each node by its links minus what enters by them
    net_sigma: Floats  # [n]
    delivered: Floats  # [m] share of what wants to leave by a link that reaches its head


class Ends(NamedTuple):
    """Node positions of the two ends of each link [m]."""

    tail: Ints
    head: Ints


def link_ends(network: Network) -> Ends:
    """Where each link starts and ends."""
    index = network.node_index
    tail, head = ([index[x.tail] for x in network.links], [index[x.head] for x in network.links])
    return Ends(np.array(tail, dtype=np.int64), np.array(head, dtype=np.int64))


def expected(observation: Observation, removed: Floats, routed: Network | None = None) -> Expected:
    """Route the measured demands over the links that are up, with the share `removed` [m] lost on each link.

    `routed` is the state that routes them, by default the observed network as its interfaces are reported.

    Errors: of flow export and sampling per pair, of hashing whole flows, of the times at which counters are read, and
    of demands that had to be carried over. Demands that nobody measures are no evidence: nothing follows from them.
    """
    network, ends = routed or reported_state(observation), link_ends(observation.network)
    noise = export_noise(
        network, removed, observation.declared, samples=observation.samples, interval_s=observation.interval_s
    )
    prediction = predict(network, removed, noise)
    delivered = prediction.arrived * (1 - removed)
    n = len(network.nodes)
    net = at_nodes(ends.tail, prediction.arrived, n) - at_nodes(ends.head, delivered, n)
    reading = reading_sigma(observation, prediction.arrived)
    read = at_nodes(ends.tail, reading**2, n) + at_nodes(ends.head, reading**2, n)
    demand = demand_variance(observation)
    unmeasured = 0.0 if "demands" in observation.declared.reads else _NO_EVIDENCE
    return Expected(
        prediction.arrived,
        np.hypot(prediction.sigma, reading) + unmeasured,
        net,
        unmeasured + np.sqrt(read + demand.sum(axis=1) + demand.sum(axis=0) + observation.declared.unexported_mbps**2),
        1 - removed,
    )


def reading_sigma(observation: Observation, rate: Floats) -> Floats:
    """Standard error of a mean rate read from a counter, Mbit/s: the first and last reading are off by part of 1 s.

    Where another rate went before, as on a link that has just gone down, its rest is part of the error.
    """
    steady = np.sqrt(2) * observation.declared.read_s / (observation.interval_s * observation.samples) * rate
    return np.fmax(steady, np.nan_to_num(observation.reading_error)) + observation.declared.unexported_mbps / 2


def reported_state(observation: Observation) -> Network:
    """The inventory under the measured matrix, without the circuits of which an end reports no link or no neighbour."""
    two_way = observation.declared.two_way
    return as_reported(observation.network, observation.up, observation.adjacent, two_way=two_way)


def at_nodes(node: Ints, values: Floats, n: int) -> Floats:
    """Sum the values of links by the node at one end of each [n]."""
    return np.bincount(node, values, n).astype(np.float64)


def demand_variance(observation: Observation) -> Floats:
    """Variance of each pair's mean demand [n, n], (Mbit/s)^2."""
    demands, declared = observation.network.offered, observation.declared
    measured = (declared.export_error * demands) ** 2 + declared.sampled_mbit / observation.interval_s * demands
    missing = [observation.network.node_index[name] for name in observation.fallback]
    variance = measured / observation.samples
    variance[missing] += (_CARRIED_OVER * demands[missing]) ** 2
    return variance
