"""Watts: measured ports and transceivers; what sleeps keeps its transceiver drawing unless that is taken out."""

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
from pydantic import ValidationError

from tests.twin.sim.oracle import random_network
from twin.errors import InputError
from twin.model import Link, Network, Node
from twin.policy import PowerModelName
from twin.sim.power import DEFAULT_POWER, PortPower, PowerModel, power
from twin.sim.power_models import MEASURED

MODEL = PowerModel(
    name="toy",
    source="by hand",
    base_watts=100,
    ports=(
        PortPower(mbps=1_000, port_watts=1, plugged_watts=2, up_watts=-0.25),
        PortPower(mbps=10_000, port_watts=4, plugged_watts=8, up_watts=1, joules_per_bit=1e-11, joules_per_packet=1e-8),
    ),
    packet_bytes=1_000,
)


def two(**flags) -> Network:
    links = (Link("a", "b", 10_000, 1, **flags), Link("b", "a", 10_000, 1, **flags))
    return Network("two", (Node("a", 0, 0), Node("b", 0, 0)), links, np.zeros((2, 2)))


def test_chassis_ports_and_plugged_transceivers_add_up():
    report = power(two(), MODEL)
    assert (report.total_watts, report.chassis_watts, report.port_watts) == (226, 200, 26)
    assert report.shut_watts.tolist() == [5, 5]


def test_sleep_has_two_depths():
    shut, out = (power(two(asleep=True), MODEL, depth=x) for x in ("shut", "unplugged"))
    assert (shut.total_watts, shut.saved_watts, shut.plugged_watts) == (216, 10, 16)
    assert (out.total_watts, out.saved_watts, out.plugged_watts) == (200, 26, 0)


def test_a_dark_link_keeps_its_ports_enabled_and_a_dark_router_draws_nothing():
    assert power(two(up=False), MODEL).port_watts == 24
    assert power(two(drained=True), MODEL).port_watts == 26
    dark = replace(two(), nodes=(Node("a", 0, 0), Node("b", 0, 0, up=False)))
    assert (power(dark, MODEL).chassis_watts, power(dark, MODEL).port_watts) == (100, 13)


def test_traffic_costs_bits_and_packets_at_both_ends_of_a_link():
    load = np.array([8_000.0, 0.0])  # 8e9 bit/s, 1e6 packets of 1,000 bytes a second
    assert power(two(), MODEL, load=load).traffic_watts == pytest.approx(2 * (8e9 * 1e-11 + 1e6 * 1e-8))


def test_the_supplies_losses_come_on_top():
    lossy = MODEL.model_copy(update={"psu_efficiency": 0.8})
    assert power(two(), lossy).total_watts == pytest.approx(226 / 0.8)


@pytest.mark.parametrize(
    ("capacity", "members", "ports", "mbps"),
    [(500, 1, 1, 1_000), (1_000, 1, 1, 1_000), (1_001, 1, 1, 10_000), (25_000, 1, 3, 10_000), (40_000, 4, 4, 10_000)],
)
def test_a_link_has_the_smallest_ports_that_carry_each_of_its_members(capacity, members, ports, mbps):
    count, kind = MODEL.ports_for(capacity, members)
    assert (count, kind.mbps) == (ports, mbps)


def test_the_inventory_says_what_was_measured():
    model = PowerModel.load("8201-32FH")
    network = replace(two(), links=tuple(x._replace(capacity=100_000) for x in two().links))
    report = power(network, model)
    assert report.chassis_watts == pytest.approx(2 * 253.85)
    assert report.shut_watts[0] == pytest.approx(0.935 + 0.207)
    assert power(network, PowerModel.load("7280CR3K-32D4")).shut_watts[0] == pytest.approx(0.690 + 0.330)


def test_thirty_backbone_circuits_save_about_a_hundred_watts_and_not_kilowatts():
    """A national network's 30 circuits at 400G and 100G save 98 W by measured ports; its published study found 77."""
    for fast in range(16, 31):
        links = [(f"a{i}", f"b{i}", 400_000.0 if i < fast else 100_000.0) for i in range(30)]
        nodes = tuple(Node(x, 0, 0) for a, b, _ in links for x in (a, b))
        both = [Link(x, y, c, 1, asleep=True) for a, b, c in links for x, y in ((a, b), (b, a))]
        saved = power(Network("n", nodes, tuple(both), np.zeros((60, 60)))).saved_watts
        assert saved == pytest.approx(98, rel=0.125)


def test_a_router_of_32_ports_at_400g_draws_a_few_hundred_watts():
    nodes = (Node("a", 0, 0), *(Node(f"b{i}", 0, 0, up=False) for i in range(32)))
    links = tuple(Link(x, y, 400_000, 1) for i in range(32) for x, y in (("a", f"b{i}"), (f"b{i}", "a")))
    assert 288 < power(Network("n", nodes, links, np.zeros((33, 33)))).total_watts < 600


def test_every_measured_model_loads_and_the_policy_knows_its_name():
    assert set(get_args(PowerModelName)) == set(MEASURED)
    assert all(PowerModel.load(name).source for name in MEASURED)
    with pytest.raises(InputError, match="NCS-5500") as refused:
        PowerModel.load("NCS-5500")
    assert "NCS-55A1-24H" in refused.value.fix


def test_sleeping_never_costs_power():
    for seed in range(20):
        network = random_network(seed)
        asleep = replace(network, links=tuple(x._replace(asleep=True) for x in network.links))
        assert power(asleep).total_watts <= power(network).total_watts
        fell = power(network).total_watts - power(asleep).total_watts
        assert fell == pytest.approx(power(network).shut_watts.sum())


def test_negative_watts_are_refused():
    with pytest.raises(ValidationError):
        MODEL.model_validate({**DEFAULT_POWER.model_dump(), "base_watts": -1})
