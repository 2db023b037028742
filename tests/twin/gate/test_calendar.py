"""When a plan may be made, and what others take away while it stays."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from tests.twin.gate.declared_day import DAY
from tests.twin.optimise.networks import network_of
from tests.twin.sim.oracle import reference
from tests.twin.square import plan_for
from twin.errors import CertificateError, PolicyError
from twin.gate.certificate import Approval, check, issue
from twin.gate.checks.context import Context
from twin.gate.checks.rehearsal import taken_away
from twin.gate.outlook import outlook_by_day
from twin.gate.signing import SigningKey
from twin.gate.verdict import verify
from twin.model import RiskGroup
from twin.optimise.ahead import holding
from twin.optimise.sleep import plan_sleep
from twin.plan import DrainLink, Plan, SetWeight, SleepLink, UndrainLink, WakeLink, apply, apply_all
from twin.planned import PlannedWork
from twin.policy import Policy
from twin.policy_file import load_policy

TUESDAY = datetime(2026, 12, 1, 1, 30, tzinfo=UTC)  # 02:30 in Zurich
LOOSE = Policy(min_gain=0, max_blast_radius=1, max_delay_stretch=100)
CALM = LOOSE.model_copy(update={"demand_factors": ()})
# two ways of equal worth from a to d, and a long one: one may rest while the others carry
NETWORK = network_of(
    [
        ("a", "b", 100.0, 1),
        ("b", "d", 100.0, 1),
        ("a", "c", 100.0, 2),
        ("c", "d", 100.0, 2),
        ("a", "d", 30.0, 9),
        ("b", "c", 100.0, 20),
    ],
    {("a", "d"): 50.0, ("a", "c"): 5.0},
)
AB, AC, CD, AE = "link/a:b--b:a", "link/a:c--c:a", "link/c:d--d:c", "link/a:e--e:a"
ROOM = CALM.model_copy(update={"max_failure_utilisation": 5.0, "max_utilisation": 1.0})


def sleep(*circuits, until=None):
    plan = Plan(goal="g", base=NETWORK.id, steps=tuple(SleepLink(circuit=x) for x in circuits), objective="sleep")
    return plan.ending(NETWORK, until) if until else plan


def work(element, begins, hours=3.0):
    return PlannedWork(name="CHG1", elements=(element,), begins=begins, ends=begins + timedelta(hours=hours))


def found(verdict, name):
    return next(x for x in verdict.checks if x.name == name)


def test_an_hour_that_begins_when_all_steps_are_over_is_none_of_theirs():
    """What is swept together for the fullest hour of the steps is then asked of another one."""
    begins = TUESDAY.replace(minute=0)
    context = Context(outlook=outlook_by_day(NETWORK, begins, 24, day=[1.0] * 24), starts=begins)
    for minutes, hours in ((29, 2), (30, 2), (31, 3), (None, 1)):
        lasts = timedelta(minutes=minutes) if minutes else None
        known = replace(context, step_lasts=lasts)
        assert len(known.hours_between(known.making, 4)) == hours


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ({"windows": ["Tue-Thu 01:00-05:00 Europe/Zurich"]}, None),
        ({"windows": ["Tue-Thu 03:00-05:00 Europe/Zurich"]}, "outside the windows"),
        ({"windows": ["Tue-Thu 03:00-05:00 UTC", "02:00-03:00 Europe/Zurich"]}, None),
        ({"freeze": ["2026-12-01/2026-12-24"]}, "in the freeze"),
        ({"freeze": ["2026-12-20/2027-01-04"]}, None),
        ({"tags": {"core": [AB]}, "blackouts": ["core Mon-Fri 00:00-24:00"]}, "in the blackout"),
        ({"blackouts": ["node/b Tue 02:00-03:00 Europe/Zurich"]}, "in the blackout"),
        ({"blackouts": [f"{CD} Mon-Fri 00:00-24:00"]}, None),
    ],
)
def test_steps_are_made_only_when_the_policy_lets_them(policy, words):
    rules = Policy.model_validate({**CALM.model_dump(), **policy})
    check = found(verify(sleep(AB), NETWORK, rules, starts=TUESDAY), "policy")
    assert check.passed is (words is None)
    assert (words or "") in check.detail
    if words:
        assert check.counterexample.step == 1


def test_a_blackout_of_a_risk_group_is_one_of_its_circuits_and_one_of_what_is_not_there_is_refused():
    network = replace(NETWORK, risk_groups=(RiskGroup("duct", (AB, CD)),))
    plan = sleep(AB).model_copy(update={"base": network.id})
    for element, words in (
        ("risk-group/duct", "touches risk-group duct"), ("node/Nowhere", "has a blackout of node Nowhere"),
        ("risk-group/pipe", "does not have: correct"), ("link/b:a--a:b", "does not have: correct the policy"),
    ):  # fmt: skip
        for policy in (
            {"tags": {"core": (AC, element)}, "blackouts": ("core 00:00-24:00",)},
            {"blackouts": (f"{element} 00:00-24:00",)},
        ):
            check = found(verify(plan, network, CALM.model_copy(update=policy), starts=TUESDAY), "policy")
            assert not check.passed
            assert words in check.detail, check.detail


def test_the_steps_that_end_a_plan_keep_to_the_windows_as_well():
    rules = CALM.model_copy(update={"windows": ("Tue-Thu 01:00-05:00 Europe/Zurich",)})
    for hours, passes in ((2, True), (4, False)):
        verdict = verify(sleep(AB, until=TUESDAY + timedelta(hours=hours)), NETWORK, rules, starts=TUESDAY)
        assert found(verdict, "policy").passed is passes


def test_no_plan_rests_on_a_circuit_that_somebody_takes_away_tonight():
    plan, outlook = sleep(AC), outlook_by_day(NETWORK, TUESDAY, 24, day=DAY)
    calm = CALM.model_copy(update={"max_utilisation": 1.0, "max_failure_utilisation": 5.0})
    assert verify(plan, NETWORK, calm, outlook=outlook, starts=TUESDAY).passed
    works = (work(AB, TUESDAY + timedelta(hours=5)),)
    verdict = verify(plan, NETWORK, calm, outlook=outlook, starts=TUESDAY, works=works)
    assert [x.name for x in verdict.checks if not x.passed] == ["horizon"]
    example = found(verdict, "horizon").counterexample
    assert "CHG1" in example.when
    assert "circuit a--b" in example.when
    # the independent simulator finds the same link as full in the first hour of that work, and not so without the plan
    hour = next(x for x in outlook.hours if works[0].meets(x.begins, x.begins + timedelta(hours=1)))
    assert example.when.startswith(hour.clock)
    states = [taken_away(x, (AB,)).with_demands(hour.demands) for x in (NETWORK, apply_all(NETWORK, plan.steps))]
    link = NETWORK.link(example.element)
    was, now = (reference(x).load[link] / NETWORK.links[link].capacity for x in states)
    assert now == pytest.approx(example.measured)
    assert was < example.limit < now


@pytest.mark.parametrize("lasts", [None, timedelta(minutes=30)])
@pytest.mark.parametrize(("begins", "passes"), [(-0.5, False), (-4, True)])
def test_a_single_step_may_not_rest_on_what_is_worked_on_as_it_is_made_though_no_hours_are_known(lasts, begins, passes):
    works = (work(AB, TUESDAY + timedelta(hours=begins)),)
    verdict = verify(sleep(AC), NETWORK, ROOM, starts=TUESDAY, works=works, step_lasts=lasts)
    assert [x.name for x in verdict.checks if not x.passed] == ([] if passes else ["horizon"])


def test_what_others_take_away_before_or_after_a_plan_is_nothing_to_it():
    outlook, calm = (
        outlook_by_day(NETWORK, TUESDAY, 24, day=DAY),
        CALM.model_copy(update={"max_failure_utilisation": 5.0}),
    )
    calm = calm.model_copy(update={"max_utilisation": 1.0})
    ended = sleep(AC, until=TUESDAY + timedelta(hours=3, minutes=30))
    works = (work(AB, TUESDAY + timedelta(hours=5)), work(AB, TUESDAY - timedelta(hours=9)))
    assert verify(ended, NETWORK, calm, outlook=outlook, starts=TUESDAY, works=works).passed
    assert not verify(sleep(AC), NETWORK, calm, outlook=outlook, starts=TUESDAY, works=works[:1]).passed


def test_what_others_end_before_the_first_step_or_begin_after_the_last_is_nothing_to_a_plan_in_the_same_hour():
    calm = CALM.model_copy(update={"max_failure_utilisation": 5.0, "max_utilisation": 1.0})
    outlook, until = outlook_by_day(NETWORK, TUESDAY, 24, day=[1.0] * 24), TUESDAY + timedelta(hours=2)
    for begins, hours, passes in (
        (TUESDAY - timedelta(hours=1), 0.9, True), (TUESDAY - timedelta(hours=1), 1.1, False),
        (until + timedelta(minutes=5), 1.0, True), (until - timedelta(minutes=5), 1.0, False),
    ):  # fmt: skip
        works = (work(AB, begins, hours),)
        verdict = verify(sleep(AC, until=until), NETWORK, calm, outlook=outlook, starts=TUESDAY, works=works)
        assert found(verdict, "horizon").passed is passes, (begins, hours)


@pytest.mark.parametrize("element", [AB, "interface/a/b", "node/b", "risk-group/duct"])
def test_whatever_is_worked_on_has_failed_in_its_hours(element):
    """50 and 5 Mbit/s are left on a circuit of 30 where a--c sleeps and what is worked on has a--b on it."""
    network = replace(NETWORK, risk_groups=(RiskGroup("duct", (AB, CD)),))
    plan = sleep(AC).model_copy(update={"base": network.id})
    calm = CALM.model_copy(update={"max_failure_utilisation": 5.0, "max_utilisation": 1.0})
    given = {"outlook": outlook_by_day(network, TUESDAY, 24, day=[1.0] * 24), "starts": TUESDAY}
    verdict = verify(plan, network, calm, **given, works=(work(element, TUESDAY + timedelta(hours=5)),))
    example = found(verdict, "horizon").counterexample
    assert (example.element, example.measured) == ("a->d", pytest.approx(55 / 30))
    assert example.when.startswith("06:00 while ")
    aside = (work(AC, TUESDAY + timedelta(hours=5)), work("node/nobody", TUESDAY))  # asleep, and none of the network's
    assert verify(plan, network, calm, **given, works=aside).passed


def test_work_on_one_of_two_parallel_circuits_leaves_the_other():
    pair = network_of(
        [("a", "b", 100.0, 1), ("a", "b", 100.0, 1), ("a", "c", 100.0, 5), ("c", "b", 100.0, 5)], {("a", "b"): 70.0}
    )
    plan = Plan(goal="g", base=pair.id, steps=(SleepLink(circuit="link/a:b.2--b:a.2"),), objective="sleep")
    given = {"outlook": outlook_by_day(pair, TUESDAY, 24, day=[1.0] * 24), "starts": TUESDAY}
    with_first, with_second = (
        verify(plan, pair, CALM, **given, works=(work(f"link/a:b{x}--b:a{x}", TUESDAY),)) for x in ("", ".2")
    )
    assert with_second.passed  # it sleeps anyway
    example = found(with_first, "horizon").counterexample  # over c alone, where any circuit cuts b off
    assert (example.element, example.measured, example.limit) == ("node/b", pytest.approx(70.0), 0.0)


@pytest.mark.parametrize("hours", [0, 2])
def test_what_others_take_away_while_steps_are_made_is_away_on_the_way_and_on_the_way_out(hours):
    """Between two ways of which one is put to sleep before the other is woken there is the third, unless it is gone."""
    circuits = [
        *((x, y, 100.0, k) for k, e in enumerate("bce", 1) for x, y in (("a", e), (e, "d"))),
        ("a", "d", 30, 99),
    ]
    network = network_of(circuits, {("a", "d"): 50.0})
    network = apply_all(network, [SleepLink(circuit="link/a:e--e:a")])
    calm = CALM.model_copy(update={"max_failure_utilisation": 5.0, "max_utilisation": 1.0})
    outlook = outlook_by_day(network, TUESDAY, 24, day=[1.0] * 24)
    works = (work(AC, TUESDAY + timedelta(hours=hours), 1.0),)
    for steps, passes in (
        (((SleepLink, AB), (WakeLink, "link/a:e--e:a")), False),
        (
            ((WakeLink, "link/a:e--e:a"), (SleepLink, AB)),
            True,
        ),
    ):
        made = tuple(step(circuit=x) for step, x in steps)
        plan = Plan(goal="g", base=network.id, steps=made, objective="change").ending(
            network, TUESDAY + timedelta(hours=2)
        )
        assert verify(plan, network, calm, outlook=outlook, starts=TUESDAY).passed
        ahead = partial(verify, plan, network, calm, outlook=outlook, starts=TUESDAY)
        check = found(ahead(works=works, step_lasts=timedelta(minutes=30)), "horizon")
        assert check.passed is passes, check.detail
        if not passes:
            assert check.detail.startswith("as the plan ends: ") is bool(hours)
            assert check.counterexample.when.endswith("while circuit a--c is worked on (CHG1)")
            assert (check.counterexample.element, check.counterexample.measured) == ("a->d", pytest.approx(50 / 30))
        later = (work(AC, TUESDAY + timedelta(minutes=61), 0.5),)  # two steps of half an hour are over
        assert ahead(works=later, step_lasts=timedelta(minutes=30)).passed
        for lasts in (timedelta(minutes=31), None):  # and nobody knows where nobody says how long they take
            assert ahead(works=later, step_lasts=lasts).passed is passes


def roll_out(third):
    """Four weights that nothing feels, then one of two ways is drained before the other is back: a third carries all.

    A fourth is there where the third fails. Half an hour each: the fifth is over after two hours and a half at most.
    """
    ways = [(x, y, 100.0, weight) for weight, e in ((1, "b"), (2, "e")) for x, y in (("a", e), (e, "d"))]
    network = network_of(
        [*ways, ("a", "d", third, 99), ("a", "f", 100.0, 99), ("f", "d", 100.0, 99)], {("a", "d"): 50.0}
    )
    network = apply_all(network, [DrainLink(circuit=AE)])
    unfelt = [SetWeight(link="a->e", weight=2 + k % 2) for k in range(1, 5)]
    steps = (*unfelt, DrainLink(circuit=AB), UndrainLink(circuit=AE))
    return network, Plan(goal="g", base=network.id, steps=steps, objective="change")


@pytest.mark.parametrize(
    ("hour", "late", "closing", "step"),
    [(0, 0, False, 5), (2, 0, False, 5), (3, 0, False, None), (3, 5, False, 5), (4, 0, False, None),
     (6, 0, True, None), (7, 0, True, 7), (9, 0, True, 7), (10, 0, True, None), (10, 35, True, 7)],
)  # fmt: skip
def test_a_state_between_steps_meets_the_traffic_of_every_hour_in_which_it_may_be_in_force(hour, late, closing, step):
    """The third way of 70 Mbit/s carries 50 and not twice as much. On the way back nothing has to fail."""
    network, plan = roll_out(70.0)
    begins = TUESDAY.replace(minute=late)
    plan = plan.ending(network, begins + timedelta(hours=7)) if closing else plan
    outlook = outlook_by_day(network, begins, 24, day=[1.0] * 24)
    hours = tuple(x._replace(demands=x.demands * (2 if k == hour else 1)) for k, x in enumerate(outlook.hours))
    given = {"outlook": replace(outlook, hours=hours), "starts": begins}
    verdict = verify(plan, network, ROOM, **given, step_lasts=timedelta(minutes=30))
    assert verdict.passed is (step is None), [x.detail for x in verdict.checks if not x.passed]
    if step:
        example = found(verdict, "horizon").counterexample
        assert (example.element, example.step, example.traffic) == ("a->d", step, 2.0)
        assert (example.measured, example.limit) == (pytest.approx(100 / 70), 1.0)
        assert example.when == hours[hour].clock
    if hour > 1:  # where nobody knows how long steps take, the first hour is all that is known of them
        unknown = found(verify(plan, network, ROOM, **given), "horizon")
        assert unknown.passed is (hour != 7)
        assert "how long steps take is not known" in unknown.detail or not unknown.passed


@pytest.mark.parametrize(("minute", "passes"), [(25, True), (35, False)])
def test_a_plan_that_is_to_end_before_the_evening_is_out_of_the_way_by_then(minute, passes):
    """Its first closing step is not felt: the circuit sleeps half an hour longer, whatever the plan itself left."""
    detours = [(x, y, 40.0, weight) for weight, e in ((5, "c"), (9, "d")) for x, y in (("a", e), (e, "b"))]
    network = network_of([("a", "b", 100.0, 1), *detours], {("a", "b"): 30.0})
    steps = (SleepLink(circuit=AB), SetWeight(link="a->b", weight=2))
    until = TUESDAY.replace(minute=minute) + timedelta(hours=6)
    plan = Plan(goal="g", base=network.id, steps=steps, objective="change").ending(network, until)
    outlook = outlook_by_day(network, TUESDAY, 24, day=[1.0] * 24)
    hours = tuple(x._replace(demands=x.demands * (2 if x.begins.hour > 7 else 1)) for x in outlook.hours)
    given = {"outlook": replace(outlook, hours=hours), "starts": TUESDAY, "step_lasts": timedelta(minutes=30)}
    verdict = verify(plan, network, ROOM, **given)
    assert verdict.passed is passes
    if not passes:
        example = found(verdict, "horizon").counterexample
        assert (example.element, example.step, example.measured) == ("a->c", 3, pytest.approx(60 / 40))


@pytest.mark.parametrize(
    ("rules", "step"),
    [
        ({"freeze": ("2026-12-01T03:31/2026-12-02",)}, 6), ({"freeze": ("2026-12-01T03:30/2026-12-02",)}, 5),
        ({"freeze": ("2026-12-01T03:05/2026-12-01T03:10",)}, 5), ({"freeze": ("2026-12-01T04:01/2026-12-02",)}, None),
        ({"windows": ("Tue 02:00-05:00 Europe/Zurich",)}, 6), ({"windows": ("Tue 00:00-02:00", "02:00-04:01")}, None),
        ({"windows": ("Tue 00:00-02:00", "02:10-05:00")}, 2),
        ({"blackouts": (f"{AB} 02:20-24:00",)}, 5), ({"blackouts": ("node/e 04:01-24:00",)}, None),
        ({"tags": {"submarine": (AB,)}, "blackouts": ("submarine 2026-12-01T03:12/2026-12-01T03:13",)}, 5),
        ({"blackouts": ("node/e 00:00-01:00",)}, None),
    ],
)  # fmt: skip
def test_each_step_keeps_to_the_windows_at_any_time_at_which_it_may_be_made(rules, step):
    network, plan = roll_out(100.0)
    policy = ROOM.model_copy(update=rules)
    check = found(verify(plan, network, policy, starts=TUESDAY, step_lasts=timedelta(minutes=30)), "policy")
    assert (check.counterexample and check.counterexample.step) == step, check.detail
    assert found(verify(plan, network, policy, starts=TUESDAY), "policy").passed  # how long steps take nobody knows


def test_somebody_takes_away_the_third_way_while_a_later_step_may_be_in_force():
    network, plan = roll_out(100.0)
    given = {"outlook": outlook_by_day(network, TUESDAY, 24, day=[1.0] * 24), "starts": TUESDAY}
    for begins, hours, step in ((120, 0.4, 5), (179, 1, 5), (181, 1, None), (-60, 0.9, None), (-60, 1.2, 5)):
        works = (work("link/a:d--d:a", TUESDAY + timedelta(minutes=begins), hours),)
        check = found(verify(plan, network, ROOM, **given, works=works, step_lasts=timedelta(minutes=30)), "horizon")
        assert (check.counterexample and check.counterexample.step) == step, (begins, check.detail)


@pytest.mark.parametrize("lasts", [timedelta(minutes=30), None])
def test_works_that_follow_one_another_in_an_hour_are_not_two_at_once(lasts):
    """Four ways from a to b. Without the direct one only c is left; once others are gone as well, there was no more."""
    ends = [("a", "b", 10.0, 1), *((x, y, 10.0, 2) for z in "cde" for x, y in (("a", z), (z, "b")))]
    network = apply(network_of(ends, {("a", "b"): 1.0}), DrainLink(circuit="link/a:e--e:a"))
    stays = DrainLink(circuit="link/a:d--d:a")
    swapped = stays, UndrainLink(circuit="link/a:e--e:a")
    given = {"outlook": outlook_by_day(network, TUESDAY, 24, day=[1.0] * 24), "starts": TUESDAY, "step_lasts": lasts}
    direct, others = ("link/a:b--b:a",), ("link/b:d--d:b", "link/b:e--e:b")
    first, then = (TUESDAY + timedelta(minutes=x) for x in (5, 15))
    for steps, step in (((stays,), 1), (swapped, 1)):
        plan = plan_for(network, *steps, objective="change")
        for works in (
            (PlannedWork(name="CHG1", elements=direct, begins=first, ends=then),),
            (PlannedWork(name="CHG1", elements=direct, begins=first, ends=then),
             PlannedWork(name="CHG2", elements=others, begins=then, ends=then + timedelta(minutes=10))),
        ):  # fmt: skip
            check = found(verify(plan, network, ROOM, **given, works=works), "horizon")
            assert not check.passed
            assert (check.counterexample.step, "(CHG1)" in check.detail) == (step, True)


def test_an_hour_in_which_others_work_for_a_while_meets_its_failures_in_the_rest_of_it():
    """Three equal ways. In the evening two of them bear no failure, whatever somebody does at a stub in that hour."""
    ends = [("a", "b", 10.0, 4), *((x, y, 10.0, 2) for z in "cd" for x, y in (("a", z), (z, "b"))), ("a", "e", 10.0, 1)]
    network, policy = network_of(ends, {("a", "b"): 4.0}), ROOM.model_copy(update={"max_failure_utilisation": 1.0})
    hours = outlook_by_day(network, TUESDAY, 24, day=[3.0 if x == 20 else 1.0 for x in range(24)])
    evening = next(x.begins for x in hours.hours if x.clock == "20:00")
    plan = plan_for(network, DrainLink(circuit="link/a:d--d:a"), objective="change")
    for works in ((), (work("link/a:e--e:a", evening + timedelta(minutes=20), 0.2),)):
        check = found(verify(plan, network, policy, outlook=hours, starts=TUESDAY, works=works), "horizon")
        assert check.counterexample.measured == pytest.approx(1.2)
        assert check.counterexample.when == "20:00"


def test_an_outage_that_hurts_without_the_plan_too_is_not_held_against_it():
    outlook = outlook_by_day(NETWORK, TUESDAY, 24, day=DAY)
    calm = CALM.model_copy(update={"max_failure_utilisation": 5.0, "max_utilisation": 1.0})
    lonely = network_of([("a", "b", 10.0, 1), ("b", "c", 10.0, 1), ("b", "d", 10.0, 1), ("c", "d", 10.0, 1)],
                        {("a", "c"): 1.0})  # fmt: skip
    plan = Plan(goal="g", base=lonely.id, steps=(SleepLink(circuit="link/c:d--d:c"),), objective="sleep")
    works = (work("link/a:b--b:a", TUESDAY),)
    with_work = verify(plan, lonely, calm, outlook=outlook_by_day(lonely, TUESDAY, 24, day=DAY), works=works)
    without = verify(plan, lonely, calm, outlook=outlook_by_day(lonely, TUESDAY, 24, day=DAY))
    assert found(with_work, "horizon").passed == found(without, "horizon").passed
    assert outlook.hours


def test_planners_look_at_the_calendar():
    calm = CALM.model_copy(update={"max_failure_utilisation": 5.0, "max_utilisation": 1.0, "max_steps": 1})
    outlook = outlook_by_day(NETWORK, TUESDAY, 24, day=DAY)
    for circuit in NETWORK.circuits:
        works = (work(circuit, TUESDAY + timedelta(hours=2)),)
        proposals = holding(
            lambda state, policy: (plan_sleep(state, policy),), NETWORK, calm, Context(outlook=outlook, works=works)
        )
        for plan in (x.plan for x in proposals if x.plan):
            assert found(verify(plan, NETWORK, calm, outlook=outlook, works=works), "horizon").passed


def test_no_step_is_made_outside_the_windows_even_with_a_certificate(tmp_path):
    rules = CALM.model_copy(update={"windows": ("Tue 01:00-03:00 Europe/Zurich",), "max_failure_utilisation": 5.0})
    plan, key = sleep(AB), SigningKey.create(tmp_path / "key")
    verdict = verify(plan, NETWORK, rules, starts=TUESDAY)
    assert verdict.passed
    approval = Approval(who="verification-agent", decision="approve", plan=plan.hash, snapshot=plan.base,
                        policy=rules.hash, time=TUESDAY, reason="ok")  # fmt: skip
    certificate = issue(plan, verdict, rules, [approval], key=key, now=TUESDAY, ttl=timedelta(hours=4))
    assert check(certificate, plan, NETWORK, rules, public_key=key.public, now=TUESDAY)
    with pytest.raises(CertificateError, match="outside the windows"):
        check(certificate, plan, NETWORK, rules, public_key=key.public, now=TUESDAY + timedelta(minutes=31))


def test_what_a_policy_file_says_of_times_has_to_make_sense(tmp_path):
    file = tmp_path / "policy.toml"
    for text in ('windows = ["tonight"]', 'freeze = ["2026-12-20"]', 'blackouts = ["core Mon 01:00-02:00"]'):
        file.write_text(text)
        with pytest.raises(PolicyError):
            load_policy(file)
    file.write_text(f'windows = ["Tue 01:00-02:00"]\nblackouts = ["core Mon 01:00-02:00"]\n[tags]\ncore = ["{AB}"]\n')
    assert load_policy(file).tags == {"core": (AB,)}


def test_a_drain_of_a_node_touches_what_is_blacked_out_at_its_circuits():
    rules = CALM.model_copy(update={"blackouts": (f"{AB} 00:00-24:00",)})
    plan = Plan(goal="g", base=NETWORK.id, steps=(DrainLink(circuit=AB),), objective="drain")
    assert not found(verify(plan, NETWORK, rules, starts=TUESDAY), "policy").passed
