"""The poller of a lab: what interfaces, queues, neighbours and probes say, once an interval, as one line on a file."""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import cast

import numpy as np

from twin.errors import ExecutionError
from twin.live.network import Flags
from twin.live.peerings import PeeringSamples
from twin.live.sensors import Sample
from twin.model import Floats, Ints

from .bgp import ask_exits
from .daemons import Daemons
from .exits import Stub, group_prefixes
from .frr import NEIGHBOURS, adjacent_devices
from .layout import Design, Router
from .lies import Counters
from .namespaces import inside
from .netlink import Interface, Kernel
from .traffic import OVERHEAD, PROBE_BYTES, ROUNDS, Shared, probed_delays, probed_pairs
from .vty import Vty

SAMPLES = "samples.jsonl"
_PEERINGS = "peerings"
_PATIENCE_S = 0.5


class PolledReading:
    """Everything that is counted, at one moment; each router is read at a time of its own. m links, n routers."""

    def __init__(self, m: int, n: int) -> None:
        self.at, self.answered = np.zeros(n), np.zeros(n, dtype=np.bool_)
        self.sent, self.received, self.errors, self.drops, self.oversized = (np.full(m, np.nan) for _ in range(5))
        self.up, self.adjacent = np.zeros(m, dtype=np.bool_), np.zeros(m, dtype=np.bool_)
        self.exported, self.exported_at = np.zeros((n, n)), 0.0  # bytes
        self.peerings: PeeringSamples | None = None


class Poller:
    """Reads a lab and keeps a record of it."""

    def __init__(
        self,
        design: Design,
        routers: Mapping[str, Router],
        daemons: Daemons,
        root: Path,
        stubs: tuple[Stub, ...] = (),
    ) -> None:
        self._design, self._routers, self._daemons, self._root = design, routers, daemons, root
        self._stubs = stubs
        self._witnesses = {name: routers[name] for name in dict.fromkeys((*design.reflectors, *routers))}
        self._network = design.inventory
        self._kernels = {name: inside(name, Kernel) for name in routers}
        self._beyond = {stub.name: inside(stub.name, Kernel) for stub in stubs}
        index = self._network.node_index
        self._tail = np.array([index[x.tail] for x in self._network.links])
        self._head = np.array([index[x.head] for x in self._network.links])
        self._pairs = np.flatnonzero(self._network.demands)
        self.probed = probed_pairs(design)
        self._heard: dict[str, frozenset[str]] = {}
        self.lies: list[Counters] = []
        self.export_factor = np.ones((len(design.nodes), len(design.nodes)))

    def read(self, shared: Shared) -> PolledReading:
        """Read every router once."""
        found = PolledReading(len(self._network.links), len(self._network.nodes))
        found.exported, found.exported_at = (
            shared.sent.astype(np.float64) * (self._design.rates.payload + OVERHEAD),
            time.monotonic(),
        )
        self._read_stubs(found)
        for router in self._routers.values():
            number = self._network.node_index[router.name]
            found.at[number] = time.monotonic()
            kernel = self._kernels[router.name]
            try:
                interfaces, drops = {x.name: x for x in kernel.interfaces()}, kernel.drops()
            except OSError:  # a kernel that is too busy to answer is a poll without an answer
                continue
            found.answered[number] = self._daemons.runs(router.name, "zebra")
            self._counters(found, router, interfaces, drops, answered=bool(found.answered[number]))
        for lie in list(self.lies):
            found.sent, found.received, found.drops = lie(found.sent), lie(found.received), lie(found.drops)
        return found

    def _read_stubs(self, found: PolledReading) -> None:
        """Count what arrives beyond every exit, at the other end of its circuit."""
        for stub in self._stubs:
            group = self._network.node_index[stub.group]
            found.at[group], found.answered[group] = time.monotonic(), True
            try:
                here = {x.name: x for x in self._beyond[stub.name].interfaces()}.get(stub.port.device)
            except OSError:
                continue
            if here is not None:
                found.received[stub.port.link], found.errors[stub.port.link] = here.received_bytes, here.received_errors

    def neighbours(self, found: PolledReading, at: float) -> None:
        """Ask every routing daemon over which interfaces it has its neighbour, and of its exits."""
        for router in self._routers.values():
            near = self._near(router)
            for port in router.ports:
                found.adjacent[port.link] = port.device in near
        if self._stubs:
            light = {x.name: bool(found.up[x.port.link]) for x in self._stubs}
            found.peerings = ask_exits(self._root, self._stubs, self._witnesses, self._network, light, at)
            at_exits = found.peerings.link
            found.adjacent[at_exits] = found.up[at_exits]  # a session is no adjacency: it is told with its peering

    def _near(self, router: Router) -> frozenset[str]:
        daemon = self._daemons.igp
        if not self._daemons.runs(router.name, daemon):
            return frozenset()
        try:
            with Vty(self._root / router.name / f"{daemon}.vty", timeout_s=_PATIENCE_S) as vty:
                self._heard[router.name] = adjacent_devices(self._design.igp, vty.show(NEIGHBOURS[self._design.igp]))
                return self._heard[router.name]
        except ExecutionError:  # busy once, it is taken to be as before; silent twice, it has no neighbour
            return self._heard.pop(router.name, frozenset())

    @staticmethod
    def _counters(
        found: PolledReading,
        router: Router,
        interfaces: Mapping[str, Interface],
        drops: Mapping[int, int],
        *,
        answered: bool,
    ) -> None:
        for port in (*router.ports, *router.exits):
            here = interfaces.get(port.device)
            found.up[port.link] = here is not None and here.up
            if here is not None and answered:
                found.sent[port.link] = here.sent_bytes
                if port in router.ports:  # of the reverse link; turned round by `sample`
                    found.received[port.link], found.errors[port.link] = here.received_bytes, here.received_errors
                found.drops[port.link] = drops.get(here.number, 0)
                found.oversized[port.link] = here.oversized

    def sample(self, before: PolledReading, now: PolledReading, shared: Shared, at: float, under_way: int) -> Sample:
        """Turn two readings into rates over the time between them.

        What is too large for the other end is counted as hardware counts it: sent by one, broken at the other.
        """
        span = now.at - before.at
        mbit = 8e-6 / span
        # an interface without light refuses packets as well
        oversized = np.where(before.up & now.up, _rise(before.oversized, now.oversized), 0.0)
        out = (_rise(before.sent, now.sent) + oversized * (self._design.rates.payload + OVERHEAD)) * mbit[self._tail]
        arrived = (_rise(before.received, now.received))[self._reverse] * mbit[self._head]
        errors = ((_rise(before.errors, now.errors))[self._reverse] + oversized) / span[self._head]
        wire = 8e-6 * (self._design.rates.payload + OVERHEAD)
        dropped = _rise(before.drops, now.drops) * wire / span[self._tail]
        loss, delay = _probes(shared, under_way % ROUNDS)
        exported = now.exported - before.exported
        for (source, target), probes in zip(self.probed, shared.probe_sent[under_way % ROUNDS], strict=True):
            exported[source, target] += probes * (PROBE_BYTES + OVERHEAD)  # probes are packets like any other
        exported *= self.export_factor * 8e-6 / (now.exported_at - before.exported_at)
        return Sample(
            time=at,
            out_mbps=out,
            in_mbps=arrived,
            dropped_mbps=dropped,
            up=now.up,
            answered=now.answered,
            probe_loss=loss,
            probe_delay_ms=delay,
            export_mbps=exported.reshape(-1)[self._pairs],
            errors_per_s=errors,
            adjacent=now.adjacent,
            small=np.zeros(len(self._network.nodes)),
        )

    @property
    def _reverse(self) -> Ints:
        """Position of the other direction of each link [m]; an exit has none, and its other end counts for it."""
        return np.array(self._network.reverse, dtype=np.int64)

    def mtus(self, router: str) -> dict[str, int]:
        """The MTU of each of a router's interfaces, octets, by device."""
        return {x.name: x.mtu for x in self._kernels[router].interfaces()}

    def routes(self) -> dict[str, dict[str, tuple[str, ...]]]:
        """What every kernel does: by router and target router, the neighbours' interfaces by which it leaves.

        An empty tuple is a route that discards. What routing put there and what others did is told alike: the route of
        the smallest metric is in force.
        """
        names = {router.loopback: name for name, router in self._routers.items()}
        names |= {prefixes[0]: group for group, prefixes in group_prefixes(self._design).items()}
        found: dict[str, dict[str, tuple[str, ...]]] = {}
        for name, kernel in self._kernels.items():
            devices = {x.number: x.name for x in kernel.interfaces()}
            best: dict[str, tuple[int, tuple[str, ...]]] = {}
            for route in kernel.routes():
                target = names.get(route.target)
                if target is None or target == name:
                    continue
                leaves = tuple(sorted(devices.get(x, "?") for x in route.devices)) if route.kind == 1 else ()
                if target not in best or route.priority < best[target][0]:
                    best[target] = route.priority, leaves
            found[name] = {target: leaves for target, (_, leaves) in best.items()}
        return found


def _rise(before: Floats, now: Floats) -> Floats:
    """How far counters have risen; not known where one is missing or has begun anew."""
    rise = now - before
    return np.where(rise >= 0, rise, np.nan)


def _probes(shared: Shared, slot: int) -> tuple[Floats, Floats]:
    sent, received = shared.probe_sent[slot].astype(np.float64), shared.probe_received[slot].astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        loss = np.where(sent > 0, 1 - np.minimum(received, sent) / sent, np.nan)
    return loss, probed_delays(shared, slot)


def encode(sample: Sample) -> bytes:
    """Write a sample as one line; NaN as JSON's null."""
    columns = {name: _listed(getattr(sample, name)) for name in Sample._fields[1:] if name != _PEERINGS}
    told: dict[str, object] = {"time": sample.time, **columns}
    if sample.peerings is not None:
        told[_PEERINGS] = [_listed(column) for column in sample.peerings[1:]]
    return json.dumps(told).encode() + b"\n"


def decode(line: bytes) -> Sample:
    """Read a line that `encode` wrote. Raises `ValueError` or `KeyError` on any other."""
    read = cast("dict[str, object]", json.loads(line))
    told = cast("dict[str, list[float | None]]", read)
    at = float(cast("float", read["time"]))

    def rates(name: str) -> Floats:
        return np.array(told[name], dtype=np.float64)

    def flags(name: str) -> Flags:
        return np.array(told[name], dtype=np.bool_)

    return Sample(
        time=at,
        out_mbps=rates("out_mbps"),
        in_mbps=rates("in_mbps"),
        dropped_mbps=rates("dropped_mbps"),
        up=flags("up"),
        answered=flags("answered"),
        probe_loss=rates("probe_loss"),
        probe_delay_ms=rates("probe_delay_ms"),
        export_mbps=rates("export_mbps"),
        errors_per_s=rates("errors_per_s"),
        adjacent=flags("adjacent"),
        small=rates("small"),
        peerings=_peerings(at, cast("list[list[float | None]] | None", read.get(_PEERINGS))),
    )


def _peerings(at: float, told: list[list[float | None]] | None) -> PeeringSamples | None:
    if told is None:
        return None
    columns = [np.array(x, dtype=np.float64) for x in told]
    link, established, reason, received, accepted, reachable, discards, local_pref, path_length, claimed = columns
    return PeeringSamples(
        np.full(link.size, at),
        link.astype(np.int64),
        established,
        reason.astype(np.int64),
        received,
        accepted,
        reachable,
        discards,
        local_pref,
        path_length,
        claimed.astype(np.int64),
    )


def _listed(values: Floats | Flags | Ints) -> list[float | None]:
    return [None if np.isnan(x) else round(float(x), 6) for x in values.astype(np.float64)]


def poll(poller: Poller, shared: Shared, root: Path, interval_s: float, alive: Callable[[], bool]) -> None:
    """Sample as long as the lab is alive, on a grid of the interval."""
    before = poller.read(shared)
    under_way, due = 1, time.monotonic() + interval_s
    shared.round[0] = under_way
    with (root / SAMPLES).open("ab", buffering=0) as file:
        while alive():
            time.sleep(max(0.0, due - time.monotonic()))
            now = poller.read(shared)
            at = time.time()
            sample = poller.sample(before, now, shared, at, under_way)
            following = (under_way + 1) % ROUNDS
            for counted in (shared.probe_sent, shared.probe_received, shared.probe_least):
                counted[following] = 0
            under_way += 1
            shared.round[0] = under_way
            poller.neighbours(now, at)
            file.write(encode(sample._replace(adjacent=now.adjacent, peerings=now.peerings)))
            before, due = now, max(due + interval_s, time.monotonic())
