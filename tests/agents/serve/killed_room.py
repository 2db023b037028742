"""A room in a process of its own, which is killed at a random moment and begun again."""

import multiprocessing
import os
import time
from contextlib import contextmanager

from agents.serve.place import Place, lease
from agents.serve.room import Room
from agents.serve.settings import Settings

SITE = "emulated:sndlib/abilene,seed=3"


def place(folder, site=SITE):
    return Place(folder / "room", folder / "runs", folder / "home", site)


def watch(folder, looks):
    """Look so often, or until killed."""
    with lease(folder / "room", standby=lambda: None):
        (folder / "leads").write_text(str(os.getpid()))
        room = Room(place(folder), Settings(agents=False))
        room.start()
        for _ in range(looks):
            room.step()
        room.stop()


@contextmanager
def processes():
    """Yield what begins a watch in another process; one of them pays for the imports of all."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.agents.serve.killed_room", "twin.live.emulated", "networkx", "numba"])
    begun = []

    def begin(folder, looks):
        process = context.Process(target=watch, args=(folder, looks), daemon=True)
        process.start()
        begun.append(process)
        return process

    yield begin
    for process in begun:
        process.kill()
        process.join()
        process.close()


def kill_after(process, path, more, *, seconds=60):
    """Kill a process without any warning once it leads and a file has grown by so many bytes."""
    leads, until = path.parents[1] / "leads", time.monotonic() + seconds
    while not (leads.exists() and leads.read_text() == str(process.pid)) and time.monotonic() < until:
        time.sleep(0.005)
    target, until = path.stat().st_size + more, time.monotonic() + seconds
    while path.stat().st_size < target and process.is_alive() and time.monotonic() < until:
        time.sleep(0.001)
    process.kill()
    process.join()
