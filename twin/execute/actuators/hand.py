"""What a hand can set at a router, on trial: every change takes itself back unless it is kept."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from twin.live.declared import Operation


class RouterState(NamedTuple):
    """What one router runs of what hands set: metrics by interface, in its own words, and whether transit is kept away.

    `overloaded` is None where the hand cannot say.
    """

    metrics: Mapping[str, int]
    overloaded: bool | None = None


class Order(NamedTuple):
    """What one router is to run, and what it runs before; the lines are those that a person would type."""

    router: str
    wanted: RouterState
    before: RouterState
    lines: tuple[str, ...]
    back: tuple[str, ...]


class Hand(Protocol):
    """Speaks to routers. Every method raises `ExecutionError` when a router does not answer, or says no."""

    @property
    def makes(self) -> frozenset[Operation]:
        """The changes that it can make."""
        ...

    def read(self, router: str, interfaces: Sequence[str]) -> RouterState:
        """Ask a router what it runs at these interfaces."""
        ...

    def rehearse(self, order: Order) -> None:
        """Have a router check an order without making it, and leave nothing of it there."""
        ...

    def make(self, order: Order, token: str, seconds: int) -> None:
        """Make an order on trial: the router itself takes it back after these seconds, whatever becomes of us."""
        ...

    def keep(self, router: str, token: str) -> None:
        """End a trial: what was made stays. Raises when it has been taken back already."""
        ...

    def take_back(self, router: str, token: str) -> None:
        """End a trial at once: what ran before runs again. A trial that has ended is no error."""
        ...


def common(makes: Iterable[frozenset[Operation]]) -> frozenset[Operation]:
    """The changes that all of them can make."""
    first, *others = makes
    for one in others:
        first &= one
    return first


class HandByRouter:
    """A hand that is another for some routers."""

    def __init__(self, hands: Sequence[Hand], of: Callable[[str], Hand]) -> None:
        """`of` names the one of `hands` that speaks to a router."""
        self._hands, self._of = hands, of

    @property
    def makes(self) -> frozenset[Operation]:
        """What all of them can."""
        return common(x.makes for x in self._hands)

    def read(self, router: str, interfaces: Sequence[str]) -> RouterState:
        """As the router's own hand."""
        return self._of(router).read(router, interfaces)

    def rehearse(self, order: Order) -> None:
        """As the router's own hand."""
        self._of(order.router).rehearse(order)

    def make(self, order: Order, token: str, seconds: int) -> None:
        """As the router's own hand."""
        self._of(order.router).make(order, token, seconds)

    def keep(self, router: str, token: str) -> None:
        """As the router's own hand."""
        self._of(router).keep(router, token)

    def take_back(self, router: str, token: str) -> None:
        """As the router's own hand."""
        self._of(router).take_back(router, token)
