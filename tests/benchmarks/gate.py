"""What the gate costs: `python -m tests.benchmarks.gate [NODES ...] [--engine NAME]`.

Ten steps, weights and tunnels in turn, of half an hour each, with 24 hours ahead and limits on failures and growth;
below 500 nodes also on repairs and on delays under failures. CPU seconds of this process, compiled code warm, the first
time that a network is seen; with an engine other than this process, what its workers take is in the CPU, and the clock
tells what they are good for. Exits with 1 when it takes longer by a factor of three than the project claims: a slow
machine does not fail it, a lost algorithm does.
"""

import argparse
import resource
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
from numba.core.event import install_recorder

from tests.benchmarks.engine import generated
from tests.twin.gate.declared_day import DAY
from twin.engines.choose import engine_named
from twin.engines.seam import Engine, Serial
from twin.gate.outlook import outlook_by_day
from twin.gate.verdict import Verdict, verify
from twin.model import Network, SegmentList, Tunnel
from twin.plan import Change, Plan, SetTunnel, SetWeight
from twin.policy import Policy
from twin.sim.simulate import single_failures

CLAIMS = {50: 1.0, 200: 10.0, 1000: 60.0}
"""CPU seconds by number of nodes."""
LARGE = 500  # nodes from which repairs and delays under failures are not limited
STEPS, LASTS = 10, timedelta(minutes=30)
POLICY = Policy(
    max_blast_radius=1.0,
    max_delay_stretch=10.0,
    max_repair_utilisation=3.0,
    max_demand_stretch=50.0,
    max_demand_delay_ms=500.0,
    max_failure_delay_ms=500.0,
    max_loop_share=1.0,
)
CALM, CALMER = 0.4, 0.12  # of the demands: a check that fails ends early, so the plan has to pass
_HERE = Serial()
BEGINS = datetime(2026, 3, 3, 5, tzinfo=UTC)


def main(arguments: Sequence[str]) -> int:
    """Print the table; 1 when the gate is slower than three times what is claimed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("nodes", nargs="*", type=int, default=[*CLAIMS])
    parser.add_argument("--engine", default="serial")
    options = parser.parse_args(arguments)
    engine = engine_named(options.engine)
    judge(calm(12))
    print("| nodes | links | failures | limits | CPU s | claimed s | by the clock s | memory MB |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    broken = False
    for network in map(calm, options.nodes):
        took, clock = measured(len(network.nodes), engine)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
        claim = CLAIMS.get(len(network.nodes))
        sizes = f"{len(network.nodes)} | {len(network.links)} | {len(single_failures(network))}"
        limits = "default" if len(network.nodes) >= LARGE else "all"
        print(f"| {sizes} | {limits} | {took:.2f} | {claim or ''} | {clock:.1f} | {memory:.0f} |", flush=True)
        broken |= claim is not None and took > 3 * claim
    return int(broken)


def measured(nodes: int, engine: Engine) -> tuple[float, float]:
    """Seconds of CPU and of the clock that a verdict takes; where some of it went into compiling, of the next one."""
    network = calm(nodes)
    with install_recorder("numba:compile") as compiled:
        began, begun = spent(), time.monotonic()
        judge(network, engine)
        found = spent() - began, time.monotonic() - begun
    return measured(nodes, engine) if compiled.buffer else found


def calm(nodes: int) -> Network:
    """A planar network that has room for every failure in every hour."""
    network = generated(nodes)
    return network.with_demands(network.demands * (CALMER if nodes >= LARGE else CALM) * DAY[5])


def spent() -> float:
    """Seconds of CPU of this process, and of all its children that have ended."""
    who = (resource.getrusage(x) for x in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(x.ru_utime + x.ru_stime for x in who)


def judge(network: Network, engine: Engine = _HERE) -> Verdict:
    """Ask the gate about ten steps. Raises `AssertionError` where a check failed, as not all was computed then."""
    outlook = outlook_by_day(network, BEGINS, 24, day=DAY)
    plan = Plan(goal="change", base=network.id, steps=steps(network), objective="change")
    policy = Policy(max_blast_radius=1.0, max_delay_stretch=10.0) if len(network.nodes) >= LARGE else POLICY
    verdict = verify(plan, network, policy, outlook=outlook, starts=BEGINS, step_lasts=LASTS, engine=engine)
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
