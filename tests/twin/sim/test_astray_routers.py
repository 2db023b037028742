from datetime import UTC, datetime

import numpy as np
import pytest

from twin.errors import TopologyError
from twin.faults import Fault, FaultKind, with_fault
from twin.formats import load_network
from twin.live.draw_fault import draw_fault
from twin.live.emulated import EmulatedNetwork
from twin.live.sensors import Noise
from twin.model import Astray
from twin.observe.expect.prediction import export_noise, predict
from twin.plan import SetWeight, apply
from twin.sim.simulate import simulate, single_failures

K = FaultKind
ABILENE = "sndlib/abilene"
KINDS = (K.BLACKHOLE, K.HOST_BLACKHOLE, K.STATIC_ROUTE, K.DATA_ACL, K.ONE_WAY)


def walked(network, fault, *, changes=()):
    """True harm and what wants to leave by each link, from the emulated network's own walk, without noise."""
    live = EmulatedNetwork(network, seed=4, start=datetime(2026, 3, 2, 20, tzinfo=UTC), noise=Noise.off())
    for change in changes:
        live.apply(change)
    live.inject(fault)
    live.wait(1)
    telemetry = live.read_telemetry(datetime(2026, 3, 2, tzinfo=UTC))
    demands = np.zeros_like(network.demands)
    demands[telemetry.traffic.source, telemetry.traffic.target] = telemetry.traffic.mbps
    return live.true_harm(0.8), telemetry.links.out_mbps + telemetry.links.dropped_mbps, demands


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
@pytest.mark.parametrize("kind", KINDS)
def test_what_a_router_drops_or_diverts_is_what_the_emulated_network_walks(kind, seed):
    network = load_network(ABILENE)
    fault = draw_fault(network, seed, kinds=[kind])
    harm, load, demands = walked(network, fault)
    outcome = simulate(with_fault(network.with_demands(demands), fault))
    assert outcome.harm(0.8).total == pytest.approx(harm.total, rel=0.08, abs=2)
    if harm.dropped == 0:  # no loop that fills its links
        assert outcome.harm(0.8).discarded == pytest.approx(harm.discarded, rel=0.02, abs=2)
        assert outcome.load == pytest.approx(load, rel=0.02, abs=0.02 * load.max())


def test_a_change_of_weights_moves_what_the_wrong_entry_takes():
    network = load_network(ABILENE)
    fault = draw_fault(network, 1, kinds=[K.DATA_ACL])
    link = network.links[network.link(fault.element)]
    change = SetWeight(link=link.name, weight=60_000)
    harm, _, demands = walked(network, fault, changes=[change])
    outcome = simulate(apply(with_fault(network.with_demands(demands), fault), change))
    assert outcome.harm(0.8).discarded == pytest.approx(harm.discarded, abs=2)
    assert outcome.harm(0.8).discarded < simulate(with_fault(network, fault)).harm(0.8).discarded


def test_a_static_route_without_light_does_not_count():
    network = load_network(ABILENE)
    fault = draw_fault(network, 2, kinds=[K.STATIC_ROUTE])
    circuit = network.links[network.link(fault.element)].circuit
    down = Fault(kind=K.LINK_DOWN, element=circuit)
    both, alone = simulate(with_fault(with_fault(network, down), fault)), simulate(with_fault(network, down))
    assert both.load == pytest.approx(alone.load)


def test_failures_of_a_network_with_a_wrong_entry_count_what_it_drops_as_lost():
    network = with_fault(load_network(ABILENE), draw_fault(load_network(ABILENE), 1, kinds=[K.BLACKHOLE]))
    failures = single_failures(network)[:5]
    sweep = simulate(network, failures=failures).sweep
    down = [simulate(with_fault(network, Fault(kind=K.LINK_DOWN, element=x.name))) for x in failures]
    assert sweep is not None
    assert sweep.lost == pytest.approx([x.lost + x.discarded for x in down])


def test_entries_count_for_the_name_of_a_state_and_name_elements_that_exist():
    network = load_network(ABILENE)
    fault = draw_fault(network, 1, kinds=[K.BLACKHOLE])
    assert with_fault(network, fault).id != network.id
    with pytest.raises(TopologyError):
        type(network)(network.name, network.nodes, network.links, network.demands, astray=(Astray("drop", "nowhere"),))


@pytest.mark.parametrize("kind", [K.BLACKHOLE, K.HOST_BLACKHOLE, K.DATA_ACL, K.ONE_WAY])
def test_probes_arrive_as_the_emulated_network_says(kind):
    network = load_network(ABILENE)
    fault = draw_fault(network, 3, kinds=[kind])
    live = EmulatedNetwork(network, seed=4, start=datetime(2026, 3, 2, 4, tzinfo=UTC), noise=Noise.off())
    live.inject(fault)
    live.wait(1)
    probes = live.read_telemetry(datetime(2026, 3, 1, tzinfo=UTC)).probes
    state, calm = with_fault(network, fault), np.zeros(len(network.links))
    noise = export_noise(state, calm, live.declared, samples=1, interval_s=300.0)
    survival = predict(state, calm, noise, pairs=(probes.source, probes.target)).survival
    assert 1 - survival == pytest.approx(probes.loss, abs=0.3)  # which of equal paths a probe takes is drawn
    assert (probes.loss > 0.3).any() or kind is K.HOST_BLACKHOLE  # one pair, which nobody may probe
