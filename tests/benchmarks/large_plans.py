"""What planning costs on large networks: `python -m tests.benchmarks.large_plans [NODES ...] [--fault KIND ...]`.

CPU seconds of this process and the most memory that it held, compiled code warm: for each planner alone, as a run asks
them, and for the whole answer with the hours ahead. The fault is drawn as `twinops run` draws it, and told as it is.
"""

import argparse
import resource
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from tests.benchmarks.engine import generated, warm_up
from tests.twin.gate.declared_day import DAY
from twin.faults import FaultKind, with_fault
from twin.gate.checks.context import Context
from twin.gate.outlook import local_shift, outlook_by_day
from twin.live.draw_fault import draw_fault
from twin.model import Network
from twin.optimise import relieve as planners
from twin.optimise.ahead import Lasting, holding
from twin.optimise.proposal import Proposal
from twin.policy import Policy

EVENING = datetime(2026, 3, 2, 19, 30, tzinfo=UTC)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a line for each planner asked, and one for the whole answer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("nodes", type=int, nargs="*", default=[200, 500])
    parser.add_argument("--fault", type=FaultKind, nargs="*", default=[FaultKind.WEIGHT, FaultKind.LINK_DOWN])
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    warm_up()
    for nodes in options.nodes:
        network = generated(nodes)
        for kind in options.fault:
            _answer(network, kind, options.seed)
    return 0


def _answer(network: Network, kind: FaultKind, seed: int) -> None:
    policy, fault = Policy(), draw_fault(network, seed, kinds=(kind,))
    state = with_fault(network, fault)
    begin = EVENING - local_shift(network)
    coming = Context(outlook=outlook_by_day(state, begin, policy.horizon_hours, day=DAY), declared=network)
    print(f"{network.name} {kind.value} {fault.element} {fault.severity:g}", flush=True)
    begun, lasting = time.process_time(), Lasting(state, policy, coming)

    def proposed(asked: Network, terms: Policy) -> Sequence[Proposal]:
        first, began = time.process_time(), asked.demands.sum() / state.demands.sum()
        found = planners.relieve(asked, terms, faults=(fault,), reference=network, lasts=lasting)
        _told(f"  all planners, demand x{began:.3g}", first)
        return found

    found = holding(proposed, state, policy, coming, lasting=lasting)
    _told("  with the hours ahead", begun)
    for proposal in found:
        after = f"harm {proposal.before.harm:,.0f} -> {proposal.after.harm:,.0f}, {proposal.steps} steps"
        print(f"    {proposal.method}: {after if proposal.plan else proposal.reason[:160]}", flush=True)


def _told(words: str, begun: float) -> None:
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{words}: {time.process_time() - begun:.1f} s, {memory:.0f} MB at most", flush=True)


if __name__ == "__main__":
    sys.exit(main())
