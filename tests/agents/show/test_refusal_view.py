"""A refused plan as a picture: the state in which the gate refuses it, with the gate's own figure at its place."""

from dataclasses import replace
from itertools import islice

import pytest

from agents.show.approval_view import planned_drawing
from agents.show.refusal_view import refusal_view
from agents.show.trial_plan import trial_plan
from agents.wording import CHECKS, share
from twin.errors import InputError
from twin.formats import load_network
from twin.gate.verdict import verify
from twin.plan import DrainLink, Plan, SetWeight
from twin.policy import Policy

NETWORK = load_network("synthetic/8-1")
POLICY = Policy(max_utilisation=0.8, horizon_hours=0)


def judged(plan, network=NETWORK, policy=POLICY):
    verdict = verify(plan, network, policy)
    return verdict, refusal_view(network, plan, verdict, policy.max_utilisation)


def refused_drains():
    """Every drain of one circuit that the gate refuses for a load under a failure, or without one."""
    for circuit in NETWORK.circuits:
        plan = Plan(goal="work", objective="change", base=NETWORK.id, steps=(DrainLink(circuit=circuit),))
        verdict, view = judged(plan)
        found = next((x.counterexample for x in verdict.checks if x.counterexample is not None), None)
        if found is not None and found.unit == "share" and found.when is None and found.element in NETWORK.link_index:
            yield circuit, found, view


def test_what_is_drawn_is_the_state_of_the_counterexample_with_its_figure_and_its_failure():
    seen = list(islice(refused_drains(), 4))
    assert len(seen) == 4
    for circuit, example, view in seen:
        tail, head = example.element.split("->")
        half = next(x for x in view.after.halves if x.title.startswith(f"{example.element}:"))
        assert share(example.measured) in half.title  # what the gate says is what the map says
        (mark,) = [x for x in view.after.marks if x.kind == "refused"]
        assert tail in mark.title
        assert head in mark.title
        assert view.note == ""
        assert [x.here for x in view.steps] == [example.step == 1]
        drained = [x for x in view.after.marks if x.kind == "changed"]
        assert len(drained) == 1, circuit
        assert not [x for x in view.before.marks if x.kind == "changed"]
        if example.failure:
            down = {x.title for x in view.after.halves if x.band == "down"} | {
                x.title for x in view.after.dots if x.state == "down"
            }
            assert down
            assert {x.title for x in view.before.halves if x.band == "down"}
            assert " fails" in view.after.title
        assert "->" not in f"{view.words}{view.place}{view.after.title}"


def test_a_plan_that_passes_has_no_picture_and_one_that_is_refused_for_no_place_no_drawing():
    step = SetWeight(link=NETWORK.links[0].name, weight=NETWORK.links[0].weight + 1)
    plan = Plan(goal="a weight", objective="change", base=NETWORK.id, steps=(step,))
    verdict, view = judged(plan, policy=Policy(max_utilisation=1.0, max_failure_utilisation=5.0, horizon_hours=0))
    assert verdict.passed
    assert view is None
    for refused, policy, check in (
        (plan.model_copy(update={"steps": (DrainLink(circuit="link/X:Y--Y:X"),)}), POLICY, "grounded"),
        (plan, POLICY.model_copy(update={"require_evidence": True}), "fresh"),
    ):
        _, view = judged(refused, policy=policy)
        assert CHECKS[check] in view.title
        assert view.before is view.after is None
        assert view.words
        assert view.note


def test_a_node_that_is_down_is_drawn_with_what_ends_there():
    nodes = tuple(x._replace(up=False) if i == 2 else x for i, x in enumerate(NETWORK.nodes))
    drawn = planned_drawing(replace(NETWORK, nodes=nodes), (), "now", 0.8)
    for link, half in zip(NETWORK.links, drawn.halves, strict=True):
        assert (half.band == "down") == (nodes[2].name in (link.tail, link.head))


def test_a_trial_that_drains_nothing_is_no_plan():
    with pytest.raises(InputError, match="nothing is drained"):
        trial_plan(NETWORK, ["", " "])
    assert trial_plan(NETWORK, ["r1", "R6--R1"]).goal.startswith("Drain")
