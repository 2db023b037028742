"""Which samples are of one state: those from before a change are left out, however coarse rates of 30 s are."""

from datetime import UTC, datetime

import pytest

from tests.twin.observe.incidents import NOBEL, network
from twin.faults import Fault, FaultKind
from twin.live.emulated import EmulatedNetwork
from twin.observe import Observation, observe

START = datetime(2026, 3, 2, 18, tzinfo=UTC)
LOSSY = "interface/Frankfurt/Leipzig"


def seen(samples: int, seed: int, severity: float = 0.16) -> Observation:
    live = EmulatedNetwork(network(NOBEL), seed=seed, start=START, interval_s=30.0)
    live.wait(12)
    live.inject(Fault(kind=FaultKind.SILENT_LOSS, element=LOSSY, severity=severity))
    live.wait(samples)
    return observe(live.read_topology(), live.read_telemetry(START), now=live.now)


@pytest.mark.parametrize("seed", range(3))
def test_a_wire_that_loses_more_than_late_readings_can_make_of_none_splits_the_samples_at_its_onset(seed: int):
    found = seen(2, seed)
    assert found.samples == 2
    lost = found.wire_loss[found.inventory.interface_index[LOSSY]]
    assert lost == pytest.approx(0.16, abs=3 * 0.02)


def test_a_wire_that_goes_on_losing_is_one_state():
    assert seen(4, seed=1).samples == 3
