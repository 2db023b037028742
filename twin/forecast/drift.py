"""Whether the newest errors of a forecast are of another kind than those before: the traffic does something new."""

import numpy as np

from twin.live.network import Flags
from twin.model import Floats

_MAD = 1.4826
_FAR = 6.0
_LEAST_MOVE = 1.5  # usual moves by which the errors must have shifted
_RECENT = 4  # one part in this many is recent


def drifting(errors: Floats, horizon: int) -> Flags:
    """Series whose recent errors [O, S], in usual moves, are off their earlier median by far more than its error [S].

    Errors of origins closer than the horizon are not independent: they count as one.
    """
    origins = len(errors)
    recent = max(origins // _RECENT, 1)
    earlier = errors[:-recent]
    if len(earlier) < 8:
        return np.array([False] * len(errors.T), dtype=np.bool_)
    centre = np.median(earlier, axis=0)
    spread = _MAD * np.median(np.abs(earlier - centre), axis=0)
    shift = np.median(errors[-recent:], axis=0) - centre
    counted = max(recent / max(horizon, 1), 1.0)
    far = np.abs(shift) > _FAR * np.maximum(spread, 0.1) / np.sqrt(counted)
    return np.asarray(far & (np.abs(shift) > _LEAST_MOVE), dtype=np.bool_)
