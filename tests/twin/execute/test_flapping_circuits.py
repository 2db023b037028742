"""A circuit that flaps faster than it is polled, as execution sees it: polls meet it in one of its states alone."""

import numpy as np

from tests.twin.observe.readings.test_turning import CIRCUIT, DOWN, UP, seen_with
from twin.execute.deviation import down_lately, states
from twin.faults import Fault, FaultKind, with_fault


def test_a_circuit_that_is_believed_down_and_logged_to_flap_may_be_up_in_every_poll() -> None:
    from dataclasses import replace

    lines = [(38.5 - 4 * i, DOWN) for i in range(10)] + [(36.5 - 4 * i, UP) for i in range(10)]
    flaps, once = seen_with(sorted(lines, reverse=True)), seen_with(lines[:1])
    here = np.isin(np.arange(len(flaps.network.links)), flaps.network.circuits[CIRCUIT])
    assert flaps.up.all()
    assert down_lately(flaps).tolist() == here.tolist()
    assert not down_lately(once).any()
    believed = with_fault(flaps.network, Fault(kind=FaultKind.LINK_DOWN, element=CIRCUIT))
    assert states(replace(flaps, network=believed)) is None
    found = states(replace(once, network=believed))
    assert found is not None
    assert (found.element, found.what) == (CIRCUIT, "state")
