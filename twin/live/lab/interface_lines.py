"""Lines of one interface that break routing over it, and the way back to those that ran before."""

from pathlib import Path

from twin.errors import ExecutionError

from .layout import Port
from .vty import Vty


def unneighbourly(igp: str, port: Port, way: str) -> tuple[str, ...]:
    """Lines after which an interface has no neighbour."""
    isis = {
        "passive": "isis passive",
        "removed": "no ip router isis core",
        "hello timers": "isis hello-multiplier 2",
        "authentication": "isis password md5 other",
    }
    ospf = {
        "passive": "ip ospf passive",
        "removed": "no ip ospf area 0",
        "hello timers": "ip ospf hello-interval 3",
        "authentication": "ip ospf authentication message-digest",
    }
    if igp == "isis" and way == "hello timers":
        raise ExecutionError("IS-IS neighbours need no equal timers (ISO/IEC 10589)", fix="inject it with OSPF")
    return f"interface {port.device}", (isis if igp == "isis" else ospf)[way]


def elsewhere(igp: str, port: Port) -> tuple[str, ...]:
    """Lines after which an interface is in another area. Raises `ExecutionError` where that matters to nobody."""
    if igp == "isis":
        raise ExecutionError("level-2 neighbours need no common area (ISO/IEC 10589 8.2.4)", fix="inject it with OSPF")
    return f"interface {port.device}", "no ip ospf area 0", "ip ospf area 1"


def interface_lines(text: str, device: str) -> tuple[str, ...]:
    """What a running configuration has below an interface."""
    found, inside_it = list[str](), False
    for line in text.splitlines():
        if not line.startswith(" "):
            inside_it = line.strip() == f"interface {device}"
        elif inside_it:
            found.append(line.strip())
    return tuple(found)


def restore(path: Path, device: str, before: tuple[str, ...]) -> None:
    """Bring an interface back to the lines it had: what is new there goes first."""
    with Vty(path) as vty:
        now = interface_lines(vty.show("show running-config"), device)
        new = [f"no {x}" for x in now if x not in before]
        new.sort(key=lambda x: "metric" in x or "cost" in x)
        gone = [x for x in before if x not in now]
        replaced = [x for x in new if not _is_replaced(x, gone)]
        if replaced or gone:
            vty.configure((f"interface {device}", *replaced, *gone))


def _is_replaced(line: str, gone: list[str]) -> bool:
    """Whether a line needs no `no`, because the one that comes back takes its place."""
    words = line.removeprefix("no ").rpartition(" ")[0]
    return any(x.rpartition(" ")[0] == words and words not in ("", "ip ospf area") for x in gone)
