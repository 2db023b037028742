"""Tasks that workers find by name."""

import os
import signal
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from twin.errors import UnknownFaultError


class Part(NamedTuple):
    number: int
    name: str = ""


def weigh(shared: tuple[np.ndarray, float], part: Part) -> tuple[float, bool]:
    """A sum, and whether what is shared can be written to."""
    matrix, factor = shared
    return float(matrix[part.number].sum() * factor), bool(matrix.flags.writeable)


def stumble(shared: object, part: Part) -> int:
    del shared
    if part.number == 3:
        raise ZeroDivisionError("of three")
    return part.number


def refuse(shared: object, part: Part) -> int:
    del shared
    raise UnknownFaultError(f"no fault number {part.number}", fix="name another")


def die_once(folder: str, part: Part) -> int:
    """The first worker that gets this chunk is killed over it."""
    mark = Path(folder) / f"died-{part.number}"
    if part.number == 2 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return part.number * part.number


def die(folder: str, part: Part) -> int:
    with (Path(folder) / "deaths").open("a") as file:
        file.write(f"{part.number}\n")
    os._exit(9)


def dawdle(folder: str, part: Part) -> int:
    (Path(folder) / f"began-{os.getpid()}").touch()
    time.sleep(60)
    return part.number


def where(seconds: float, part: Part) -> int:
    """The process that does it, taking its time."""
    del part
    time.sleep(seconds)
    return os.getpid()


def niceness(_shared: float, seconds: float) -> int:
    """Take some time, and tell how far the process steps back for others."""
    time.sleep(seconds)
    return os.nice(0)
