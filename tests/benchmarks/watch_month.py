"""How a watch fares over long times: `python -m tests.benchmarks.watch_month [--hours H] [--network N]`.

An emulated network is looked at without waiting between looks: an interval of its clock passes at each. The time that
the emulation takes is told apart, since nobody emulates a real network. Told are the processor time of a look as a
share of one core, resident memory after the first hour and at the end, and what the room's folder holds. What of the
memory are the emulation's own samples (288 of them) is told apart as well: a network that is watched has none here.
"""

import argparse
import resource
import tempfile
import time
from pathlib import Path

import numpy as np

from agents.serve import room as rooms
from agents.serve.place import Place
from agents.serve.room import Room
from agents.serve.settings import Settings
from twin.faults import Fault

FLAP_EVERY = 480  # looks: a circuit goes down for a while now and then, so that there is something to remember


def resident_mb():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def emulated_mb(room):
    samples = room.live._live._live._history._samples
    return sum(x.nbytes for sample in samples for x in sample if isinstance(x, np.ndarray)) / 1e6


def memory(room):
    return resident_mb() - emulated_mb(room), emulated_mb(room)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--hours", type=float, default=24.0)
    parser.add_argument("--network", default="synthetic/50-1")
    parser.add_argument("--interval", type=float, default=30.0)
    given = parser.parse_args()
    looks = int(given.hours * 3600 / given.interval)
    emulating = 0.0
    advance = rooms.advance

    def timed(live):
        nonlocal emulating
        begun = time.process_time()
        advance(live)
        emulating += time.process_time() - begun

    rooms.advance = timed
    with tempfile.TemporaryDirectory() as work:
        site = f"emulated:{given.network},interval={given.interval:g}"
        room = Room(Place(Path(work) / "room", Path(work) / "runs", Path(work) / "home", site), Settings(agents=False))
        circuit = next(iter(room.live.read_topology().circuits))
        room.start()
        begun, after_hour, fault, grown = time.process_time(), None, None, list[str]()
        for number in range(looks):
            if number % FLAP_EVERY == 60:
                fault = room.live.strike(Fault(kind="link_down", element=circuit, onset=room.now))
            if number % FLAP_EVERY == 90 and fault is not None:
                room.live.heal(fault)
            room.step()
            if number + 1 == int(3600 / given.interval):
                after_hour = memory(room)
            if (number + 1) % max(looks // 8, 1) == 0:
                grown.append(f"{memory(room)[0]:.0f}")
        took = time.process_time() - begun
        end = memory(room)
        kept = {x.name: x.stat().st_size for x in (Path(work) / "room").iterdir() if x.is_file()}
        incidents = len(room.board.incidents)
        room.stop()
    share = (took - emulating) / looks / given.interval
    print(f"{looks} looks, {given.hours:g} h of {given.network} at {given.interval:g} s; {incidents} incidents")
    print(f"a look {1000 * (took - emulating) / looks:.1f} ms of CPU: {100 * share:.2f} % of one core")
    print(f"the emulation {1000 * emulating / looks:.1f} ms a look")
    (first, _), (last, emulation) = after_hour or end, end
    print(f"resident MB at each eighth of it: {', '.join(grown)}")
    print(f"resident {first:.1f} MB after an hour, {last:.1f} MB at the end ({100 * (last / first - 1):+.1f} %)")
    print(f"beside that the emulation's own samples, {emulation:.1f} MB at the end")
    print("on file " + ", ".join(f"{name} {size / 1e6:.2f} MB" for name, size in sorted(kept.items())))


if __name__ == "__main__":
    main()
