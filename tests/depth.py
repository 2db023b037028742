"""How much the tests try: what every build needs, or with TWINOPS_DEEP=1 (`make test-deep`) all that they can.

What is thinned repeats the same path with other values; every path is gone once in any build.
"""

import os
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

DEEP = os.environ.get("TWINOPS_DEEP") == "1"


def thinned(values: Sequence[T], every: int) -> list[T]:
    """Every so manyth of some values, all of them in depth."""
    return list(values if DEEP else values[::every])


def examples(number: int) -> int:
    """How many examples Hypothesis draws; ten times as many in depth."""
    return 10 * number if DEEP else number
