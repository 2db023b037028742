"""What a probe's delay can be held against: how well it is known, and where it tells of paths rather than of queues."""

import numpy as np

from twin.live.declared import Declaration
from twin.live.network import Flags
from twin.model import Floats
from twin.observe.readings.observation import Probes

from .prediction import Prediction

_LEAST_TOLD = 0.01  # what a predicted loss may be off by, however many packets are counted
_QUEUED = 1e-4
_HALF = 0.5  # of two equal paths each is taken by half the ports, or by all or none: then both are off by half


def delay_error(prediction: Prediction, probes: Probes, declared: Declaration) -> Floats:
    """Standard error of the predicted delay of each probed pair, ms [p].

    Of equal paths each of a prober's `n` ports draws one: the share of one of two is off by `1 / (2 sqrt(n))`.
    """
    pairs = probes.source, probes.target
    known = np.nan_to_num(prediction.delay_ms[pairs], posinf=0.0)
    apart = np.hypot(
        declared.delay_error_ms + declared.delay_share * known,
        _HALF / declared.probe_ports**0.5 * prediction.delay_spread_ms[pairs],
    )
    return apart + prediction.queue_ms[pairs]  # a mean wait says little of the few packets of one probe


def clear_delays(probes: Probes, delay_ms: Floats, through: Floats, declared: Declaration) -> Flags:
    """Pairs [p] with a measured and a predicted delay that hold no full queue: no loss is measured or expected."""
    lossless = (np.nan_to_num(probes.loss, nan=1.0) < _told(declared)) & ~(through < 1 - _QUEUED)
    return np.asarray(np.isfinite(delay_ms) & np.isfinite(probes.delay_ms) & lossless)


def probe_error(lost: Floats, declared: Declaration) -> Floats:
    """Standard error of a probed loss share: one packet, and what equal paths that are drawn may make of it."""
    return _told(declared) + _HALF * lost * (1 - lost)


def _told(declared: Declaration) -> float:
    """Smallest share of lost packets that a reading can tell."""
    return max(_LEAST_TOLD, 1 / declared.probe_packets)
