"""The suites: each a function from nothing to its cases; a new suite is one function and one line in `SUITES`."""

from collections.abc import Callable

from twin.errors import InputError

from .case import Case

SMOKE_NETWORKS = ("sndlib/abilene", "sndlib/nobel-germany", "sndlib/germany50")


def smoke() -> tuple[Case, ...]:
    """Twenty seeded incidents on each of three networks, end to end."""
    return tuple(Case(suite="smoke", network=network, seed=seed) for network in SMOKE_NETWORKS for seed in range(1, 21))


def healthy() -> tuple[Case, ...]:
    """Ten stretches without a fault on each of three networks: the right answer is to do nothing."""
    return tuple(
        Case(suite="healthy", network=network, seed=seed, healthy=True)
        for network in SMOKE_NETWORKS
        for seed in range(1, 11)
    )


SUITES: dict[str, Callable[[], tuple[Case, ...]]] = {"smoke": smoke, "healthy": healthy}


def cases_of(suite: str) -> tuple[Case, ...]:
    """Return the cases of a suite. Raises `InputError` for an unknown one."""
    if suite not in SUITES:
        raise InputError(f"no suite {suite!r}", fix=f"suites: {', '.join(SUITES)}")
    return SUITES[suite]()
