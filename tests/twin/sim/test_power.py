"""Watts: what is up draws, what sleeps saves, and load does not matter."""

from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError

from tests.twin.sim.oracle import random_network
from twin.model import Link, Network, Node
from twin.sim.power import PowerModel, power

MODEL = PowerModel(chassis_watts=100, port_watts=((1_000, 10), (10_000, 40)), asleep_share=0.25)


def two(**flags) -> Network:
    links = (Link("a", "b", 10_000, 1, **flags), Link("b", "a", 10_000, 1, **flags))
    return Network("two", (Node("a", 0, 0), Node("b", 0, 0)), links, np.zeros((2, 2)))


def test_chassis_and_ports_add_up():
    report = power(two(), MODEL)
    assert (report.total_watts, report.chassis_watts, report.port_watts) == (280, 200, 80)


def test_a_sleeping_circuit_saves_most_of_its_two_ports():
    report = power(two(asleep=True), MODEL)
    assert (report.total_watts, report.saved_watts) == (220, 60)


def test_what_is_down_draws_nothing_and_what_is_drained_draws_all():
    assert power(two(up=False), MODEL).port_watts == 0
    assert power(two(drained=True), MODEL).port_watts == 80
    dark = replace(two(), nodes=(Node("a", 0, 0), Node("b", 0, 0, up=False)))
    assert (power(dark, MODEL).chassis_watts, power(dark, MODEL).port_watts) == (100, 40)


@pytest.mark.parametrize(("capacity", "watts"), [(500, 10), (1_000, 10), (5_500, 25), (10_000, 40), (20_000, 80)])
def test_port_watts_are_interpolated_and_grow_in_proportion_beyond_the_table(capacity, watts):
    network = replace(two(), links=(Link("a", "b", capacity, 1),))
    assert power(network, MODEL).link_watts[0] == pytest.approx(watts)


def test_sleeping_never_costs_power():
    for seed in range(20):
        network = random_network(seed)
        asleep = replace(network, links=tuple(x._replace(asleep=True) for x in network.links))
        assert power(asleep).total_watts <= power(network).total_watts


def test_negative_watts_are_refused():
    with pytest.raises(ValidationError):
        PowerModel(chassis_watts=-1)
