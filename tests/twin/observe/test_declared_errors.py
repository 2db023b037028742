"""What is taken for chance is what the network declares of its instruments: another one is read otherwise."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from scipy.stats import poisson

from tests.twin.observe.incidents import ABILENE, NOBEL, network, run
from twin.diagnose import diagnose
from twin.diagnose.candidates import telemetry as lies
from twin.diagnose.likelihood import judge
from twin.execute.deviation import Tolerance, losses, probes
from twin.faults import Fault, FaultKind
from twin.live.declared import Declaration
from twin.live.emulated import EmulatedNetwork
from twin.live.network import Telemetry
from twin.observe import find_symptoms, observe
from twin.observe.alarms.anomaly import Detector
from twin.observe.alarms.harm import measured_harm
from twin.observe.alarms.incidents import Signal, correlate
from twin.observe.alarms.symptoms import lost_at_most
from twin.observe.alarms.threshold import FLOOR
from twin.observe.expect.expectation import Expectation
from twin.observe.expect.residuals import lost_by_chance


@pytest.fixture(scope="module")
def healthy() -> Telemetry:
    return run(network(ABILENE), before=17).telemetry


def declaring(telemetry: Telemetry, **what: object) -> Telemetry:
    return replace(telemetry, declared=telemetry.declared.model_copy(update=what))


def alarms(telemetry: Telemetry) -> set[str]:
    return {x.kind for x in _all(telemetry)}


def _all(telemetry: Telemetry):
    detector = Detector(interval_s=300.0)
    return detector.update(network(ABILENE), telemetry)


def with_delays(telemetry: Telemetry, off_ms: float) -> Telemetry:
    rng = np.random.default_rng(2)
    late = off_ms * np.abs(rng.standard_normal(telemetry.probes.delay_ms.size))
    return replace(telemetry, probes=telemetry.probes._replace(delay_ms=telemetry.probes.delay_ms + late))


def test_probes_that_are_late_by_what_is_declared_are_no_anomaly(healthy: Telemetry):
    rough = with_delays(healthy, 3.0)
    assert "probe_delay" in alarms(declaring(rough, delay_error_ms=0.15))
    assert "probe_delay" not in alarms(declaring(rough, delay_error_ms=4.0))


@pytest.mark.parametrize(("share", "packets"), [(0.001, 300), (0.02, 50), (0.005, 20)])
def test_what_healthy_probes_lose_by_chance_is_within_the_error_that_is_stated(share: float, packets: int):
    error = lost_by_chance(Declaration(ordinary_loss=share, probe_packets=packets))
    lost = np.random.default_rng(3).binomial(packets, share, (20_000, 2)) / packets
    both = lost.min(axis=1)  # an anomaly takes two samples running
    assert (both > FLOOR * error).mean() < 1e-3
    assert FLOOR * error < 20 * max(share, 1 / packets)


@pytest.mark.parametrize(("sent", "share"), [(300, 1e-3), (3, 1e-3), (100, 0.05)])
def test_the_packets_that_say_nothing_are_a_quantile_of_what_is_lost_by_chance(sent: int, share: float):
    least = lost_at_most(sent, share, 1e-4)
    assert poisson.sf(least, sent * share) <= 1e-4
    assert least == 0 or poisson.sf(least - 1, sent * share) > 1e-4


def test_paths_that_lose_what_they_always_lose_show_nothing_and_turn_no_plan_back(healthy: Telemetry):
    lossy = replace(healthy, probes=healthy.probes._replace(loss=np.full(healthy.probes.loss.size, 0.04)))
    strict, used_to_it = (observe(network(ABILENE), declaring(lossy, ordinary_loss=x)) for x in (1e-3, 0.04))
    assert "probe_loss" in {x.kind for x in find_symptoms(strict)}
    assert "probe_loss" not in {x.kind for x in find_symptoms(used_to_it)}
    through = np.ones((len(network(ABILENE).nodes),) * 2)
    assert probes(strict, through, Tolerance(), None) is not None
    assert probes(used_to_it, through, Tolerance(), None) is None


def test_frames_that_break_as_they_always_do_are_no_anomaly(healthy: Telemetry):
    whole = np.nan_to_num(healthy.links.in_mbps) / 0.008
    order = np.lexsort((healthy.links.link, healthy.links.time))
    assert np.array_equal(healthy.links.link[order], healthy.interfaces.link[order])
    late = healthy.interfaces.time > np.quantile(healthy.interfaces.time, 0.8)
    broken = replace(healthy, interfaces=healthy.interfaces._replace(errors_per_s=np.where(late, 2e-3 * whole, 0.0)))
    assert "errors" in alarms(broken)
    assert "errors" not in alarms(declaring(broken, ordinary_errors=2e-3))


def test_a_network_that_often_misses_polls_shows_it_itself_and_no_interface_is_blamed(healthy: Telemetry):
    rng, rows = np.random.default_rng(4), healthy.links
    gone = rng.random(rows.time.size) < 0.08
    deaf = replace(healthy, links=rows._replace(out_mbps=np.where(gone, np.nan, rows.out_mbps)))
    often, seldom = observe(network(ABILENE), deaf), observe(network(ABILENE), healthy)
    assert seldom.usually_missed <= 2 * seldom.declared.ordinary_missed
    assert 0.02 < often.usually_missed < 0.08
    assert diagnose(often).best.faults == ()
    assert observe(network(ABILENE), declaring(healthy, ordinary_missed=0.3)).usually_missed == 0.3


def test_polls_that_are_missed_are_a_symptom_where_chance_misses_fewer(healthy: Telemetry):
    rows = healthy.links
    last = rows.time >= np.unique(rows.time)[-3]
    gone = last & (rows.link == 0)
    deaf = replace(healthy, links=rows._replace(out_mbps=np.where(gone, np.nan, rows.out_mbps)))
    blamed = [
        {x.element for x in find_symptoms(observe(network(ABILENE), told)) if x.kind == "no_counters"}
        for told in (deaf, declaring(deaf, ordinary_missed=0.3), healthy)
    ]
    assert blamed == [{network(ABILENE).links[0].interface}, set(), set()]


def test_pairs_that_stray_as_they_always_do_are_no_growth(healthy: Telemetry):
    busy = network(ABILENE).nodes[0].id
    rng, rows = np.random.default_rng(5), healthy.traffic
    late = (rows.target == 0) & (rows.time > np.unique(rows.time)[-3])
    grown = rows.mbps * np.exp(0.02 * rng.standard_normal(rows.mbps.size)) * np.where(late, 1.6, 1.0)
    told = replace(healthy, traffic=rows._replace(mbps=grown))
    assert [x.element for x in _all(told) if x.kind == "growth"] == [busy]
    assert "growth" not in alarms(declaring(told, pair_spread=0.5))


def test_packets_are_as_unsteady_as_their_own_past(healthy: Telemetry):
    rng, flows = np.random.default_rng(4), healthy.flows
    mix = np.exp(0.25 * rng.standard_normal((np.unique(flows.time).size, len(network(ABILENE).nodes))))
    row = np.searchsorted(np.unique(flows.time), flows.time)
    unsteady = replace(healthy, flows=flows._replace(packets_per_s=flows.packets_per_s * mix[row, flows.target]))
    denser = np.where((row >= row.max() - 2) & (flows.target == 0), 2.0, 1.0)
    steady = replace(healthy, flows=flows._replace(packets_per_s=flows.packets_per_s * denser))
    for telemetry, found in ((unsteady, False), (steady, True)):
        seen = observe(network(ABILENE), telemetry)
        assert ("packet_shift" in {x.kind for x in find_symptoms(seen)}) is found
        kinds = {x.kind for x in diagnose(seen).best.faults}
        assert ("tcp_syn_flood_attack" in kinds) is found


def test_what_a_flood_is_judged_by_is_how_far_packets_stray_here(healthy: Telemetry):
    seen = observe(network(ABILENE), healthy)
    assert (seen.packets_error < 0.05).all()
    first = healthy.links.time == healthy.links.time.min()
    alone = {
        name: rows._replace(**{x: y[rows.time == healthy.links.time[first][0]] for x, y in rows._asdict().items()})
        for name, rows in vars(healthy).items()
        if name in ("links", "nodes", "probes", "traffic", "interfaces", "flows")
    }
    rng = np.random.default_rng(6)
    other = np.exp(0.4 * rng.standard_normal(len(network(ABILENE).nodes)))
    flows = alone["flows"]._replace(packets_per_s=alone["flows"].packets_per_s * other[alone["flows"].target])
    single = observe(network(ABILENE), replace(healthy, **{**alone, "flows": flows}))
    assert (single.packets_error > 0.2).all()  # nodes differ, and no past says which is usual
    assert "packet_shift" not in {x.kind for x in find_symptoms(single)}


def test_ends_of_a_wire_that_are_read_late_are_no_scaled_counter(healthy: Telemetry):
    interface = network(ABILENE).links[4].interface
    back = network(ABILENE).links[4]
    other = next(i for i, x in enumerate(network(ABILENE).links) if (x.tail, x.head) == (back.head, back.tail))
    links = healthy.links
    sent, received = np.where(links.link == 4, 1.06, 1.0), np.where(links.link == other, 1.06, 1.0)
    off = replace(healthy, links=links._replace(out_mbps=links.out_mbps * sent, in_mbps=links.in_mbps * received))
    for skew, found in ((1.2, True), (120.0, False)):
        seen = observe(network(ABILENE), declaring(off, skew_s=skew))
        nothing = judge(seen, Expectation(seen), ())
        scaled = [x.fault.element for x in lies.candidates(seen, nothing) if x.fault.kind == "scaled_counter"]
        assert (interface in scaled) is found


def test_what_was_not_read_makes_nothing_surer(healthy: Telemetry):
    """A wire whose newest reading is missing, or the one before, was once taken for known without any error."""
    rows, seen = healthy.links, observe(network(ABILENE), healthy)
    times, rng = np.unique(rows.time), np.random.default_rng(7)
    some = rows.link % 4 == 0
    newest, before, any_of_them = times[-1], times[-1 - seen.samples], rng.random(rows.time.size) < 0.4
    for gone in (some & (rows.time == newest), some & (rows.time == before), some & any_of_them):
        out, into = (np.where(gone, np.nan, x) for x in (rows.out_mbps, rows.in_mbps))
        gaps = replace(healthy, links=rows._replace(out_mbps=out, in_mbps=into))
        less = observe(network(ABILENE), gaps, window=seen.samples)
        read = np.isfinite(less.wire_loss)
        assert read.any()
        assert (less.reading_error[read] > 0.7 * seen.reading_error[read]).all()
        assert np.abs(less.wire_loss / less.wire_error)[read].max() < 5
        assert not {"wire_loss", "drops"} & {x.kind for x in find_symptoms(less)}
        assert losses(less, Expectation(less).residuals(less.network), Tolerance()) is None


def test_a_loss_too_small_for_counters_that_are_read_often_is_shown_by_probes_and_counted_as_harm():
    """Two in a hundred of what a wire carries, sampled at 30 s: its counters are off by as much."""
    nobel = network(NOBEL)
    live = EmulatedNetwork(nobel, seed=3, start=datetime(2026, 3, 2, 20, tzinfo=UTC), interval_s=30)
    live.wait(12)
    live.inject(Fault(kind=FaultKind.SILENT_LOSS, element="interface/Frankfurt/Koeln", severity=0.02))
    live.wait(3)
    seen = observe(nobel, live.read_telemetry(live.now - timedelta(hours=1)), now=live.now)
    found = find_symptoms(seen)
    assert {x.kind for x in found} == {"probe_loss"}
    truth = live.true_harm(0.8).total
    assert 0.1 * truth < measured_harm(seen, 0.8).total < 1.2 * truth  # of the pairs that show it for sure


def test_a_probe_belongs_to_a_source_that_makes_it_later_than_it_can_be_off():
    seen = run(network(ABILENE)).observation
    circuit = next(iter(network(ABILENE).circuits))
    a, b = (x.split(":")[0] for x in circuit.removeprefix("link/").split("--"))
    signals = [Signal("down", circuit, 100.0), Signal("probe_delay", f"probe/{a}/{b}", 9.0)]
    assert len(correlate(seen.network, signals, Declaration(delay_error_ms=0.1))) == 1
    assert correlate(seen.network, signals, Declaration(delay_error_ms=1e6))[0].kind == "down"
    assert seen.interval_s == timedelta(minutes=5).total_seconds()
