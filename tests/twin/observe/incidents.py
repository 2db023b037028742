"""Seeded incidents on real networks: an emulated network that ran for a while, was struck or not, and was observed."""

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import NamedTuple

from twin.faults import Fault, FaultKind
from twin.formats import load_network
from twin.live.draw_fault import draw_fault
from twin.live.emulated import EmulatedNetwork
from twin.live.network import Telemetry
from twin.model import Network
from twin.observe import Observation, observe

NOBEL, ABILENE, GERMANY = "sndlib/nobel-germany", "topozoo/Abilene", "sndlib/germany50"


class Incident(NamedTuple):
    live: EmulatedNetwork
    fault: Fault | None
    telemetry: Telemetry
    observation: Observation


@cache
def network(name: str) -> Network:
    return load_network(name)


def run(
    inventory: Network,
    fault: Fault | None = None,
    *,
    seed: int = 1,
    hour: int = 19,
    before: int = 12,
    after: int = 3,
) -> Incident:
    live = EmulatedNetwork(inventory, seed=seed, start=datetime(2026, 3, 2, hour, tzinfo=UTC))
    live.wait(before)
    if fault is not None:
        live.inject(fault)
    live.wait(after)
    telemetry = live.read_telemetry(live.now - timedelta(days=1))
    return Incident(live, fault, telemetry, observe(live.read_topology(), telemetry, now=live.now))


def struck(name: str, kind: FaultKind, *, seed: int = 1, hour: int = 19, after: int = 3) -> Incident:
    fault = draw_fault(network(name), seed, kinds=[kind])
    return run(network(name), fault, seed=seed, hour=hour, after=after)
