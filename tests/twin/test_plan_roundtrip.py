import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.twin.random_networks import changes, networks
from twin.errors import PlanError, TopologyError, UnknownElementError
from twin.model import Link, Network, Node, SegmentList, Tunnel
from twin.plan import (
    DrainLink,
    Plan,
    RemoveTunnel,
    SetTunnel,
    SetWeight,
    UndrainNode,
    apply,
    apply_all,
    inverse,
    states,
    way_back,
)

ENDS = (("A", "B"), ("B", "A"), ("B", "C"), ("C", "B"), ("A", "C"), ("C", "A"))
TRIANGLE = Network(
    "triangle",
    tuple(Node(name, 0, 0) for name in "ABC"),
    tuple(Link(tail, head, 10, 1) for tail, head in ENDS),
    np.zeros((3, 3)),
)
HASH_SCRIPT = "import sys; from twin.plan import Plan; print(Plan.model_validate_json(sys.stdin.read()).hash)"


def plan_of(base: Network, draw) -> Plan:
    steps = []
    state = base
    for _ in range(draw(st.integers(1, 6))):
        steps.append(draw(changes(state)))
        state = apply(state, steps[-1])
    return Plan(goal="any", base=base.id, steps=tuple(steps))


@settings(max_examples=80)
@given(st.data(), networks())
def test_undoing_a_change_of_any_kind_gives_the_very_same_state(data, network):
    change = data.draw(changes(network))
    assert apply(apply(network, change), inverse(network, change)).id == network.id


@settings(max_examples=30)
@given(st.data(), networks())
def test_the_way_back_visits_the_same_states_in_reverse(data, network):
    plan = plan_of(network, data.draw)
    there = states(network, plan.steps)
    back = states(there[-1], way_back(network, plan.steps))
    assert [state.id for state in back] == [state.id for state in reversed(there)]


@settings(max_examples=30)
@given(st.data(), networks())
def test_a_plan_survives_json_with_its_hash(data, network):
    plan = plan_of(network, data.draw)
    read = Plan.model_validate_json(plan.model_dump_json())
    assert read == plan
    assert read.hash == plan.hash


@settings(max_examples=30)
@given(st.data(), networks())
def test_a_change_leaves_the_network_it_was_made_to_untouched(data, network):
    before = network.id
    apply(network, data.draw(changes(network)))
    assert Network(**{name: getattr(network, name) for name in network.__dataclass_fields__}).id == before


def test_the_plan_hash_is_the_same_in_every_process():
    plan = Plan(
        goal="relieve N1->N2",
        base="0123456789abcdef",
        steps=(SetWeight(link="N1->N2", weight=7), RemoveTunnel(name="T1"), UndrainNode(node="N3")),
    )
    for seed in ("0", "4242"):
        result = subprocess.run(
            [sys.executable, "-c", HASH_SCRIPT],
            input=plan.model_dump_json(),
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert result.stdout.strip() == plan.hash


def test_the_plan_hash_is_pinned():
    plan = Plan(goal="g", base="0" * 16, steps=(SetWeight(link="A->B", weight=3),))
    assert plan.hash == "02c5fc4d415ea646"


def test_swapping_two_steps_gives_another_hash():
    first, second = SetWeight(link="A->B", weight=3), SetWeight(link="B->C", weight=3)
    one = Plan(goal="g", base=TRIANGLE.id, steps=(first, second))
    other = Plan(goal="g", base=TRIANGLE.id, steps=(second, first))
    assert one.hash != other.hash


def test_draining_what_is_drained_is_refused():
    drain = DrainLink(circuit="link/A:B--B:A")
    drained = apply(TRIANGLE, drain)
    with pytest.raises(PlanError, match="already drained"):
        apply(drained, drain)


def test_an_unknown_element_is_named_with_the_closest():
    with pytest.raises(UnknownElementError) as error:
        apply(TRIANGLE, SetWeight(link="A->D", weight=3))
    assert "A->B" in error.value.fix or "A->C" in error.value.fix


def test_a_plan_that_cannot_be_applied_names_the_step():
    steps = (SetWeight(link="A->B", weight=3), UndrainNode(node="C"))
    with pytest.raises(PlanError, match=r"step 2 \(undrain_node\)"):
        apply_all(TRIANGLE, steps)


def test_a_weight_as_large_as_a_link_may_have_can_be_restored():
    links = (Link("A", "B", 10, 2**24), Link("B", "A", 10, 1))
    network = Network("pair", (Node("A", 0, 0), Node("B", 1, 0)), links, np.zeros((2, 2)))
    change = SetWeight(link="A->B", weight=1)
    assert apply(apply(network, change), inverse(network, change)).id == network.id


def test_a_second_tunnel_for_the_same_demand_is_refused():
    def detour(name):
        return SetTunnel(
            tunnel=Tunnel(name=name, source="A", target="B", paths=(SegmentList(via=("C",)),), on_invalid="igp")
        )

    with_one = apply(TRIANGLE, detour("T1"))
    with pytest.raises(TopologyError, match="two tunnels"):
        apply(with_one, detour("T2"))
