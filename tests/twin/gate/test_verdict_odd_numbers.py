"""The gate never raises on anything its models let through, and no amount of other traffic hides a customer."""

from datetime import UTC, datetime, timedelta
from typing import get_args

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.twin.random_networks import changes
from tests.twin.square import NAMES, OPEN, judge, plan_for
from twin.demand_limits import DemandLimits
from twin.errors import InputError
from twin.gate.checks.finding import CheckName
from twin.gate.outlook import outlook_by_day
from twin.gate.verdict import Verdict, verify
from twin.model import Link, Network, Node
from twin.plan import DrainLink, DrainNode, LimitDemand, Plan, SetCapacity, SetWeight, apply
from twin.policy import Policy

RATES = (0.0, 5e-324, 1e-300, 1e-9, 1.0, 900.0, 4e8, 1e11)
CAPACITIES = (1e-9, 1.0, 1e3, 1e9, 1e100)
DELAYS = (0.0, 5e-324, 1.0, 1e12)
TOO_ODD = (1e15, 1e300, 1.7e308, 5e-324, 1e-308)


@st.composite
def odd_networks(draw) -> Network:
    """One to four nodes, any links between them or none, with any figures that a network may have."""
    n = draw(st.integers(1, 4))
    rates, capacities, delays = (
        st.sampled_from((*x, *TOO_ODD) if draw(st.integers(0, 5)) == 0 else x) for x in (RATES, CAPACITIES, DELAYS)
    )
    names = [f"N{i}" for i in range(n)]
    links: list[Link] = []
    for a in range(n):
        for b in range(a + 1, n):
            for index in range(1, 1 + draw(st.integers(0, 2))):
                capacity, delay = draw(capacities), draw(delays)
                loss = draw(st.sampled_from((0.0, 0.0, 0.0, 5e-324, 0.5, 1.0)))
                for tail, head in ((a, b), (b, a)):
                    weight = draw(st.sampled_from((1, 2, 2**24)))
                    links.append(Link(names[tail], names[head], capacity, weight, delay, index, loss=loss))
    demands = np.array([[0.0 if a == b else draw(rates) for b in range(n)] for a in range(n)])
    return Network(
        "odd", tuple(Node(x, 0.0, 0.0, up=draw(st.booleans()) or n < 3) for x in names), tuple(links), demands
    )


@st.composite
def odd_policies(draw) -> Policy:
    """Any policy that the model lets through, at the edges of its ranges."""
    tiny, alphas = st.sampled_from((5e-324, 1e-300, 0.5, 1.0)), st.sampled_from((0.0, 0.5, 1 - 1e-16))
    return Policy(
        max_utilisation=draw(tiny),
        max_failure_utilisation=draw(st.sampled_from((5e-324, 0.5, 1.0, 1e6))),
        max_maintenance_loss=draw(st.sampled_from((0.0, 5e-324, 1.0))),
        max_blast_radius=draw(tiny),
        max_delay_stretch=draw(st.sampled_from((1.0, 1e6))),
        min_gain=draw(st.sampled_from((0.0, 5e-324, 1 - 1e-16))),
        max_loop_share=draw(st.sampled_from((None, 0.0, 1.0))),
        demand_factors=draw(st.sampled_from(((), (5e-324,), (10.0, 10.0), (0.1, 1.0, 1.0 + 1e-16)))),
        cvar_alpha=draw(alphas),
        max_uncertain_utilisation=draw(st.sampled_from((5e-324, 1.0, 1e6))),
        allow_rate_limits=draw(st.booleans()),
        protected=draw(st.sampled_from(((), ("node/N0",), ("link/N0:N1--N1:N0",), ("nonsense",), ("",)))),
        max_repair_utilisation=draw(st.sampled_from((None, 5e-324, 1e6))),
        max_demand_stretch=draw(st.sampled_from((None, 1.0))),
        max_failure_delay_ms=draw(st.sampled_from((None, 5e-324, 1e9))),
    )


@settings(max_examples=250, suppress_health_check=[HealthCheck.too_slow])
@given(st.data(), odd_networks(), odd_policies(), st.sampled_from(["relieve", "drain", "sleep", "restore"]))
def test_every_network_plan_and_policy_gets_a_whole_verdict(data, network, policy, objective):
    state, steps = network, []
    for _ in range(data.draw(st.integers(1, 3))):
        options = [DrainNode(node="N0"), LimitDemand(source="N0", target="N9", limit=1e308)]
        if state.links:
            circuit = state.links[0].circuit
            options += [SetCapacity(circuit=circuit, capacity=x) for x in (5e-324, 1e300)]
            options += [DrainLink(circuit=circuit), SetWeight(link=state.links[0].name, weight=2**24)]
        if len(state.nodes) > 1:
            options.append(
                LimitDemand(source="N0", target="N1", limit=data.draw(st.sampled_from((0.0, 5e-324, 1e308))))
            )
        step = data.draw(st.sampled_from(options))
        steps.append(step)
        try:
            state = apply(state, step)
        except InputError:
            break
    plan = Plan(goal="any", base=network.id, steps=tuple(steps), objective=objective)
    verdict = verify(plan, network, policy)
    assert len(verdict.checks) == len(get_args(CheckName)) - 1  # all but *classes*
    judged = [check for check in verdict.checks if not check.passed and "not evaluated" not in check.detail]
    assert all(check.counterexample is not None for check in judged)
    assert Verdict.model_validate_json(verdict.model_dump_json()) == verdict


@pytest.mark.parametrize("count", [1, 2])
def test_a_network_without_links_gets_a_whole_verdict_by_every_limit_on_time(count):
    nodes = tuple(Node(f"N{i}", 0.0, 0.0) for i in range(count))
    network = Network("bare", nodes, (), 1.0 - np.eye(count))
    each = DemandLimits(max_stretch=1, max_delay_ms=1, max_failure_stretch=1, max_failure_delay_ms=1)
    policy = OPEN.model_copy(update={"max_repair_utilisation": 0.1, "max_loop_share": 0.0, "demands": {"*->*": each}})
    starts = datetime(2026, 3, 2, 1, tzinfo=UTC)
    plan = plan_for(network, DrainNode(node="N0"), objective="drain").ending(network, starts + timedelta(minutes=90))
    outlook = outlook_by_day(network, starts, 3, day=[1.0 + hour / 24 for hour in range(24)])
    verdict = verify(plan, network, policy, outlook=outlook, starts=starts)
    assert [check.name for check in verdict.checks] == NAMES
    survivable = next(check for check in verdict.checks if check.name == "survivable")
    assert survivable.passed
    assert "repairs" not in survivable.detail  # there is no link that it could be said of


@settings(max_examples=60)
@given(st.data(), odd_networks())
def test_changes_to_odd_networks_get_a_verdict_too(data, network):
    if len(network.nodes) < 3 or not network.links:
        return
    step = data.draw(changes(network))
    assert (
        len(verify(plan_for(network, step), network, Policy()).checks) == len(get_args(CheckName)) - 1
    )  # all but *classes*


def beside(giant: float) -> Network:
    """A triangle with a customer of 0.2 Mbit/s at B, and two nodes far away with `giant` Mbit/s between them."""
    names = ["A", "B", "C", "X", "Y"]
    pairs = [("A", "B", 1000.0), ("A", "C", 1000.0), ("C", "B", 1000.0), ("X", "Y", 1e15), ("C", "X", 1000.0)]
    links = [Link(*ends, capacity, 10, 1.0) for a, b, capacity in pairs for ends in ((a, b), (b, a))]
    demands = np.zeros((5, 5))
    demands[0, 1], demands[3, 4] = 0.2, giant
    return Network("beside", tuple(Node(x, 0.0, 0.0) for x in names), tuple(links), demands)


@pytest.mark.parametrize("giant", [0.0, 4e8, 1e11])
def test_a_small_customer_is_not_hidden_by_the_traffic_of_others(giant):
    steps = (DrainLink(circuit="link/A:B--B:A"), DrainLink(circuit="link/B:C--C:B"))
    checks = judge(beside(giant), *steps, objective="drain")
    assert (checks["nominal"].passed, checks["nominal"].counterexample.element) == (False, "node/B")
    assert checks["nominal"].counterexample.measured == pytest.approx(0.2)
    # one drain alone leaves a way, and no failure may take it
    check = judge(beside(giant), steps[0], objective="drain")["survivable"]
    assert (check.passed, check.counterexample.measured) == (False, pytest.approx(0.2))


@pytest.mark.parametrize("giant", [0.0, 4e8, 1e11])
def test_a_small_link_is_not_overloaded_under_cover_of_the_traffic_of_others(giant):
    network = beside(giant)
    links = tuple(x._replace(capacity=0.1) if x.circuit == "link/B:C--C:B" else x for x in network.links)
    small = Network(network.name, network.nodes, links, network.demands)
    check = judge(small, SetWeight(link="A->B", weight=50), policy=OPEN)["nominal"]
    assert (check.passed, check.counterexample.element) == (False, "C->B")


@pytest.mark.parametrize("total", [1.1e12, 1e300, 1.7e308])
def test_traffic_that_rounding_would_blur_is_not_judged(total):
    network = beside(total)
    check = judge(network, SetWeight(link="A->B", weight=50))["grounded"]
    assert (check.passed, check.counterexample.element) == (False, "demand/X->Y")
