"""What a probe's delay can be held against: how well it is known, and where it tells of paths rather than of queues."""

import numpy as np

from twin.live.network import Flags
from twin.model import Floats
from twin.observe.readings.observation import Probes

from .prediction import Prediction

_DELAY_MS, _DELAY_SHARE = 0.15, 0.02
_PATH_SHARE = 0.15
"""Of the spread of equal paths: a prober's 16 ports take each of two paths half the time, give or take an eighth."""
_LOST, _QUEUED = 0.01, 1e-4
_PROBE_LOSS, _PROBE_SHARE = 0.01, 0.5


def delay_error(prediction: Prediction, probes: Probes) -> Floats:
    """Standard error of the predicted delay of each probed pair, ms [p]."""
    pairs = probes.source, probes.target
    known = np.nan_to_num(prediction.delay_ms[pairs], posinf=0.0)
    apart = np.hypot(_DELAY_MS + _DELAY_SHARE * known, _PATH_SHARE * prediction.delay_spread_ms[pairs])
    return apart + prediction.queue_ms[pairs]  # a mean wait says little of the few packets of one probe


def clear_delays(probes: Probes, delay_ms: Floats, through: Floats) -> Flags:
    """Pairs [p] with a measured and a predicted delay that hold no full queue: no loss is measured or expected."""
    lossless = (np.nan_to_num(probes.loss, nan=1.0) < _LOST) & ~(through < 1 - _QUEUED)
    return np.asarray(np.isfinite(delay_ms) & np.isfinite(probes.delay_ms) & lossless)


def probe_error(lost: Floats) -> Floats:
    """Standard error of a probed loss share: equal paths are drawn, so that all or none is sure."""
    return _PROBE_LOSS + _PROBE_SHARE * lost * (1 - lost)
