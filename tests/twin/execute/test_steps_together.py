"""Steps that do not depend on each other are confirmed together; each is read back, and all go back together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.twin.execute.test_executor_live import Breaks, actions, relief, run
from tests.twin.live_incident import emulate, inventory, through_c
from twin.execute.configured import configuration
from twin.execute.steps import together
from twin.live.emulated import EmulatedNetwork
from twin.plan import DrainLink, LimitDemand, SetTunnel, SetWeight

TUNNELS = (through_c("T1", "E", 0.5), through_c("T2", "D", 0.3))
CIRCUIT = inventory().links[0].circuit
STEP = st.one_of(
    st.builds(through_c, st.sampled_from(("T1", "T2", "T3")), st.sampled_from("DE"), st.just(0.5)),
    st.builds(LimitDemand, source=st.just("A"), target=st.sampled_from("DE"), limit=st.just(5.0)),
    st.builds(SetWeight, link=st.just("A->B"), weight=st.integers(1, 9)),
    st.just(DrainLink(circuit=CIRCUIT)),
)


def demand(step):
    if isinstance(step, SetTunnel):
        return step.tunnel.source, step.tunnel.target
    return (step.source, step.target) if isinstance(step, LimitDemand) else None


@given(st.lists(STEP, max_size=9), st.integers(0, 5))
def test_groups_hold_every_step_once_in_order_and_nothing_that_shares_paths_or_a_demand(steps, most):
    groups = list(together(steps, most, lambda *_: False))
    assert [number for group in groups for number in group] == list(range(1, len(steps) + 1))
    for group in groups:
        demands = [demand(steps[number - 1]) for number in group]
        assert len(group) == 1 or (None not in demands and len(set(demands)) == len(demands))
        assert len(group) <= max(1, most)


@given(st.lists(STEP, max_size=9), st.integers(0, 5), st.integers(1, 3))
def test_steps_that_share_paths_are_together_while_all_of_them_are_little(steps, most, light):
    groups = list(together(steps, most, lambda first, last: last - first < light))
    assert [number for group in groups for number in group] == list(range(1, len(steps) + 1))
    for group in groups:
        demands = [demand(steps[number - 1]) for number in group]
        for place in range(len(group)):
            apart = None not in demands[: place + 1] and demands[place] not in demands[:place]
            assert apart or place < light
        assert len(group) <= max(1, most)
    if light >= len(steps) and most >= len(steps):
        assert len(groups) <= 1


def test_two_tunnels_of_different_demands_are_looked_at_once():
    live = emulate(seed=1)
    began = live.now
    execution = run(live, relief(live, steps=TUNNELS))
    assert execution.status == "applied", execution.reason
    assert actions(execution) == [(1, "apply"), (2, "apply"), (1, "agree"), (2, "agree")]
    both = (live.now - began).total_seconds()
    one = emulate(seed=1)
    assert run(one, relief(one, steps=TUNNELS[:1])).status == "applied"
    assert both == (one.now - began).total_seconds()


class Forgets(EmulatedNetwork):
    """Says yes to the first tunnel and does not make it."""

    def apply(self, change, *, recorded=None):
        if not (isinstance(change, SetTunnel) and change.tunnel.name == "T1"):
            super().apply(change, recorded=recorded)


def test_a_step_that_is_not_read_back_stops_those_that_would_be_confirmed_with_it():
    live = Forgets(inventory(), seed=1, start=emulate().now)
    live.wait(4)
    before = configuration(live.read_topology())
    execution = run(live, relief(live, steps=TUNNELS))
    assert execution.status == "rolled_back"
    assert "before step 2 the network is not configured as expected" in execution.reason
    assert configuration(live.read_topology()) == before


@pytest.mark.parametrize(("step", "action"), [(1, "apply"), (2, "apply")])
def test_what_somebody_changes_between_two_such_steps_is_seen_before_the_next_one(step, action):
    live = emulate(seed=1)
    foreign = SetWeight(link="C->E", weight=7)
    execution = run(live, relief(live, steps=TUNNELS), on_step=Breaks(step, action, lambda: live.apply(foreign)))
    assert execution.status == "rolled_back"
    assert "C->E" in execution.reason
    assert live.read_topology().tunnels == ()


@pytest.mark.parametrize(
    ("links", "looks"),
    [(("A->B", "B->A"), [1, 1]), (("A->B", "D->B"), [1, 2]), (("A->B", "B->C", "E->D"), [1, 2, 2])],
    ids=["one circuit", "two that carry much", "two that move nothing after one"],
)
def test_weights_are_looked_at_once_where_they_are_of_one_circuit_or_move_little(links, looks):
    live = emulate(seed=1)
    weights = {"A->B": 25, "B->A": 25, "D->B": 25, "B->C": 31, "E->D": 11}
    execution = run(live, relief(live, steps=tuple(SetWeight(link=x, weight=weights[x]) for x in links)))
    assert execution.status == "applied", execution.reason
    made = [x.live_time for x in execution.records if x.action == "apply"]
    assert [1 + sorted(set(made)).index(x) for x in made] == looks
