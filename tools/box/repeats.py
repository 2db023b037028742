"""Answers that were given already: a call that is made again while nothing has changed need not be computed again."""

from dataclasses import fields
from typing import Generic, TypeVar

from .handover import Role
from .run_state import Desk

_T = TypeVar("_T")

_SURROUNDINGS = frozenset({"live", "tracer"})


class Repeats(Generic[_T]):
    """The last answer to each call, with what was on the desk when it was given.

    Tools are idempotent: called again with the same arguments on what they left, they answer and leave the same.
    """

    def __init__(self) -> None:
        self._given: dict[tuple[Role, str, str], tuple[tuple[object, ...], _T]] = {}

    def find(self, call: tuple[Role, str, str], desk: Desk) -> _T | None:
        """Return the answer to the same call of the same role (tool and arguments), None if anything changed since."""
        standing, answer = self._given.get(call, ((), None))
        return answer if answer is not None and _is_same(standing, _standing(desk)) else None

    def keep(self, call: tuple[Role, str, str], desk: Desk, answer: _T) -> None:
        """Remember an answer that was just given."""
        self._given[call] = _standing(desk), answer


def _standing(desk: Desk) -> tuple[object, ...]:
    """Everything that a tool's answer may depend on, the network's clock first."""
    standing: list[object] = [desk.live.now]
    for field in fields(desk):
        if field.name in _SURROUNDINGS or field.name.startswith("_"):
            continue
        value = getattr(desk, field.name)
        standing += [*value, *value.values()] if isinstance(value, dict) else [value]
    return tuple(standing)


def _is_same(one: tuple[object, ...], other: tuple[object, ...]) -> bool:
    # Values on the desk are replaced, never changed: comparing large ones by identity is enough, and quick.
    plain = (str, int, float, type(one[0]))
    return len(one) == len(other) and all(
        a is b or (isinstance(a, plain) and a == b) for a, b in zip(one, other, strict=True)
    )
