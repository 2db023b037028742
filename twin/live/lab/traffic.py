"""Real packets: who sends the traffic matrix and the probes, and who receives them. Two processes for the whole lab.

A socket stays in the namespace it was made in, so one process holds those of all routers. What is asked for and what is
counted stands in arrays that the processes share: rates in packets per second, everything else counted since the start.
"""

import heapq
import mmap
import random
import select
import socket
import struct
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from twin.model import Floats, Ints

from .exits import addresses, stubs_of
from .layout import Design, Router, routers_of
from .namespaces import inside

DATA_PORT, PROBE_PORT = 9000, 9001
OVERHEAD = 42  # UDP 8, IP 20, Ethernet 14: what interfaces and shapers count besides the payload
ROUNDS = 4
"""Rounds of probes that are told apart."""
PROBE_BYTES = 32
_SENDING = 0.7  # share of a round in which probes leave: the last of them has to arrive before it ends
_LATE_S = 0.03  # what a busy machine makes later than this is not made up for: a burst would fill queues
_DATA, _PROBE = struct.Struct("!I"), struct.Struct("!IIIQ")
_FORCE_BUFFER, _TIMESTAMP = 33, 35  # SO_RCVBUFFORCE, SO_TIMESTAMPNS
_STAMP = struct.Struct("@qq")


class Shared(NamedTuple):
    """Arrays that the processes of a lab share. n routers, p probed pairs, q ports that probes go out of."""

    rate: Floats  # [n, n] packets per second to send
    sent: Ints  # [n, n]
    refused: Ints  # [n, n] packets that the router itself would not take: it had no route
    received: Ints  # [n, n]
    probe_sent: Ints  # [ROUNDS, p]
    probe_received: Ints  # [ROUNDS, p]
    probe_least: Ints  # [ROUNDS, p, q] ns that the quickest took from each port, 0 where none arrived
    round: Ints  # [1] the round of probes under way
    ready: Ints  # [2] whether the sender and the receiver have begun


def probed_pairs(design: Design) -> list[tuple[int, int]]:
    """Pairs that are probed: all of them, or as many as the rates allow, drawn by the seed."""
    n = len(design.nodes)
    senders = [i for i, (name, _, _) in enumerate(design.nodes) if name not in design.groups]
    pairs = [(s, t) for s in senders for t in range(n) if s != t]
    if len(pairs) <= design.rates.probe_pairs:
        return pairs
    return sorted(random.Random(design.seed).sample(pairs, design.rates.probe_pairs))


def share(folder: Path, design: Design, *, new: bool = False) -> Shared:
    """Open the shared arrays, or make them."""
    n, p = len(design.nodes), len(probed_pairs(design))
    shapes = ((n, n),) * 4 + ((ROUNDS, p),) * 2 + ((ROUNDS, p, design.rates.probe_ports), (1,), (2,))
    size = sum(8 * int(np.prod(shape)) for shape in shapes)
    path = folder / "shared"
    if new:
        path.write_bytes(bytes(size))
    with path.open("r+b") as file:
        memory = mmap.mmap(file.fileno(), size)
    arrays, at = list[np.ndarray[tuple[int, ...], np.dtype[np.int64]]](), 0
    for shape in shapes:
        count = int(np.prod(shape))
        arrays.append(np.frombuffer(memory, np.int64, count, at).reshape(shape))
        at += 8 * count
    return Shared(arrays[0].view(np.float64), *arrays[1:])


def packets_per_s(design: Design, mbps: Floats) -> Floats:
    """How many data packets a second make so many Mbit/s on a link."""
    return mbps * 1e6 / (8 * (design.rates.payload + OVERHEAD))


def send(folder: Path, design: Design) -> None:
    """Send data at the rates asked for, and one probe after the other in each round, for ever."""
    Sender(folder, design).run()


class Sender:
    """Paces every demand by itself: a packet each so often, jittered by half, over flows in turn drawn by the seed."""

    def __init__(self, folder: Path, design: Design) -> None:
        self._shared, self._rates, self._random = share(folder, design), design.rates, random.Random(design.seed)
        routers = routers_of(design)
        self._address = addresses(design, routers)
        senders = [routers.get(name) for name, _, _ in design.nodes]  # beyond the exits nobody sends
        self._data = [[_sending(x) for _ in range(design.rates.flows)] if x else [] for x in senders]
        self._probes = [[_sending(x) for _ in range(design.rates.probe_ports)] if x else [] for x in senders]
        self._pairs = probed_pairs(design)
        self._packet = bytes(design.rates.payload - _DATA.size)

    def run(self) -> None:
        """Send for ever."""
        shared, n, began = self._shared, len(self._address), time.monotonic()
        due = [(self._random.random() * 0.1, i) for i in range(n * n) if i // n != i % n]
        heapq.heapify(due)
        probes: list[tuple[float, int]] = []
        under_way = 0
        shared.ready[0] = 1
        while True:
            now = time.monotonic() - began
            if int(shared.round[0]) != under_way:
                under_way, probes = int(shared.round[0]), self._schedule(now)
            while probes and probes[-1][0] <= now:
                self._probe(under_way, probes.pop()[1])
            at, pair = due[0]
            if at > now:
                time.sleep(min(at - now, probes[-1][0] - now if probes else 0.02, 0.02))
                continue
            heapq.heapreplace(due, (self._next(pair, max(at, now - _LATE_S), n), pair))

    def _next(self, pair: int, at: float, n: int) -> float:
        """Send one packet of a demand if it has a rate, and return when the next one is due."""
        source, target = divmod(pair, n)
        rate = float(self._shared.rate[source, target])
        if rate <= 0:
            return at + 0.2
        flows = self._data[source]
        head = _DATA.pack(pair)
        try:
            flows[self._random.randrange(len(flows))].sendto(head + self._packet, (self._address[target], DATA_PORT))
        except OSError:
            self._shared.refused[source, target] += 1
        self._shared.sent[source, target] += 1
        return at + min((0.5 + self._random.random()) / rate, 5.0)

    def _schedule(self, now: float) -> list[tuple[float, int]]:
        """When each probe of a round leaves, the first one last."""
        span, packets = _SENDING * self._rates.interval_s, self._rates.probe_packets
        step = span / packets
        spread = [
            (now + k * step + self._random.random() * step, i) for i in range(len(self._pairs)) for k in range(packets)
        ]
        return sorted(spread, reverse=True)

    def _probe(self, under_way: int, pair: int) -> None:
        source, target = self._pairs[pair]
        slot = under_way % ROUNDS
        port = int(self._shared.probe_sent[slot, pair]) % self._rates.probe_ports
        self._shared.probe_sent[slot, pair] += 1
        content = _PROBE.pack(under_way, pair, port, time.time_ns()).ljust(PROBE_BYTES, b"\0")
        try:
            self._probes[source][port].sendto(content, (self._address[target], PROBE_PORT))
        except OSError:  # no route: the probe is lost where it was to start
            return


def receive(folder: Path, design: Design) -> None:
    """Count what arrives, by demand and by probe, for ever."""
    shared, routers = share(folder, design), routers_of(design)
    n, wait = len(design.nodes), select.epoll()
    received = shared.received.reshape(-1)
    sockets: dict[int, tuple[socket.socket, bool]] = {}
    places = [(x.name, x.loopback) for x in routers.values()]
    places += [(x.name, x.address) for x in stubs_of(design, routers)]
    for place, address in places:
        for port in (DATA_PORT, PROBE_PORT):
            one = _receiving(place, address, port)
            sockets[one.fileno()] = one, port == PROBE_PORT
            wait.register(one.fileno(), select.EPOLLIN)
    shared.ready[1] = 1
    while True:
        for number, _ in wait.poll(0.5):
            one, is_probe = sockets[number]
            try:
                while True:
                    if not is_probe:
                        pair = _DATA.unpack_from(one.recv(64))[0]
                        received[pair if pair < n * n else 0] += 1
                        continue
                    data, stamps, _, _ = one.recvmsg(64, 64)
                    under_way, pair, from_port, left = _PROBE.unpack_from(data)
                    take_in(shared, (under_way % ROUNDS, pair, from_port), _arrived(stamps) - left)
            except BlockingIOError:
                continue


def take_in(shared: Shared, probe: tuple[int, int, int], took: int) -> None:
    """Note a probe, by its round, its pair and the port it came from, that took so many ns."""
    if probe[1] < shared.probe_received.shape[1] and probe[2] < shared.probe_least.shape[2]:
        shared.probe_received[probe[:2]] += 1
        least = int(shared.probe_least[probe])
        shared.probe_least[probe] = max(1, min(took, least or took))


def probed_delays(shared: Shared, slot: int) -> Floats:
    """One-way delay of each probed pair in a round, ms [p]: of each port's way the least, in their mean; NaN without.

    The quickest has waited least: in queues, which are not the way's, and for a machine that had other things to do.
    """
    least = shared.probe_least[slot]
    arrived = (least > 0).sum(axis=1)
    return np.where(arrived > 0, least.sum(axis=1) / np.maximum(arrived, 1) / 1e6, np.nan)


def _arrived(stamps: list[tuple[int, int, bytes]]) -> int:
    """When the kernel took a packet in, ns since the epoch: how busy this process is does not matter."""
    for _, kind, data in stamps:
        if kind == _TIMESTAMP and len(data) >= _STAMP.size:
            seconds, rest = _STAMP.unpack_from(data)
            return seconds * 1_000_000_000 + rest
    return time.time_ns()


def _sending(router: Router) -> socket.socket:
    def make() -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.bind((router.loopback, 0))
        made.setblocking(False)
        return made

    return inside(router.name, make)


def _receiving(place: str, address: str, port: int) -> socket.socket:
    def make() -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            made.setsockopt(socket.SOL_SOCKET, _FORCE_BUFFER, 4 << 20)
        except OSError:  # not without the right to: the usual buffer has to do
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        made.setsockopt(socket.SOL_SOCKET, _TIMESTAMP, 1)
        made.bind((address, port))
        made.setblocking(False)
        return made

    return inside(place, make)


if __name__ == "__main__":
    where = Path(sys.argv[2])
    {"send": send, "receive": receive}[sys.argv[1]](
        where, Design.model_validate_json((where / "design.json").read_bytes())
    )
