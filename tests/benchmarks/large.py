"""What keeps large networks quick, against the slow way: `python -m tests.benchmarks.large [NODES ...]`.

CPU seconds of this process, compiled code warm. Both ways are compared before they are timed. Exits with 1 when a ratio
falls below its bound on a network of 200 nodes or more.
"""

import sys
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tests.benchmarks.engine import cpu, generated, warm_up
from twin.live.forwarding import draw_flows, router_salts
from twin.live.plane import data_plane
from twin.live.probes import probe_flows
from twin.live.queues import carry
from twin.model import Network, SegmentList, Tunnel
from twin.sim.arrays import compile_network
from twin.sim.failure_sweep import sweep_failures
from twin.sim.route import route
from twin.sim.simulate import single_failures
from twin.sim.superposed import Superposition
from twin.sim.tunnelled import TunnelledStates

SIZES = (110, 200)
BOUNDED_FROM = 200  # nodes
BOUNDS = {"one more tunnel": 3.0, "full queues": 2.0}


def main(arguments: Sequence[str]) -> int:
    """Print the table; 1 when a ratio is below its bound."""
    warm_up()
    print("| network | work | slow way s | s | ratio |\n| --- | --- | --- | --- | --- |")
    broken = False
    for network in map(generated, map(int, arguments or SIZES)):
        for work, slow, quick in (
            ("one more tunnel", *one_more_tunnel(network)),
            ("full queues", *full_queues(network)),
        ):
            print(f"| {network.name} | {work} | {slow:.3f} | {quick:.3f} | {slow / quick:.1f}x |", flush=True)
            broken |= len(network.nodes) >= BOUNDED_FROM and slow / quick < BOUNDS[work]
    return int(broken)


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


def full_queues(network: Network) -> tuple[float, float]:
    """One interval of the emulated network in which its three busiest links drop a tenth."""
    n = len(network.nodes)
    plane = data_plane(network, draw_flows(network.demands, 1), probe_flows(network, 1), router_salts(n, 1))
    rate = plane.entering(network.demands).ravel()[plane.paths.pair] * plane.paths.share
    capacity, loss = plane.capacity.copy(), np.zeros_like(plane.capacity)
    arrived = carry(plane.paths, rate, capacity, loss).arrived
    busiest = np.argsort(arrived / capacity)[-3:]
    capacity[busiest] = 0.9 * arrived[busiest]
    slow, quick = (carry(plane.paths, rate, capacity, loss, many=x) for x in (rate.size + 1, 1))
    np.testing.assert_allclose(slow.arrived, quick.arrived, rtol=1e-8)
    each = (cpu(lambda x=x: carry(plane.paths, rate, capacity, loss, many=x), 1) for x in (rate.size + 1, 1))
    return next(each), next(each)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
