"""The limits of a goal become policy: they tighten it, and never loosen it."""

from hypothesis import given
from hypothesis import strategies as st

from agents.goals import Goal, Limits
from agents.goals.limits import tighten
from twin.policy import Policy

SHARES = st.none() | st.floats(0.05, 1)


@given(SHARES, SHARES, st.none() | st.integers(1, 50), st.floats(0.3, 1), st.floats(0, 0.5))
def test_no_limit_is_ever_looser_than_the_policys(plain, failing, steps, held, more):
    policy = Policy(max_utilisation=held, max_failure_utilisation=held + more, protected=("node/A",))
    limits = Limits(max_utilisation=plain, max_failure_utilisation=failing, max_steps=steps)
    goal = Goal(verb="relieve", network="x", limits=limits, protected=("node/B",))
    found = tighten(policy, goal)
    assert found.max_utilisation <= min(policy.max_utilisation, plain or 1)
    assert found.max_failure_utilisation <= min(policy.max_failure_utilisation, failing or 9)
    assert found.max_steps <= min(policy.max_steps, steps or 99)
    assert found.protected == ("node/A", "node/B")
    assert found.max_utilisation <= found.max_failure_utilisation


def test_a_goal_without_limits_leaves_the_policy_as_it_is():
    assert tighten(Policy(), Goal(verb="relieve", network="x")) == Policy()
