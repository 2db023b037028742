"""What samples tell of the traffic of links: what wanted to leave by each, and what it took off."""

import numpy as np

from twin.live.network import Flags
from twin.model import Floats

from .samples import Samples
from .with_gaps import ratio

_BOTH_ENDS = 5.0  # standard errors of a reading by which the two ends of a wire may differ


def arrivals(samples: Samples) -> Floats:
    """What wanted to leave by each link, Mbit/s per sample [K, m]: sent and dropped, else what the far end received."""
    measured = samples.out_mbps + samples.dropped_mbps
    return np.where(np.isfinite(measured), measured, samples.in_mbps)


def removed_share(samples: Samples, read: float) -> Floats:
    """Share of its traffic that each link takes off, in its queue or on the wire [m]; NaN where nothing is measured.

    Both ends are read at slightly different times, with a standard error of `read` as a share of the interval: a
    difference that this explains is none.
    """
    both = both_ends(samples) & np.isfinite(samples.dropped_mbps)
    sent, received, dropped = (
        np.sum(np.where(both, x, 0.0), axis=0) for x in (samples.out_mbps, samples.in_mbps, samples.dropped_mbps)
    )
    apart = _BOTH_ENDS * read
    lost = np.where(sent - received > apart * sent, sent - received, 0.0)
    idle = np.any(both, axis=0) & (sent + dropped <= 0)
    return np.clip(np.where(idle, 0.0, ratio(dropped + lost, sent + dropped)), 0.0, 1.0)


def both_ends(samples: Samples) -> Flags:
    """Whether both ends of each link were read in each sample [K, m]."""
    return np.isfinite(samples.out_mbps) & np.isfinite(samples.in_mbps)
