from datetime import UTC, datetime

import numpy as np
import pytest

from twin.formats import load_network
from twin.live import history
from twin.live.counters import OCTETS_PER_MBIT, CounterBank
from twin.live.emulated import EmulatedNetwork
from twin.live.network import Telemetry
from twin.live.sensors import Noise
from twin.live.syslog import Syslog
from twin.live.traffic import Swing, day_profile
from twin.model import Network

START = datetime(2026, 3, 2, tzinfo=UTC)
DAY = 288


@pytest.fixture(scope="module")
def network() -> Network:
    return load_network("sndlib/nobel-eu")


@pytest.fixture(scope="module")
def day(network: Network) -> Telemetry:
    live = EmulatedNetwork(network, seed=1, start=START)
    live.wait(DAY)
    return live.read_telemetry(START)


def nmae(rows: np.ndarray) -> float:
    """How far the last value misses the next one, as a share of all traffic."""
    return np.nansum(np.abs(np.diff(rows, axis=0))) / np.nansum(rows[1:])


def test_the_last_value_misses_the_next_by_what_was_measured_on_abilene(day: Telemetry):
    assert nmae(day.traffic.mbps.reshape(DAY, -1)) == pytest.approx(0.13, abs=0.01)


def test_of_many_pairs_only_the_newest_flow_export_is_kept(network: Network, monkeypatch):
    pairs = int((network.demands > 0).sum())
    monkeypatch.setattr(history, "PAIR_ROWS", 3 * pairs)
    few, all_of_it = (EmulatedNetwork(network, seed=1, start=START) for _ in range(2))
    monkeypatch.setattr(all_of_it._history, "_exports", 99)
    for live in (few, all_of_it):
        live.wait(5)
    short, full = (x.read_telemetry(START) for x in (few, all_of_it))
    assert len(full.traffic.time) == 5 * pairs
    assert len(short.traffic.time) == len(short.flows.time) == 3 * pairs
    for kept, whole in ((short.traffic, full.traffic), (short.flows, full.flows)):
        for column, same in zip(kept, whole, strict=True):
            np.testing.assert_array_equal(column, same[-3 * pairs :])
    np.testing.assert_array_equal(short.links.out_mbps, full.links.out_mbps)
    gone = [x.export_mbps for x in few._history._samples][:2]
    assert all(x.size == 0 and x.base is None for x in gone)  # a slice would keep all of it in memory


def test_without_noise_traffic_moves_with_the_day_alone(network: Network):
    live = EmulatedNetwork(network, seed=1, start=START, noise=Noise.off())
    live.wait(12)
    assert nmae(live.read_telemetry(START).traffic.mbps.reshape(12, -1)) < 0.02


def test_the_day_peaks_at_eight_in_the_evening_and_never_passes_the_provisioned_matrix():
    hours = np.arange(0, 24, 0.25)
    profile = day_profile(hours)
    assert hours[profile.argmax()] == 20
    assert profile.max() == 1
    assert hours[profile.argmin()] == 5
    assert profile.min() == pytest.approx(0.35)
    assert np.abs(np.diff(profile)).max() < 0.03


def test_the_peak_hour_carries_the_provisioned_matrix_on_average(network: Network):
    zero = tuple(node._replace(longitude=0.0) for node in network.nodes)
    flat = Network(network.name, zero, network.links, network.demands)
    evenings = []
    for seed in range(12):
        live = EmulatedNetwork(flat, seed=seed, start=START.replace(hour=19, minute=55))
        live.wait(2)
        evenings.append(live.read_telemetry(START).traffic.mbps.reshape(2, -1).mean(axis=0).sum())
    assert np.mean(evenings) == pytest.approx(network.demands.sum(), rel=0.01)


def test_both_ends_of_a_healthy_link_agree_within_the_jitter_of_reading(day: Telemetry):
    apart = np.abs(day.links.out_mbps - day.links.in_mbps) / day.links.out_mbps
    assert 0.0005 < np.nanmean(apart) < 0.003
    assert np.nanmax(apart) < 2 / 300 * 1.1


def test_few_rates_are_missing_and_a_gap_takes_two(day: Telemetry):
    missing = np.isnan(day.links.out_mbps.reshape(DAY, -1))
    assert 0.001 < missing.mean() < 0.005
    rows, column = np.nonzero(missing[1:-1])
    assert all(missing[r, c] or missing[r + 2, c] for r, c in zip(rows, column, strict=True))


def test_flow_export_knows_large_flows_better(network: Network):
    noise = Noise(swing=Swing(0.0, 7200.0, 0.0))
    live, exact = (EmulatedNetwork(network, seed=1, start=START, noise=x) for x in (noise, Noise.off()))
    live.wait(DAY)
    exact.wait(DAY)
    true = exact.read_telemetry(START).traffic.mbps
    error = live.read_telemetry(START).traffic.mbps / true - 1
    small, large = true < np.quantile(true, 0.1), true > np.quantile(true, 0.9)
    assert error[large].std() == pytest.approx(noise.export_error, rel=0.1)
    assert error[small].std() > 1.05 * error[large].std()
    assert abs(error.mean()) < 0.001


def test_probes_of_a_healthy_network_lose_nothing_and_take_the_propagation_delay(network: Network):
    live = EmulatedNetwork(network, seed=1, start=START)
    live.wait(12)
    probes = live.read_telemetry(START).probes
    assert probes.loss.max() == 0
    one = network.links[0]
    here = (probes.source == network.node(one.tail)) & (probes.target == network.node(one.head))
    assert probes.delay_ms[here].mean() == pytest.approx(one.delay_ms, abs=0.05)


def test_counters_wrap_and_rates_do_not_notice():
    bank = CounterBank(3, [1], 300.0, 0.0)
    bank._octets[:] = bank._read[:] = np.uint64(2**64 - 1000)
    everyone = np.ones(3, dtype=bool)
    measured = bank.poll(np.array([0.0, 1e-3, 400_000.0]), np.zeros(3), everyone)
    assert (bank._octets[1:] < 2**63).all()
    assert np.allclose(measured, [0, 1e-3, 400_000], atol=1 / OCTETS_PER_MBIT)


def test_counters_count_every_octet_in_the_long_run():
    bank, everyone = CounterBank(1, [1], 1.0, 0.0), np.ones(1, dtype=bool)
    rate = 1 / OCTETS_PER_MBIT / 3  # a third of an octet in each second
    total = sum(bank.poll(np.array([rate]), np.zeros(1), everyone)[0] for _ in range(300))
    assert total * OCTETS_PER_MBIT == pytest.approx(100, abs=1)


def test_an_old_answer_is_made_up_for_by_the_next():
    bank, everyone = CounterBank(1, [1], 300.0, 3.0), np.ones(1, dtype=bool)
    late = bank.poll(np.array([100.0]), np.ones(1), everyone)[0]
    after = bank.poll(np.array([100.0]), np.zeros(1), everyone)[0]
    assert late == pytest.approx(99, abs=0.01)
    assert after == pytest.approx(101, abs=0.01)


def test_two_vendors_write_in_two_styles(network: Network):
    syslog, rng = Syslog(network, 1), np.random.default_rng(1)
    lines = [syslog.link_state(link, 0.0, rng, up=False)[1] for link in network.links]
    assert {("%ROUTING-OSPF" in x.message, "RPD_OSPF_NBRDOWN" in x.message) for x in lines} == {
        (True, False),
        (False, True),
    }
    assert all(link.head in line.message for link, line in zip(network.links, lines, strict=True))


def test_chatter_comes_at_its_rate_and_names_no_interface(day: Telemetry, network: Network):
    assert len(day.events) == pytest.approx(4 * len(network.nodes), rel=0.3)
    assert not any("nterface" in event.message or "ifName" in event.message for event in day.events)
    times = [event.time for event in day.events]
    assert times == sorted(times)


def test_errors_neighbours_and_packet_rates_have_a_row_per_element_and_sample(day: Telemetry, network: Network):
    m, k = len(network.links), np.count_nonzero(network.demands)
    assert day.interfaces.link.tolist() == list(range(m)) * DAY
    assert day.flows.source.size == DAY * k
    assert np.nanmax(day.interfaces.errors_per_s) == 0
    assert day.interfaces.adjacent.all()
    assert np.array_equal(np.isnan(day.interfaces.errors_per_s), np.isnan(day.links.in_mbps))
    bits = day.traffic.mbps * 1e6 / day.flows.packets_per_s
    assert np.nanmin(bits) == pytest.approx(np.nanmax(bits)) == pytest.approx(8000)
