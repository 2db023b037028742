"""Interfaces, queues and routes as the kernel itself tells them, over one socket a router (rtnetlink(7))."""

import socket
import struct
import threading
from collections.abc import Iterator
from ipaddress import IPv4Address
from typing import NamedTuple

_REQUEST_DUMP = 0x301
_ERROR, _DONE = 2, 3
_GET_LINK, _GET_ROUTE, _GET_QDISC = 18, 26, 38
_HEADER, _ATTRIBUTE = struct.Struct("=IHHII"), struct.Struct("=HH")
_INTERFACE, _ROUTE, _QUEUE, _HOP = (
    struct.Struct("=BxHiII"),
    struct.Struct("=BBBBBBBBI"),
    struct.Struct("=BxxxiIII"),
    struct.Struct("=HBBi"),
)
_STATISTICS = struct.Struct("=8Q")
_OPERATIONAL_UP = 6
_MAIN_TABLE = 254
_HOST, _PREFIX = 32, 24
_ROOT = 2**32 - 1


class Interface(NamedTuple):
    """One interface: whether it is up, and what it has counted."""

    number: int
    name: str
    up: bool
    received_bytes: int
    sent_bytes: int
    received_errors: int
    oversized: int
    """Packets that the other end would not take, being too large: a virtual pair refuses them on this side."""
    mtu: int


class KernelRoute(NamedTuple):
    """A route to a host or prefix: who put it there, its kind (1 is unicast), and the interfaces by which it leaves."""

    target: str
    protocol: int
    kind: int
    priority: int
    devices: tuple[int, ...]


class Kernel:
    """One router's kernel. Made inside its namespace, asked from anywhere. Raises `OSError`."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0)
        self._socket.settimeout(5)
        self._socket.bind((0, 0))
        self._number = 0
        self._asked = threading.Lock()

    def close(self) -> None:
        """Take no more questions."""
        self._socket.close()

    def interfaces(self) -> list[Interface]:
        """Every interface with its counters."""
        return [_interface(body) for body in self._dump(_GET_LINK, _INTERFACE.pack(0, 0, 0, 0, 0))]

    def drops(self) -> dict[int, int]:
        """Packets that each interface's queue has dropped, by interface index."""
        found: dict[int, int] = {}
        for body in self._dump(_GET_QDISC, _QUEUE.pack(0, 0, 0, 0, 0)):
            _, index, _, parent, _ = _QUEUE.unpack_from(body)
            if parent != _ROOT:  # which has counted what its classes dropped
                continue
            for kind, value in _attributes(body[_QUEUE.size :]):
                if kind == 7:
                    dropped = [struct.unpack_from("=III", x)[2] for k, x in _attributes(value) if k == 3]
                    found[index] = found.get(index, 0) + sum(dropped)
        return found

    def routes(self) -> list[KernelRoute]:
        """Routes of the main table to single hosts, and to the prefixes that groups of exits are announced as."""
        body = _ROUTE.pack(socket.AF_INET, 0, 0, 0, 0, 0, 0, 0, 0)
        return [x for x in map(_route, self._dump(_GET_ROUTE, body)) if x is not None]

    def _dump(self, what: int, body: bytes) -> list[bytes]:
        """Ask for one table. A socket carries one at a time, and the poller's thread asks beside those that answer."""
        found: list[bytes] = []
        length = _HEADER.size + len(body)
        with self._asked:
            self._number += 1
            self._socket.send(_HEADER.pack(length, what, _REQUEST_DUMP, self._number, 0) + body)
            while True:
                data = self._socket.recv(1 << 18)
                while data:
                    size, kind, _, number, _ = _HEADER.unpack_from(data)
                    if number == self._number:
                        if kind == _DONE:
                            return found
                        if kind == _ERROR:
                            raise OSError(-struct.unpack_from("=i", data, _HEADER.size)[0], "the kernel refuses")
                        found.append(data[_HEADER.size : size])
                    data = data[(size + 3) & ~3 :]


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    while len(data) >= _ATTRIBUTE.size:
        size, kind = _ATTRIBUTE.unpack_from(data)
        if size < _ATTRIBUTE.size:
            return
        yield kind & 0x3FFF, data[_ATTRIBUTE.size : size]
        data = data[(size + 3) & ~3 :]


def _interface(body: bytes) -> Interface:
    _, _, index, _, _ = _INTERFACE.unpack_from(body)
    name, up, counted, mtu = "", False, (0,) * 8, 0
    for kind, value in _attributes(body[_INTERFACE.size :]):
        if kind == 3:
            name = value.rstrip(b"\0").decode(errors="replace")
        elif kind == 4:
            mtu = int.from_bytes(value[:4], "little")
        elif kind == 16:
            up = value[0] == _OPERATIONAL_UP
        elif kind == 23:
            counted = _STATISTICS.unpack_from(value)
    return Interface(index, name, up, counted[2], counted[3], counted[4], counted[7], mtu)


def _route(body: bytes) -> KernelRoute | None:
    family, length, _, _, table, protocol, _, kind, _ = _ROUTE.unpack_from(body)
    if family != socket.AF_INET or length not in (_HOST, _PREFIX) or table != _MAIN_TABLE:
        return None
    target, priority, devices = "", 0, list[int]()
    for attribute, value in _attributes(body[_ROUTE.size :]):
        if attribute == 1:
            target = str(IPv4Address(value))
        elif attribute == 4:
            devices.append(struct.unpack("=i", value)[0])
        elif attribute == 6:
            priority = struct.unpack("=I", value)[0]
        elif attribute == 9:
            devices += _hops(value)
    return KernelRoute(target, protocol, kind, priority, tuple(sorted(set(devices))))


def _hops(value: bytes) -> Iterator[int]:
    while len(value) >= _HOP.size:
        size, _, _, index = _HOP.unpack_from(value)
        yield index
        value = value[max((size + 3) & ~3, _HOP.size) :]
