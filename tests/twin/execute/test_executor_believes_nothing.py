"""Live networks that lie, forget, repeat themselves or are changed by somebody else, and what is made of it."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from tests.twin.execute.approved import KEY, approval_of
from tests.twin.live_incident import POLICY, START, STEPS, emulate, inventory, measured
from tests.twin.optimise.networks import network_of
from twin.errors import ExecutionError
from twin.execute.agreement import compare, look_at
from twin.execute.configured import configuration
from twin.execute.deviation import Tolerance
from twin.execute.executor import Execution, execute
from twin.execute.running import differences
from twin.faults import Fault, FaultKind, with_fault
from twin.gate.certificate import issue
from twin.gate.verdict import verify
from twin.live.emulated import EmulatedNetwork
from twin.live.network import Telemetry
from twin.plan import Change, DrainLink, DrainNode, LimitDemand, Plan, RemoveTunnel, SetTunnel, SetWeight
from twin.plan import apply as changed
from twin.policy import Policy

K = FaultKind


def run(
    live, *, steps=STEPS, network=None, policy=POLICY, on_step=None, ttl=timedelta(days=1), base=None, in_part=False
) -> Execution:
    network = network or measured(live)
    plan = Plan(goal="relieve A->B", base=network.id, steps=steps)
    verdict = verify(plan, network, policy)
    assert verdict.passed, [x.detail for x in verdict.checks if not x.passed]
    certificate = issue(plan, verdict, policy, [approval_of(plan)], key=KEY, now=live.now, ttl=ttl)
    return execute(
        plan,
        certificate,
        network,
        live,
        policy=policy,
        public_key=KEY.public,
        current=network.id,
        on_step=on_step,
        inventory=base,
        in_part=in_part,
    )


def made(execution: Execution) -> list[int]:
    return [x.step for x in execution.records if x.action == "agree" and x.step]


def at(step: int, action: str, effect):
    return lambda record: effect() if (record.step, record.action) == (step, action) else None


class Odd(EmulatedNetwork):
    """An emulated network with one odd habit; `odd` is set once the scene is."""

    odd = False


def odd(kind: type[Odd], seed: int = 1) -> Odd:
    live = kind(inventory(), seed=seed, start=START)
    live.wait(4)
    return live


FOREIGN: list[Change] = [
    DrainLink(circuit="link/B:C--C:B"),
    SetWeight(link="E->C", weight=77),
    DrainNode(node="C"),
    LimitDemand(source="C", target="D", limit=10.0),
    SetTunnel(tunnel=STEPS[0].tunnel.model_copy(update={"name": "T9", "source": "B"})),
]


@pytest.mark.parametrize("change", FOREIGN, ids=lambda x: x.op)
@pytest.mark.parametrize("step", [1, 2])
def test_what_somebody_else_changes_before_a_step_turns_the_plan_back_and_stays(change, step):
    live = emulate(seed=1)
    expected = changed(live.read_topology(), change)
    execution = run(live, on_step=at(step, "apply", lambda: live.apply(change)))
    assert execution.status == "rolled_back"
    assert f"before step {step} the network is not configured as expected" in execution.reason
    assert made(execution) == list(range(1, step))
    assert configuration(live.read_topology()) == configuration(expected)
    assert "somebody else's and left as it is" in execution.records[-1].detail


@pytest.mark.parametrize("change", FOREIGN, ids=lambda x: x.op)
def test_what_somebody_else_changed_since_the_verdict_is_refused(change):
    live = emulate(seed=1)
    network = measured(live)
    live.apply(change)
    live.wait(3)
    execution = run(live, network=network)
    assert execution.status == "refused"
    assert "the configuration is not what the plan was made for" in execution.reason
    assert execution.verdict.snapshot != network.id


def test_a_capacity_that_the_inventory_has_lost_is_refused_and_one_that_the_diagnosis_corrects_is_not():
    live = emulate(seed=1)
    base = live.read_topology()
    links = tuple(x._replace(capacity=40_000.0) if x.circuit == "link/B:C--C:B" else x for x in base.links)
    execution = run(live, base=replace(base, links=links))
    assert execution.status == "refused"
    assert "capacity of B->C is 10 Gbit/s and should be 40 Gbit/s" in execution.reason
    diagnosed = replace(measured(live), links=links)
    assert run(live, network=diagnosed, base=base).status == "applied"


def test_the_weight_that_routers_run_replaces_the_one_that_a_diagnosis_estimated():
    live = emulate(seed=3)
    live.inject(Fault(kind=K.WEIGHT, element="interface/B/D", severity=90))
    live.wait(6)
    network = with_fault(measured(live), Fault(kind=K.WEIGHT, element="interface/B/D", severity=80))
    policy = POLICY.model_copy(update={"min_gain": 0.0})
    execution = run(live, network=network, steps=(SetWeight(link="B->D", weight=10),), policy=policy)
    assert execution.status == "applied", execution.reason


def test_a_certificate_that_expires_under_way_permits_no_further_step():
    live = emulate(seed=1)
    start = configuration(live.read_topology())
    execution = run(live, ttl=timedelta(minutes=1))
    assert execution.status == "rolled_back"
    assert "expired" in execution.reason
    assert [x.step for x in execution.records if x.action == "apply"] == [1]
    assert configuration(live.read_topology()) == start


class SaysYes(Odd):
    """Says ok and does nothing."""

    def apply(self, change: Change, *, recorded: Change | None = None) -> None:
        if not self.odd:
            super().apply(change, recorded=recorded)


class Elsewhere(Odd):
    """Makes weight changes on another interface."""

    def apply(self, change: Change, *, recorded: Change | None = None) -> None:
        elsewhere = change.model_copy(update={"link": "E->C"}) if isinstance(change, SetWeight) else change
        super().apply(elsewhere, recorded=recorded)


class Half(Odd):
    """Makes a tunnel with other shares than asked for."""

    def apply(self, change: Change, *, recorded: Change | None = None) -> None:
        if isinstance(change, SetTunnel) and self.odd:
            first = change.tunnel.paths[0].model_copy(update={"share": 1.0})
            change = SetTunnel(tunnel=change.tunnel.model_copy(update={"paths": (first,)}))
        super().apply(change, recorded=recorded)


class Forgets(Odd):
    """Takes a change back by itself while time goes on."""

    def apply(self, change: Change, *, recorded: Change | None = None) -> None:
        self.before = self._configured
        super().apply(change, recorded=recorded)

    def wait(self, samples: int = 1) -> None:
        super().wait(samples)
        if self.odd:
            self._configured = self._inventory = self.before
            self._states = type(self._states)(((1.0, self._route(self.before, ())),), ())


@pytest.mark.parametrize("kind", [SaysYes, Half, Forgets])
def test_a_change_that_is_not_read_back_as_made_is_never_confirmed(kind):
    live = odd(kind)
    start = configuration(live.read_topology())
    live.odd = True
    execution = run(live)
    assert execution.status == "rolled_back"
    assert "after step 1 the network is not as predicted: tunnel of tunnel T1" in execution.reason
    assert configuration(live.read_topology()) == start


def test_a_change_on_the_wrong_element_is_never_confirmed_and_what_it_hit_is_named():
    live = odd(Elsewhere)
    execution = run(live)
    assert execution.status == "rolled_back"
    assert "weight of D->B is 10 and should be 25; weight of E->C is 25" in execution.reason
    assert "left as it is: weight of E->C" in execution.records[-1].detail


def test_an_undo_that_the_network_only_says_it_made_is_never_believed():
    live = odd(SaysYes)

    def stop() -> None:
        live.odd = True
        raise KeyboardInterrupt

    with pytest.raises(ExecutionError, match="steps 1 to 1 are STILL IN PLACE"):
        run(live, on_step=at(1, "agree", stop))


class Relapses(Odd):
    """Brings a weight that was taken back in again, when the tunnel that was set before it is removed."""

    def apply(self, change: Change, *, recorded: Change | None = None) -> None:
        super().apply(change, recorded=recorded)
        if isinstance(change, RemoveTunnel) and change.name == "T1":
            super().apply(STEPS[1])


def test_a_way_back_that_does_not_end_where_it_began_says_so():
    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(ExecutionError, match="every step was undone, yet the live configuration is NOT what it was"):
        run(odd(Relapses), on_step=at(3, "agree", stop))


class Frozen(Odd):
    """Telemetry stands still."""

    def read_telemetry(self, since):
        told = super().read_telemetry(since)
        if not self.odd:
            self.last = float(told.links.time.max()) if told.links.time.size else 0.0
            return told
        return until(told, self.last)


class Repeats(Odd):
    """Sends its last sample again and again, each time with the time of now."""

    def read_telemetry(self, since):
        told = super().read_telemetry(since)
        if not self.odd or not told.links.time.size:
            return told
        out = told.links.out_mbps.reshape(-1, len(self.truth.links)).copy()
        out[:] = out[0]
        return replace(told, links=told.links._replace(out_mbps=out.ravel(), in_mbps=out.ravel()))


class Ahead(Odd):
    """Dates its samples an interval into the future."""

    def read_telemetry(self, since):
        told = super().read_telemetry(since)
        return shifted(told, 300.0) if self.odd else told


def until(told: Telemetry, end: float) -> Telemetry:
    tables = {}
    for name in ("links", "nodes", "probes", "traffic", "interfaces", "flows"):
        table = getattr(told, name)
        tables[name] = type(table)(*(column[table.time <= end] for column in table))
    return replace(told, **tables)


def shifted(told: Telemetry, by: float) -> Telemetry:
    names = ("links", "nodes", "probes", "traffic", "interfaces", "flows")
    return replace(told, **{x: getattr(told, x)._replace(time=getattr(told, x).time + by) for x in names})


@pytest.mark.parametrize(("kind", "why"), [(Frozen, "silence"), (Repeats, "repeats"), (Ahead, "clock")])
def test_telemetry_that_says_nothing_of_the_time_after_a_step_confirms_nothing(kind, why):
    live = odd(kind)
    start = configuration(live.read_topology())
    execution = run(live, on_step=at(1, "apply", lambda: setattr(live, "odd", True)))
    assert execution.status == "rolled_back"
    assert why in execution.reason
    assert configuration(live.read_topology()) == start


@pytest.mark.parametrize("interval_s", [10.0, 30.0, 300.0])
def test_only_whole_intervals_that_began_after_a_change_count(interval_s):
    live = EmulatedNetwork(inventory(), seed=1, start=START, interval_s=interval_s)
    live.wait(30)
    began = live.now.timestamp()
    _, seen = look_at(measured(live), live, Tolerance(), None)
    assert seen is not None
    late = live.declared.settle_s(interval_s)
    assert late == (0.0 if interval_s == 300 else live.declared.skew_s)
    assert float(seen.window.time[0]) - interval_s >= began + late - 1e-3


@pytest.mark.parametrize(("share", "interval_s"), [(0.05, 300), (0.3, 300), (1.0, 300), (0.05, 30), (0.3, 30)])
def test_data_lost_behind_the_counters_of_the_new_path_is_seen_by_probes(share, interval_s):
    live = emulate(seed=1, interval_s=interval_s)
    fault = Fault(kind=K.ONE_WAY, element="interface/A/C", severity=share)
    execution = run(live, on_step=at(1, "apply", lambda: live.inject(fault)))
    assert execution.status == "rolled_back"
    assert "after step 1 the network is not as predicted: probe loss of probe " in execution.reason


def test_a_path_that_has_become_slow_is_seen_by_probes():
    live = emulate(seed=1)
    fault = Fault(kind=K.LATENCY, element="link/A:C--C:A", severity=40)
    execution = run(live, on_step=at(1, "apply", lambda: live.inject(fault)))
    assert execution.status == "rolled_back"
    assert "probe delay" in execution.reason


def test_a_diagnosed_loss_is_predicted_and_no_surprise():
    live = emulate(seed=1)
    fault = Fault(kind=K.ONE_WAY, element="interface/B/C", severity=0.2)
    live.inject(fault)
    live.wait(3)
    assert run(live, network=with_fault(measured(live), fault)).status == "applied"


SQUARE = [("A", "B", 10_000.0, 10), ("B", "D", 10_000.0, 10), ("A", "C", 10_000.0, 10), ("C", "D", 10_000.0, 10)]


def test_hashing_never_hides_a_whole_path():
    """Half of one large demand is predicted on each of two equal paths; somebody has taken one away."""
    live = EmulatedNetwork(network_of(SQUARE, {("A", "D"): 6000.0, ("D", "A"): 6000.0}), seed=2, start=START)
    live.wait(6)
    even = measured(live)
    live.inject(Fault(kind=K.WEIGHT, element="interface/A/B", severity=11))
    _, seen = look_at(even, live, Tolerance(), None)
    agreement = compare(seen, Tolerance())
    assert str(agreement.deviation).startswith("load of ")


def test_what_a_comparison_of_loads_could_not_see_is_said():
    live = EmulatedNetwork(network_of(SQUARE, {("A", "D"): 9000.0, ("D", "A"): 9000.0}), seed=2, start=START)
    live.wait(6)
    agreement, seen = look_at(measured(live), live, Tolerance(), None)
    assert agreement.holds
    assert set(agreement.unseen) == {x.name for x in seen.network.links}
    assert agreement.blind_spots.startswith("could not see: half the load of ")
    alone = EmulatedNetwork(network_of(SQUARE[:2], {("A", "D"): 9000.0}), seed=2, start=START)
    alone.wait(6)
    assert look_at(measured(alone), alone, Tolerance(), None)[0].unseen == ()


def test_what_a_network_does_not_let_be_read_is_said_in_the_record_of_each_step():
    class Taciturn(Odd):
        @property
        def declared(self):
            reads = super().declared.reads - {"probes", "errors"}
            return super().declared.model_copy(update={"reads": reads})

    execution = run(odd(Taciturn))
    assert execution.status == "applied"
    assert all("could not see: errors, probes" in x.detail for x in execution.records if x.action == "agree")


def test_a_change_that_the_network_declares_it_cannot_make_is_refused_before_anything_happens():
    class NoTunnels(Odd):
        @property
        def declared(self):
            return super().declared.model_copy(update={"makes": frozenset({"set_weight"})})

    execution = run(odd(NoTunnels))
    assert execution.status == "refused"
    assert "the network cannot make this change: set_tunnel" in execution.reason


GROWTH = [
    *[("A", "B", 10_000.0, 10), ("A", "C", 10_000.0, 20), ("C", "B", 8000.0, 20), ("A", "D", 10_000.0, 30)],
    *[("D", "B", 10_000.0, 30), ("S", "C", 10_000.0, 5), ("S", "D", 10_000.0, 30), ("B", "Z", 10_000.0, 10)],
]


def test_a_plan_that_fails_under_the_demands_of_now_is_refused_however_small_their_share():
    policy = Policy(max_blast_radius=1, max_delay_stretch=10, max_failure_utilisation=10)
    demands = {("A", "B"): 8800.0, ("S", "Z"): 700.0, ("B", "A"): 500.0}
    live = EmulatedNetwork(network_of(GROWTH, demands), seed=1, start=START)
    live.wait(4)
    network = measured(live)
    paths = [path.model_copy(update={"share": 0.5}) for path in STEPS[0].tunnel.paths]
    tunnel = STEPS[0].tunnel.model_copy(update={"target": "B", "paths": tuple(paths)})
    live.inject(Fault(kind=K.SURGE, element="node/Z", severity=3.5))
    live.wait(6)
    moved = np.abs(measured(live).demands - network.demands).sum() / network.demands.sum()
    assert moved < 0.25
    execution = run(live, network=network, steps=(SetTunnel(tunnel=tunnel),), policy=policy)
    assert execution.status == "refused"
    assert "C->B" in execution.reason


def half(via: str) -> SetTunnel:
    paths = [path.model_copy(update={"share": 0.5, "via": path.via and (via,)}) for path in STEPS[0].tunnel.paths]
    return SetTunnel(tunnel=STEPS[0].tunnel.model_copy(update={"target": "B", "paths": tuple(paths)}))


def surging() -> tuple[EmulatedNetwork, dict[str, object]]:
    policy = Policy(max_blast_radius=1, max_delay_stretch=10, max_failure_utilisation=10)
    demands = {("A", "B"): 8800.0, ("S", "Z"): 700.0, ("B", "A"): 500.0}
    live = EmulatedNetwork(network_of(GROWTH, demands), seed=1, start=START)
    live.wait(12)

    def surge() -> None:
        live.inject(Fault(kind=K.SURGE, element="node/Z", severity=5.0))
        live.wait(3)

    return live, {"policy": policy, "on_step": at(1, "agree", surge)}


def test_steps_that_hold_and_help_stay_where_only_the_rest_of_a_plan_does_not():
    live, scene = surging()
    execution = run(live, steps=(half("D"), half("C")), in_part=True, **scene)
    assert execution.status == "applied", execution.reason
    assert execution.part
    assert execution.part.verdict.passed
    assert execution.part.plan.steps == (half("D"),)
    assert live.read_topology().tunnels == (half("D").tunnel,)
    assert [x.action for x in execution.records[-3:]] == ["disagree", "not made", "agree"]


@pytest.mark.parametrize("in_part", [False, True])
def test_a_surge_under_way_stops_the_steps_that_would_not_hold_it(in_part):
    live, scene = surging()
    start = configuration(live.read_topology())
    execution = run(live, steps=(SetWeight(link="D->B", weight=31), half("C")), in_part=in_part, **scene)
    assert execution.status == "rolled_back"
    assert "before step 2 what is left of the plan fails under the demands measured" in execution.reason
    assert "C->B" in execution.reason
    assert configuration(live.read_topology()) == start


def test_a_circuit_that_fails_between_two_steps_is_seen_before_the_next_one():
    live = emulate(seed=1)

    def cut() -> None:
        live.inject(Fault(kind=K.LINK_DOWN, element="link/B:D--D:B"))
        live.wait(2)

    execution = run(live, on_step=at(1, "agree", cut))
    assert execution.status == "rolled_back"
    assert "before step 2 the network is not as predicted: state of circuit B--D" in execution.reason
    assert [x.step for x in execution.records if x.action == "apply"] == [1, 2]


def test_differences_name_what_every_operator_can_configure():
    network = inventory()
    for change in FOREIGN:
        found = differences(network, changed(network, change))
        assert found
        assert not differences(network, network)


def test_an_honest_network_shows_what_it_runs_to_its_inventory():
    live = emulate(seed=1)
    assert run(live).status == "applied"
    said = live.read_router("A").network
    assert {x.name for x in said.tunnels} == {"T1", "T2"}
    assert measured(live).tunnels == said.tunnels
