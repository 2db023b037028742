"""What a lab makes of its probes: the way's own delay, whatever else packets wait for."""

from pathlib import Path

import numpy as np
import pytest

from twin.formats import load_network
from twin.live.lab.layout import Rates, design_of
from twin.live.lab.traffic import Shared, probed_delays, share, take_in


@pytest.fixture
def shared(tmp_path: Path) -> Shared:
    design = design_of(load_network("synthetic/8-2"), name="probes", igp="isis", seed=1, rates=Rates(probe_ports=2))
    return share(tmp_path, design, new=True)


def test_delay_of_a_pair_is_the_mean_over_its_ways_of_what_the_quickest_probe_took(shared: Shared) -> None:
    for port, took in ((0, 5_000_000), (0, 2_000_000), (0, 90_000_000), (1, 4_000_000), (1, 60_000_000)):
        take_in(shared, (1, 3, port), took)
    delays = probed_delays(shared, 1)
    assert delays[3] == pytest.approx(3.0)
    assert np.isnan(np.delete(delays, 3)).all()
    assert shared.probe_received[1, 3] == 5


def test_a_probe_of_nobody_is_left_out(shared: Shared) -> None:
    for stray in ((1, 10_000, 0), (1, 3, 2)):
        take_in(shared, stray, 1_000_000)
    assert not shared.probe_received.any()
    assert np.isnan(probed_delays(shared, 1)).all()
