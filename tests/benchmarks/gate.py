"""What the gate costs: `python -m tests.benchmarks.gate [NODES ...]`.

Ten steps, weights and tunnels in turn, with 24 hours ahead and limits on failures and growth; below 500 nodes also on
repairs and on delays under failures. CPU seconds of this process, compiled code warm, the first time that a network is
seen. Exits with 1 when it takes longer by a factor of three than the project claims: a slow or busy machine does not
fail it, a lost algorithm does.
"""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from tests.benchmarks.engine import cpu, generated
from tests.twin.gate.declared_day import DAY
from twin.gate.outlook import outlook_by_day
from twin.gate.verdict import Verdict, verify
from twin.model import Network, SegmentList, Tunnel
from twin.plan import Change, Plan, SetTunnel, SetWeight
from twin.policy import Policy
from twin.sim.simulate import single_failures

CLAIMS = {50: 1.0, 200: 10.0, 1000: 90.0}
"""CPU seconds by number of nodes."""
LARGE = 500  # nodes from which repairs and delays under failures are not limited
STEPS = 10
POLICY = Policy(
    max_blast_radius=1.0,
    max_delay_stretch=10.0,
    max_repair_utilisation=2.0,
    max_demand_stretch=50.0,
    max_demand_delay_ms=500.0,
    max_failure_delay_ms=500.0,
    max_loop_share=1.0,
)
CALM, CALMER = 0.4, 0.12  # of the demands: a check that fails ends early, so the plan has to pass
BEGINS = datetime(2026, 3, 3, 5, tzinfo=UTC)


def main(arguments: Sequence[str]) -> int:
    """Print the table; 1 when the gate is slower than three times what is claimed."""
    judge(calm(12))
    print("| nodes | links | failures | limits | CPU s | claimed s |\n| --- | --- | --- | --- | --- | --- |")
    broken = False
    for network in (calm(int(nodes)) for nodes in arguments or CLAIMS):
        took = cpu(lambda network=network: judge(network), 1)
        claim = CLAIMS.get(len(network.nodes))
        sizes = f"{len(network.nodes)} | {len(network.links)} | {len(single_failures(network))}"
        limits = "default" if len(network.nodes) >= LARGE else "all"
        print(f"| {sizes} | {limits} | {took:.2f} | {claim or ''} |", flush=True)
        broken |= claim is not None and took > 3 * claim
    return int(broken)


def calm(nodes: int) -> Network:
    """A planar network that has room for every failure in every hour."""
    network = generated(nodes)
    return network.with_demands(network.demands * (CALMER if nodes >= LARGE else CALM) * DAY[5])


def judge(network: Network) -> Verdict:
    """Ask the gate about ten steps. Raises `AssertionError` where a check failed, as not all was computed then."""
    outlook = outlook_by_day(network, BEGINS, 24, day=DAY)
    plan = Plan(goal="change", base=network.id, steps=steps(network), objective="change")
    policy = Policy(max_blast_radius=1.0, max_delay_stretch=10.0) if len(network.nodes) >= LARGE else POLICY
    verdict = verify(plan, network, policy, outlook=outlook, starts=BEGINS)
    failed = [check.detail for check in verdict.checks if not check.passed]
    assert not failed, failed
    return verdict


def steps(network: Network) -> tuple[Change, ...]:
    """Every other step steers one of the largest demands through another node, the others raise a link's weight."""
    names, found = [node.name for node in network.nodes], list[Change]()
    largest = np.argsort(network.demands, axis=None)[::-1]
    for number in range(STEPS):
        if number % 2:
            link = network.links[number * len(network.links) // STEPS]
            found.append(SetWeight(link=link.name, weight=link.weight + 1))
            continue
        source, target = (names[x] for x in divmod(int(largest[number]), len(names)))
        via = next(x for x in names[number:] if x not in (source, target))
        lists = SegmentList(via=(via,), share=0.5), SegmentList(via=(), share=0.5)
        found.append(
            SetTunnel(tunnel=Tunnel(name=f"T{number}", source=source, target=target, paths=lists, on_invalid="igp"))
        )
    return tuple(found)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
