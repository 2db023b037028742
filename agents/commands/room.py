"""`watch`: look at a network for as long as one likes, open incidents, call people, have the agents work on them."""

import signal
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from .options import Json, Runs
from .output import emit, tell

Site = Annotated[
    str,
    typer.Option(
        "--site",
        help="A site file, a live network such as lab, or emulated:NETWORK[,seed=N][,interval=S].",
        envvar="TWINOPS_SITE",
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
    as_json: Json = False,
) -> None:
    """Watch a network: open an incident when something is wrong, call people, and have the agents work on it.

    What it knows is on its log, so that it goes on after a crash where it was. People, channels and the rate of false
    alarms are in room.toml in the operator's home. Ends with Ctrl-C, in good order.
    """
    from agents.record.home import home_folder
    from agents.serve.room import Place, Room, lease
    from agents.serve.settings import read_settings
    from agents.show.incident_words import event_line

    home = home_folder()
    settings = read_settings(home)
    place = Place(room, runs, home, site)
    with lease(room):
        opened = Room(place, settings.model_copy(update={"agents": settings.agents and agents}))
        if not as_json:
            opened.ledger.listen(lambda _seq, event: tell(line) if (line := event_line(event)) else None)
            tell(f"watching {opened.network} every {opened.watch.interval_s:g} s; what it knows is in {room}")
        before = {number: signal.signal(number, _stop) for number in (signal.SIGINT, signal.SIGTERM)}
        opened.start()
        try:
            opened.run(pace_s=every, looks=looks)
            opened.settle()
        except KeyboardInterrupt:
            tell("stopping: whatever was applied and not confirmed is taken back")
        finally:
            opened.stop()
            for number, handler in before.items():
                signal.signal(number, handler)
    if as_json:
        incidents = [x.model_dump(mode="json", exclude={"timeline"}) for x in opened.board.incidents.values()]
        emit("watch", {"network": opened.network, "incidents": incidents})


def _stop(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
