"""A lab for tests: brought up once for a file of tests, skipped with the reason where this machine can have none."""

import os
from collections.abc import Generator
from contextlib import contextmanager

import pytest

from twin.formats import load_network
from twin.formats.drawn_exits import with_drawn_exits
from twin.formats.provision import in_small
from twin.live.lab.features import missing, probe
from twin.live.lab.launch import Lab, up
from twin.live.lab.layout import Igp, Rates, Reflection, design_of
from twin.model import Network


@contextmanager
def a_lab(
    name: str,
    network: str | Network,
    igp: Igp,
    *,
    interval_s: float = 1.0,
    peak: float = 0.5,
    bgp: bool = False,
    reflection: Reflection | None = None,
) -> Generator[Lab]:
    lacking = missing(probe())
    if lacking:
        if os.environ.get("LAB_REQUIRED"):
            pytest.fail(f"no lab on this machine: {lacking}")
        pytest.skip(f"no lab on this machine: {lacking}")
    whole = network if isinstance(network, Network) else load_network(network)
    whole = with_drawn_exits(whole, seed=1, capacity=10.0) if bgp else whole
    small = in_small(whole, capacity=10.0, peak_utilisation=peak)
    rates = Rates(interval_s=interval_s, probe_packets=10)
    told = reflection or Reflection()
    called = f"{name}-{os.getpid() % 10_000}"
    lab, _ = up(design_of(small, name=called, igp=igp, seed=1, rates=rates, reflection=told))
    try:
        yield lab
    finally:
        lab.down()
