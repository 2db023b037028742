"""Routers of vendors by their own command lines over SSH, with the confirmed commit that each has.

What is typed are the lines that are rendered for a person. Before they are committed, the router's own comparison has
to name them and nothing else; afterwards whoever ordered reads running back. The session that holds a trial stays
open until it is kept: a process that is killed leaves what its router takes back.
"""

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple, Protocol

from twin.errors import ExecutionError, InputError
from twin.execute.routers import Dialect, Routers, Speech, speech_of
from twin.live.declared import Operation
from twin.ssh import Limits, TypedSession
from twin.ssh_access import Access

from .hand import Order, RouterState, common
from .terminal import Manners, Terminal

_MOMENT_S = 1.0
_LIMITS = Limits(read_s=30, whole_s=60, most=32 << 20)


class Speaker(Protocol):
    """What a vendor's command line is asked, and how it is told. Every method raises `ExecutionError` on a no."""

    @property
    def manners(self) -> Manners:
        """How it looks."""
        ...

    @property
    def makes(self) -> frozenset[Operation]:
        """The changes that it can make."""
        ...

    def read(self, terminal: Terminal, speech: Speech) -> RouterState:
        """Everything that it runs of what hands set. Raises `InputError` on what is no configuration."""
        ...

    def load(self, terminal: Terminal, lines: Sequence[str], meant: "Meant") -> None:
        """Take the candidate for us alone, type lines into it, and see that it differs by what is meant alone."""
        ...

    def check(self, terminal: Terminal) -> None:
        """Have the router check its candidate, where it can."""
        ...

    def discard(self, terminal: Terminal) -> None:
        """Leave nothing of it in the candidate, and leave that."""
        ...

    def commit(self, terminal: Terminal, token: str, seconds: int) -> None:
        """Commit it on trial."""
        ...

    def keep(self, terminal: Terminal, token: str) -> None:
        """Confirm what this session committed."""
        ...

    def take_back(self, terminal: Terminal, token: str) -> None:
        """End the trial of this session."""
        ...

    def keep_of_others(self, terminal: Terminal, token: str) -> None:
        """Confirm what a session committed that is gone."""
        ...

    def take_back_of_others(self, terminal: Terminal, token: str) -> None:
        """End the trial of a session that is gone; raises while it goes on and nobody else can end it."""
        ...


class Meant(NamedTuple):
    """Settings that a candidate has to differ by: those that change, and all that are typed."""

    speech: Speech
    wanted: RouterState
    before: RouterState

    @property
    def metrics(self) -> Mapping[str, int]:
        """Metrics that change, by interface."""
        return {x: value for x, value in self.wanted.metrics.items() if self.before.metrics.get(x) != value}

    @property
    def overloaded(self) -> bool | None:
        """What the overload bit becomes, None where it stays."""
        return None if self.wanted.overloaded == self.before.overloaded else self.wanted.overloaded

    def require(self, terminal: Terminal, shown: frozenset[str], must: frozenset[str], may: frozenset[str]) -> None:
        """Raise `ExecutionError` unless all that must is shown, and nothing that may not be."""
        odd = [*(f"not {x}" for x in must - shown), *sorted(shown - may)]
        if odd:
            raise ExecutionError(
                f"the candidate of {terminal.router} is not what was meant: {'; '.join(odd)[:300]}",
                fix="look who else edits there",
            )


def gone_with_its_session(terminal: Terminal) -> ExecutionError:
    """What is said of a trial that only the session which made it could keep."""
    return ExecutionError(
        f"the session that made the change at {terminal.router} is gone, and with it the change", fix="plan again"
    )


class _Trial(NamedTuple):
    token: str
    terminal: Terminal


class CliHand:
    """Sets metrics and overload bits of routers by vendors, each in the words of its own."""

    def __init__(
        self,
        access: Access,
        routers: Routers,
        speakers: Mapping[Dialect, Callable[[], Speaker]],
        limits: Limits = _LIMITS,
    ) -> None:
        """`routers` says what each speaks, `speakers` how that is spoken."""
        self.access, self.routers, self._speakers, self._limits = access, routers, speakers, limits
        self._open: dict[str, Terminal] = {}
        self._trials: dict[str, _Trial] = {}

    @property
    def makes(self) -> frozenset[Operation]:
        """What all of the dialects in use can."""
        routers = self.routers
        used: set[Dialect] = {routers.dialect, *(x.dialect for x in routers.named.values() if x.dialect)}
        return common(self._speakers[x]().makes for x in used if x in self._speakers)

    def read(self, router: str, interfaces: Sequence[str]) -> RouterState:
        """Read what it runs."""
        speaker, speech = self._speaker(router)
        with self._terminal(router, speaker) as terminal:
            said = speaker.read(terminal, speech)
        missing = [x for x in interfaces if x not in said.metrics]
        if missing:
            raise InputError(
                f"{router} says no metric of {missing[0]}", fix="state one there, or correct the interface's name"
            )
        return RouterState({x: said.metrics[x] for x in interfaces}, said.overloaded)

    def rehearse(self, order: Order) -> None:
        """Type the lines into the candidate, have them compared and checked, and throw them away."""
        speaker, speech = self._speaker(order.router)
        with self._terminal(order.router, speaker) as terminal:
            speaker.load(terminal, order.lines, Meant(speech, order.wanted, order.before))
            speaker.check(terminal)
            speaker.discard(terminal)

    def make(self, order: Order, token: str, seconds: int) -> None:
        """Type the lines and commit them on trial, in a session that stays open."""
        speaker, speech = self._speaker(order.router)
        self._end(order.router)
        terminal = self._opened(order.router, speaker)
        try:
            speaker.load(terminal, order.lines, Meant(speech, order.wanted, order.before))
            speaker.check(terminal)
            speaker.commit(terminal, token, seconds)
        except BaseException:
            terminal.close()
            raise
        self._trials[order.router] = _Trial(token, terminal)

    def keep(self, router: str, token: str) -> None:
        """Confirm the commit."""
        self._ended(router, token, lambda x: x.keep, lambda x: x.keep_of_others)

    def take_back(self, router: str, token: str) -> None:
        """End the trial at once; a router needs a moment to notice that a session is gone, and gets it."""
        for last in (False, False, True):
            try:
                self._ended(router, token, lambda x: x.take_back, lambda x: x.take_back_of_others)
            except ExecutionError:
                if last:
                    raise
                time.sleep(_MOMENT_S)
            else:
                return

    def close(self) -> None:
        """Say goodbye to all routers: they take back what is on trial, now or when its time is over."""
        for router in list(self._trials):
            self._end(router)
        while self._open:
            self._open.popitem()[1].close()

    def _ended(
        self,
        router: str,
        token: str,
        own: Callable[[Speaker], Callable[[Terminal, str], None]],
        of_others: Callable[[Speaker], Callable[[Terminal, str], None]],
    ) -> None:
        speaker, _ = self._speaker(router)
        trial = self._trials.get(router)
        if trial is not None and trial.token == token:
            try:
                own(speaker)(trial.terminal, token)
            finally:
                self._end(router)
            return
        with self._terminal(router, speaker) as terminal:
            of_others(speaker)(terminal, token)

    def _end(self, router: str) -> None:
        trial = self._trials.pop(router, None)
        if trial is not None:
            trial.terminal.close()

    def _speaker(self, router: str) -> tuple[Speaker, Speech]:
        speech = speech_of(self.routers, router)
        return self._speakers[speech.dialect](), speech

    def _opened(self, router: str, speaker: Speaker) -> Terminal:
        return Terminal(TypedSession(self.access, router, self._limits), speaker.manners)

    @contextmanager
    def _terminal(self, router: str, speaker: Speaker) -> Generator[Terminal]:
        """The session of a router that is only asked and rehearsed in; it ends with whatever goes wrong in it."""
        terminal = self._open.pop(router, None) or self._opened(router, speaker)
        try:
            yield terminal
        except BaseException:
            terminal.close()
            raise
        self._open[router] = terminal
