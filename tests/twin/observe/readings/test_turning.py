"""Circuits that go down and come up: what log lines tell of them, and what polls can."""

from collections.abc import Sequence

import numpy as np
import pytest

from tests.twin.live.ladder import START, ladder
from twin.formats.measurements.turns import COUNTED_TURN
from twin.live.emulated import EmulatedNetwork
from twin.live.network import Event
from twin.observe import observe
from twin.observe.readings.observation import Observation
from twin.observe.readings.turning import logged_spells, resolved, turned, turned_samples, turning

CIRCUIT = "link/a1:a2--a2:a1"
DOWN = "OSPF: AdjChg: Nbr 10.0.0.2, NbrIP 10.0.1.2 (default) on a2:10.0.1.1: Full -> Deleted (KillNbr)"
UP = "OSPF: AdjChg: Nbr 10.0.0.2, NbrIP 10.0.1.2 (default) on a2:10.0.1.1: Loading -> Full (LoadingDone)"
LIGHT = "%LINK-3-UPDOWN: Interface a2, changed state to up"


def seen_with(lines: Sequence[tuple[float, str]], polled: Sequence[bool] = ()) -> Observation:
    """Eighteen quiet samples of 5 s with lines so many seconds before the end, and the newest polls of the circuit."""
    from dataclasses import replace

    network = ladder()
    live = EmulatedNetwork(network, seed=3, start=START, interval_s=5)
    live.wait(18)
    telemetry = live.read_telemetry(START)
    end = live.now.timestamp()
    links = telemetry.links
    up = links.up.copy()
    here = np.isin(links.link, network.circuits[CIRCUIT])
    for age, state in enumerate(reversed(polled)):
        up[here & (np.abs(links.time - (end - 5 * age)) < 1)] = state
    events = tuple(Event(end - ago, "a1", 5, text) for ago, text in lines)
    return observe(network, replace(telemetry, links=links._replace(up=up), events=events))


def test_lines_tell_the_share_of_turns_that_are_faster_than_polls() -> None:
    lines = [(38.5 - 4 * i, DOWN) for i in range(10)] + [(37.5 - 4 * i, LIGHT) for i in range(10)]
    lines += [(35.5 - 4 * i, UP) for i in range(9)]
    seen = seen_with(sorted(lines, reverse=True))
    assert [x.circuit for x in turning(seen)] == [CIRCUIT]
    found = turned(seen, CIRCUIT)
    assert found is not None
    assert found.down == pytest.approx(0.75, abs=0.1)  # three of four seconds: light alone is no neighbour
    assert len(logged_spells(seen.inventory, seen.events, CIRCUIT)) == 10
    times = np.concatenate([seen.past.time, seen.window.time])
    mixed = turned_samples(seen.inventory, seen.events, times, 5)
    assert mixed.tolist() == [False] * (times.size - 8) + [True] * 8


def test_changes_that_interfaces_count_between_polls_are_turns() -> None:
    lines = [(4.0 - i, COUNTED_TURN.format("a2", state)) for i, state in enumerate(("down", "up", "down", "up"))]
    found = turned(seen_with(lines), CIRCUIT)
    assert found is not None
    assert found.changed
    assert found.down == pytest.approx(2 / 15, abs=0.01)  # of three samples of 5 s


def test_one_fall_is_no_flap_and_what_ended_before_the_window_does_not_turn_in_it() -> None:
    assert turned(seen_with([(38, DOWN), (35, UP)]), CIRCUIT) is None
    over = turned(seen_with([(58, DOWN), (55, UP), (54, DOWN), (51, UP)]), CIRCUIT)
    assert over is not None
    assert (over.down, over.changed) == (0.0, False)


def test_polls_tell_states_that_last_for_two_of_them_and_nothing_of_shorter_ones() -> None:
    slow = seen_with([], [True, True, False, False, True, True, False, False, True, True])
    assert resolved(slow, CIRCUIT)
    fast = seen_with([], [True, False, True, True, False, True, True])
    assert not resolved(fast, CIRCUIT)
    found = turned(fast, CIRCUIT)
    assert found is not None
    assert found.changed
