"""Loads while a circuit goes down and comes up within a sample: which shares of the time they tell, and which not."""

import numpy as np
import pytest

from tests.twin.live.ladder import START, ladder
from twin.diagnose import diagnose
from twin.faults import Fault, FaultKind
from twin.live.emulated import EmulatedNetwork
from twin.observe import find_symptoms, observe
from twin.observe.expect.mixture import TurnLoads, fitted
from twin.observe.quality.assess import assess_observation

FLAP = Fault(kind=FaultKind.FLAP, element="link/a1:a2--a2:a1", severity=0.5)


@pytest.mark.parametrize(("down", "lost"), [(0.5, 0.0), (0.3, 0.1), (0.8, 0.15)])
def test_the_share_down_and_what_is_lost_at_turns_are_found_in_loads_beside_one_that_is_off(
    down: float, lost: float
) -> None:
    rng = np.random.default_rng(7)
    up = rng.uniform(10, 100, 40)
    moved, missed = np.where(np.arange(40) < 15, rng.uniform(-0.9, 0.9, 40) * up, 0), np.zeros(40)
    missed[10:25] = rng.uniform(0.1, 0.9, 15) * up[10:25]
    sigma = 0.01 * up
    measured = up + down * moved - lost * missed + sigma * rng.standard_normal(40)
    measured[3] *= 5  # of another cause, or a counter that lies
    of = TurnLoads(up, up + moved, missed)
    for scale in (1.0, 0.7):  # a matrix that is off as a whole is none of the shares
        found = fitted(scale * measured, sigma, of, 0.5, scaled=scale != 1)
        assert np.allclose((found.down, found.lost), (down, lost), atol=0.03)
    nothing = fitted(np.full(40, np.nan), sigma, of, 0.4)
    assert (nothing.down, nothing.lost) == (pytest.approx(0.4), 0.0)


@pytest.mark.parametrize("factor", [0.7, 1.4])
def test_beside_a_circuit_that_flaps_a_wrong_matrix_is_still_refused_and_a_right_one_is_not(factor: float) -> None:
    live = EmulatedNetwork(ladder(), seed=2, start=START, interval_s=300)
    live.wait(6)
    live.inject(FLAP)
    live.wait(3)
    seen = observe(live.read_topology(), live.read_telemetry(START), now=live.now)
    assert assess_observation(seen).report.score > 0.9
    assert [x.element for x in find_symptoms(seen) if x.kind == "flapping"] == [FLAP.element]
    assert [str(x) for x in diagnose(seen).best.faults] == [str(FLAP)]
    live.inject(Fault(kind=FaultKind.DEMAND_INPUT, element="network/ladder", severity=factor))
    live.wait(3)
    wrong = observe(live.read_topology(), live.read_telemetry(START), now=live.now)
    assert assess_observation(wrong).report.score < 0.8
