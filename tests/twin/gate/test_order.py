from datetime import UTC, datetime
from itertools import permutations

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from agents.show.judging import judge_plan
from tests.depth import examples
from tests.twin.optimise.networks import network_of
from tests.twin.random_networks import changes, networks
from twin.errors import InputError
from twin.formats import write_plan
from twin.formats.load import load_network
from twin.formats.nodelink import write_node_link
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


def test_a_swap_of_uplinks_that_breaks_before_it_makes_is_refused_by_the_command_with_the_order_that_is_safe(tmp_path):
    """Between its steps one circuit holds 5,000 of 5,000 Mbit/s, for at least ten minutes."""
    ends = [(x, y, 10_000, 5 if "SB" in (x + y) else 1) for x, y in ("SA", "SB", "SC", "AB", "AT", "BT", "CT")]
    network = apply(network_of(ends, {("S", "T"): 5_000.0, ("B", "T"): 1_000.0}), DrainLink(circuit="link/C:S--S:C"))
    write_node_link(network, tmp_path / "bbm.json")
    network = load_network(str(tmp_path / "bbm.json"))
    steps = (DrainLink(circuit="link/A:S--S:A"), UndrainLink(circuit="link/C:S--S:C"))
    answers = []
    for order in (steps, steps[::-1]):
        plan = Plan(goal="swap", base=network.id, steps=order, objective="change")
        write_plan(plan, tmp_path / "plan.json")
        policy, now = Policy(max_blast_radius=1), datetime(2026, 12, 1, tzinfo=UTC)
        answers.append(judge_plan(tmp_path / "plan.json", str(tmp_path / "bbm.json"), policy, None, now=now))
    assert [x.code for x in answers] == [3, 0]
    found = [x["counterexample"] for x in answers[0].document["checks"] if not x["passed"]]
    wanted = {"element": "node/S", "failure": "link/B:S--S:B", "step": 1, "measured": 5_000.0, "limit": 0.0}
    assert [{key: x[key] for key in wanted} for x in found] == [wanted]
    assert [x["op"] for x in answers[0].document["order"]["steps"]] == ["undrain_link", "drain_link"]


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


@settings(max_examples=examples(12))
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
