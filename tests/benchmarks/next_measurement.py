"""What one more measurement is worth: `python -m tests.benchmarks.next_measurement --cases 20`.

Ambiguous cases are seeded incidents that leave the best hypothesis below 90 % confidence. Each is diagnosed, the next
measurement is taken on the emulated network, and it is diagnosed again. With `--unlogged` the log is left out, so that
kinds which only a commit tells apart are ambiguous as well.
"""

import argparse
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import NamedTuple

import numpy as np

from tests.benchmarks.diagnosis_cases import network, struck
from twin.diagnose import Diagnosis, Measurement, diagnose, next_measurement
from twin.diagnose.next_measurement import with_configuration, with_probe
from twin.errors import TopologyError
from twin.faults import Fault, FaultKind
from twin.live.draw_fault import draw_fault
from twin.live.emulated import EmulatedNetwork
from twin.observe import Observation, observe

K = FaultKind
KINDS = (
    K.BLACKHOLE,
    K.HOST_BLACKHOLE,
    K.STATIC_ROUTE,
    K.DATA_ACL,
    K.ONE_WAY,
    K.ECMP_MISSING,
    K.WEIGHT,
    K.STALE_TOPOLOGY,
)
UNSURE = 0.9


class Asked(NamedTuple):
    fault: Fault
    before: Diagnosis
    measurement: Measurement | None
    after: Diagnosis
    milliseconds: float


def ask(nodes: int, kind: FaultKind, seed: int, *, logged: bool) -> Asked | None:
    """One ambiguous case, None when the kind has no place here or the diagnosis is sure."""
    inventory = network(nodes, seed)
    try:
        fault = draw_fault(inventory, seed, kinds=[kind])
    except TopologyError:
        return None
    live, telemetry = struck(inventory, [fault], seed)
    seen = observe(live.read_topology(), telemetry if logged else replace(telemetry, events=()), now=live.now)
    before = diagnose(seen)
    if before.best.confidence > UNSURE:
        return None
    begin = time.perf_counter()
    measurement = next_measurement(before, seen)
    took = 1e3 * (time.perf_counter() - begin)
    after = diagnose(taken(measurement, seen, live)) if measurement else before
    return Asked(fault, before, measurement, after, took)


def taken(measurement: Measurement, seen: Observation, live: EmulatedNetwork) -> Observation:
    """The observation with the result in it; other readings come with one more sample."""
    if measurement.kind == "probe":
        source, target = measurement.source or "", measurement.target or ""
        return with_probe(seen, source, target, live.probe(source, target))
    if measurement.kind == "configuration":
        router = measurement.element or ""
        return with_configuration(seen, router, live.read_router(router))
    live.wait()
    since = live.now - timedelta(seconds=seen.interval_s * (len(seen.past.time) + seen.samples + 1))
    return observe(live.read_topology(), live.read_telemetry(since), window=seen.samples + 1, now=live.now)


def share(diagnosis: Diagnosis, fault: Fault) -> float:
    """Confidence in the truth, told apart from its twins."""
    return sum(x.confidence for x in diagnosis.hypotheses if x.name == str(fault))


def report(found: Sequence[Asked], nodes: int) -> str:
    if not found:
        return f"{nodes} nodes: no ambiguous case"
    first = sum(x.before.best.name == str(x.fault) for x in found)
    second = sum(x.after.best.name == str(x.fault) for x in found)
    sure = [float(np.mean([share(d, x.fault) for x, d in pairs])) for pairs in _pairs(found)]
    chosen = Counter(x.measurement.kind if x.measurement else "none" for x in found)
    return (
        f"{nodes} nodes: {len(found)} ambiguous; right {first} before, {second} after; "
        f"confidence in the truth {sure[0]:.2f} before, {sure[1]:.2f} after; "
        f"median {np.median([x.milliseconds for x in found]):.0f} ms; measured {dict(chosen)}"
    )


def _pairs(found: Sequence[Asked]) -> list[list[tuple[Asked, Diagnosis]]]:
    return [[(x, x.before) for x in found], [(x, x.after) for x in found]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=4, help="seeds per kind and size")
    parser.add_argument("--first", type=int, default=5000)
    parser.add_argument("--sizes", type=int, nargs="+", default=(12, 50))
    parser.add_argument("--unlogged", action="store_true", help="leave the log out")
    chosen = parser.parse_args()
    for nodes in chosen.sizes:
        cases = [(kind, seed) for kind in KINDS for seed in range(chosen.first, chosen.first + chosen.cases)]
        found = (ask(nodes, kind, seed, logged=not chosen.unlogged) for kind, seed in cases)
        print(report([x for x in found if x], nodes), flush=True)


if __name__ == "__main__":
    main()
