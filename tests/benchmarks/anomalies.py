"""False alarms and delays of the anomaly detector: `python -m tests.benchmarks.anomalies --weeks 4 --cases 20`.

Healthy stretches are emulated weeks with flash crowds and planned maintenance; every anomaly that begins in them is a
false alarm. Then each kind of fault strikes a network that was watched for three hours; the delay is the number of
samples from the onset to the first anomaly. A case counts as *moved* when the fault moved a counter, a probe, an export
or a state by what a person would see: the same network with the same seed and without the fault is the reference.
"""

import argparse
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import numpy as np

from twin.errors import TwinError
from twin.faults import Fault, FaultKind
from twin.formats import load_network
from twin.live.draw_fault import draw_fault
from twin.live.emulated import EmulatedNetwork
from twin.live.network import Telemetry
from twin.live.surprises import draw_surprises
from twin.model import Network
from twin.observe.alarms.anomaly import Anomaly, Detector

NETWORKS = ("topozoo/Abilene", "sndlib/nobel-germany", "sndlib/germany50")
START = datetime(2026, 3, 2, tzinfo=UTC)
WEEK = 2016
BEFORE, AFTER = 36, 6


def next_anomalies(detector: Detector, live: EmulatedNetwork) -> tuple[Anomaly, ...]:
    live.wait(1)
    newest = live.read_telemetry(live.now - timedelta(seconds=299))
    return detector.update(live.read_topology(), newest, now=live.now)


def healthy(network: Network, seed: int, samples: int, rate: float) -> list[Anomaly]:
    """Watch a healthy stretch with its surprises, and return what alarmed."""
    live = EmulatedNetwork(network, seed=seed, start=START, retention=4)
    live.schedule(draw_surprises(network, seed, start=START, days=samples / 288))
    detector = Detector(alarms_per_week=rate)
    return [x for _ in range(samples) for x in next_anomalies(detector, live)]


class Delay(NamedTuple):
    fault: Fault
    moved: bool
    delay: int | None
    kinds: tuple[str, ...]
    early: int  # anomalies before the onset


def struck(network: Network, kind: FaultKind, seed: int) -> Delay | None:
    """Let a drawn fault strike at a seeded hour; None where the network has no place for one of this kind."""
    start = START + timedelta(hours=(7 * seed) % 24, minutes=20 * (seed % 3))
    live, twin = (EmulatedNetwork(network, seed=seed, start=start, retention=AFTER) for _ in range(2))
    detector = Detector()
    early = sum(len(next_anomalies(detector, live)) for _ in range(BEFORE))
    twin.wait(BEFORE)
    try:
        fault = draw_fault(network, seed, kinds=[kind])
        live.inject(fault)
    except TwinError:
        return None
    delay, kinds = None, ()
    for number in range(1, AFTER + 1):
        found = next_anomalies(detector, live)
        if found and delay is None:
            delay, kinds = number, tuple(sorted({str(x.kind) for x in found}))
    twin.wait(AFTER)
    since = live.now - timedelta(seconds=300 * 2.5)
    return Delay(fault, moved(live.read_telemetry(since), twin.read_telemetry(since)), delay, kinds, early)


def moved(struck: Telemetry, well: Telemetry) -> bool:
    """Whether any reading differs by what would be seen: 5 % and 20 Mbit/s, 2 % of probes, 1 ms, or a state."""
    pairs = [
        *(
            (getattr(struck.links, x), getattr(well.links, x), 0.05, 20)
            for x in ("out_mbps", "in_mbps", "dropped_mbps")
        ),
        (struck.probes.loss, well.probes.loss, 0.0, 0.02),
        (struck.probes.delay_ms, well.probes.delay_ms, 0.0, 1.0),
        (struck.traffic.mbps, well.traffic.mbps, 0.1, 20),
        (struck.interfaces.errors_per_s, well.interfaces.errors_per_s, 0.2, 100),
        (struck.flows.packets_per_s, well.flows.packets_per_s, 0.2, 1000),
    ]
    states = [(x.up, y.up) for x, y in [(struck.links, well.links)]] + [
        (struck.nodes.answered, well.nodes.answered),
        (struck.interfaces.adjacent, well.interfaces.adjacent),
    ]
    far = any(bool(np.any(np.abs(a - b) > np.maximum(share * np.abs(b), least))) for a, b, share, least in pairs)
    return far or any(bool(np.any(a != b)) for a, b in states)


def report_weeks(names: Sequence[str], seeds: range, samples: int, rate: float) -> None:
    print(f"{'network':24}{'weeks':>6}{'alarms':>8}{'a week':>8}{'worst':>7}  which")
    for name in names:
        network, begin = load_network(name), time.perf_counter()
        weeks = [healthy(network, seed, samples, rate) for seed in seeds]
        count, length = [len(x) for x in weeks], len(weeks) * samples / WEEK
        which = dict(Counter(str(x.kind) for week in weeks for x in week))
        print(f"{name:24}{length:6.1f}{sum(count):8}{sum(count) / length:8.2f}{max(count):7}  {which} "
              f"({(time.perf_counter() - begin) / len(weeks):.0f} s a stretch)", flush=True)  # fmt: skip


def report_delays(names: Sequence[str], seeds: range, kinds: Sequence[FaultKind]) -> None:
    print(f"{'fault':38}{'cases':>6}{'moved':>6}{'<= 2':>6}{'later':>6}{'never':>6}  found by")
    networks = [load_network(name) for name in names]
    total = Counter[str]()
    for kind in kinds:
        cases = [x for network in networks for seed in seeds if (x := struck(network, kind, seed))]
        told = [x for x in cases if x.moved]
        soon = sum(x.delay is not None and x.delay <= 2 for x in told)
        never = sum(x.delay is None for x in told)
        by = Counter(name for x in cases for name in x.kinds)
        total.update(cases=len(cases), moved=len(told), soon=soon, never=never, early=sum(x.early for x in cases))
        print(f"{kind:38}{len(cases):6}{len(told):6}{soon:6}{len(told) - soon - never:6}{never:6}  {dict(by)}",
              flush=True)  # fmt: skip
    print(f"in all {dict(total)}; within 2 samples: {total['soon'] / max(total['moved'], 1):.1%} of those that moved")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weeks", type=int, default=2)
    parser.add_argument("--samples", type=int, default=WEEK, help="Samples of one stretch.")
    parser.add_argument("--rate", type=float, default=0.5, help="False alarms a week that are asked for.")
    parser.add_argument("--cases", type=int, default=5, help="Cases per kind and network.")
    parser.add_argument("--seed", type=int, default=1000, help="First seed.")
    parser.add_argument("--networks", nargs="*", default=NETWORKS)
    parser.add_argument("--kinds", nargs="*", type=FaultKind, default=list(FaultKind))
    options = parser.parse_args()
    seeds = range(options.seed, options.seed + options.weeks)
    if options.weeks:
        report_weeks(options.networks, seeds, options.samples, options.rate)
    if options.cases:
        report_delays(options.networks, range(options.seed, options.seed + options.cases), options.kinds)


if __name__ == "__main__":
    main()
