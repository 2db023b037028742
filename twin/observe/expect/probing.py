"""What a probe's delay can be held against: how well it is known, and where it tells of paths rather than of queues."""

import numpy as np

from twin.live.declared import Declaration
from twin.live.network import Flags
from twin.model import Floats, Ints
from twin.observe.readings.observation import Probes

from .prediction import Prediction

_LEAST_TOLD = 0.01  # what a predicted loss may be off by, however many packets are counted
_QUEUED = 1e-4
_NONE = 1e-300  # in place of 0 in a logarithm that is multiplied by 0
_HALF = 0.5  # of two equal paths each is taken by half the ports, or by all or none: then both are off by half


def delay_error(prediction: Prediction, declared: Declaration) -> Floats:
    """Standard error of the predicted delay of each probed pair, ms [p].

    Of equal paths each of a prober's `n` ports draws one: the share of one of two is off by `1 / (2 sqrt(n))`.
    """
    known = np.nan_to_num(prediction.delay_ms, posinf=0.0)
    apart = np.hypot(
        declared.delay_error_ms + declared.delay_share * known,
        _HALF / declared.probe_ports**0.5 * prediction.delay_spread_ms,
    )
    return apart + prediction.queue_ms  # a mean wait says little of the few packets of one probe


def clear_delays(probes: Probes, delay_ms: Floats, through: Floats, declared: Declaration) -> Flags:
    """Pairs [p] with a measured and a predicted delay that hold no full queue: no loss is measured or expected."""
    lossless = (np.nan_to_num(probes.loss, nan=1.0) < _told(declared)) & ~(through < 1 - _QUEUED)
    return np.asarray(np.isfinite(delay_ms) & np.isfinite(probes.delay_ms) & lossless)


def probe_error(lost: Floats, declared: Declaration) -> Floats:
    """Standard error of a probed loss share: one packet, and what equal paths that are drawn may make of it."""
    return _told(declared) + _HALF * lost * (1 - lost)


def loss_surprise(lost: Floats, expected: Floats, samples: Ints, declared: Declaration) -> Floats:
    """Nats by which probes [p] lose more than chance makes of an expected share; NaN counts as nothing lost.

    What n packets lose is held against a share q by the Chernoff bound: exp(-n KL(p, q)) is the chance of a share p or
    more. Packets that go through several ports may all take the one path that loses: where loss is expected, ports
    count and not packets. A healthy path loses up to its ordinary share.
    """
    ordinary = declared.ordinary_loss
    sent = samples * np.where(expected < ordinary, declared.probe_packets, declared.probe_ports)
    usual = np.clip(expected + ordinary, ordinary, 1 - ordinary)
    share = np.fmax(np.nan_to_num(lost), usual)  # as much as is usual is no surprise, and neither is less
    here = share * np.log(share / usual)
    there = (1 - share) * np.log(np.maximum(1 - share, _NONE) / (1 - usual))
    return np.asarray(sent * (here + there), dtype=np.float64)


def _told(declared: Declaration) -> float:
    """Smallest share of lost packets that a reading can tell."""
    return max(_LEAST_TOLD, 1 / declared.probe_packets)
