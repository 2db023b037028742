import numpy as np

from twin.live.interval import Interval, mixed
from twin.live.probes import measure

SHARES = (0.8, 0.1, 0.1, 1e-16, 1e-16)
"""Of the parts of one interval; in floating point they add up to more than 1."""


def test_probes_that_all_arrive_in_every_part_of_an_interval_arrive_in_all_of_it():
    calm = Interval(*[np.ones(1)] * len(Interval._fields))
    whole = mixed([(share, calm) for share in (*SHARES, 3e-16)], calm)
    assert sum((*SHARES, 3e-16)) > 1
    assert whole.through.tolist() == [1.0]
    assert measure(whole.through, whole.delay_ms, packets=100, rng=np.random.default_rng(0)).loss.tolist() == [0.0]
