import math
import os
import signal
from asyncio import CancelledError
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from tests.twin.execute.approved import ADA, KEY, KNOWN, approval_of, approved
from tests.twin.live_incident import POLICY, STEPS, emulate, inventory, measured, relief, through_c
from twin.diagnose import as_believed
from twin.errors import CertificateError, ExecutionError, JournalError
from twin.execute.agreement import Disagreement, Tolerance, compare, step_lasts
from twin.execute.configured import configuration
from twin.execute.executor import Execution, execute, recover
from twin.execute.running import differences, read_running
from twin.faults import Fault, FaultKind, struck_links, with_fault
from twin.gate.certificate import Authority, issue
from twin.gate.checks.touch import touched
from twin.gate.verdict import verify
from twin.live.emulated import EmulatedNetwork
from twin.live.network import Configuration
from twin.live.sensors import Noise
from twin.observe import observe
from twin.plan import Change, DrainLink, Plan, RemoveTunnel, SetWeight, UndrainLink, apply_all
from twin.planned import PlannedWork
from twin.printed import short
from twin.sim.simulate import simulate


def run(live, approval, **changes) -> Execution:
    arguments = {
        "plan": approval.plan,
        "certificate": approval.certificate,
        "network": approval.network,
        "live": live,
        "policy": approval.policy,
        "public_key": KEY.public,
        "current": approval.network.id,
    }
    return execute(**{**arguments, **changes})


def actions(execution: Execution) -> list[tuple[int, str]]:
    return [(record.step, record.action) for record in execution.records]


class Breaks:
    """Passes on_step through and does something once a step has been reached."""

    def __init__(self, step: int, action: str, effect) -> None:
        self.step, self.action, self.effect, self.seen = step, action, effect, []

    def __call__(self, record) -> None:
        self.seen.append((record.step, record.action))
        if (record.step, record.action) == (self.step, self.action):
            self.effect()


def raises(error: BaseException):
    def effect() -> None:
        raise error

    return effect


class Mute(EmulatedNetwork):
    """A live network whose routers do not say what they run."""

    def read_router(self, router: str) -> Configuration:
        raise ExecutionError(f"{router} does not answer", fix="ask another one")


def mute(seed: int) -> Mute:
    live = Mute(inventory(), seed=seed, start=emulate().now)
    live.wait(4)
    return live


@pytest.fixture(name="live")
def _live() -> EmulatedNetwork:
    return emulate(seed=1)


def test_a_certified_plan_is_applied_and_each_step_confirmed(live):
    incident = relief(live)
    expected = configuration(apply_all(live.read_topology(), STEPS))
    before = simulate(measured(live)).max_utilisation
    seen = []
    execution = run(live, incident, on_step=seen.append)
    assert execution.status == "applied", execution.reason
    assert actions(execution) == [(k, action) for k in (1, 2, 3) for action in ("apply", "agree")]
    assert tuple(seen) == execution.records
    assert configuration(live.read_topology()) == expected
    assert simulate(measured(live)).max_utilisation < 0.8 < before


@pytest.mark.parametrize("seed", range(6))
def test_honest_networks_are_never_turned_back_for_their_noise_and_no_step_lasts_longer_than_is_said(seed):
    live = emulate(seed)
    execution = run(live, relief(live))
    assert execution.status == "applied"
    most = step_lasts(live.read_telemetry(live.now).declared, 300.0)
    made, agreed = ([x.live_time for x in execution.records if x.action == action] for action in ("apply", "agree"))
    assert all(timedelta() < b - a <= most for a, b in zip(made, agreed, strict=True))


def test_readings_that_get_lost_turn_no_plan_back():
    live = EmulatedNetwork(inventory(), seed=5, start=emulate().now, noise=Noise(missed_reads=0.05, missed_polls=0.01))
    live.wait(4)
    execution = run(live, relief(live))
    assert execution.status == "applied", execution.reason


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind=FaultKind.DEMAND_INPUT, element="node/A", severity=0.75),
        Fault(kind=FaultKind.SCALED_COUNTER, element="interface/A/B", severity=2.0),
        Fault(kind=FaultKind.STUCK_COUNTER, element="interface/A/B"),
        Fault(kind=FaultKind.SWAPPED_COUNTERS, element="interface/A/B", target="interface/A/C"),
        Fault(kind=FaultKind.PROBE_FILTER, element="node/E"),
    ],
    ids=lambda fault: str(fault.kind),
)
def test_readings_that_a_diagnosis_knows_to_be_false_turn_no_plan_back_and_hide_no_loss(fault):
    def put_right(seen):
        return as_believed(seen, (fault,), seen.network)

    def execution(**changes) -> Execution:
        live = emulate(seed=1)
        live.inject(fault)
        live.wait(3)
        telemetry = live.read_telemetry(live.now - timedelta(hours=1))
        network = put_right(observe(live.read_topology(), telemetry, window=2, now=live.now)).network
        plan = Plan(goal="relieve A->B", base=network.id, steps=STEPS)
        lossy = partial(live.inject, Fault(kind=FaultKind.SILENT_LOSS, element="interface/A/C", severity=0.1))
        watched = Breaks(1, "apply", lossy) if changes.pop("lossy", False) else None
        return run(live, approved(plan, network, POLICY, now=live.now), on_step=watched, **changes)

    knowing = Tolerance(put_right=put_right)
    assert execution().status == "refused"
    assert execution(tolerance=knowing).status == "applied"
    assert execution(tolerance=knowing, lossy=True).status == "rolled_back"


def test_a_network_that_falls_silent_is_taken_back(live):
    incident = relief(live)
    start = configuration(live.read_topology())
    deaf = partial(setattr, live._sensors, "_noise", Noise(missed_reads=0.9))
    execution = run(live, incident, on_step=Breaks(2, "apply", deaf))
    assert execution.status == "rolled_back"
    assert "silence of network" in execution.reason
    assert configuration(live.read_topology()) == start


def test_the_record_comes_before_the_effect(live):
    incident = relief(live)
    configurations = []
    run(live, incident, on_step=lambda r: configurations.append((r.action, configuration(live.read_topology()))))
    start = configuration(incident.network)
    assert configurations[0] == ("apply", start)
    assert configurations[1][1] != start


def certified(live, incident, **changes):
    arguments = {"key": KEY, "now": live.now, "ttl": timedelta(hours=2)}
    return issue(incident.plan, incident.verdict, incident.policy, [incident.approval], **{**arguments, **changes})


@pytest.mark.parametrize("made", [1, 2])
def test_a_certificate_that_expires_between_two_steps_is_good_for_none_of_the_others(live, made):
    incident, start = relief(live), configuration(live.read_topology())
    ends = run(emulate(seed=1), incident).records[2 * made - 1].live_time  # when that step was confirmed
    execution = run(live, incident, certificate=certified(live, incident, ttl=ends - live.now))
    assert execution.status == "rolled_back"
    assert "the certificate expired" in execution.reason
    assert [step for step, action in actions(execution) if action == "apply"] == list(range(1, made + 1))
    assert configuration(live.read_topology()) == start


def in_blackout(live, incident, begins, step, **changes) -> tuple[str, Execution]:
    """Run under a policy that has a blackout, for an hour, of what a step touches."""
    element = sorted(touched(incident.network, STEPS[step - 1]))[0]
    blackout = f"{element} {begins:%a %H:%M}-{begins + timedelta(hours=1):%H:%M} UTC"
    strict = POLICY.model_copy(update={"blackouts": (blackout,)})
    verdict = verify(incident.plan, incident.network, strict, starts=live.now)
    approval = approval_of(incident.plan, policy=strict.hash)
    issued = issue(incident.plan, verdict, strict, [approval], key=KEY, now=live.now, ttl=timedelta(hours=4))
    return blackout, run(live, incident, certificate=issued, policy=strict, **changes)


@pytest.mark.parametrize("made", [1, 2])
def test_a_blackout_that_may_begin_between_two_steps_lets_none_be_made(live, made):
    incident, start = relief(live), configuration(live.read_topology())
    confirmed = run(emulate(seed=1), incident).records[2 * made - 1].live_time
    blackout, execution = in_blackout(live, incident, confirmed, made + 1)
    assert execution.status == "refused"
    assert f"step {made + 1} may touch" in execution.reason
    assert f"in the blackout {blackout}" in execution.reason
    assert actions(execution) == [(0, "refused")]
    assert configuration(live.read_topology()) == start


@pytest.mark.parametrize("made", [1, 2])
def test_a_blackout_that_steps_come_into_because_one_took_longer_than_was_said_stops_the_next(live, made):
    incident, start = relief(live), configuration(live.read_topology())
    most = step_lasts(live.read_telemetry(live.now).declared, 300.0)
    begins = live.now + len(STEPS) * most + timedelta(minutes=1)
    late = Breaks(made, "agree", lambda: live.wait(math.ceil((begins - live.now) / timedelta(seconds=300))))
    blackout, execution = in_blackout(live, incident, begins, made + 1, on_step=late)
    assert execution.status == "rolled_back"
    assert f"in the blackout {blackout}" in execution.reason
    assert [step for step, action in actions(execution) if action == "apply"] == list(range(1, made + 1))
    assert configuration(live.read_topology()) == start


@pytest.mark.parametrize("over", ["certificate", "blackout"])
def test_a_step_is_not_made_when_the_look_before_it_outlasts_the_leave_to_make_it(live, over):
    incident, start = relief(live), configuration(live.read_topology())
    most = step_lasts(live.read_telemetry(live.now).declared, 300.0)
    begins = live.now + len(STEPS) * most + timedelta(minutes=1)
    samples = math.ceil((begins - live.now) / timedelta(seconds=300))
    looks = Breaks(2, "apply", lambda: live.wait(samples))  # it is announced, and looked at
    if over == "blackout":
        blackout, execution = in_blackout(live, incident, begins, 2, on_step=looks)
    else:
        execution = run(live, incident, certificate=certified(live, incident, ttl=begins - live.now), on_step=looks)
    assert execution.status == "rolled_back"
    assert (f"in the blackout {blackout}" if over == "blackout" else "the certificate expired") in execution.reason
    assert (2, "not made") in actions(execution)
    assert configuration(live.read_topology()) == start


@pytest.mark.parametrize("unforeseen", ["late", "entered meanwhile", None])
def test_no_step_runs_into_work_of_others_that_the_plan_was_not_verified_for(live, unforeseen):
    b_and_c, others_of_b = "link/B:C--C:B", ("link/A:B--B:A", "link/B:D--D:B")
    incident = relief(live, steps=(STEPS[0], DrainLink(circuit=b_and_c), UndrainLink(circuit=b_and_c)))
    start, most = configuration(live.read_topology()), step_lasts(live.read_telemetry(live.now).declared, 300.0)
    late, meanwhile = unforeseen == "late", unforeseen == "entered meanwhile"
    begins = live.now + (1 if meanwhile else len(STEPS)) * most + timedelta(minutes=1)
    work = PlannedWork(name="CHG1", elements=others_of_b, begins=begins, ends=begins + timedelta(hours=1))
    entered: list[PlannedWork] = []
    samples = math.ceil((begins - 2 * most - live.now).total_seconds() / 300)
    effect = Breaks(1, "agree", lambda: live.wait(samples) if late else entered.append(work))
    execution = run(
        live,
        incident,
        certificate=certified(live, incident, ttl=timedelta(hours=4)),
        works=() if meanwhile else (work,),
        works_now=lambda: entered if meanwhile else (),
        on_step=effect,
    )
    assert execution.status == ("rolled_back" if unforeseen else "applied")
    if unforeseen:
        assert "step 2 would be made at" in execution.reason
        assert "node B loses its paths" in execution.reason
        assert "(CHG1)" in execution.reason
        assert configuration(live.read_topology()) == start


def test_a_certificate_for_a_window_is_refused_before_it_begins(live):
    incident, start = relief(live), live.read_topology().id
    ahead = certified(live, incident, not_before=live.now + timedelta(hours=1))
    with pytest.raises(CertificateError, match="not valid before"):
        run(live, incident, certificate=ahead)
    assert live.read_topology().id == start


def test_whoever_is_removed_between_two_steps_no_longer_stands_for_the_rest(live):
    strict = POLICY.model_copy(update={"person_from": "low", "two_people_from": "never"})
    incident, known = relief(live), dict(KNOWN)
    verdict = verify(incident.plan, incident.network, strict)
    start, people = configuration(live.read_topology()), Authority(person=known.get)
    ada = ADA.approve(approval_of(incident.plan, who="Ada", policy=strict.hash))
    issued = issue(incident.plan, verdict, strict, [ada], key=KEY, now=live.now, authority=people)
    removes = Breaks(2, "agree", known.clear)
    execution = run(live, incident, certificate=issued, policy=strict, authority=people, on_step=removes)
    assert execution.status == "rolled_back"
    assert "nobody called Ada may approve here" in execution.reason
    assert (3, "apply") not in actions(execution)
    assert configuration(live.read_topology()) == start


def test_a_policy_that_was_tightened_between_two_steps_stops_the_rest(live):
    incident, in_force = relief(live), [POLICY]
    stricter = POLICY.model_copy(update={"max_steps": 1})
    tightens = Breaks(1, "agree", lambda: in_force.append(stricter))
    execution = run(live, incident, authority=Authority(policy=lambda: in_force[-1]), on_step=tightens)
    assert execution.status == "rolled_back"
    assert f"the policy in force is {stricter.hash}" in execution.reason


def test_without_an_approval_nothing_happens(live):
    incident = relief(live)
    start = live.read_topology().id
    stripped = incident.certificate.model_copy(update={"approvals": ()})
    signed = stripped.model_copy(update={"signature": KEY.sign(stripped.payload)})
    for certificate in (None, stripped, signed):
        with pytest.raises(CertificateError):
            run(live, incident, certificate=certificate)
    assert live.read_topology().id == start


def test_a_plan_edited_after_approval_is_not_executed(live):
    incident = relief(live)
    edited = incident.plan.model_copy(update={"steps": (*STEPS[:2], through_c("T2", "D", 0.9))})
    with pytest.raises(CertificateError, match="for plan"):
        run(live, incident, plan=edited)


def test_a_twin_that_changed_between_verdict_and_execution_stops_it(live):
    incident = relief(live)
    newer = measured(live).with_demands(incident.network.demands * 1.01)
    with pytest.raises(CertificateError, match="moved on"):
        run(live, incident, current=newer.id)
    with pytest.raises(CertificateError, match="for snapshot"):
        run(live, incident, network=newer, current=newer.id)


def test_a_forged_verdict_does_not_get_past_the_executor(live):
    network = measured(live)
    harmful = Plan(
        goal="g", base=network.id, steps=(DrainLink(circuit="link/A:C--C:A"), DrainLink(circuit="link/A:B--B:A"))
    )
    forged = relief(live).verdict.model_copy(update={"plan": harmful.hash, "snapshot": network.id})
    certificate = issue(harmful, forged, POLICY, [approval_of(harmful)], key=KEY, now=live.now)
    execution = run(live, relief(live), plan=harmful, certificate=certificate, network=network, current=network.id)
    assert execution.status == "refused"
    assert "*nominal*" in execution.reason
    assert actions(execution) == [(0, "refused")]


def test_an_expired_certificate_is_refused_by_the_clock_of_the_network(live):
    incident = relief(live)
    live.wait(24 * 12 + 1)
    with pytest.raises(CertificateError, match="expired"):
        run(live, incident)


@pytest.mark.parametrize("strict", [True, False])
def test_what_is_not_modelled_is_refused_before_the_first_step_where_the_policy_does(live, strict):
    made = relief(live)
    policy = made.policy.model_copy(update={"refuse_unmodelled": strict})
    again = approved(made.plan, made.network, policy, now=live.now)
    execution = run(live, again, unmodelled=("RSVP_LSP_TABLE: 1 RSVP LSPs",))
    assert (execution.status == "refused") == strict
    assert ("RSVP LSPs" in execution.reason) == strict


def test_a_live_state_that_moved_is_verified_again_and_may_still_pass(live):
    incident = relief(live)
    live.wait(60)  # five hours later, traffic has fallen
    execution = run(live, incident)
    assert execution.status == "applied", execution.reason
    assert execution.verdict.snapshot != incident.network.id


def test_a_live_state_where_the_plan_has_become_harmful_is_refused(live):
    incident = relief(live)
    start = live.read_topology().id
    live.inject(Fault(kind=FaultKind.LINK_DOWN, element="link/A:C--C:A"))
    live.wait(3)
    execution = run(live, incident)
    assert execution.status == "refused"
    assert "has moved" in execution.reason
    assert live.read_topology().id == start


def test_a_change_made_by_somebody_else_is_seen_in_the_configuration(live):
    incident = relief(live)
    live.apply(DrainLink(circuit="link/B:C--C:B"))
    live.wait(3)
    execution = run(live, incident)
    assert execution.verdict.snapshot != incident.network.id


@pytest.mark.parametrize(
    ("asked", "because"),
    [(POLICY.min_fidelity, "fidelity of the twin"), (0.0, "contradicts the twin")],
    ids=["by the gate", "by the preflight, where the policy asks for no fidelity"],
)
def test_telemetry_that_contradicts_the_twin_is_refused_before_the_first_step(asked, because):
    policy = POLICY.model_copy(update={"min_fidelity": asked})
    live = mute(seed=1)
    network = measured(live)
    plan = Plan(goal="relieve A->B", base=network.id, steps=STEPS)
    incident = approved(plan, network, policy, now=live.now)
    live.inject(Fault(kind=FaultKind.WEIGHT, element="interface/A/B", severity=90))
    live.wait(3)
    execution = run(live, incident)
    assert execution.status == "refused"
    assert because in execution.reason


FAULTS = [
    (Fault(kind=FaultKind.LINK_DOWN, element="link/B:D--D:B"), "link/B:D--D:B", "state"),
    (Fault(kind=FaultKind.DEVICE_DOWN, element="node/B"), "node/B", "state"),
    (Fault(kind=FaultKind.SILENT_LOSS, element="interface/C/D", severity=0.2), "C->D", "loss"),
    (Fault(kind=FaultKind.CAPACITY, element="link/B:D--D:B", severity=0.8), "B->D", "drops"),
]


@pytest.mark.parametrize(("fault", "element", "what"), FAULTS, ids=[str(fault.kind) for fault, _, _ in FAULTS])
@pytest.mark.parametrize("when", ["apply", "agree"])
def test_a_network_that_disagrees_is_taken_back_to_its_start(live, fault, element, what, when):
    incident = relief(live)
    start = configuration(live.read_topology())
    execution = run(live, incident, on_step=Breaks(2, when, partial(live.inject, fault)))
    assert execution.status == "rolled_back"
    step = 2 if when == "apply" else 3
    assert f"after step {step} the network is not as predicted: {what}" in execution.reason
    assert element is None or short(element) in execution.reason
    assert configuration(live.read_topology()) == start
    undone = [record.step for record in execution.records if record.action == "roll back"]
    assert undone == [k for k in range(step, 0, -1) for _ in ("before", "after")]


@pytest.mark.parametrize("when", ["apply", "agree"])
def test_a_weight_that_no_router_tells_of_is_seen_in_the_loads(when):
    live = mute(seed=1)
    fault = Fault(kind=FaultKind.WEIGHT, element="interface/A/C", severity=90)
    execution = run(live, relief(live), on_step=Breaks(2, when, partial(live.inject, fault)))
    assert execution.status == "rolled_back"
    step = 2 if when == "apply" else 3
    assert f"after step {step} the network is not as predicted: load" in execution.reason


@pytest.mark.parametrize("error", [KeyboardInterrupt(), CancelledError()])
@pytest.mark.parametrize(("step", "action"), [(1, "apply"), (1, "agree"), (3, "apply"), (3, "agree")])
def test_an_interrupt_anywhere_is_taken_back(live, error, step, action):
    incident = relief(live)
    start = configuration(live.read_topology())
    execution = run(live, incident, on_step=Breaks(step, action, raises(error)))
    assert (execution.status, execution.interrupted) == ("rolled_back", True)
    assert configuration(live.read_topology()) == start
    # of a step that was announced and not made, the record says so once the network was asked
    not_made = [(x.step, "network was asked" in x.detail) for x in execution.records if x.action == "not made"]
    assert not_made == ([(step, True)] if action == "apply" else [])


def test_a_journal_that_cannot_be_written_stops_the_plan_and_not_the_way_back(live):
    incident = relief(live)
    start = configuration(live.read_topology())
    failing = []

    def full_disk(record) -> None:
        if record.step >= 2 or failing:
            failing.append(record)
            raise JournalError("no space left")

    execution = run(live, incident, on_step=full_disk)
    assert (execution.status, execution.reason) == ("rolled_back", "no space left")
    assert configuration(live.read_topology()) == start
    assert len(failing) > 1


def test_a_bug_in_the_caller_is_taken_back_and_still_raised(live):
    incident = relief(live)
    start = configuration(live.read_topology())
    with pytest.raises(ZeroDivisionError):
        run(live, incident, on_step=Breaks(2, "agree", raises(ZeroDivisionError())))
    assert configuration(live.read_topology()) == start


class Stubborn(EmulatedNetwork):
    """A live network in which some changes go wrong: what `refuse` names fails, with or without effect."""

    def __init__(
        self, *arguments, refuse=(), effect=False, times=99, error=ExecutionError("no answer"), **more
    ) -> None:
        super().__init__(*arguments, **more)
        self.refuse, self.effect, self.times, self.error = refuse, effect, times, error

    def apply(self, change, *, recorded=None) -> None:
        if change.op in self.refuse and self.times:
            self.times -= 1
            if self.effect:
                super().apply(change, recorded=recorded)
            raise self.error
        super().apply(change, recorded=recorded)


def stubborn(**how) -> Stubborn:
    live = Stubborn(inventory(), seed=1, start=emulate().now, **how)
    live.wait(4)
    return live


@pytest.mark.parametrize("effect", [False, True], ids=["not made", "made after all"])
@pytest.mark.parametrize("error", [ExecutionError("no answer"), KeyboardInterrupt()], ids=["error", "interrupt"])
def test_a_step_that_fails_half_way_is_taken_back_with_the_others(effect, error):
    live = stubborn(refuse=("set_weight",), effect=effect, times=1, error=error)
    start = configuration(live.read_topology())
    execution = run(live, relief(live))
    assert execution.status == "rolled_back"
    assert configuration(live.read_topology()) == start
    undone = [record.step for record in execution.records if record.action == "roll back"]
    assert undone == ([2, 2, 1, 1] if effect else [1, 1])


def test_an_undo_that_fails_at_first_is_tried_again():
    live = stubborn(refuse=("remove_tunnel",), times=2)
    start = configuration(live.read_topology())
    execution = run(live, relief(live), on_step=Breaks(2, "agree", raises(KeyboardInterrupt())))
    assert execution.status == "rolled_back"
    assert configuration(live.read_topology()) == start


def test_an_undo_that_keeps_failing_says_loudly_what_is_still_in_place():
    live = stubborn(refuse=("remove_tunnel",))
    with pytest.raises(ExecutionError, match="steps 1 to 1 are STILL IN PLACE") as error:
        run(live, relief(live), on_step=Breaks(2, "agree", raises(KeyboardInterrupt())))
    assert '"op":"remove_tunnel","name":"T1"' in error.value.fix


def test_a_router_that_does_not_answer_stops_the_plan(live):
    incident = relief(live)
    start = configuration(live.read_topology())
    broken = Breaks(3, "apply", partial(live.inject, Fault(kind=FaultKind.DEVICE_DOWN, element="node/A")))
    with pytest.raises(ExecutionError, match="STILL IN PLACE"):
        run(live, incident, on_step=broken)
    assert configuration(live.read_topology()) != start


STEERED = (SetWeight(link="B->D", weight=40), SetWeight(link="B->D", weight=10))
WRONG_WEIGHT = Fault(kind=FaultKind.WEIGHT, element="interface/B/D", severity=90)
UNKNOWN_DRAIN = Fault(kind=FaultKind.STALE_TOPOLOGY, element="link/B:D--D:B")
CORRECTIONS = [
    (WRONG_WEIGHT, (SetWeight(link="B->D", weight=10),)),
    (WRONG_WEIGHT, STEERED),
    (UNKNOWN_DRAIN, (UndrainLink(circuit=UNKNOWN_DRAIN.element),)),
]


def corrected(fault: Fault, steps: tuple[Change, ...], **changes):
    """A network with a fault that its inventory does not show, and what became of a plan that puts it right."""
    live = emulate(seed=3)
    live.inject(fault)
    live.wait(6)
    network, before = with_fault(measured(live), fault), live.read_topology()
    plan = Plan(goal="put it right", base=network.id, steps=steps, objective="change")
    policy = POLICY.model_copy(update={"min_gain": 0.0})
    execution = run(live, approved(plan, network, policy, now=live.now), inventory=before, **changes)
    return live, execution, (plan, network, before)


@pytest.mark.parametrize(("fault", "steps"), CORRECTIONS)
def test_what_is_wrong_in_the_routers_alone_is_put_right_and_taking_that_back_leaves_the_inventory_right(fault, steps):
    live, execution, (plan, network, before) = corrected(fault, steps)
    assert execution.status == "applied", execution.reason
    assert live.truth.links == live.read_topology().links == before.links
    assert not live.faults
    execution = recover(plan, network, before, live, because="it did not help")
    assert execution.status == "rolled_back"
    assert live.read_topology() == before
    assert live.truth.links == with_fault(before, fault).links
    assert [x.model_copy(update={"onset": None}) for x in live.faults] == [fault]


@pytest.mark.parametrize(("fault", "steps"), CORRECTIONS)
def test_a_correction_that_is_interrupted_leaves_the_fault_to_be_found_at_the_next_look(fault, steps):
    stop = Breaks(len(steps), "agree", raises(JournalError("the disk is full")))
    live, execution, (_, _, before) = corrected(fault, steps, on_step=stop)
    assert execution.status == "rolled_back"
    assert live.read_topology() == before
    wrong = {x.item.element for x in differences(before, read_running(live, before).network)}
    assert wrong == {before.links[i].interface for i in struck_links(before, fault)}


@pytest.mark.parametrize(("times", "what"), [(0.9, None), (4.0, "drops")])
def test_drops_of_the_second_before_a_queue_was_relieved_are_no_deviation_and_more_of_them_are(live, times, what):
    seen = observe(inventory(), live.read_telemetry(live.now - timedelta(hours=1)), window=2, now=live.now)
    link, before = seen.network.link("C->E"), 20_000.0  # Mbit/s dropped until the change, on a link that is idle now
    counted_late = times * before * seen.declared.skew_s / seen.interval_s

    def dropping(samples, row, mbps):
        dropped = samples.dropped_mbps.copy()
        dropped[row, link] = mbps
        return samples._replace(dropped_mbps=dropped)

    relieved = replace(seen, past=dropping(seen.past, -1, before), window=dropping(seen.window, 0, counted_late))
    found = compare(relieved, Tolerance()).deviation
    assert (found.what if found else None) == what


def test_a_killed_execution_is_recovered_from_the_live_configuration_alone(live):
    incident = relief(live)
    configured = live.read_topology()
    for step in STEPS[:2]:
        live.apply(step)
    execution = recover(incident.plan, incident.network, configured, live)
    assert execution.status == "rolled_back"
    assert configuration(live.read_topology()) == configuration(configured)
    assert "2 steps had been made" in execution.reason


@pytest.mark.parametrize(("made", "estimated"), [(0, 90), (0, 70), (2, 90), (2, 70)])
def test_what_the_inventory_cannot_tell_of_a_repair_is_told_by_the_routers(made, estimated):
    """The inventory never heard of the fault: before the first step and after the last it says the same."""
    live = emulate(seed=3)
    fault = Fault(kind=FaultKind.WEIGHT, element="interface/B/D", severity=90)
    live.inject(fault)
    live.wait(3)
    network = with_fault(measured(live), Fault(kind=FaultKind.WEIGHT, element="interface/B/D", severity=estimated))
    steps = (SetWeight(link="B->D", weight=40), SetWeight(link="B->D", weight=10))
    plan, configured = Plan(goal="restore the weight", base=network.id, steps=steps), live.read_topology()
    for step in steps[:made]:
        live.apply(step)
    execution = recover(plan, network, configured, live)
    assert f"{made} steps had been made" in execution.reason
    assert live.truth.links[live.truth.link("B->D")].weight == (estimated if made else 90)
    assert [x.action for x in execution.records].count("roll back") == 2 * made


def test_recovery_does_not_touch_what_somebody_else_has_changed(live):
    incident = relief(live)
    configured = live.read_topology()
    live.apply(SetWeight(link="E->C", weight=77))
    with pytest.raises(ExecutionError, match="somebody else"):
        recover(incident.plan, incident.network, configured, live)


def test_a_plan_that_does_not_fit_the_live_configuration_is_refused_before_anything_happens(live):
    live.apply(through_c("T9", "A", 0.5, source="E"))
    live.wait(3)
    incident = relief(live, steps=(*STEPS, RemoveTunnel(name="T9")))
    live.apply(RemoveTunnel(name="T9"))
    live.wait(3)
    execution = run(live, incident)
    assert execution.status == "refused"
    assert "*grounded*" in execution.reason


def test_the_tolerance_is_a_choice(live):
    incident = relief(live)
    strict = Tolerance(score=0.001, share=1e-6)
    execution = run(live, incident, tolerance=strict)
    assert execution.status == "refused"
    assert "load of" in execution.reason


def test_a_deviation_reads_as_a_sentence():
    deviation = Disagreement(element="A->B", what="load", predicted=10, observed=12)
    assert str(deviation) == "load of A->B: predicted 10 Mbit/s, observed 12 Mbit/s"


@pytest.fixture(name="_ctrl_c")
def _ctrl_c_as_in_a_terminal():
    """A shell starts its background jobs, and a test run among them, with Ctrl-C ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_ctrl_c")
def test_a_second_ctrl_c_does_not_stop_the_way_back(live):
    incident = relief(live)
    start = configuration(live.read_topology())
    sent = []

    def impatient(record) -> None:
        if (record.step, record.action) == (3, "agree") or record.action == "roll back":
            sent.append(record.step)
            os.kill(os.getpid(), signal.SIGINT)

    execution = run(live, incident, on_step=impatient)
    assert (execution.status, execution.interrupted) == ("rolled_back", True)
    assert len(sent) == 7
    assert configuration(live.read_topology()) == start
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


class Watched(EmulatedNetwork):
    """A live network before which somebody presses Ctrl-C whenever its configuration is read, once told to."""

    pressed, pressing = 0, False

    def read_topology(self):
        if self.pressing:
            self.pressed += 1
            os.kill(os.getpid(), signal.SIGINT)
        return super().read_topology()


@pytest.mark.usefixtures("_ctrl_c")
def test_ctrl_c_between_two_changes_of_the_way_back_does_not_stop_it():
    live = Watched(inventory(), seed=1, start=emulate().now)
    live.wait(4)
    incident, start = relief(live), configuration(live.read_topology())

    def stop() -> None:
        live.pressing = True
        raise KeyboardInterrupt

    try:
        execution = run(live, incident, on_step=Breaks(3, "agree", stop))
    except KeyboardInterrupt:
        pytest.fail("the way back was left half made")
    live.pressing = False
    assert (execution.status, execution.interrupted) == ("rolled_back", True)
    assert live.pressed >= 3
    assert configuration(live.read_topology()) == start


ADJACENCIES = [
    Fault(kind=FaultKind.NEIGHBOUR_MISSING, element="interface/B/C"),
    Fault(kind=FaultKind.MTU, element="interface/B/C"),
    Fault(kind=FaultKind.ACL_BLOCK, element="interface/C/B"),
]


@pytest.mark.parametrize("fault", ADJACENCIES, ids=[str(fault.kind) for fault in ADJACENCIES])
def test_a_diagnosed_adjacency_that_is_still_lost_is_no_move(live, fault):
    live.inject(fault)
    live.wait(3)
    network = with_fault(measured(live), fault)
    plan = Plan(goal="relieve A->B", base=network.id, steps=STEPS)
    execution = run(live, approved(plan, network, POLICY, now=live.now))
    assert execution.status == "applied", execution.reason


def test_a_neighbour_that_is_lost_under_way_is_a_deviation_of_its_own(live):
    fault = Fault(kind=FaultKind.MTU, element="interface/B/D")
    execution = run(live, relief(live), on_step=Breaks(2, "apply", partial(live.inject, fault)))
    assert execution.status == "rolled_back"
    assert "adjacency of circuit B--D: predicted one, observed none" in execution.reason
