"""The gate sweeps the states of a plan together or one by one, and finds the same."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.twin.gate.declared_day import DAY
from tests.twin.sim.test_succession import Many
from twin.formats import load_network
from twin.gate.checks import rehearsal, stressed
from twin.gate.checks.context import Context
from twin.gate.outlook import outlook_by_day
from twin.gate.verdict import Verdict, verify
from twin.model import SegmentList, Tunnel
from twin.plan import Change, DrainLink, DrainNode, Plan, SetTunnel, SetWeight, UndrainNode, states, way_back
from twin.policy import Policy

CALM = load_network("synthetic/30-3")
NETWORK = CALM.with_demands(CALM.demands * 0.5 * DAY[5])
BEGINS = datetime(2026, 3, 3, 5, tzinfo=UTC)
OPEN = Policy(max_blast_radius=1.0, max_delay_stretch=10.0)
NAMES = [x.name for x in NETWORK.nodes]
TUNNEL = Tunnel(
    name="T", source=NAMES[0], target=NAMES[9], paths=(SegmentList(via=(NAMES[4],)),), on_invalid="igp"
)  # fmt: skip
PLANS: dict[str, tuple[Change, ...]] = {
    "weights and tunnels": (
        SetWeight(link=NETWORK.links[3].name, weight=900),
        SetTunnel(tunnel=TUNNEL),
        SetWeight(link=NETWORK.links[30].name, weight=1),
    ),
    "a drain": (DrainLink(circuit=NETWORK.links[5].circuit), DrainNode(node=NAMES[11])),
    "there and back": (
        DrainNode(node=NAMES[11]),
        SetWeight(link=NETWORK.links[8].name, weight=5),
        UndrainNode(node=NAMES[11]),
    ),
}


def judged(monkeypatch: pytest.MonkeyPatch, steps: tuple[Change, ...], together: int) -> Verdict:
    monkeypatch.setattr(rehearsal, "PAYS", together)
    outlook = outlook_by_day(NETWORK, BEGINS, 24, day=DAY)
    back = way_back(NETWORK, steps)
    until = datetime(2026, 3, 3, 22, tzinfo=UTC)
    plan = Plan(goal="g", base=NETWORK.id, steps=steps, objective="change", until=until, closing=back)
    engine = {"engine": Many()} if together == 0 else {}
    return verify(plan, NETWORK, OPEN, outlook=outlook, starts=BEGINS, **engine)


@pytest.mark.parametrize("name", PLANS)
@pytest.mark.parametrize("growth", [1.0, 4.0])
def test_verdicts_are_the_same_whether_states_are_swept_together_or_one_by_one(monkeypatch, name, growth):
    """Under four times the demands most of these plans fail, each for its reason."""
    monkeypatch.setattr(f"{__name__}.NETWORK", NETWORK.with_demands(NETWORK.demands * growth))
    together, alone = (judged(monkeypatch, PLANS[name], x) for x in (0, 1 << 60))
    for one, other in zip(together.checks, alone.checks, strict=True):
        assert (one.name, one.passed, one.detail) == (other.name, other.passed, other.detail)
        assert (one.measured or 0) == pytest.approx(other.measured or 0, rel=1e-9, abs=1e-6)
    assert together.convergence == alone.convergence


def test_a_growth_that_was_foreseen_is_not_swept_again(monkeypatch):
    monkeypatch.setattr(rehearsal, "PAYS", 0)
    monkeypatch.setattr(stressed, "Superposition", None)  # what a growth that nobody foresaw is worked out by
    steps = PLANS["weights and tunnels"]
    passed = tuple(states(NETWORK, steps))
    found = rehearsal.Rehearsal(Plan(goal="g", base=NETWORK.id, steps=steps, objective="change"), OPEN, passed)
    assert all(x.grown(OPEN.growth).sweep is not None for x in found.ends)


def test_what_a_very_large_network_asks_in_the_fullest_hour_of_the_steps_was_swept_with_the_rest(monkeypatch):
    for room in (rehearsal, stressed):
        monkeypatch.setattr(room, "MOST_LOADS", 1)
    monkeypatch.setattr(rehearsal, "PAYS", 0)
    steps, outlook = PLANS["weights and tunnels"], outlook_by_day(NETWORK, BEGINS, 24, day=DAY)
    plan = Plan(goal="g", base=NETWORK.id, steps=steps, objective="change")
    for minutes in (59, 60, 61):
        known = Context(outlook=outlook, starts=BEGINS, step_lasts=timedelta(minutes=minutes))
        found = rehearsal.Rehearsal(plan, OPEN, tuple(states(NETWORK, steps)), known)
        hours = known.hours_between(known.making, len(steps))
        fullest = max(hours, key=lambda x: float(x.demands.sum()))
        assert all(x.is_large and x.under_demands(fullest.demands).known is not None for x in found.stressed)
