"""The longest delay under failures."""

import numpy as np
import pytest

from tests.twin.sim.oracle import broken, random_network, reference
from twin.sim.delay import worst_delays
from twin.sim.simulate import single_failures


@pytest.mark.parametrize("seed", range(15))
def test_longest_delays_are_those_of_the_broken_networks(seed):
    network = random_network(seed)
    failures = single_failures(network)
    states = [reference(network).delay, *(reference(broken(network, x)).delay for x in failures)]
    finite = np.where(np.isinf(states), -1.0, states)
    finite[0] = states[0]
    worst = worst_delays(network, failures)
    np.testing.assert_allclose(worst.delay_ms, finite.max(0), rtol=1e-9, atol=1e-9)
    for (s, t), cause in np.ndenumerate(worst.cause):
        assert worst.delay_ms[s, t] == pytest.approx(states[cause + 1][s, t])
