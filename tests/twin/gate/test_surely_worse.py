"""What the totals of a sweep show to be worse must be worse when every failure is looked at in full."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.twin.optimise.networks import random_network
from twin.gate.checks.stressed import Stressed
from twin.gate.rules import surely_worse, worse_under_failure
from twin.optimise.judge import Judge
from twin.plan import SetWeight, apply_all
from twin.policy import Policy
from twin.sim.simulate import single_failures


@settings(max_examples=60)
@given(seed=st.integers(0, 10_000), limit=st.sampled_from([0.8, 1.0, 1.5]), steps=st.integers(1, 3))
def test_what_totals_show_is_found_in_full_and_the_judge_agrees_with_itself(seed, limit, steps):
    rng = np.random.default_rng(seed)
    network = random_network(seed, load=1.5)
    chosen = rng.choice(len(network.links), steps, replace=False)
    changes = [SetWeight(link=network.links[int(i)].name, weight=int(rng.integers(1, 99))) for i in chosen]
    state, failures = apply_all(network, changes), single_failures(network)
    policy = Policy(max_failure_utilisation=limit, max_blast_radius=1, max_delay_stretch=99)
    before, after = (Stressed(x, failures, limit) for x in (network, state))
    worse = surely_worse(before, after, policy)
    for row in worse:
        one = (failures[int(row)],)
        was, now = (Stressed(x, one, limit) for x in (network, state))
        assert worse_under_failure((was,), now, policy, 1) is not None
    judge = Judge(network, policy)
    assert judge.is_safe(state) == (not judge.objection(state)) == (not Judge(network, policy).objection(state))
    assert worse.size == 0 or not judge.is_safe(state)
