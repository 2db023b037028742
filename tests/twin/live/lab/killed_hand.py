"""A hand of a lab that is killed, with SIGKILL, before or after any line on its record or for a router."""

import itertools
import os
import signal
from typing import NamedTuple

from twin.live.effects import EffectRecord, Intended, Line, Made
from twin.live.lab.launch import Lab
from twin.live.lab.network import LabNetwork
from twin.live.lab.vty import Vty
from twin.model import Network
from twin.plan import Change, apply

_FAILED = 255
_NO_MOMENT = ("enable", "configure terminal", "end", "show ")


class Killed(NamedTuple):
    """What became of a change whose process was to be killed: whether it was, and how many moments there were."""

    killed: bool
    moments: int  # of a process that nobody killed


def strike_at(last: int | None) -> "itertools.count[int]":
    """Count moments from now on, and kill this process at the last: around every line on record, after every line told.

    The first moment is before a change is announced, the next after it, then each line that a router took, then before
    and after it is said what became of it.
    """
    write, ask, number = EffectRecord._write, Vty.ask, itertools.count(1)

    def moment() -> None:
        if next(number) == last:
            os.kill(os.getpid(), signal.SIGKILL)

    def written(record: EffectRecord, line: Line) -> None:
        moment()
        write(record, line)
        moment()

    def asked(vty: Vty, command: str) -> tuple[int, str]:
        told = ask(vty, command)
        if not command.startswith(_NO_MOMENT):
            moment()
        return told

    EffectRecord._write, Vty.ask = written, asked
    return number


def make_killed(lab: Lab, change: Change, moment: int | None) -> Killed:
    """Make a change in a process of its own that is killed at a moment, or let it do all of it."""
    child = os.fork()
    if child == 0:
        code = _FAILED
        try:
            number = strike_at(moment)
            LabNetwork(lab, lab.record).apply(change)
            code = next(number) - 1
        finally:
            os._exit(code)  # whatever happens: else the child goes on as a second worker of the tests
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        return Killed(True, 0)
    assert os.WEXITSTATUS(status) != _FAILED, f"{change} could not be made"
    return Killed(False, os.WEXITSTATUS(status))


def wrong_after(lab: Lab, before: Network, change: Change, seen: int) -> str:
    """What does not hold once somebody comes back, empty if all does; `seen` lines of effects were there before."""
    live = LabNetwork(lab, lab.record)
    network = live.read_topology()
    lines = live.effects.lines[seen:]
    announced = {x.effect: x.change for x in lines if isinstance(x, Intended)}
    made = [announced[x.effect] for x in lines if isinstance(x, Made)]
    if live.effects.open_effect is not None:
        return "a change is on record of which nobody knows whether it was made"
    if live.read_configuration().network != network:
        return "the routers run something else than is on record"
    if network not in (before, apply(before, change)):
        return "half of the change is in place"
    if network != before and made != [change]:
        return f"in place, and on record {len(made)} times"
    left = [x.name for x in network.nodes if x.kind == "router" and _has_left(lab, x.name)]
    return f"{left[0]} keeps a policy of the change" if left else ""


def _has_left(lab: Lab, router: str) -> bool:
    path = lab.root / router / "bgpd.vty"
    if not path.exists():
        return False
    with Vty(path) as vty:
        return "leaving" in vty.show("show running-config")


def sweep(lab: Lab, change: Change, undo: Change) -> list[str]:
    """Kill the making of a change at each of its moments, one after the other; what was wrong after each, if anything.

    Raises `AssertionError` where a kill does not happen.
    """
    before = LabNetwork(lab, lab.record).read_topology()
    total, found = make_killed(lab, change, None).moments, list[str]()
    LabNetwork(lab, lab.record).apply(undo)
    for moment in range(1, total + 1):
        seen = len(LabNetwork(lab, lab.record).effects.lines)
        assert make_killed(lab, change, moment).killed
        found.append(wrong_after(lab, before, change, seen))
        live = LabNetwork(lab, lab.record)
        if live.read_topology() != before:
            live.apply(undo)
    return found
