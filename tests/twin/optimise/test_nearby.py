"""States that differ little are put under failures together: what is found of each is what it is alone."""

from datetime import UTC, datetime

import numpy as np
import pytest

from twin.faults import Fault, FaultKind, with_fault
from twin.formats.load import load_network
from twin.gate import order
from twin.gate.checks.context import Context
from twin.gate.checks.horizon import horizon
from twin.gate.checks.rehearsal import Rehearsal
from twin.gate.checks.stressed import Stressed
from twin.gate.order import safe_order
from twin.gate.outlook import HOUR, Hour, Outlook
from twin.gate.rules import surely_worse
from twin.model import Network, SegmentList, Tunnel
from twin.optimise import ahead, baseline, under_failures
from twin.optimise.ahead import Lasting, holding
from twin.optimise.foretold import foretold
from twin.optimise.judge import Judge
from twin.optimise.relieve import relieve
from twin.plan import DrainLink, Plan, SetTunnel, SetWeight, apply_all
from twin.policy import Policy
from twin.sim.arrays import compile_network
from twin.sim.failure_sweep import sweep_failures
from twin.sim.route import needs_full, route
from twin.sim.simulate import simulate, single_failures
from twin.sim.tunnelled import TunnelledStates

POLICY = Policy()
POLSKA = load_network("sndlib/polska")
QUIET = POLSKA.with_demands(POLSKA.demands * 0.7)
WRONG = Fault(kind=FaultKind.WEIGHT, element=POLSKA.links[30].interface, severity=1.0)
STRUCK = with_fault(POLSKA, WRONG)
BEGINS = datetime(2026, 3, 2, 18, tzinfo=UTC)


def nearby_states(network: Network) -> list[Network]:
    raised = [SetWeight(link=x.name, weight=3 * x.weight) for x in network.links[::4]]
    drained = [DrainLink(circuit=x) for x in list(network.circuits)[::7]]
    return [apply_all(network, (x,)) for x in (*raised, *drained)]


def test_a_state_is_as_safe_among_others_as_it_is_alone(monkeypatch: pytest.MonkeyPatch):
    alone = Judge(QUIET, POLICY)
    found = [(alone.is_safe(x), alone.objection(x)) for x in nearby_states(QUIET)]
    assert {safe for safe, _ in found} == {True, False}
    monkeypatch.setattr(under_failures, "PAYS", 0)
    together, states = Judge(QUIET, POLICY), nearby_states(QUIET)
    together.under_failures.foresee(states)
    assert [(together.is_safe(x), together.objection(x) == "") for x in states] == [(x, y == "") for x, y in found]


def test_what_breaks_a_state_is_among_the_failures_tried_first_more_often_than_in_the_network_s_own_order():
    network = load_network("sndlib/germany50")
    network = network.with_demands(0.7 * network.demands)
    asked, growth = Judge(network, POLICY), POLICY.growth
    telling, before = asked.under_failures._telling, asked.start.grown(growth)
    foreseen, usual = list[bool](), list[bool]()
    for state in nearby_states(network):
        after = Stressed(state, asked.failures, asked.limit).grown(growth)
        breaking = set(map(int, surely_worse(before, after, POLICY)))
        order = foretold(asked.start, [state], telling, growth)
        assert sorted(order) == sorted(telling)  # none is left out
        if breaking:
            foreseen.append(not breaking.isdisjoint(order[:16]))
            usual.append(not breaking.isdisjoint(telling[:16]))
    assert len(usual) > sum(foreseen) > sum(usual)


def test_what_all_failures_do_to_a_safe_state_is_known_as_a_sweep_of_its_own_has_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(under_failures, "PAYS", 0)
    asked, states = Judge(QUIET, POLICY), nearby_states(QUIET)
    asked.under_failures.foresee(states)
    known = [(x, asked.under_failures.known(x)) for x in states]
    assert any(sweep is not None for _, sweep in known)
    for state, sweep in known:
        if sweep is not None:
            own = sweep_failures(state, asked.failures, route(compile_network(state)), asked.limit)
            assert sweep.failures == own.failures
            for name in ("max_utilisation", "lost", "severed", "overload", "excess", "dropped", "worst_utilisation"):
                np.testing.assert_allclose(getattr(sweep, name), getattr(own, name), rtol=1e-9, atol=1e-6, err_msg=name)


def test_an_order_is_found_alike_whether_states_on_the_way_are_swept_together(monkeypatch: pytest.MonkeyPatch):
    for first in range(3):
        ways = POLSKA.links[first::5][:3]
        steps = tuple(SetWeight(link=x.name, weight=2 * x.weight) for x in ways)
        plan = Plan(goal="a test", base=QUIET.id, steps=steps)
        monkeypatch.setattr(order, "PAYS", 1 << 60)
        alone = safe_order(plan, QUIET, POLICY)
        monkeypatch.setattr(order, "PAYS", 0)
        assert safe_order(plan, QUIET, POLICY) == alone


def test_the_loads_of_another_hour_are_those_of_now_in_proportion(monkeypatch: pytest.MonkeyPatch):
    now = POLSKA.with_demands(POLSKA.demands)
    evening = now.with_demands(now.demands * 1.1)
    swept = baseline.baseline(now.with_demands(now.demands * 1.1), 1.0).start.sweep
    monkeypatch.setattr(baseline, "PAYS", 0)
    kept = baseline.baseline(now, 1.0)
    scaled = baseline.baseline(evening, 1.0)
    assert kept.swept.load.shape == scaled.swept.load.shape
    assert swept is not None
    assert scaled.start.sweep is not None
    np.testing.assert_allclose(scaled.start.sweep.max_utilisation, swept.max_utilisation, rtol=1e-9)


def test_nobody_else_is_asked_once_one_change_leaves_no_harm_and_lasts():
    (only,) = relieve(STRUCK, POLICY, faults=(WRONG,), reference=POLSKA)
    assert only.method == "restore"
    assert only.before.harm > 0 == only.after.harm
    every = relieve(STRUCK, POLICY, reference=POLSKA)
    assert every[0].plan == only.plan
    assert len(every) > 1


def test_whether_setting_back_lasts_is_told_by_the_loads_that_the_planner_found(monkeypatch: pytest.MonkeyPatch):
    for module in (under_failures, baseline):
        monkeypatch.setattr(module, "PAYS", 0)
    state = STRUCK.with_demands(STRUCK.demands)
    plan = relieve(state, POLICY, faults=(WRONG,), reference=POLSKA)[0].plan
    assert plan is not None
    known = baseline.known_under(state, POLICY.max_failure_utilisation)
    assert [x.network for x in known] == [state, apply_all(state, plan.steps)]
    hours = [Hour(BEGINS + i * HOUR, f"{18 + i}:00", x * state.demands) for i, x in enumerate((1.0, 1.1, 1.3))]
    coming = Context(outlook=Outlook(tuple(hours), "declared"), declared=POLSKA)
    ends = state, apply_all(state, plan.steps)
    own, kept = (Rehearsal(plan, POLICY, ends, coming, known=x) for x in ((), known))
    assert all(x.summed is not None for x in kept.ends)
    for mine, other in zip(own.ends, kept.ends, strict=True):
        assert mine.as_declared == other.as_declared
        for hour in hours:
            swept = [x.under_demands(hour.demands).sweep for x in (mine, other)]
            for name in ("max_utilisation", "lost", "severed", "overload", "excess", "worst_utilisation"):
                np.testing.assert_allclose(*(getattr(x, name) for x in swept), rtol=1e-9, atol=1e-6)
    assert horizon(own) == horizon(kept)


def test_others_are_asked_where_it_does_not_last(monkeypatch: pytest.MonkeyPatch):
    (only,) = relieve(STRUCK, POLICY, faults=(WRONG,), reference=POLSKA)
    assert only.plan is not None
    steps, judged = only.plan.steps, ahead._objection
    monkeypatch.setattr(ahead, "_objection", lambda x, *a, **k: "no" if x.steps == steps else judged(x, *a, **k))
    hours = Hour(BEGINS, "18:00", STRUCK.demands), Hour(BEGINS + HOUR, "19:00", 1.05 * STRUCK.demands)
    coming = Context(outlook=Outlook(hours, "declared"))
    lasting, asked = Lasting(STRUCK, POLICY, coming), list[list[str]]()

    def planner(state: Network, policy: Policy):
        found = relieve(state, policy, faults=(WRONG,), reference=POLSKA, lasts=lasting, methods=("restore", "undo"))
        asked.append([x.reason for x in found])
        return found

    assert all(x.plan is None for x in holding(planner, STRUCK, POLICY, coming, lasting=lasting))
    assert len(asked[0]) == 2
    assert "setting everything back does not last" in asked[1]


def test_beside_a_lossy_circuit_that_is_drained_tunnels_are_swept_as_where_nothing_is_lost():
    lossy = Fault(kind=FaultKind.SILENT_LOSS, element=POLSKA.links[0].interface, severity=0.3)
    tunnel = Tunnel(name="t", source="Gdansk", target="Krakow", paths=(SegmentList(via=("Lodz",)),))
    drained = (DrainLink(circuit=POLSKA.links[0].circuit), SetTunnel(tunnel=tunnel))
    state, sound = apply_all(with_fault(POLSKA, lossy), drained), apply_all(POLSKA, drained)
    assert not needs_full(compile_network(state))
    found, failures = simulate(state, failures=single_failures(state)), single_failures(sound)
    expected = simulate(sound, failures=failures)
    assert found.sweep is not None
    assert expected.sweep is not None
    np.testing.assert_allclose(found.load, expected.load)
    np.testing.assert_allclose(found.sweep.max_utilisation, expected.sweep.max_utilisation)
    moving = Judge(state, POLICY)
    tried = apply_all(state, (SetTunnel(tunnel=tunnel.model_copy(update={"paths": (SegmentList(via=("Poznan",)),)})),))
    assert moving.objection(tried) == Judge(sound, POLICY).objection(
        apply_all(sound, (SetTunnel(tunnel=tried.tunnels[0]),))
    )


def test_who_misses_what_beside_a_wrong_route_is_found_of_those_alone_who_go_by_other_tunnels(
    monkeypatch: pytest.MonkeyPatch,
):
    hole = Fault(kind=FaultKind.BLACKHOLE, element="node/Lodz", target="node/Krakow")
    network = with_fault(POLSKA, hole)
    failures = single_failures(network)
    tunnelled = TunnelledStates(network, failures)
    steps = [
        SetTunnel(tunnel=Tunnel(name=source, source=source, target=target, paths=(SegmentList(via=(via,)),)))
        for source, via, target in (
            ("Gdansk", "Kolobrzeg", "Krakow"),
            ("Warsaw", "Lodz", "Krakow"),
            ("Lodz", "Krakow", "Rzeszow"),
        )
    ]
    base = Stressed(network, failures, 1.0)
    for count in (1, 3):
        state = apply_all(network, steps[:count])
        beside, alone = Stressed(state, failures, 1.0, beside=(base, tunnelled)), Stressed(state, failures, 1.0)
        assert tunnelled.missed(state, 0, base.missed(0)) is not None
        for row in range(len(failures)):
            (places, missing), (expected, amounts) = beside.missed(row), alone.missed(row)
            kept = missing > 1e-6, amounts > 1e-6
            np.testing.assert_array_equal(places[kept[0]], expected[kept[1]], err_msg=failures[row].name)
            np.testing.assert_allclose(missing[kept[0]], amounts[kept[1]], rtol=1e-9)
    states = [apply_all(network, steps[:count]) for count in (1, 2, 3)]
    alone = [Judge(network, POLICY).objection(x) for x in states]
    monkeypatch.setattr(under_failures, "PAYS", 0)
    assert [Judge(network, POLICY).objection(x) for x in states] == alone
