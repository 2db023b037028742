"""Failure sets: pairs of circuits, each two of a network together."""

from tests.twin.sim.oracle import random_network
from twin.sim.failure_sets import circuit_pairs
from twin.sim.simulate import single_failures


def test_every_two_circuits_are_a_pair():
    network = random_network(5)
    circuits = [x for x in single_failures(network) if x.name.startswith("link/")]
    assert len({x.name for x in circuit_pairs(network)}) == len(circuits) * (len(circuits) - 1) // 2


def test_a_pair_fails_both_its_circuits():
    network = random_network(5)
    pair = circuit_pairs(network)[0]
    first, second = pair.name.split(" & ")
    assert set(pair.links) == {*network.circuits[first], *network.circuits[second]}
