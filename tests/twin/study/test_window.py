"""A maintenance window is rehearsed hour by hour, and with the next failure on top."""

import numpy as np
import pytest

from twin.errors import InputError
from twin.model import Link, Network, Node
from twin.plan import DrainLink
from twin.policy import Policy
from twin.study.window import AT_PEAK, rehearse_window

FLAT = (1.0,) * 24


def ring(demand, *, capacity=100.0):
    """A square of four circuits; `demand` Mbit/s from A to B, whose short way is the circuit A--B."""
    names = "ABCD"
    ends = [(a, names[(i + 1) % 4]) for i, a in enumerate(names)]
    links = [Link(a, b, capacity, 1) for a, b in ends] + [Link(b, a, capacity, 1) for a, b in ends]
    demands = np.zeros((4, 4))
    demands[0, 1] = demand
    return Network("ring", tuple(Node(x, 0.0, 0.0) for x in names), tuple(links), demands)


DRAIN = (DrainLink(circuit="link/A:B--B:A"),)


def test_the_next_failure_during_the_window_is_found():
    window = rehearse_window(ring(50.0), DRAIN, start=2, hours=2, policy=Policy(), day=FLAT)
    assert [hour.hour for hour in window.hours] == [2, 3]
    assert [hour.during for hour in window.hours] == [0.5, 0.5]
    # with A--B drained the ring is a line: whatever fails next on it cuts the whole demand
    assert [hour.next_failure_lost for hour in window.hours] == [50.0, 50.0]
    assert not window.safe
    assert window.quietest is None


def test_traffic_of_the_hour_decides():
    day = tuple(0.1 if 2 <= hour < 6 else 1.0 for hour in range(24))
    network = ring(90.0)
    rows = rehearse_window(network, DRAIN, start=5, hours=2, policy=Policy(), day=day).hours
    assert [round(hour.during, 6) for hour in rows] == [0.09, 0.9]


def test_a_window_over_midnight_wraps():
    window = rehearse_window(ring(1.0), (DRAIN), start=23, hours=3, policy=Policy())
    assert [hour.hour for hour in window.hours] == [23, 0, 1]
    assert [hour.traffic for hour in window.hours] == [1.0, 1.0, 1.0]


def test_a_redundant_circuit_can_be_drained_when_traffic_is_low():
    a_to_b = ("A", "B")
    parallel = [Link(x, y, 100.0, 1, index=k) for k in (1, 2, 3) for x, y in (a_to_b, a_to_b[::-1])]
    demands = np.zeros((2, 2))
    demands[0, 1] = 150.0
    network = Network("pair", (Node("A", 0.0, 0.0), Node("B", 1.0, 0.0)), tuple(parallel), demands)
    day = tuple(0.4 if hour == 3 else 1.0 for hour in range(24))
    window = rehearse_window(network, DRAIN, start=3, hours=1, policy=Policy(), day=day)
    # 60 Mbit/s on two circuits of 100, and on one when the next fails
    assert (window.hours[0].during, window.hours[0].next_failure_utilisation) == pytest.approx((0.3, 0.6))
    assert window.safe
    assert window.quietest == 3
    assert not rehearse_window(network, DRAIN, start=12, hours=1, policy=Policy(), day=day).safe


def test_without_a_day_every_hour_may_be_the_fullest():
    network = ring(90.0)
    unknown = rehearse_window(network, DRAIN, start=0, hours=24, policy=Policy())
    assert unknown == rehearse_window(network, DRAIN, start=0, hours=24, policy=Policy(), day=AT_PEAK)
    assert {round(hour.during, 6) for hour in unknown.hours} == {0.9}


@pytest.mark.parametrize(("start", "hours"), [(-1, 2), (24, 1), (3, 0), (3, 25)])
def test_a_window_that_is_none_is_refused(start, hours):
    with pytest.raises(InputError):
        rehearse_window(ring(1.0), DRAIN, start=start, hours=hours, policy=Policy())


def test_a_day_has_24_factors_that_are_shares():
    with pytest.raises(InputError):
        rehearse_window(ring(1.0), DRAIN, start=1, hours=1, policy=Policy(), day=(1.0, 2.0))
    with pytest.raises(InputError):
        rehearse_window(ring(1.0), DRAIN, start=1, hours=1, policy=Policy(), day=(float("nan"),) * 24)


def test_a_policy_may_accept_what_a_second_failure_cuts_off_during_a_drain():
    network = ring(50.0)
    accepting = Policy(max_maintenance_loss=1.0)
    assert rehearse_window(network, DRAIN, start=2, hours=2, policy=accepting, day=FLAT).safe
    half = Policy(max_maintenance_loss=0.5)  # on the line that is left, a failure cuts the whole demand
    assert not rehearse_window(network, DRAIN, start=2, hours=2, policy=half, day=FLAT).safe


def test_accepted_loss_excuses_no_overload():
    full = rehearse_window(ring(90.0), DRAIN, start=2, hours=1, policy=Policy(max_maintenance_loss=1.0), day=FLAT)
    assert not full.safe  # 0.9 on the way round, with everything up
