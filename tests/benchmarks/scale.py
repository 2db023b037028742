"""What sweeps cost, and what more workers give: `python -m tests.benchmarks.scale [--nodes 200] [--sample 60]`.

CPU seconds of this process, compiled code warm, of failures spread over the network: single ones, pairs of circuits,
and singles under 24 matrices at once. What k workers give is simulated: chunks of the measured costs, handed out one by
one to whoever is free, after the measured start of a process. Exits with 1 when pairs or hours are not cheaper than
sweeping each of them, by half of what the project claims.
"""

import argparse
import heapq
import sys
import time
from collections.abc import Sequence

import numpy as np

from tests.benchmarks.engine import cpu, generated, spread_over
from twin.engines.local import START_UP
from twin.sim.arrays import compile_network
from twin.sim.chunks import PIECES, Swept, _cut, evaluate
from twin.sim.failure_sets import circuit_pairs
from twin.sim.failure_sweep import base_state, flatten, steering, sweep_failures
from twin.sim.route import route
from twin.sim.simulate import single_failures
from twin.sim.volumes import VolumeChunk, _flows, _Shared, evaluate_chunk, sweep_volumes

HOURS = 24
CLAIMS = {"pairs": 4.0, "hours": 15.0}  # times cheaper than sweeping each
WORKERS = (1, 2, 4, 8, 16, 32, 64, 128)


class Spread:
    """An engine that does nothing, asked how it would cut."""

    workers = 2


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=200)
    parser.add_argument("--sample", type=int, default=60, help="failures that are measured of each kind")
    options = parser.parse_args(arguments)
    small = generated(12)
    sweep_volumes([small] * 2, single_failures(small))
    sweep_failures(small, circuit_pairs(small), route(compile_network(small)))
    network = generated(options.nodes)
    singles = spread_over(single_failures(network), options.sample)
    circuits = [x for x in single_failures(network) if x.name.startswith("link/")]
    routing, rng = route(compile_network(network)), np.random.default_rng(1)
    single = cpu(lambda: sweep_failures(network, singles, routing), 2) / len(singles)
    states = [
        network.with_demands(network.demands * rng.lognormal(0, 0.3, network.demands.shape)) for _ in range(HOURS)
    ]
    sent = _Shared(compile_network(network), _flows([compile_network(x) for x in states], 1.0))
    chunk = VolumeChunk(0, flatten(sent.arrays, singles))
    hours = cpu(lambda: evaluate_chunk(sent, chunk), 2) / len(singles)
    few = spread_over(circuit_pairs(network), 40)
    plain = cpu(lambda: sweep_failures(network, few, routing), 2) / len(few)
    pair, chunks = pair_cost(network, options.sample)
    print(f"{options.nodes} nodes, {len(network.links)} links, {len(single_failures(network))} single failures")
    print(f"one failure {single * 1e3:.2f} ms, under {HOURS} matrices at once {hours * 1e3:.2f} ms")
    print(f"one pair {plain * 1e3:.2f} ms swept by itself, {pair * 1e3:.2f} ms from what each circuit does")
    total = len(circuits) * (len(circuits) - 1) // 2 * pair
    print(f"all pairs {total:.0f} s of CPU, by the clock with k workers:")
    for workers in WORKERS:
        took = makespan([total / sum(chunks) * x for x in chunks], workers)
        print(f"{workers:4d} {took:9.1f} s {total / took:6.1f}x")
    found = {"pairs": plain / pair, "hours": HOURS * single / hours}
    broken = [
        f"{k} only {found[k]:.1f}x cheaper, the gate is {v / 2:g}x" for k, v in CLAIMS.items() if found[k] < v / 2
    ]
    print("\n".join(broken) or ", ".join(f"{k} {v:.1f}x cheaper" for k, v in found.items()))
    return 1 if broken else 0


def pair_cost(network, sample: int) -> tuple[float, list[float]]:
    """CPU seconds of one pair, what its circuits cost included, and of each chunk of the pairs of some circuits."""
    arrays, names = compile_network(network), [x for x in single_failures(network) if x.name.startswith("link/")]
    some = {x.name for x in spread_over(names, sample)}
    pairs = [x for x in circuit_pairs(network) if set(x.name.split(" & ")) <= some]
    routing = route(arrays)
    swept = Swept(arrays, base_state(arrays, routing), steering(arrays, routing))
    costs = []
    for chunk in _cut(arrays, flatten(arrays, pairs), Spread()):
        begun = time.process_time()
        evaluate(swept, chunk)
        costs.append(time.process_time() - begun)
    return sum(costs) / len(pairs), costs


def makespan(costs: Sequence[float], workers: int) -> float:
    """Seconds until all is done: every chunk goes to the first worker that is free, in as many pieces as there are."""
    pieces = max(1, -(-max(PIECES, 4 * workers) // len(costs)))
    free = [START_UP if workers > 1 else 0.0] * workers
    for cost in (x / pieces for x in costs for _ in range(pieces)):
        heapq.heapreplace(free, free[0] + cost)
    return max(free)


if __name__ == "__main__":
    sys.exit(main())
