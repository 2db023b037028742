"""Incidents executed at several sampling intervals: `python -m tests.benchmarks.execution --cases 12`.

A drawn fault that harms strikes an emulated network at its busy hour; it is diagnosed from what is measured, a planner
relieves the diagnosed state, the gate judges the plan and the executor makes it. Reported per interval: how many plans
were made and confirmed, how many refused or turned back and why, and how many of those a predicted 0 was held against a
reading that its own error explains: counters that were read up to the declared skew too early.
"""

import argparse
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from tests.twin.execute.approved import KEY, approval_of
from twin.diagnose import diagnose, diagnosed_network
from twin.execute.executor import execute
from twin.formats import load_network
from twin.gate.certificate import issue
from twin.gate.verdict import verify
from twin.live.draw_fault import draw_fault
from twin.live.emulated import EmulatedNetwork
from twin.model import Network
from twin.observe import observe
from twin.optimise.relieve import relieve
from twin.policy import Policy
from twin.sim.simulate import simulate

HISTORY, AFTERMATH, ROUNDS = 36, 6, 3
_LOAD = re.compile(r"load of \S+: predicted (\S+), observed ([0-9.e+-]+)")


class Run(NamedTuple):
    """How one incident ended: `acted`, `refused`, `rolled_back`, or `no plan`; and why."""

    interval_s: float
    fault: str
    ending: str
    because: str
    zero: bool = False


def incident(inventory: Network, seed: int, interval_s: float) -> Run:
    policy = Policy()
    fault = draw_fault(inventory, seed, policy_limit=policy.max_utilisation)
    start = datetime(2026, 3, 2 + seed % 5, 20, tzinfo=UTC) - timedelta(seconds=HISTORY * interval_s)
    live = EmulatedNetwork(inventory, seed=seed, start=start, interval_s=interval_s)
    live.wait(HISTORY)
    live.inject(fault)
    live.wait(AFTERMATH)
    refusal = ""
    for _ in range(ROUNDS):
        base = live.read_topology()
        telemetry = live.read_telemetry(live.now - timedelta(seconds=(HISTORY + AFTERMATH) * interval_s))
        seen = observe(base, telemetry, now=live.now)
        network = diagnosed_network(seen, diagnose(seen).best)
        if simulate(network).harm(policy.max_utilisation).total <= 1e-4 * float(network.offered.sum()):
            return Run(interval_s, str(fault), "no plan", refusal or "no harm on the twin")
        ready = [
            x.plan for x in relieve(network, policy, seed=seed) if x.plan and verify(x.plan, network, policy).passed
        ]
        if not ready:
            return Run(interval_s, str(fault), "no plan", refusal or "no plan passes the gate")
        plan, verdict = ready[0], verify(ready[0], network, policy)
        certificate = issue(plan, verdict, policy, [approval_of(plan)], key=KEY, now=live.now)
        ending = execute(
            plan,
            certificate,
            network,
            live,
            policy=policy,
            public_key=KEY.public,
            current=network.id,
            inventory=base,
        )
        if ending.status != "refused":
            break
        refusal = f"refused: {ending.reason}"
    status = "acted" if ending.status == "applied" else ending.status
    return Run(interval_s, str(fault), status, ending.reason, _is_zero(ending.reason, inventory, live))


def _is_zero(reason: str, inventory: Network, live: EmulatedNetwork) -> bool:
    """Whether a predicted 0 was held against no more than counters can bring over from before the change."""
    found = _LOAD.search(reason)
    if found is None or float(found[1]) > live.declared.unexported_mbps:
        return False
    capacity = max(link.capacity for link in inventory.links)
    return float(found[2]) <= live.declared.skew_s / (live.declared.interval_s or 1.0) * capacity


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--network", default="sndlib/nobel-germany")
    parser.add_argument("--cases", type=int, default=12)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--intervals", type=float, nargs="+", default=(300.0, 60.0, 30.0, 10.0))
    chosen = parser.parse_args()
    inventory = load_network(chosen.network)
    for interval_s in chosen.intervals:
        runs = [incident(inventory, chosen.first + i, interval_s) for i in range(chosen.cases)]
        tally = Counter(x.ending for x in runs)
        print(
            f"{interval_s:g} s: {dict(tally)}, predicted 0 against its own error: {sum(x.zero for x in runs)}",
            flush=True,
        )
        for x in runs:
            print(f"  {x.ending:11} {x.fault}: {x.because[:180]}", flush=True)


if __name__ == "__main__":
    main()
