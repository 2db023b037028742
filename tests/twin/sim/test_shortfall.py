"""What each demand misses under a failure, against the broken network on its own."""

import numpy as np
import pytest

from tests.twin.sim.oracle import broken, random_network
from twin.sim.arrays import compile_network
from twin.sim.route import lossy_tunnels
from twin.sim.shortfall import Shortfall
from twin.sim.simulate import Failure, simulate, single_failures


@pytest.mark.parametrize("lossy", [False, True])
def test_each_demand_misses_what_it_misses_in_the_broken_network(lossy):
    seeds = [x for x in range(60) if lossy_tunnels(compile_network(random_network(x))) is lossy][:12]
    assert len(seeds) == 12
    for seed in seeds:
        network = random_network(seed)
        shortfall = Shortfall(network)
        for failure in (*single_failures(network), Failure("pair", (0, len(network.links) - 1), (1,))):
            alone = simulate(broken(network, failure))
            up = np.array([node.up for node in alone.network.nodes])
            missed = np.where(np.outer(up, up), alone.undelivered.T, 0.0)
            np.testing.assert_allclose(shortfall.under(failure), missed, rtol=1e-9, atol=1e-9, err_msg=f"seed {seed}")
