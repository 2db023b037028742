"""Faults of equal paths where there are many: `python -m tests.benchmarks.equal_paths --cases 10`.

The networks of `diagnosis_accuracy` with all weights equal: nearly every pair has a choice, and whole flows that are
hashed to it move loads by as much as a fault does. What counts as identifiable is said there.
"""

import argparse
from dataclasses import replace

from tests.benchmarks.diagnosis_accuracy import cells, table
from tests.benchmarks.diagnosis_cases import Case, network, run
from twin.errors import TopologyError
from twin.faults import FaultKind
from twin.live.draw_fault import draw_fault
from twin.model import Network

KINDS = (FaultKind.ECMP_MISSING, FaultKind.ECMP_STALE)


def flat(nodes: int, seed: int) -> Network:
    inventory = network(nodes, seed)
    return replace(inventory, links=tuple(x._replace(weight=10) for x in inventory.links))


def case(nodes: int, kind: FaultKind, seed: int) -> Case | None:
    inventory = flat(nodes, seed)
    try:
        return run(inventory, [draw_fault(inventory, seed, kinds=[kind])], seed)
    except TopologyError:
        return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=4, help="seeds per kind and size")
    parser.add_argument("--first", type=int, default=5000)
    parser.add_argument("--sizes", type=int, nargs="+", default=(12, 50))
    parser.add_argument("--kinds", nargs="+", type=FaultKind, default=KINDS)
    chosen = parser.parse_args()
    seeds = range(chosen.first, chosen.first + chosen.cases)
    found = (case(size, kind, seed) for seed in seeds for size in chosen.sizes for kind in chosen.kinds)
    cases = [x for x in found if x]
    print(table(cases, cells))
    for x in cases:
        if x.identifiable and not x.right:
            print(f"wrong: {x.network} {x.truth}: {x.diagnosis.best.name} ({x.diagnosis.best.confidence:.2f})")


if __name__ == "__main__":
    main()
