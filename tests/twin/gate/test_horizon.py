"""A plan stays: what the evening does to one that was made for the night, and how it ends."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from pydantic import ValidationError

from agents.show.judging import judge_plan
from tests.depth import thinned
from tests.twin.gate.declared_day import DAY
from tests.twin.optimise.networks import network_of
from tests.twin.sim.oracle import broken, reference
from tests.twin.square import plan_for
from twin.formats import write_plan
from twin.formats.load import load_network
from twin.formats.nodelink import write_node_link
from twin.gate.checks.context import Context
from twin.gate.outlook import Hour, Outlook, Scenario, outlook_by_day
from twin.gate.verdict import Check, Verdict, passes, verify
from twin.model import Network, SegmentList, Tunnel
from twin.optimise.ahead import holding
from twin.optimise.proposal import Proposal, Value
from twin.optimise.sleep import plan_sleep
from twin.plan import (
    DrainLink,
    DrainNode,
    LimitDemand,
    Plan,
    SetCapacity,
    SetTunnel,
    SetWeight,
    SleepLink,
    UndrainLink,
    WakeLink,
    apply_all,
)
from twin.policy import Policy
from twin.sim.simulate import simulate, single_failures
from twin.site_state import coming_to

POLICY = Policy()
DAY_FROM_NIGHT = tuple(x / DAY[5] for x in DAY)
SIX = datetime(2026, 11, 30, 6, tzinfo=UTC)


def night_of(name: str) -> Network:
    """The network at five in the morning by its local time, with 35 % of its traffic."""
    day = load_network(name, seed=3)
    return day.with_demands(day.demands * DAY[5])


def at_five(network: Network) -> datetime:
    """Five in the morning by the network's local time, at which the traffic is least, UTC."""
    longitude = sum(node.longitude for node in network.nodes) / len(network.nodes)
    return datetime.fromtimestamp(datetime(2026, 11, 30, 5, 30, tzinfo=UTC).timestamp() - longitude / 15 * 3600, UTC)


def ahead(network: Network, hours: float = 24) -> Outlook:
    return outlook_by_day(network, at_five(network), hours, day=DAY)


def horizon(verdict: Verdict) -> Check:
    return next(check for check in verdict.checks if check.name == "horizon")


def test_the_hours_ahead_follow_the_stated_day_from_the_traffic_of_now():
    night = night_of("sndlib/polska")
    outlook = ahead(night)
    assert [hour.clock[:2] for hour in outlook.hours[:3]] == ["05", "06", "07"]
    assert len(outlook.hours) == 25  # the hour that has begun counts whole
    assert outlook.fullest.clock == "20:00"
    assert outlook.fullest.demands == pytest.approx(night.demands / DAY[5])


SIX_NETWORKS = (
    "sndlib/nobel-germany", "sndlib/germany50", "sndlib/geant", "topozoo/Abilene", "sndlib/nobel-eu", "sndlib/abilene",
)  # fmt: skip


@pytest.mark.parametrize("name", thinned(SIX_NETWORKS, 2))
def test_circuits_that_sleep_for_the_night_may_not_stay_asleep_in_the_evening_and_may_until_the_morning(name):
    night = night_of(name)
    plan, hours = plan_sleep(night, POLICY).plan, ahead(night)
    assert verify(plan, night, POLICY).passed  # nobody said what comes
    verdict = verify(plan, night, POLICY, outlook=hours)
    assert [check.name for check in verdict.checks if not check.passed] == ["horizon"]
    found = horizon(verdict).counterexample
    assert found.when is not None
    assert "at " + found.when in horizon(verdict).detail
    # the independent simulator finds the same link above the limit in that hour, and below it without the plan
    hour = next(x for x in hours.hours if x.clock == found.when)
    states = [x.with_demands(hour.demands) for x in (night, apply_all(night, plan.steps))]
    if found.failure:
        failure = next(x for x in single_failures(night) if x.name == found.failure)
        states = [broken(x, failure) for x in states]
    was, now = (reference(x).load[x.link(found.element)] / x.links[x.link(found.element)].capacity for x in states)
    assert now == pytest.approx(found.measured)
    assert now > found.limit >= min(was, found.limit)

    ends = plan.ending(night, hours.hours[1].begins)  # at six
    assert [type(step) for step in ends.closing] == [WakeLink] * len(plan.steps)
    assert apply_all(night, (*ends.steps, *ends.closing)) == night
    verdict = verify(ends, night, POLICY, outlook=hours)
    assert verdict.passed
    assert f"{len(plan.steps)} steps end it at" in horizon(verdict).detail


@pytest.mark.parametrize("until", [None, 3])
def test_sleep_is_found_for_the_most_that_comes_while_it_stays(until):
    """What holds for the traffic of now holds neither all day nor, of nobel-germany, until eight."""
    night = night_of("sndlib/nobel-germany")
    hours = ahead(night)
    end = hours.hours[until].begins if until else None

    def planner(state: Network, policy: Policy) -> list[Proposal]:
        found = plan_sleep(state, policy)
        return [replace(found, plan=found.plan.ending(state, end)) if found.plan and end else found]

    def judged(proposals: Sequence[Proposal]) -> Verdict:
        return verify(proposals[0].plan, night, POLICY, outlook=hours)

    assert judged(holding(planner, night, POLICY, Context(outlook=hours))).passed
    if until is None:
        assert not judged(planner(night, POLICY)).passed


def test_what_a_forecast_fears_of_the_evening_is_nothing_to_a_plan_that_ends_in_the_morning():
    night = night_of("sndlib/polska")
    stated, plan = ahead(night), plan_sleep(night, POLICY).plan
    feared = tuple((Scenario(f"forecast 99% of {x.clock}", x.demands),) for x in stated.hours)
    outlook = replace(stated, quantiles=feared)
    assert not uncertain(verify(plan, night, POLICY, outlook=outlook)).passed
    assert verify(plan.ending(night, stated.hours[1].begins), night, POLICY, outlook=outlook).passed
    assert passes(plan.ending(night, stated.hours[1].begins), night, POLICY, outlook=outlook)
    assert not passes(plan, night, POLICY, outlook=outlook)
    # and what it fears of the hours before that is
    much = replace(outlook, quantiles=((Scenario("forecast 99%", stated.fullest.demands),), *feared[1:]))
    assert not uncertain(verify(plan.ending(night, stated.hours[1].begins), night, POLICY, outlook=much)).passed


def test_the_steps_that_end_a_plan_are_rehearsed_too():
    night = night_of("sndlib/polska")
    steps = plan_sleep(night, POLICY).plan.steps
    circuit = steps[0].circuit
    other = next(x for x in night.circuits if x not in {step.circuit for step in steps})
    unknown = plan_for(night, *steps, objective="sleep").model_copy(
        update={"until": SIX, "closing": (WakeLink(circuit=other),)}
    )
    grounded = verify(unknown, night, POLICY).checks[0]
    assert (grounded.name, grounded.passed, grounded.counterexample.element) == ("grounded", False, other)
    # an end that leaves all but one asleep is an end by name only: the evening comes all the same
    some = unknown.model_copy(update={"closing": (WakeLink(circuit=circuit),)})
    assert not horizon(verify(some, night, POLICY, outlook=ahead(night))).passed


def test_a_plan_that_ends_before_its_first_step_would_stay_for_good():
    night = night_of("sndlib/polska")
    plan = plan_sleep(night, POLICY).plan
    hours, now = ahead(night), at_five(night)
    for until, starts in ((now - timedelta(days=1), now), (now, now), (hours.hours[0].begins, None)):
        check = horizon(verify(plan.ending(night, until), night, POLICY, outlook=hours, starts=starts))
        assert not check.passed
        assert "and its first step is made at" in check.detail
    assert horizon(verify(plan.ending(night, now + timedelta(minutes=1)), night, POLICY, outlook=hours)).passed


AC, AB, AD = "link/a:c--c:a", "link/a:b--b:a", "link/a:d--d:a"
BACK = SetWeight(link="a->b", weight=10)


@pytest.mark.parametrize(
    ("closing", "check", "words"),
    [
        ((BACK,), "", ""),
        ((BACK, DrainLink(circuit=AC)), "policy", "step 3 (drain_link circuit a--c) touches circuit a--c, which is"),
        ((BACK, SetWeight(link="a->c", weight=9)), "policy", "step 3 (set_weight a->c) touches circuit a--c"),
        ((BACK, SetCapacity(circuit=AB, capacity=1.0)), "policy", "step 3 asks for another capacity"),
        ((BACK, LimitDemand(source="a", target="b", limit=1.0)), "policy", "step 3 rate-limits a demand"),
        (tuple(SetWeight(link="a->b", weight=x) for x in range(13, 26)), "policy", "the end of the plan has 13 steps"),
        ((SetWeight(link="a->b", weight=2**24 - 1),), "grounded", "of its end sets a->b to 16777215"),
        ((BACK, DrainNode(node="c"), DrainLink(circuit=AB)), "horizon", "once the plan has ended"),
        ((BACK, DrainLink(circuit=AB), DrainLink(circuit=AD), UndrainLink(circuit=AD)), "horizon", "loses its paths"),
        ((SetWeight(link="a->b", weight=60),), "policy", "after step 2"),
    ],
)
@pytest.mark.parametrize("known", [True, False])
def test_the_steps_that_end_a_plan_are_held_to_all_that_its_steps_are(closing, check, words, known):
    """In a full mesh of four, with hours ahead and without: nobody looks at these steps again before they are made."""
    pairs = [(x, y, 100.0, 10) for x, y in ("ab", "bc", "cd", "da", "ac", "bd")]
    mesh = network_of(pairs, {("a", "b"): 10.0, ("a", "c"): 10.0, ("c", "d"): 5.0})
    policy = POLICY.model_copy(update={"protected": (AC,), "max_blast_radius": 0.3})
    steps = (SetWeight(link="a->b", weight=12),)
    made = plan_for(mesh, *steps, objective="change").model_dump()
    plan = Plan.model_validate({**made, "until": SIX + timedelta(hours=3), "closing": closing})
    hours = outlook_by_day(mesh, SIX, 24, day=[1.0] * 24) if known else None
    verdict = verify(plan, mesh, policy, outlook=hours, starts=SIX, step_lasts=timedelta(minutes=30))
    failed = {x.name: x.detail for x in verdict.checks if not x.passed}
    assert words in failed.get(check, "") if check else not failed, failed


def test_a_plan_that_stays_longer_than_the_policy_looks_ahead_is_looked_at_until_its_end():
    night = night_of("sndlib/polska")
    plan, now = plan_sleep(night, POLICY).plan, at_five(night)
    short = POLICY.model_copy(update={"horizon_hours": 6})
    for days, hours in ((None, 6), (0.1, 6), (0.5, 12), (3, 72), (30, 168)):
        until = now + timedelta(days=days) if days else None
        context = coming_to(None, night, short, now, until=until, day=DAY_FROM_NIGHT).context
        assert len(context.outlook.hours) in (hours, hours + 1)
    six, evening = (now + timedelta(hours=x) for x in (0.5, 18))
    for until, lasts in ((six, True), (evening, False)):
        outlook = coming_to(None, night, short, now, until=until, day=DAY_FROM_NIGHT).context.outlook
        assert verify(plan.ending(night, until), night, short, outlook=outlook).passed is lasts
    unseen = horizon(verify(plan.ending(night, evening), night, short, outlook=ahead(night, 1)))
    assert "on were not judged" in unseen.detail
    assert (
        coming_to(None, night, POLICY.model_copy(update={"horizon_hours": 0}), now, until=six, day=DAY_FROM_NIGHT)[
            0
        ].outlook
        is None
    )


def test_a_planner_makes_plans_that_last_where_there_are_any():
    night = load_network("sndlib/nobel-germany", seed=3)
    night = night.with_demands(night.demands * 0.6 * DAY[5])
    proposals = holding(
        lambda network, policy: (plan_sleep(network, policy),), night, POLICY, Context(outlook=ahead(night))
    )
    best = proposals[0].plan
    assert best is not None
    assert best.base == night.id
    verdict = verify(best, night, POLICY, outlook=ahead(night))
    assert verdict.passed
    assert any("does not last" in x.reason for x in proposals)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_a_plan_that_does_not_last_the_steps_are_proposed_that_do(order):
    """Two ways around the one busy link: the narrow one is full by noon."""
    ends = [("x", "a", 1000.0), ("y", "a", 1000.0), *((*x, 100.0) for x in ("ab", "ac", "cb")), ("a", "d", 50.0)]
    links = [(x, y, capacity, 10) for x, y, capacity in (*ends, ("d", "b", 50.0))]
    night = network_of(links, {("x", "b"): 30.0, ("y", "b"): 30.0, ("x", "y"): 120.0})
    around = [
        Tunnel(name=x, source=x, target="b", paths=(SegmentList(via=(via,)),), path="explicit", on_invalid="igp")
        for x, via in (("x", "c"), ("y", "d"))
    ]
    plan = plan_for(night, *(SetTunnel(tunnel=around[i]) for i in order), objective="relieve")
    value = Value(0.0, 0.6)
    both = Proposal("two tunnels", plan, value, value)
    found = holding(lambda *_: (both,), night, POLICY, Context(outlook=ahead(night)))
    assert [x.plan.steps if x.plan else None for x in found] == [(SetTunnel(tunnel=around[0]),), None]
    assert found[0].plan.expected.max_utilisation == pytest.approx((0.6, 0.3))
    assert verify(found[0].plan, night, POLICY, outlook=ahead(night)).passed
    assert "does not last: a->d" in found[1].reason


def test_a_plan_is_judged_by_a_day_that_somebody_states_of_a_network_without_a_site(tmp_path):
    ends = [("a", "b", 1000.0), *((x, y, 100.0) for x, y in ("ac", "ad", "bc", "bd", "cd"))]
    network = network_of([(x, y, capacity, 1) for x, y, capacity in ends], {("a", "b"): 30.0})
    write_node_link(network, tmp_path / "four.json")
    network = load_network(str(tmp_path / "four.json"))
    write_plan(plan_for(network, SleepLink(circuit="link/a:b--b:a"), objective="sleep"), tmp_path / "plan.json")

    def judged(day: str | None) -> tuple[int, Check]:
        file = tmp_path / "day.csv"
        file.write_text(day or "")
        loose = Policy(max_blast_radius=1, max_delay_stretch=10)
        answer = judge_plan(
            tmp_path / "plan.json", str(tmp_path / "four.json"), loose, None, now=SIX, day=file if day else None
        )
        check = next(x for x in answer.document["checks"] if x["name"] == "horizon")
        return answer.code, Check.model_validate(check)

    code, check = judged(None)
    assert (code, "no hours ahead" in check.detail) == (0, True)
    assert judged("1 " * 24)[0] == 0
    code, check = judged("1 " * 20 + "4 " + "1 " * 3)  # 60 on each way round, and 120 when one of them fails
    found = check.counterexample
    assert (code, found.when, found.measured, found.limit) == (3, "20:00", pytest.approx(1.2), 1.0)
    assert found.failure is not None


def test_hours_that_are_no_multiple_of_now_are_simulated_as_they_are():
    night = night_of("sndlib/polska")
    plan = plan_for(night, *plan_sleep(night, POLICY).plan.steps, objective="sleep")
    rng = np.random.default_rng(1)
    strange = night.demands * rng.uniform(0.5, 1.2, night.demands.shape)
    rush = night.demands / DAY[5]
    hours = (Hour(SIX, "06:00", strange), Hour(SIX.replace(hour=7), "07:00", rush))
    found = horizon(verify(plan, night, POLICY, outlook=Outlook(hours, "a forecast"))).counterexample
    assert found.when == "07:00"


def test_a_plan_has_an_end_and_the_steps_for_it_or_neither():
    plan = plan_for(night_of("sndlib/polska"), SleepLink(circuit="link/A:B--B:A"), objective="sleep")
    with pytest.raises(ValidationError, match="until"):
        Plan.model_validate({**plan.model_dump(), "until": SIX})
    assert plan.hash == Plan.model_validate(plan.model_dump()).hash


def uncertain(verdict: Verdict) -> Check:
    return next(check for check in verdict.checks if check.name == "uncertain")


def test_quantiles_of_a_forecast_meet_every_single_failure_beside_the_growth_that_the_policy_foresees():
    network = load_network("sndlib/polska", seed=3)
    calm = network.with_demands(network.demands * 0.5)
    plan = plan_sleep(calm, POLICY).plan
    now = (Hour(SIX, "06:00", calm.demands),)  # in the middle of the forecast the plan lasts
    state = apply_all(calm, plan.steps)

    def judged(*factors: float) -> Check:
        rows = tuple(Scenario(f"forecast {i}", calm.demands * x) for i, x in enumerate(factors))
        return uncertain(verify(plan, calm, POLICY, outlook=Outlook(now, "a forecast", (rows,))))

    def peak(demands, sleeping: Network) -> float:
        """The worst single failure by the oracle."""
        busy = sleeping.with_demands(demands)
        capacity = np.array([link.capacity for link in busy.links])
        return max(float((reference(broken(busy, x)).load / capacity).max()) for x in single_failures(busy))

    assert judged(1.0, 1.1).passed
    sweep = simulate(state, failures=single_failures(state)).sweep
    factor = 1.03 / float(sweep.max_utilisation.max())
    assert factor > 1.2
    assert peak(calm.demands * factor, calm) < 1.0  # without the plan nothing would be wrong
    found = judged(1.0, float(factor)).counterexample
    assert found.failure is not None
    assert found.when == "forecast 1"
    assert found.measured == pytest.approx(peak(calm.demands * factor, state), abs=1e-6)
    # what is likely dilutes nothing that the policy foresees
    several = Policy(demand_factors=(2.0,))
    alone = uncertain(verify(plan, calm, several))
    with_likely = Outlook(now, "a forecast", ((Scenario("forecast 50%", calm.demands),) * 9,))
    assert not alone.passed
    assert not uncertain(verify(plan, calm, several, outlook=with_likely)).passed
