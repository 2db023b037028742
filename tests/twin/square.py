"""A small network that can be judged in the head, and the gate asked about it."""

from tests.twin.optimise.networks import network_of
from twin.gate.verdict import Check, verify
from twin.model import Network, SegmentList, Tunnel
from twin.plan import (
    Plan,
    SetTunnel,
)
from twin.policy import Policy

OPEN = Policy(max_blast_radius=1, max_failure_utilisation=10, max_delay_stretch=10)
NAMES = [
    "grounded",
    "fresh",
    "policy",
    "nominal",
    "survivable",
    "transient",
    "uncertain",
    "reversible",
    "useful",
    "horizon",
]


def square(demand: float = 9.0, **changes: object) -> Network:
    """A-B-D is the short way, A-C-D the long one; all circuits carry 10 Mbit/s."""
    circuits = [("A", "B", 10.0, 1), ("B", "D", 10.0, 1), ("A", "C", 10.0, 2), ("C", "D", 10.0, 2)]
    return network_of(circuits, {("A", "D"): demand, ("B", "D"): 1.0}, **changes)


def plan_for(network: Network, *steps: object, objective: str = "relieve") -> Plan:
    return Plan.model_validate({"goal": "test", "base": network.id, "steps": steps, "objective": objective})


def judge(network: Network, *steps: object, policy: Policy = OPEN, objective: str = "relieve") -> dict[str, Check]:
    verdict = verify(plan_for(network, *steps, objective=objective), network, policy)
    return {check.name: check for check in verdict.checks}


def failing(checks: dict[str, Check]) -> list[str]:
    return [name for name, check in checks.items() if not check.passed]


def over_c(name: str = "T1", share: float = 1.0, source: str = "A") -> SetTunnel:
    paths = [SegmentList(via=("C",), share=share)] + ([SegmentList(via=(), share=1 - share)] if share < 1 else [])
    return SetTunnel(tunnel=Tunnel(name=name, source=source, target="D", paths=tuple(paths), on_invalid="igp"))
