"""Answers that were given already: a call that is made again while nothing has changed need not be computed again."""

from dataclasses import fields
from typing import Generic, TypeVar

from .handover import Role
from .run_state import RunState

_T = TypeVar("_T")

_SURROUNDINGS = frozenset({"live", "tracer"})


class Repeats(Generic[_T]):
    """The last answer to each call, with what was in the run's state when it was given.

    Tools are idempotent: called again with the same arguments on what they left, they answer and leave the same.
    """

    def __init__(self) -> None:
        self._given: dict[tuple[Role, str, str], tuple[tuple[object, ...], _T]] = {}

    def find(self, call: tuple[Role, str, str], run_state: RunState) -> _T | None:
        """Return the answer to the same call of the same role (tool and arguments), None if anything changed since."""
        then, answer = self._given.get(call, ((), None))
        return answer if answer is not None and is_same(then, standing(run_state)) else None

    def keep(self, call: tuple[Role, str, str], run_state: RunState, answer: _T) -> None:
        """Remember an answer that was just given."""
        self._given[call] = standing(run_state), answer


def standing(run_state: RunState, without: frozenset[str] = frozenset()) -> tuple[object, ...]:
    """Everything that a tool's answer may depend on, the network's clock first; but for some fields."""
    found: list[object] = [run_state.live.now]
    for field in fields(run_state):
        if field.name in _SURROUNDINGS | without or field.name.startswith("_"):
            continue
        value = getattr(run_state, field.name)
        found += [*value, *value.values()] if isinstance(value, dict) else [value]
    return tuple(found)


def is_same(one: tuple[object, ...], other: tuple[object, ...]) -> bool:
    """Whether two standings are of the same state, in which nothing was replaced between."""
    # Values in the run's state are replaced, never changed: comparing large ones by identity is enough, and quick.
    plain = (str, int, float, type(one[0]))
    return len(one) == len(other) and all(
        a is b or (isinstance(a, plain) and a == b) for a, b in zip(one, other, strict=True)
    )
