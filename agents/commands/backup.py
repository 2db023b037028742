"""`backup` and `restore`: home, room and runs in one file, and back."""

from pathlib import Path
from typing import Annotated

import typer

from .options import Json, Runs
from .output import emit, tell
from .room import RoomFolder

BackupFile = Annotated[Path, typer.Argument(help="The file of the backup, such as twinops-2026-11-29.tar.gz.")]


def backup(file: BackupFile, room: RoomFolder = Path("room"), runs: Runs = Path("runs"), as_json: Json = False) -> None:
    """Copy the operator's home, the room and the runs into one file, while they are in use. It holds keys."""
    from agents.record.home import home_folder
    from agents.serve.backup import BackedUp, back_up
    from agents.wording import counted
    from twin.clock import utc_now

    made = back_up(file, BackedUp(home_folder(), room, runs), now=utc_now())
    if as_json:
        emit("backup", {"file": str(file), "files": len(made.files), "left_out": dict(made.left_out)})
        return
    tell(f"{counted(len(made.files), 'files')} are in {file}")
    for name, why in made.left_out.items():
        tell(f"left out: {name}: {why}")


def restore(
    file: BackupFile, room: RoomFolder = Path("room"), runs: Runs = Path("runs"), as_json: Json = False
) -> None:
    """Put a backup back, into folders that are empty or not there."""
    from agents.record.home import home_folder
    from agents.serve.backup import BackedUp
    from agents.serve.backup import restore as put_back
    from agents.serve.place import lease
    from agents.wording import counted
    from twin.printed import utc

    with lease(room):
        made = put_back(file, BackedUp(home_folder(), room, runs))
    if as_json:
        emit("restore", {"files": len(made.files), "time": made.time.isoformat(), "left_out": dict(made.left_out)})
        return
    tell(f"{counted(len(made.files), 'files')} of {utc(made.time)} are back; twinops {made.version} wrote them")
