"""What keeps large networks quick, against the slow way: `python -m tests.benchmarks.large [NODES ...]`.

CPU seconds of this process, compiled code warm. Both ways are compared before they are timed. Exits with 1 when a ratio
falls below its bound on a network of 200 nodes or more.
"""

import sys
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tests.benchmarks.engine import cpu, generated, warm_up
from twin.model import Network, SegmentList, Tunnel
from twin.plan import SetWeight, apply
from twin.sim.arrays import compile_network
from twin.sim.failure_sweep import sweep_failures
from twin.sim.route import Routing, route
from twin.sim.simulate import FailureSweep, single_failures
from twin.sim.superposed import Superposition
from twin.sim.tunnelled import TunnelledStates

SIZES = (110, 200)
BOUNDED_FROM = 200  # nodes
BOUNDS = {"one more tunnel": 20.0, "one weight": 0.7}


def main(arguments: Sequence[str]) -> int:
    """Print the table; 1 when a ratio is below its bound."""
    warm_up()
    print("| network | work | slow way s | s | ratio |\n| --- | --- | --- | --- | --- |")
    broken: list[str] = []
    for network in map(generated, map(int, arguments or SIZES)):
        for work, measured in (("one more tunnel", one_more_tunnel), ("one weight", one_weight)):
            slow, quick = measured(network)
            print(f"| {network.name} | {work} | {slow:.3f} | {quick:.3f} | {slow / quick:.1f}x |", flush=True)
            if len(network.nodes) >= BOUNDED_FROM and slow / quick < BOUNDS[work]:
                broken.append(f"{network.name}: {work} is {slow / quick:.1f}x, below the gate of {BOUNDS[work]:g}x")
    print("\n".join(broken) or "every ratio is above its gate")
    return int(bool(broken))


def one_more_tunnel(network: Network) -> tuple[float, float]:
    """Every single failure of a state with one more tunnel: swept, and added up to what the network does."""
    source, target = (int(x) for x in np.unravel_index(int(network.demands.argmax()), network.demands.shape))
    names = [node.name for node in network.nodes]
    via = next(name for i, name in enumerate(names) if i not in (source, target))
    tunnel = Tunnel(name="one", source=names[source], target=names[target], paths=(SegmentList(via=(via,)),))
    state, failures = replace(network, tunnels=(tunnel,)), single_failures(network)
    demands = Superposition(network, failures)
    known = demands, demands.total()
    added, swept = (
        TunnelledStates(network, failures, known).sweep(state, 1.0),
        sweep_failures(state, failures, route(compile_network(state))),
    )
    assert added is not None
    np.testing.assert_allclose(added.max_utilisation, swept.max_utilisation, rtol=1e-9)
    np.testing.assert_allclose(added.overload, swept.overload, rtol=1e-9, atol=1e-6)
    slow = cpu(lambda: sweep_failures(state, failures, route(compile_network(state))), 1)
    return slow, cpu(lambda: TunnelledStates(network, failures, known).sweep(state, 1.0), 3)


def one_weight(network: Network) -> tuple[float, float]:
    """Every single failure of a state with one other weight: swept, and for the targets alone that it concerns.

    The median of some links, each half as attractive as before.
    """
    failures = single_failures(network)
    demands = Superposition(network, failures)
    swept, rows = demands.total(), np.arange(len(failures))
    took: list[tuple[float, float]] = []
    for link in network.links[:: len(network.links) // 5]:
        state = apply(network, SetWeight(link=link.name, weight=2 * link.weight))
        routing = route(compile_network(state))

        def quick(state: Network = state) -> FailureSweep:
            change = demands.reweighted(state)
            assert change is not None
            return demands.sweep_of(demands.changed(swept, change, rows), rows)

        def slow(state: Network = state, routing: Routing = routing) -> FailureSweep:
            return sweep_failures(state, failures, routing)

        np.testing.assert_allclose(quick().max_utilisation, slow().max_utilisation, rtol=1e-9)
        took.append((cpu(slow, 1), cpu(quick, 1)))
    return sorted(took, key=lambda x: x[0] / x[1])[len(took) // 2]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
