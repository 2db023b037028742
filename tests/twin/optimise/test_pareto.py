from dataclasses import replace
from itertools import combinations

import pytest

from evals.oracle.carried import carried, failures
from tests.twin.optimise.networks import network_of, random_network
from twin.formats.load import load_network
from twin.formats.provision import STANDARD_CAPACITIES
from twin.gate.verdict import verify
from twin.model import Network
from twin.optimise.lp import lowest_utilisation
from twin.optimise.pareto import Compromise, pareto_front
from twin.optimise.sleep import plan_sleep
from twin.optimise.tunnels import relieve_by_tunnels
from twin.plan import Plan, apply_all
from twin.policy import Policy
from twin.sim.power import power
from twin.sim.simulate import simulate

# where the evening and growth matter, nothing may sleep here
POLICY = Policy(max_blast_radius=1, horizon_hours=0, demand_factors=(0.8, 1.0))


@pytest.fixture(scope="module")
def polska() -> Network:
    return load_network("sndlib/polska")


@pytest.fixture(scope="module")
def front(polska) -> tuple[Compromise, ...]:
    return pareto_front(polska, POLICY)


def test_no_point_dominates_another(front):
    assert len(front) >= 4
    for one in front:
        for other in front:
            better = [a <= b for a, b in zip(one.measures, other.measures, strict=True)]
            assert one is other or not all(better) or one.measures == other.measures


def test_every_point_is_what_the_simulator_measures(polska, front):
    bound = lowest_utilisation(polska).max_utilisation
    for point in front:
        state = apply_all(polska, point.steps)
        outcome = simulate(state)
        worst = max(carried(state, dead).peak for dead in failures(state))
        expected = (
            outcome.max_utilisation,
            max(worst, outcome.max_utilisation),
            outcome.mean_delay_ms,
            power(state, load=outcome.load).total_watts,
            len(point.steps),
            0.0,
        )
        assert point.measures == pytest.approx(expected)
        assert point.max_utilisation >= bound - 1e-6


def test_doing_nothing_is_on_the_front_and_so_are_the_planners_ends(polska, front):
    assert any(point.changes == 0 for point in front)
    asleep = plan_sleep(polska, POLICY).plan
    assert asleep
    sleeping = apply_all(polska, asleep.steps)
    assert min(point.watts for point in front) <= power(sleeping, load=simulate(sleeping).load).total_watts + 1e-9
    relieved = relieve_by_tunnels(polska, POLICY)
    if relieved.plan:
        assert front[0].max_utilisation <= relieved.after.max_utilisation + 1e-9


def test_every_point_keeps_the_rules_of_the_gate(polska, front):
    for point in front:
        if point.steps:
            plan = Plan(goal="point", base=polska.id, steps=point.steps, objective="sleep")
            checks = verify(plan, polska, POLICY).checks
            assert all(check.passed for check in checks if check.name != "useful")


def test_the_same_network_gives_the_same_front():
    network = random_network(8, nodes=6, extra=5)
    assert pareto_front(network, POLICY) == pareto_front(replace(network), POLICY)


TREE = network_of(
    [("a", "b", 10_000.0, 1), ("b", "c", 40_000.0, 1), ("b", "d", 10_000.0, 1), ("a", "e", 10_000.0, 1)],
    {("a", "c"): 6_000.0, ("c", "d"): 7_500.0, ("e", "a"): 4_000.0, ("d", "a"): 1_000.0},
)
"""Without a second way anywhere: only capacity helps."""
PRICES = {"link/a:b--b:a": 2.0, "link/c:b--b:c": 5.0, "core": 3.0, "*": 1.0}  # in either order of the ends
PRICED = POLICY.model_copy(update={"upgrade_costs": PRICES, "tags": {"core": ("link/b:d--d:b",)}})


def best_upgrades(network: Network, prices: dict[str, float]) -> dict[float, float]:
    """The lowest peak for every amount of money at which there is a lower one than for less, by trying everything."""
    sizes = {x: min(network.links[i].capacity for i in network.circuits[x]) for x in network.circuits}
    found: dict[float, float] = {0.0: carried(network).peak}
    for count in range(1, len(sizes) + 1):
        for chosen in combinations(sizes, count):
            larger = {x: min(c for c in STANDARD_CAPACITIES if c > sizes[x]) for x in chosen}
            links = tuple(x._replace(capacity=larger.get(x.circuit, x.capacity)) for x in network.links)
            money = sum(prices[x] * (larger[x] - sizes[x]) / 1000 for x in chosen)
            peak = carried(replace(network, links=links)).peak
            found[money] = min(peak, found.get(money, peak))
    return {m: p for m, p in found.items() if not any(n < m and q <= p + 1e-9 for n, q in found.items())}


def test_the_front_of_peak_and_money_is_the_one_of_every_set_of_upgrades():
    by_hand = {"link/a:b--b:a": 2.0, "link/b:c--c:b": 5.0, "link/b:d--d:b": 3.0, "link/a:e--e:a": 1.0}
    expected = best_upgrades(TREE, by_hand)
    front = [x for x in pareto_front(TREE, PRICED) if x.money == 0 or x.method == "upgrade"]
    found = {x.money: x.max_utilisation for x in front}
    once = {money: found.get(money) for money in expected}
    assert once == pytest.approx(expected)
    assert len(expected) >= 3


def test_without_a_price_nothing_is_bought_and_nothing_costs(front):
    assert {x.money for x in front} == {0.0}
    part = POLICY.model_copy(update={"upgrade_costs": {"link/a:e--e:a": 1.0}})
    assert {x.method for x in pareto_front(TREE, part)} <= {"none", "routing", "link-sleep"}  # a:b is the busiest
