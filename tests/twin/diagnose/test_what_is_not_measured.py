from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from tests.twin.observe.incidents import NOBEL, network, run
from twin.diagnose import Diagnosis, diagnose
from twin.faults import Fault, FaultKind
from twin.live.declared import Declaration
from twin.live.network import Telemetry
from twin.observe import find_symptoms, observe
from twin.observe.readings.growth import onsets
from twin.sim.simulate import simulate

K = FaultKind
CUT = Fault(kind=K.LINK_DOWN, element="link/Berlin:Hamburg--Hamburg:Berlin")


def after(fault: Fault | None, *, samples: int = 3, share: float = 1.0, seed: int = 3) -> Telemetry:
    whole = network(NOBEL)
    live = run(whole.with_demands(whole.demands * share), seed=seed, after=0).live
    if fault:
        live.inject(fault)
    live.wait(samples)
    return live.read_telemetry(live.now - timedelta(days=1))


def without_states(telemetry: Telemetry) -> Telemetry:
    """Counters, polls of nodes and flow export alone: nobody says what is up."""
    links = telemetry.links._replace(up=np.full(telemetry.links.time.size, np.nan))
    return Telemetry(links, telemetry.nodes, telemetry.probes, telemetry.traffic, ())


def without_the_dead(telemetry: Telemetry) -> Telemetry:
    """The same, and no rows of the circuit that was cut since it carries nothing."""
    bare = without_states(telemetry)
    dead = np.isin(bare.links.link, network(NOBEL).circuit(CUT.element)) & ~(np.nan_to_num(bare.links.out_mbps) > 0)
    return replace(bare, links=type(bare.links)(*(x[~dead] for x in bare.links)))


def of(telemetry: Telemetry) -> Diagnosis:
    return diagnose(observe(network(NOBEL), telemetry))


@pytest.mark.parametrize("bare", [without_states, without_the_dead])
def test_without_states_a_cut_is_named_with_all_that_would_look_the_same(bare):
    found = of(bare(after(CUT)))
    assert found.best.name == str(CUT)
    assert {f"{K.NEIGHBOUR_MISSING} at interface/Berlin/Hamburg"} <= set(found.best.alike)


@pytest.mark.parametrize("bare", [without_states, without_the_dead])
def test_without_states_a_healthy_network_stays_healthy(bare):
    found = of(bare(after(None)))
    assert found.best.faults == ()
    assert found.finding == "nothing measured"


def test_a_state_that_is_blank_now_is_what_was_told_last():
    telemetry = after(CUT)
    newest = telemetry.links.time == telemetry.links.time.max()
    blank = telemetry.links._replace(up=np.where(newest, np.nan, telemetry.links.up))
    seen = observe(network(NOBEL), replace(telemetry, links=blank))
    down = network(NOBEL).circuit(CUT.element)
    assert not seen.up[list(down)].any()
    assert of(replace(telemetry, links=blank)).best.name == str(CUT)


def test_what_leaves_no_trace_is_said_to_leave_none():
    found = of(after(Fault(kind=K.STALE_CONFIGURATION, element="node/Berlin")))
    assert (found.finding, found.best.name) == ("nothing measured", "healthy")


def test_broken_frames_are_counted_on_a_circuit_that_carries_next_to_nothing():
    share = 1e-5
    whole = network(NOBEL)
    idle = whole.with_demands(whole.demands * share)
    load = simulate(idle).load
    circuit = min(whole.circuits, key=lambda x: float(np.abs(load[list(whole.circuits[x])] - 0.1).sum()))
    fault = Fault(kind=K.CORRUPTION, element=circuit, severity=0.05)
    assert load[list(whole.circuits[circuit])].max() < 0.3
    seen = observe(idle, after(fault, share=share))
    assert [x.kind for x in find_symptoms(seen)].count("frame_errors") == 2
    assert diagnose(seen).best.name == str(fault)


@pytest.mark.parametrize("samples", [3, 6, 10, 16])
def test_a_surge_is_as_large_as_it_is_however_long_it_lasts(samples: int):
    fault = Fault(kind=K.SURGE, element="node/Muenchen", severity=2.5)
    best = of(after(fault, samples=samples)).best
    assert str(fault) in (best.name, *best.alike)
    assert best.faults[0].severity == pytest.approx(2.5, rel=0.12)


def test_the_onset_of_a_step_is_where_it_was_put():
    rng = np.random.default_rng(4)
    level = np.sin(np.linspace(0, 1, 20))[:, None, None] + 2
    demands = 100 * level * np.exp(rng.normal(0, 0.03, (20, 8, 8)))
    demands[13:, :, 5] *= 1.8
    demands[6:, :, 2] /= 1.5
    assert onsets(demands.sum(axis=1), Declaration()).tolist() == [0, 0, 6, 0, 0, 13, 0, 0]
