from datetime import timedelta

import numpy as np
import pytest

from tests.twin.live_incident import START, inventory
from twin.faults import Fault, FaultKind
from twin.live.emulated import EmulatedNetwork
from twin.live.sensors import Noise
from twin.live.traffic import Swing
from twin.observe import observe
from twin.observe.expect.settled import settled_demands

NOISE = Noise(swing=Swing(slow=0.0, fast=0.15), export_error=0.0, sampling=0)


def look(noise: Noise, seed: int, fault: Fault | None = None, samples: int = 12):
    live = EmulatedNetwork(inventory(), seed=seed, start=START, interval_s=30.0, noise=noise)
    live.wait(samples)
    if fault:
        live.inject(fault)
        live.wait(2)
    telemetry = live.read_telemetry(live.now - timedelta(hours=1))
    return observe(live.read_topology(), telemetry, window=2, now=live.now)


def test_the_usual_swing_of_demands_is_taken_out():
    newest, settled = [], []
    for seed in range(20):
        truth, seen = look(Noise.off(), seed).network.demands, look(NOISE, seed)
        busy = truth > 0
        newest.append(np.abs(seen.network.demands - truth)[busy] / truth[busy])
        settled.append(np.abs(settled_demands(seen) - truth)[busy] / truth[busy])
    assert np.mean(settled) < 0.75 * np.mean(newest)


@pytest.mark.parametrize("seed", range(5))
def test_a_surge_counts_in_full_at_once(seed):
    seen = look(NOISE, seed, Fault(kind=FaultKind.SURGE, element="node/D", severity=3.0))
    target = seen.network.node_index["D"]
    assert settled_demands(seen)[:, target] == pytest.approx(seen.network.demands[:, target])
    assert settled_demands(seen)[:, target].sum() > 2 * seen.past.matrix(0)[:, target].sum()


def test_too_short_a_past_tells_nothing():
    seen = look(NOISE, 1, samples=3)
    assert (settled_demands(seen) == seen.network.demands).all()
