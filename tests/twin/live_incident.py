"""A small real network under load, its emulated live twin, and a plan that relieves it."""

from datetime import UTC, datetime, timedelta

from tests.twin.execute.approved import Approved, approved
from tests.twin.optimise.networks import network_of
from twin.live.emulated import EmulatedNetwork
from twin.model import Network, SegmentList, Tunnel
from twin.observe import observe
from twin.plan import Change, Plan, SetTunnel, SetWeight
from twin.policy import Policy

POLICY = Policy(max_blast_radius=1, max_delay_stretch=10, max_failure_utilisation=10)
START = datetime(2026, 3, 2, 19, 30, tzinfo=UTC)
CIRCUITS = [
    ("A", "B", 10_000.0, 10),
    ("B", "D", 10_000.0, 10),
    ("A", "C", 10_000.0, 12),
    ("C", "D", 10_000.0, 12),
    ("B", "C", 10_000.0, 30),
    ("D", "E", 40_000.0, 10),
    ("C", "E", 10_000.0, 30),
]
DEMANDS = {
    ("A", "D"): 5000.0,
    ("A", "E"): 3500.0,
    ("E", "A"): 3000.0,
    ("B", "E"): 800.0,
    ("C", "D"): 500.0,
    ("D", "C"): 400.0,
}


def inventory(**changes: object) -> Network:
    return network_of(CIRCUITS, DEMANDS, **changes)


def emulate(seed: int = 1, network: Network | None = None, *, interval_s: float = 300.0) -> EmulatedNetwork:
    live = EmulatedNetwork(network or inventory(), seed=seed, start=START, interval_s=interval_s)
    live.wait(4)
    return live


def measured(live: EmulatedNetwork) -> Network:
    """The twin's snapshot: what is configured, under the demands measured now."""
    telemetry = live.read_telemetry(live.now - timedelta(hours=1))
    return observe(live.read_topology(), telemetry, window=2, now=live.now).network


def through_c(name: str, target: str, share: float, *, source: str = "A") -> SetTunnel:
    paths = (SegmentList(via=("C",), share=share), SegmentList(via=(), share=1 - share))
    return SetTunnel(tunnel=Tunnel(name=name, source=source, target=target, paths=paths, on_invalid="igp"))


STEPS: tuple[Change, ...] = (through_c("T1", "E", 0.5), SetWeight(link="D->B", weight=25), through_c("T2", "D", 0.3))


def relief(live: EmulatedNetwork, *, steps: tuple[Change, ...] = STEPS) -> Approved:
    network = measured(live)
    plan = Plan(goal="relieve A->B", base=network.id, steps=steps)
    return approved(plan, network, POLICY, now=live.now)
