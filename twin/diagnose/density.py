"""How surprising a reading is, with tails that no single reading can convict by."""

import numpy as np

from twin.model import Floats

ROBUST, EXACT = 4.0, 10.0
"""Degrees of freedom: of what the whole network adds up to, of what one element counts."""

FLIP = 1e-3
"""Probability that an interface, a poll or a router's word on a peering is the opposite of the truth."""


def student(score: Floats, freedom: float = ROBUST) -> Floats:
    """Log density of Student's t up to a constant: a reading that is far off costs little more than one merely off."""
    return -(freedom + 1) / 2 * np.log1p(score**2 / freedom)
