"""A lab for tests: brought up once for a file of tests, skipped with the reason where this machine can have none."""

import os
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

import pytest

from twin.diagnose import diagnose
from twin.faults import Fault
from twin.formats import load_network
from twin.formats.drawn_exits import with_drawn_exits
from twin.formats.provision import in_small
from twin.live.lab.features import missing, probe
from twin.live.lab.launch import Lab, up
from twin.live.lab.layout import Igp, Rates, Reflection, design_of
from twin.live.lab.network import LabNetwork, Routes
from twin.model import Network
from twin.observe import observe

PATIENCE_S = 60.0
"""How long a busy machine may take over what takes a second; nobody waits for it where all is well."""


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
    flows: int = 16,
) -> Generator[Lab]:
    lacking = missing(probe())
    if lacking:
        if os.environ.get("LAB_REQUIRED"):
            pytest.fail(f"no lab on this machine: {lacking}")
        pytest.skip(f"no lab on this machine: {lacking}")
    whole = network if isinstance(network, Network) else load_network(network)
    whole = with_drawn_exits(whole, seed=1, capacity=10.0) if bgp else whole
    small = in_small(whole, capacity=10.0, peak_utilisation=peak)
    rates = Rates(interval_s=interval_s, probe_packets=10, flows=flows)
    told = reflection or Reflection()
    called = f"{name}-{os.getpid() % 10_000}"
    lab, _ = up(design_of(small, name=called, igp=igp, seed=1, rates=rates, reflection=told))
    try:
        yield lab
    finally:
        lab.down()


def until(holds: Callable[[], bool]) -> bool:
    """Whether something comes to hold while a busy machine may still be on its way there."""
    end = time.monotonic() + PATIENCE_S
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.1)
    return True


def settled(live: LabNetwork, wanted: Routes) -> Routes:
    """What the kernels do, once that is what is wanted or nobody would wait longer."""
    until(lambda: live.routes() == wanted)
    return live.routes()


def diagnosed(live: LabNetwork, network: Network, wanted: tuple[Fault, ...], *, samples: int = 4) -> tuple[Fault, ...]:
    """What is named in windows of new samples, once two in a row say what is wanted or five have not."""
    named: list[tuple[Fault, ...]] = []
    while len(named) < 5 and named[-2:] != [wanted] * 2:
        since = live.now
        live.wait(samples)
        named.append(diagnose(observe(network, live.read_telemetry(since))).best.faults)
    return named[-1] if named[-2:] == [wanted] * 2 else next(x for x in reversed(named) if x != wanted)
