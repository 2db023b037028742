"""How often the cause of a seeded incident is found: `python -m tests.benchmarks.diagnosis_accuracy --seeds 30`.

Every case is an emulated network that ran for an hour at a seeded time of the day, was struck by a seeded fault or by
none, and was observed for three samples. A fault hurts when it causes at least 0.1 % of all demand in harm just then;
it leaves a trace unless it is lost capacity on a link that has not dropped anything.
"""

import argparse
import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import numpy as np

from twin.diagnose import Diagnosis, diagnose
from twin.faults import DRAWN_KINDS, Fault, FaultKind, draw_fault
from twin.formats import load_network
from twin.live.emulated import EmulatedNetwork
from twin.model import Network
from twin.observe import Observation, find_symptoms, observe

NETWORKS = ("sndlib/germany50", "sndlib/nobel-germany", "topozoo/Abilene")
HURTS = 0.001
LIMIT = 0.8


class Case(NamedTuple):
    network: str
    fault: Fault | None
    hurts: bool
    traced: bool
    diagnosis: Diagnosis
    alarms: tuple[str, ...]
    seconds: float

    @property
    def right(self) -> bool:
        return str(self.diagnosis.best.fault) == str(self.fault)

    @property
    def in_three(self) -> bool:
        return str(self.fault) in [str(x.fault) for x in self.diagnosis.hypotheses[:3]]


def run(inventory: Network, kind: FaultKind | None, seed: int) -> Case:
    start = datetime(2026, 3, 2, tzinfo=UTC) + timedelta(hours=(7 * seed) % 24, minutes=20 * (seed % 3))
    live = EmulatedNetwork(inventory, seed=seed, start=start)
    live.wait(12)
    fault = draw_fault(inventory, seed, kinds=[kind]) if kind else None
    if fault:
        live.inject(fault)
    live.wait(3)
    telemetry = live.read_telemetry(live.now - timedelta(days=1))
    begin = time.perf_counter()
    observation = observe(live.read_topology(), telemetry, now=live.now)
    diagnosis = diagnose(observation)
    return Case(
        network=inventory.name,
        fault=fault,
        hurts=live.true_harm(LIMIT) > HURTS * float(inventory.demands.sum()),
        traced=fault is None or leaves_a_trace(inventory, fault, observation),
        diagnosis=diagnosis,
        alarms=tuple(x.kind for x in find_symptoms(observation, limit=LIMIT)),
        seconds=time.perf_counter() - begin,
    )


def leaves_a_trace(inventory: Network, fault: Fault, observation: Observation) -> bool:
    if fault.kind is not FaultKind.CAPACITY:
        return True
    return bool(np.nansum(observation.dropped_mbps[list(inventory.circuit(fault.element))]) > 0)


def measure(networks: Sequence[str], seeds: range) -> list[Case]:
    return [run(load_network(name), kind, seed) for name in networks for kind in (None, *DRAWN_KINDS) for seed in seeds]


def table(cases: Sequence[Case]) -> str:
    """One row per network and kind: how many are right, of all, of those that leave a trace, and that hurt, too."""
    rows: dict[tuple[str, str], list[Case]] = defaultdict(list)
    for case in cases:
        kind = str(case.fault.kind) if case.fault else "healthy"
        rows[case.network, kind].append(case)
        rows["all", kind].append(case)
        rows["all", "any fault" if case.fault else "healthy "].append(case)
    head = f"{'network':22}{'kind':28}{'all':>9}{'traced':>9}{'+hurts':>9}{'top-3':>9}{'alarm':>8}{'ms':>6}{'max':>6}"
    return "\n".join([head, *(_row(*key, group) for key, group in rows.items())])


def calibration(cases: Sequence[Case]) -> str:
    """How often the answer is right, by stated confidence, over faults with a trace and healthy networks."""
    lines: list[str] = []
    for low, high in ((0, 0.5), (0.5, 0.9), (0.9, 0.99), (0.99, 1.01)):
        inside = [x.right for x in cases if x.traced and low <= x.diagnosis.best.confidence < high]
        if inside:
            lines.append(f"confidence {low:.2f}..{min(high, 1):.2f}: right {sum(inside)}/{len(inside)}")
    return "\n".join(lines)


def _row(network: str, kind: str, group: Sequence[Case]) -> str:
    traced = [x for x in group if x.traced]
    hurting = [x for x in traced if x.hurts]
    shares = [_share([x.right for x in some]) for some in (group, traced, hurting)]
    milliseconds = [1e3 * x.seconds for x in group]
    return (
        f"{network:22}{kind:28}{''.join(f'{x:>9}' for x in shares)}{_share([x.in_three for x in traced]):>9}"
        f"{_share([bool(x.alarms) for x in group]):>8}{np.median(milliseconds):6.0f}{max(milliseconds):6.0f}"
    )


def _share(flags: Sequence[bool]) -> str:
    return f"{sum(flags)}/{len(flags)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=30)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--networks", nargs="+", default=NETWORKS)
    chosen = parser.parse_args()
    run(load_network(chosen.networks[0]), None, 0)
    cases = measure(chosen.networks, range(chosen.first, chosen.first + chosen.seeds))
    print(table(cases))
    print(calibration(cases))
    for case in cases:
        if case.traced and not case.right:
            ranked = "; ".join(f"{x.name} ({x.confidence:.2f})" for x in case.diagnosis.hypotheses[:3])
            print(f"wrong: {case.network} {case.fault!r}: {ranked}")


if __name__ == "__main__":
    main()
