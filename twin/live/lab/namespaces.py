"""Routers as network namespaces, circuits as pairs of virtual interfaces, and the shaping of what leaves them."""

import ctypes
import os
import subprocess
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from twin.errors import ExecutionError

from .features import environment
from .layout import Port, Router

T = TypeVar("T")
_NEW_NET = 0x40000000
_LIBC = ctypes.CDLL(None, use_errno=True)
MTU = 1500
"""Octets that a packet may have on any circuit: what a virtual pair is made with."""
QUEUE_MS = 50.0
"""What a full queue holds."""
_BURST = 1600  # bytes: one packet
_SYSTEM: Mapping[str, int] = {
    "net/ipv4/ip_forward": 1,
    "net/ipv4/fib_multipath_hash_policy": 1,
    "net/ipv4/conf/all/rp_filter": 0,
    "net/ipv4/conf/default/rp_filter": 0,
    "net/ipv4/conf/all/accept_local": 1,  # no router's hardware drops what comes back to where it began: a loop loops
    "net/ipv4/icmp_ratelimit": 0,
    "net/ipv6/conf/all/disable_ipv6": 1,
    "net/ipv6/conf/default/disable_ipv6": 1,
}
_HASH_SEED = "net/ipv4/fib_multipath_hash_seed"


def command(*words: str, given: str | None = None) -> str:
    """Run a system program and return what it prints. Raises `ExecutionError` with its own words."""
    try:
        done = subprocess.run(words, input=given, capture_output=True, text=True, env=environment(), check=False)  # noqa: S603 - our own words
    except OSError as error:
        raise ExecutionError(f"{words[0]} cannot be run: {error.strerror}", fix="install it") from error
    if done.returncode:
        told = " ".join(done.stderr.split())[:300] or f"code {done.returncode}"
        raise ExecutionError(f"{' '.join(words)[:120]}: {told}", fix="look at what this machine lacks: lab status")
    return done.stdout


def inside(router: str, work: Callable[[], T]) -> T:
    """Do something in a router's namespace and return its result; sockets made there stay there."""
    result: list[T] = []
    failed: list[BaseException] = []

    def enter() -> None:
        try:
            handle = os.open(f"/run/netns/{router}", os.O_RDONLY | os.O_CLOEXEC)
            try:
                if _LIBC.setns(handle, _NEW_NET):
                    number = ctypes.get_errno()
                    raise OSError(number, os.strerror(number))
            finally:
                os.close(handle)
            result.append(work())
        except BaseException as error:  # handed to who asked
            failed.append(error)

    thread = threading.Thread(target=enter)  # a namespace is entered by a thread, and left with it
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return result[0]


def build(routers: Iterable[Router], seed: int) -> None:
    """Make the namespaces, the circuits between them, and their addresses."""
    listed = list(routers)
    lines = [f"netns add {x.name}" for x in listed]
    for router in listed:
        lines += [
            f"link add {x.device} netns {x.router} type veth peer name {x.peer_device} netns {x.peer}"
            for x in router.ports
            if (x.router, x.device) < (x.peer, x.peer_device)
        ]
    command("ip", "-batch", "-", given="\n".join(lines) + "\n")
    for number, router in enumerate(listed):
        lines = ["link set lo up", f"addr add {router.loopback}/32 dev lo"]
        for port in router.ports:
            lines += [f"addr add {port.address}/31 dev {port.device}", f"link set {port.device} up"]
        command("ip", "-n", router.name, "-batch", "-", given="\n".join(lines) + "\n")
        inside(router.name, lambda number=number: tune(seed * 1_000_003 + 7919 * number + 1))
        shape(router.ports, new=True)


def tune(hash_seed: int) -> None:
    """Set what a router's kernel does, in the namespace that the caller is in."""
    for name, value in _SYSTEM.items():
        set_system(name, value)
    if Path("/proc/sys", _HASH_SEED).exists():  # one seed for all would hide how flows split from hop to hop
        set_system(_HASH_SEED, hash_seed % 2**31 or 1)


def set_system(name: str, value: int) -> None:
    """Write one setting of the kernel, of the namespace that the caller is in."""
    Path("/proc/sys", name).write_text(f"{value}\n")


def shape(ports: Iterable[Port], *, factor: float = 1.0, new: bool = False) -> None:
    """Let no more out of these ports than their rate, times `factor`; what waits longer than `QUEUE_MS` is dropped.

    Routing packets go first, as on any router: without that a full queue would take the neighbours with it. `new` is
    for ports that have no queues yet.
    """
    by_router: dict[str, list[str]] = {}
    for port in ports:
        rate = port.mbps * 1e6 * factor
        burst, queue = max(_BURST, int(rate / 1000 / 8)), max(_BURST, int(rate * QUEUE_MS / 8e3))
        device, most = f"dev {port.device}", f"ceil {rate:.0f}bit burst {burst} cburst {burst}"
        lines = by_router.setdefault(port.router, [])
        if new:
            lines.append(f"qdisc add {device} root handle 1: htb default 20")
        lines += (
            f"class replace {device} parent 1: classid 1:1 htb rate {rate:.0f}bit {most}",
            f"class replace {device} parent 1:1 classid 1:10 htb rate {rate / 50:.0f}bit {most} prio 0",
            f"class replace {device} parent 1:1 classid 1:20 htb rate {rate / 50:.0f}bit {most} prio 1",
            f"qdisc replace {device} parent 1:20 bfifo limit {queue}",
        )
        if new:
            lines += (
                f"filter add {device} parent 1: protocol ip prio 1 u32 match ip protocol 89 0xff flowid 1:10",
                f"filter add {device} parent 1: protocol ip prio 2 u32 match u32 0 0 flowid 1:20",
                f"filter add {device} parent 1: protocol all prio 3 u32 match u32 0 0 flowid 1:10",  # IS-IS and ARP
            )
    for router, lines in by_router.items():
        command("tc", "-n", router, "-batch", "-", given="\n".join(lines) + "\n")


def set_up(port: Port, *, up: bool) -> None:
    """Set an interface administratively up or down."""
    command("ip", "-n", port.router, "link", "set", port.device, "up" if up else "down")
