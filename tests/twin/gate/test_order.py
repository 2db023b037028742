from itertools import permutations

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.twin.optimise.networks import network_of
from tests.twin.random_networks import changes, networks
from twin.errors import InputError
from twin.gate.checks.touch import subject
from twin.gate.order import safe_order
from twin.gate.verdict import verify
from twin.model import SegmentList, Tunnel
from twin.plan import DrainLink, Plan, RemoveTunnel, SetTunnel, SetWeight, UndrainLink, apply
from twin.policy import Policy

OPEN = Policy(max_blast_radius=1, max_failure_utilisation=10, max_delay_stretch=10)


def over(name: str, target: str, *via: str) -> SetTunnel:
    return SetTunnel(
        tunnel=Tunnel(name=name, source="A", target=target, paths=(SegmentList(via=via),), on_invalid="igp")
    )


def plan_for(network, *steps) -> Plan:
    return Plan(goal="any", base=network.id, steps=steps)


def transient_passes(plan: Plan, network) -> bool:
    checks = {check.name: check for check in verify(plan, network, OPEN).checks}
    return checks["transient"].passed


LADDER = network_of(
    [("A", "B", 10, 1), ("B", "D", 10, 1), ("A", "C", 10, 2), ("C", "D", 10, 2)], {("A", "D"): 7.0, ("A", "B"): 1.0}
)


def test_a_safe_plan_keeps_its_order():
    plan = plan_for(LADDER, over("T1", "D", "C"), DrainLink(circuit="link/B:D--D:B"))
    found = safe_order(plan, LADDER, OPEN)
    assert found.plan == plan
    assert (found.reached, found.exact, found.blocked) == ((1, 2), True, {})


def test_an_unsafe_order_is_put_right():
    network = apply(LADDER, DrainLink(circuit="link/A:C--C:A"))
    steps = (DrainLink(circuit="link/A:B--B:A"), UndrainLink(circuit="link/A:C--C:A"))
    found = safe_order(plan_for(network, *steps), network, OPEN)
    assert found.plan.steps == (steps[1], steps[0])
    assert not transient_passes(plan_for(network, *steps), network)
    assert transient_passes(found.plan, network)


def test_that_no_order_is_safe_is_proven_with_what_stands_in_the_way():
    circuits = [("A", "B", 10, 1), ("A", "C", 10, 1)]
    network = network_of([*circuits, ("B", "D", 10, 1), ("C", "D", 10, 1)], {("A", "B"): 7.0, ("A", "C"): 7.0})
    swap = (over("T1", "B", "C", "D"), over("T2", "C", "B", "D"))
    found = safe_order(plan_for(network, *swap), network, OPEN)
    assert (found.plan, found.exact, found.reached) == (None, True, ())
    assert set(found.blocked) == {1, 2}
    assert "A->C is at 140.0 %" in found.blocked[1]


def test_steps_about_the_same_element_keep_their_order():
    steps = (
        SetWeight(link="A->B", weight=9),
        over("T1", "D", "B"),
        SetWeight(link="A->B", weight=1),
        RemoveTunnel(name="T1"),
    )
    network = LADDER
    found = safe_order(plan_for(network, *steps), network, OPEN)
    order = [found.plan.steps.index(step) for step in steps]
    assert order[0] < order[2]
    assert order[1] < order[3]


def test_a_long_plan_is_searched_for_a_limited_number_of_states_and_says_so():
    circuits = [("A", "B", 10, 1), ("A", "C", 10, 1), ("B", "D", 10, 1), ("C", "D", 10, 1)]
    network = network_of(circuits, {("A", "B"): 7.0, ("A", "C"): 7.0})
    swap = (over("T1", "B", "C", "D"), over("T2", "C", "B", "D"))
    harmless = tuple(SetWeight(link="D->B", weight=w) for w in range(2, 16))
    found = safe_order(plan_for(network, *swap, *harmless), network, OPEN, max_states=20)
    assert (found.plan, found.exact) == (None, False)
    complete = safe_order(plan_for(network, *swap, *harmless), network, OPEN)
    assert (complete.plan, complete.exact) == (None, True)


def every_order(plan: Plan):
    about = [subject(step) for step in plan.steps]
    for order in permutations(range(len(plan.steps))):
        places = {i: place for place, i in enumerate(order)}
        if all(places[i] < places[j] for j in range(len(about)) for i in range(j) if about[i] == about[j]):
            yield plan.model_copy(update={"steps": tuple(plan.steps[i] for i in order)})


@settings(max_examples=25, deadline=None)
@given(st.data(), networks(max_nodes=5))
def test_the_search_finds_an_order_exactly_when_trying_all_of_them_does(data, network):
    steps = []
    state = network
    for _ in range(data.draw(st.integers(2, 4))):
        step = data.draw(changes(state))
        try:
            following = apply(state, step)
        except InputError:
            continue
        assume(following.id != state.id)
        steps.append(step)
        state = following
    assume(len(steps) >= 2)
    plan = plan_for(network, *steps)
    safe = {order.hash for order in every_order(plan) if transient_passes(order, network)}
    found = safe_order(plan, network, OPEN)
    assert found.exact
    assert (found.plan is not None) == bool(safe)
    assert found.plan is None or found.plan.hash in safe


def test_the_policy_on_traffic_moved_holds_at_every_step():
    found = safe_order(plan_for(LADDER, over("T1", "D", "C")), LADDER, Policy(max_blast_radius=0.2))
    assert found.plan is None
    assert found.blocked[1] == "87.5 % of the traffic would have moved"
