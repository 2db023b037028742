"""Several sites in one command: a process for each, begun again when it ends, so that none waits for another's source.

What they share is a folder: whose turn it is for a run, and how each of them fares, for everybody who looks at one.
"""

import multiprocessing
import os
import re
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Literal, NamedTuple, cast

from pydantic import AwareDatetime, Field, ValidationError

from twin.clock import utc_now
from twin.errors import InputError, TwinError
from twin.files import is_plain, read_bytes, write_bytes
from twin.model import Frozen

from .turns import Among
from .watch import GONE

FOLDER = ".fleet"
_STATE = "fleet.json"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,40}")
_PAUSE_S, _MOST_PAUSE_S = 1.0, 300.0  # until a process that ended is begun again; doubled each time
_END_S = 150.0  # for a run to take back what it applied
_WRITE_S = 5.0  # between two notes of how all fare
_MODULES = ("agents.commands.room", "agents.serve.room", "twin.sim.kernels")  # loaded once for all of them


class SiteState(Frozen):
    """How one of the sites fares."""

    name: str
    site: str
    state: Literal["starting", "watching", "silent", "ended"]
    since: AwareDatetime
    console: str = ""
    looked: AwareDatetime | None = None
    open: int = Field(default=0, description="Incidents that are not over.")
    because: str = ""


class FleetState(Frozen):
    """How all of them fare."""

    sites: tuple[SiteState, ...]


class Serving(NamedTuple):
    """What a site's process tells: where its console is, how often it looks, what is open, and what it lacks."""

    console: str  # empty where it has none
    interval_s: float
    open: int
    lacks: str = ""


Serve = Callable[[str, Among, int, "Teller"], None]
"""Serves a site until a signal; given the site, its place among the others, its position, and whom to tell."""


class Teller:
    """The end of a site's process: tells how it fares, and ends the process when the one that began it is gone."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        threading.Thread(target=self._until_gone, name="fleet", daemon=True).start()

    def tell(self, what: Serving | str) -> None:
        """Tell how it fares, or why it ends."""
        with suppress(OSError):
            self._connection.send(what)

    def _until_gone(self) -> None:
        with suppress(EOFError, OSError):
            self._connection.recv()
        os.kill(os.getpid(), signal.SIGTERM)


def names_of(sites: Sequence[str]) -> dict[str, str]:
    """Return sites by name: `NAME=SITE`, or that of the file, of its folder for site.toml, or of the adapter.

    Raises `InputError` where two have one name, or one is none that a folder can have.
    """
    found = dict[str, str]()
    for given in sites:
        name, _, site = given.partition("=")
        if not (site and _NAME.fullmatch(name)):
            site = given
            path = Path(site)
            stem = path.resolve().parent.name if path.name == "site.toml" else path.stem if path.suffix else site
            name = re.sub(r"[^A-Za-z0-9_.-]+", "-", stem).strip("-.")[:40]
        if not _NAME.fullmatch(name) or name in found:
            said = f"two sites are called {name}" if name in found else f"{given[:80]!r} gives no name"
            raise InputError(said, fix="name each: --site NAME=SITE")
        found[name] = site
    return found


def fleet_state(folder: Path) -> FleetState | None:
    """Return how all sites fare, as last noted in their folder; None where that is not known."""
    path = folder / _STATE
    try:
        return FleetState.model_validate_json(read_bytes(path)) if is_plain(path) else None
    except (TwinError, ValidationError):
        return None


class _Member:
    def __init__(self, position: int, among: Among, site: str) -> None:
        self.position, self.among, self.site = position, among, site
        self.process: ForkServerProcess | None = None
        self.connection: Connection | None = None
        self.state = SiteState(name=among.name, site=site, state="starting", since=utc_now())
        self.interval_s, self.pause_s, self.due = 0.0, _PAUSE_S, 0.0

    def move(self, state: Literal["starting", "watching", "silent", "ended"], **known: object) -> None:
        since = {} if state == self.state.state else {"since": utc_now()}
        self.state = self.state.model_copy(update={"state": state, **since, **known})


class Fleet:
    """Serves sites, each in a process of its own, until it is interrupted."""

    def __init__(
        self, folder: Path, sites: Mapping[str, str], serve: Serve, *, at_once: int, tell: Callable[[str], None]
    ) -> None:
        """Raises `InputError` for a folder that cannot be used."""
        self._folder, self._serve, self._tell = folder, serve, tell
        self._members = [_Member(i, Among(x, folder, at_once), sites[x]) for i, x in enumerate(sites)]
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(list(_MODULES))
        self._noted, self._stop = 0.0, threading.Event()

    def run(self) -> None:
        """Begin all of them, and again those that end, until `stop`, or until it is interrupted; `end` comes next."""
        while not self._stop.is_set():
            for member in self._members:
                if member.process is None and time.monotonic() >= member.due:
                    self._begin(member)
            by_end = {x.connection: x for x in self._members if x.connection is not None}
            for end in wait(list(by_end), timeout=min(1.0, self._next_due())):
                self._hear(by_end[end])  # pyright: ignore[reportArgumentType] - of those that were given
            self._note()

    def _next_due(self) -> float:
        return min((max(0.0, x.due - time.monotonic()) for x in self._members if x.process is None), default=1.0)

    def _begin(self, member: _Member) -> None:
        mine, theirs = self._context.Pipe()
        member.connection = cast("Connection", mine)
        process = self._context.Process(
            target=_serve_one, args=(self._serve, member.site, member.among, member.position, theirs), daemon=False
        )
        process.start()
        theirs.close()
        member.process = process
        member.move("starting", console="")

    def _hear(self, member: _Member) -> None:
        if member.connection is None:
            return
        try:
            said: Serving | str = member.connection.recv()
        except (EOFError, OSError):
            self._ended(member)
            return
        if isinstance(said, str):
            if said != member.state.because:
                self._tell(f"{member.among.name}: {said}")
            member.move(member.state.state, because=said)
            return
        member.interval_s, member.pause_s = said.interval_s, _PAUSE_S
        member.move("watching", console=said.console, open=said.open, looked=utc_now(), because=said.lacks)

    def _ended(self, member: _Member) -> None:
        """Have a process begun again that ended by itself, sooner or later; the others do not notice."""
        if member.process is not None and member.connection is not None:
            member.connection.close()
            member.process.join(5)
            if member.process.exitcode is None:
                member.process.kill()
                member.process.join()
            words = member.state.because or f"its process ended with {member.process.exitcode}"
            member.process = member.connection = None
            self._tell(f"{member.among.name}: ended, and begins again in {member.pause_s:g} s")
            member.move("ended", because=words)
            member.due = time.monotonic() + member.pause_s
            member.pause_s = min(2 * member.pause_s, _MOST_PAUSE_S)

    def _note(self) -> None:
        """Put on file how all fare. A full disk costs that, and nothing else."""
        if time.monotonic() - self._noted < _WRITE_S:
            return
        for member in self._members:
            looked, late = member.state.looked, timedelta(seconds=max(60.0, GONE * member.interval_s))
            if member.state.state == "watching" and looked is not None and utc_now() - looked > late:
                member.move("silent", because="it does not come back from a look")
        self._noted = time.monotonic()
        with suppress(TwinError):
            known = FleetState(sites=tuple(x.state for x in self._members))
            write_bytes(self._folder / _STATE, known.model_dump_json(indent=1).encode(), mode=0o600)

    def stop(self) -> None:
        """Let `run` return."""
        self._stop.set()

    def end(self) -> None:
        """End all of them at once, each in good order: it sees that this end is gone."""
        for member in self._members:
            if member.connection is not None:
                member.connection.close()
        until = time.monotonic() + _END_S
        for member in self._members:
            if member.process is not None:
                member.process.join(max(0.0, until - time.monotonic()))
                if member.process.exitcode is None:
                    member.process.kill()


def _serve_one(serve: Serve, site: str, among: Among, position: int, connection: Connection) -> None:
    """Be the process of one site: keys pressed in the terminal are for the one that began it."""
    os.setsid()
    teller = Teller(connection)
    try:
        serve(site, among, position, teller)
    except TwinError as error:
        teller.tell(f"{' '.join(str(error).split())}{f' ({error.fix})' if error.fix else ''}"[:1_000])
        raise SystemExit(1) from None
