"""A circuit that flaps slower than it is polled: every poll meets one of its states, and none of them is the cause."""

import numpy as np
import pytest

from agents.run.request import RunRequest
from agents.run.staging import stage_scene
from tests.twin.live.ladder import START, ladder
from twin.diagnose import diagnose
from twin.diagnose.candidates.flapping import is_turning, phase
from twin.faults import Fault, FaultKind
from twin.formats import load_network
from twin.live.emulated import EmulatedNetwork
from twin.observe import observe

FLAP = Fault(kind=FaultKind.FLAP, element="link/a1:a2--a2:a1", severity=0.5)


@pytest.mark.parametrize("samples", [12, 15])
def test_a_circuit_that_went_down_more_than_once_flaps_whatever_its_newest_poll_says(samples: int) -> None:
    live = EmulatedNetwork(ladder(), seed=2, start=START, interval_s=20)
    live.wait(6)
    live.inject(FLAP)
    live.wait(samples)  # turns take 97 s
    seen = observe(live.read_topology(), live.read_telemetry(START), now=live.now)
    found = phase(seen, FLAP.element)
    assert found is not None
    position = seen.inventory.circuits[FLAP.element][0]
    assert bool(found.up[0]) == bool(seen.up[position])
    kinds = {str(x.kind): x.element for x in diagnose(seen).best.faults}
    assert kinds.get("link_flap") == FLAP.element
    assert "link_down" not in kinds
    assert is_turning(seen, FLAP.element) == (not found.up[0])


def test_what_stays_down_for_longer_than_it_ever_did_is_down_for_good() -> None:
    live = EmulatedNetwork(ladder(), seed=2, start=START, interval_s=20)
    live.wait(6)
    live.inject(FLAP)
    live.wait(12)
    live.clear(live.faults[0])
    live.wait(1)
    down = Fault(kind=FaultKind.LINK_DOWN, element=FLAP.element)
    live.inject(down)
    live.wait(6)
    seen = observe(live.read_topology(), live.read_telemetry(START), now=live.now)
    assert not is_turning(seen, FLAP.element)
    assert [str(x.kind) for x in diagnose(seen).best.faults] == ["link_down"]


def test_polls_that_are_too_far_apart_tell_no_phase() -> None:
    live = EmulatedNetwork(ladder(), seed=2, start=START, interval_s=300)
    live.wait(6)
    seen = observe(live.read_topology(), live.read_telemetry(START), now=live.now)
    assert phase(seen, FLAP.element) is None


def test_a_queue_that_a_flapping_circuit_overflows_for_a_part_of_an_interval_has_no_lowered_capacity() -> None:
    whole = load_network("sndlib/nobel-us")
    flap = Fault(kind=FaultKind.FLAP, element="link/Houston:San-Diego--San-Diego:Houston", severity=0.564274998524483)
    live = stage_scene(whole, RunRequest(network="sndlib/nobel-us", seed=52108, fault=flap, interval_s=60.0)).live
    seen = observe(live.read_topology(), live.read_telemetry(live.start), now=live.now)
    assert np.nanmax(seen.dropped_mbps) > 1
    assert [(x.kind, x.element) for x in diagnose(seen).best.faults] == [(flap.kind, flap.element)]
