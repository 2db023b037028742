"""Which severities kinds of faults can have."""

from collections.abc import Callable
from types import MappingProxyType

from .declaration import Range

MAX_WEIGHT = 65_535
USUAL_PREFERENCE = 100
"""What routers give a route where policy says nothing; RFC 4271 leaves it open, all of them take this."""


def between(low: float, high: float = float("inf"), *, ends: bool = False) -> Callable[[float], bool]:
    """Between two bounds, the upper one of them allowed if so asked."""

    def holds(x: float) -> bool:
        return low < x < high or (ends and x == high)

    return holds


def _is_one(x: float) -> bool:
    return x == 1


def _is_not_one(x: float) -> bool:
    return x not in (0, 1)


def _is_weight(x: float) -> bool:
    return x.is_integer() and 1 <= x <= MAX_WEIGHT


def share(what: str, usual: float, told: str = "{:.0%}") -> Range:
    """A share of something, neither none of it nor all."""
    return Range(between(0, 1), f"between 0 and 1: {what}", usual, told)


def above_one(what: str, usual: float) -> Range:
    """A factor that makes something larger."""
    return Range(between(1), f"above 1: {what}", usual, "times {:.3g}")


def factor(what: str, usual: float) -> Range:
    """A factor that makes something larger or smaller."""
    return Range(_is_not_one, f"above 0 and not 1: {what}", usual, "times {:.3g}")


ONE = Range(_is_one, "1", 1.0)
LOST = Range(between(0, 1, ends=True), "above 0 and at most 1: the share of traffic lost", 0.1, "{:.1%} lost")
POLLS = Range(between(0, 1, ends=True), "above 0 and at most 1: the share of polls", 1.0, "{:.0%}")
WEIGHT = Range(_is_weight, f"a weight, 1 to {MAX_WEIGHT}", float(MAX_WEIGHT), "weight {:.0f}")
LATER = Range(between(0), "above 0: milliseconds more in each direction", 20.0, "{:.3g} ms more")


def _is_length(x: float) -> bool:
    return x.is_integer() and 1 <= x <= 100


LONGER = Range(_is_length, "1 to 100: by how many systems the path is longer than usual", 2.0, "longer by {:.0f}")


def _is_preference(x: float) -> bool:
    return x.is_integer() and x != USUAL_PREFERENCE and x < 2**32


PREFERENCE = Range(
    _is_preference,
    f"a local preference other than {USUAL_PREFERENCE}: above it the exit is taken before all others, below it after",
    200.0,
    "preference {:.0f}",
)


ENDED, HANGS = 1.0, 2.0
"""What has become of a process: it took its routes with it, or left them as they were."""


def _is_process(x: float) -> bool:
    return x in (ENDED, HANGS)


PROCESS = Range(
    _is_process,
    "1 where the process has ended, 2 where it hangs and its routes stay",
    ENDED,
    MappingProxyType({ENDED: "ended", HANGS: "hangs"}),
)
