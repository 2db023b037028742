"""What a poller may get wrong: counters that stand still, are scaled, do not answer, or go under another's name."""

from collections.abc import Callable, Iterable

import numpy as np

from twin.model import Floats

KINDS = 3
"""Sorts of counters that are asked for in turn: sent, received, dropped."""
Counters = Callable[[Floats], Floats]
"""Turns counters [m] as they are into counters as they are reported; NaN where there is no answer."""


def stuck(positions: Iterable[int]) -> Counters:
    """Counters that stay where they are when this is first asked."""
    where, held = list(positions), list[Floats]()
    turns = 0

    def lie(values: Floats) -> Floats:
        nonlocal turns
        which, turns = turns % KINDS, turns + 1
        if which == len(held):
            held.append(values[where].copy())
        told = values.copy()
        told[where] = held[which]
        return told

    return lie


def scaled(positions: Iterable[int], factor: float) -> Counters:
    """Counters that run this many times too fast."""
    where = list(positions)

    def lie(values: Floats) -> Floats:
        told = values.copy()
        told[where] *= factor
        return told

    return lie


def missing(positions: Iterable[int], share: float, seed: int) -> Counters:
    """Counters that do not answer this share of the polls."""
    where, rng = list(positions), np.random.default_rng([seed, 41])

    def lie(values: Floats) -> Floats:
        told = values.copy()
        if rng.random() < share:
            told[where] = np.nan
        return told

    return lie


def swapped(one: int, other: int) -> Counters:
    """Two interfaces that answer with each other's counters."""

    def lie(values: Floats) -> Floats:
        told = values.copy()
        told[[one, other]] = values[[other, one]]
        return told

    return lie
