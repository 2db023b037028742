"""`watch` and `serve`: look at a network for long, open incidents, call people, have the agents work on them."""

import signal
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, NamedTuple, TypeVar

import typer

from .options import Json, Runs
from .output import emit, tell

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from agents.serve.demo import Demo
    from agents.serve.fleet import Teller
    from agents.serve.room import Room
    from agents.serve.turns import Among
    from agents.serve.web.server import Server

_Console = TypeVar("_Console")
_PORT = 8471
_STOPPING = "stopping: whatever was applied and not confirmed is taken back"
Site = Annotated[
    str,
    typer.Option(
        "--site",
        help="A site file, a live network such as lab, or emulated:NETWORK,seed=2.",
        envvar="TWINOPS_SITE",
        show_default=False,
    ),
]
Standby = Annotated[
    bool,
    typer.Option("--standby", help="Where another process serves this room, wait and take over when it is gone."),
]
Sites = Annotated[
    list[str] | None,
    typer.Option(
        "--site",
        help="A site file, a live network such as lab, or emulated:NETWORK,seed=2; several: NAME=SITE.",
        show_default=False,
    ),
]
RoomFolder = Annotated[
    Path,
    typer.Option("--room", help="Folder of what the room keeps: its log, and what it learned.", envvar="TWINOPS_ROOM"),
]


def watch(
    site: Site,
    room: RoomFolder = Path("room"),
    runs: Runs = Path("runs"),
    looks: Annotated[int | None, typer.Option("--looks", min=1, help="End after this many looks.")] = None,
    every: Annotated[
        float | None, typer.Option("--every", min=0, help="Seconds between looks, if not the network's own interval.")
    ] = None,
    agents: Annotated[bool, typer.Option("--agents/--no-agents", help="Whether the agents work on incidents.")] = True,
    standby: Standby = False,
    as_json: Json = False,
) -> None:
    """Watch a network: open an incident when something is wrong, call people, and have the agents work on it.

    What it knows is on its log, so that it goes on after a crash where it was. People, channels and the rate of false
    alarms are in room.toml in the operator's home. Ends with Ctrl-C, in good order.
    """
    from agents.record.home import home_folder
    from agents.serve.place import Place, lease
    from agents.serve.room import Room
    from agents.serve.settings import read_settings
    from agents.show.incident_words import event_line

    home = home_folder()
    settings = read_settings(home)
    place = Place(room, runs, home, site)
    with lease(room, standby=_waits(room) if standby else None):
        opened = Room(place, settings.model_copy(update={"agents": settings.agents and agents}))
        if not as_json:
            opened.ledger.listen(lambda _seq, event: tell(line) if (line := event_line(event)) else None)
            _tell_trouble(opened)
            tell(f"watching {opened.network} every {opened.watch.interval_s:g} s; what it knows is in {room}")
        _look_on(opened, every, looks)
    if as_json:
        incidents = [x.model_dump(mode="json", exclude={"timeline"}) for x in opened.board.incidents.values()]
        emit("watch", {"network": opened.network, "incidents": incidents})


def _look_on(room: "Room", every: float | None, looks: int | None) -> None:
    """Watch a room for so many looks, or until somebody ends it, and let what is at work end in good order."""
    with _stopped_by_signals():
        room.start()
        try:
            room.run(pace_s=every, looks=looks)
            room.settle()
        except KeyboardInterrupt:
            tell(_STOPPING)
        finally:
            room.stop()


def serve(
    site: Sites = None,
    room: RoomFolder = Path("room"),
    runs: Runs = Path("runs"),
    port: Annotated[
        int | None,
        typer.Option("--port", min=0, max=65_535, help=f"Port on this machine, {_PORT} if none is named; 0 is any."),
    ] = None,
    demo: Annotated[bool, typer.Option("--demo", help="An emulated network on which things go wrong.")] = False,
    show: Annotated[bool, typer.Option("--open", help="Open it in a browser.")] = False,
    every: Annotated[
        float | None, typer.Option("--every", min=0, help="Seconds between looks, if not the network's own interval.")
    ] = None,
    standby: Standby = False,
    at_once: Annotated[
        int | None,
        typer.Option("--at-once", min=1, help="Runs of the agents at once over several sites: half the processors."),
    ] = None,
) -> None:
    """Watch a network as `watch` does, and show it in a browser: incidents, plans to approve, what would be, history.

    The printed address lets one browser in, once. With --demo a network lives in a folder of its own, five minutes of
    its evenings every few seconds; something goes wrong in each of them, and every plan waits for you.
    Several sites each have a process, a room and a console of their own, on the ports from --port on. Where one is
    taken, a site has another, or goes on without a console if --port was named.
    """
    from agents.record.home import home_folder
    from agents.serve.demo import DEMO, Demo
    from agents.serve.place import Place, lease
    from agents.serve.room import Room
    from agents.serve.settings import read_settings

    web = _web()
    if demo == bool(site):
        raise typer.BadParameter("name what to watch with --site, or use --demo")
    if site and len(site) > 1:
        _serve_fleet(site, ServeOptions(room, runs, home_folder(), port, show, every, standby), at_once)
        return
    home = home_folder()
    place = Place(room / "demo" if demo else room, runs, home, site[0] if site else DEMO)
    policy = Demo.policy(home) if demo else None
    with lease(place.folder, standby=_waits(place.folder) if standby else None):
        opened = Room(place, read_settings(home), policy=policy)
        try:
            _serve(
                opened,
                web(opened, port=_PORT if port is None else port),
                demo=Demo(opened) if demo else None,
                every=every,
                show=show,
            )
        finally:
            opened.stop()


class ServeOptions(NamedTuple):
    """What the sites that are served together have in common."""

    room: Path
    runs: Path
    home: Path
    port: int | None  # of the first, as it was named
    show: bool
    every: float | None
    standby: bool


def _serve_fleet(sites: list[str], options: ServeOptions, at_once: int | None) -> None:
    import os
    from functools import partial

    from agents.serve.fleet import FOLDER, Fleet, names_of
    from agents.serve.place import lease

    named, folder = names_of(sites), options.room / FOLDER
    with lease(folder, standby=_waits(options.room) if options.standby else None):
        most = at_once or max(1, (os.cpu_count() or 1) // 2)
        fleet = Fleet(folder, named, partial(serve_site, options), at_once=most, tell=tell)
        with _stopped_by_signals():
            try:
                fleet.run()
            except KeyboardInterrupt:
                tell(_STOPPING)
            finally:
                fleet.end()


def serve_site(options: ServeOptions, site: str, among: "Among", position: int, teller: "Teller") -> None:
    """Serve one of several sites, in the process that is its own. Raises what `serve` does."""
    from functools import partial

    from agents.serve.fleet import Serving
    from agents.serve.place import Place, lease
    from agents.serve.room import Room
    from agents.serve.settings import read_settings

    place = Place(options.room / among.name, options.runs / among.name, options.home, site, among)
    with lease(place.folder, standby=_waits(place.folder) if options.standby else None):
        opened = Room(place, read_settings(options.home))
        try:
            server, lacks = console_of(partial(_web(), opened), options.port, position)
            if lacks:
                teller.tell(lacks)
            console = server.origin if server else ""
            opened.on_look(
                lambda: teller.tell(Serving(console, opened.watch.interval_s, len(opened.board.alive), lacks))
            )
            _serve(opened, server, demo=None, every=options.every, show=options.show and not position)
        finally:
            opened.stop()


def console_of(serve: "Callable[..., _Console]", named: int | None, position: int) -> "tuple[_Console | None, str]":
    """Return the console of one of several sites, and in words what is not as it should be.

    `named` is the port that was named for the first. Where a site's own is taken it has any other; where ports were
    named none, as nobody would look for it there: its network is watched all the same.
    """
    from agents.serve.listening import TakenPortError

    first = _PORT if named is None else named
    try:
        return serve(port=first + position if first else 0), ""
    except TakenPortError as error:
        if named is not None:
            return None, f"{error}: it is watched without a console"
        return serve(port=0), f"{error}: its console has another"


def _serve(room: "Room", server: "Server | None", *, demo: "Demo | None", every: float | None, show: bool) -> None:
    import threading
    import time
    import webbrowser

    thread = threading.Thread(target=server.run, name="console", daemon=True) if server else None
    with _stopped_by_signals():
        try:
            room.start()
            address = ""
            if server and thread:
                thread.start()
                while thread.is_alive() and not server.started:  # what is printed, or opened, answers
                    time.sleep(0.01)
                address = server.address()
            _tell_trouble(room)
            tell(f"watching {room.title}{'; the console is at ' if address else ''}{address}")
            if show and address:
                webbrowser.open(address)
            if demo is None:
                room.run(pace_s=every)
            else:
                demo.run(5.0 if every is None else every)
        except KeyboardInterrupt:
            if room.place.among is None:
                tell(_STOPPING)
        finally:
            if server and thread:
                server.stop()
                thread.join(timeout=5)


@contextmanager
def _stopped_by_signals() -> "Generator[None]":
    """Have SIGINT and SIGTERM interrupt what is done here; whoever handled them before does so again afterwards."""
    before = {number: signal.signal(number, _stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _tell_trouble(room: "Room") -> None:
    """Say in a line each what keeps a room from its work, once, and when that is over."""
    said: dict[tuple[str, str], str] = {}
    name = f"{room.place.among.name}: " if room.place.among else ""

    def looked() -> None:
        nonlocal said
        now = {(x.what, x.why): x.line for x in room.troubles}
        for line in (line for key, line in now.items() if key not in said):
            tell(f"{name}{line}")
        if said and not now:
            tell(f"{name}the room does all of its work again")
        said = now

    room.on_look(looked)


def _waits(folder: Path) -> "Callable[[], None]":
    from importlib import import_module

    def warm() -> None:
        for slow in ("agents.run.run", "twin.sim.kernels"):  # they are there when they are needed
            import_module(slow)
        tell(f"another process serves {folder}: standing by")

    return warm


def _web() -> "type[Server]":
    from twin.errors import InputError

    try:
        from agents.serve.web.server import Server
    except ImportError as error:
        raise InputError(f"the console needs {error.name}", fix="pip install 'twinops[console]'") from error
    return Server


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
