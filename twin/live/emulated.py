"""The embedded live network: real forwarding of flows, day and night, faults, and only what can be measured of it.

Its forwarding knows nothing of the simulator's, so what the twin predicts can be wrong here, as on a real network.
"""

import math
from datetime import UTC, datetime, timedelta
from typing import assert_never

import numpy as np

from twin.errors import ExecutionError, InputError
from twin.faults import Fault, FaultKind, afflict
from twin.model import Floats, Network
from twin.plan import (
    Change,
    DrainLink,
    DrainNode,
    LimitDemand,
    RemoveTunnel,
    SetCapacity,
    SetTunnel,
    SetWeight,
    SleepLink,
    UndrainLink,
    UndrainNode,
    WakeLink,
)
from twin.plan import apply as changed

from .forwarding import draw_flows, renew_flows, router_salts
from .history import History
from .network import Event, Telemetry
from .plane import DataPlane, data_plane
from .probes import probe_flows
from .queues import Carried
from .sensors import Noise, Sensors
from .syslog import Syslog
from .traffic import first_fluctuation, next_fluctuation, offered_share


class EmulatedNetwork:
    """A `LiveNetwork` that forwards flows itself: the same arguments and calls give the same telemetry.

    `network` is the inventory, its demands are the peak-hour matrix. `seed` fixes flows, traffic and noise; `start`
    is the clock's first value, `interval_s` the time between samples, a day at most; the last `retention` are kept.
    Raises `InputError` on values that no clock or seed can have.
    """

    def __init__(
        self,
        network: Network,
        *,
        seed: int,
        start: datetime,
        interval_s: float = 300.0,
        noise: Noise | None = None,
        retention: int = 288,
    ) -> None:
        _require_zone(start)
        if seed < 0 or not 0 < interval_s <= 86_400 or retention < 1:
            values = f"seed {seed}, interval {interval_s} s, retention {retention}"
            raise InputError(f"no live network can have {values}", fix="use for example seed 1, 300 s and 288 samples")
        self._seed, self._start, self._interval_s = seed, start.astimezone(UTC), interval_s
        self._noise = noise or Noise()
        self._inventory, self._tick, self._logged = network, 0, 0
        self._flows, self._probes = draw_flows(network.demands, seed), probe_flows(network, seed)
        self._salts, self._syslog = router_salts(len(network.nodes), seed), Syslog(network, seed)
        self._plane = self._route(network)
        n, m = len(network.nodes), len(network.links)
        pairs = np.unique(self._flows.source * n + self._flows.target)
        probed = np.unique(self._probes.source * n + self._probes.target)
        self._sensors = Sensors(self._noise, interval_s, seed, links=m, pairs=pairs, probed=probed)
        self._history = History(retention, nodes=n, links=m, pairs=pairs, probed=probed)
        self._fluctuation = first_fluctuation(n, seed)

    @property
    def now(self) -> datetime:
        """The network's clock, UTC."""
        return self._start + timedelta(seconds=self._tick * self._interval_s)

    @property
    def truth(self) -> Network:
        """The true state now, faults included, with the peak-hour matrix: for scoring, never for the agents."""
        return self._plane.network

    def read_topology(self) -> Network:
        """Return what is configured: every change that was applied, and no fault."""
        return self._inventory

    def read_telemetry(self, since: datetime) -> Telemetry:
        """Return everything measured after `since` that is still kept. Raises `InputError` without a time zone."""
        _require_zone(since)
        return self._history.read(since.timestamp(), self.now.timestamp())

    def wait(self, samples: int = 1) -> None:
        """Let time pass until there are this many more samples. Raises `InputError` on a negative number."""
        if samples < 0:
            raise InputError(f"cannot wait for {samples} samples", fix="wait for 1 or more")
        for _ in range(samples):
            self._step()

    def apply(self, change: Change) -> None:
        """Make one change. Raises `ExecutionError` when the network refuses it, `PlanError` when it cannot be made."""
        inventory = changed(self._inventory, change)
        if isinstance(change, SetCapacity):
            raise ExecutionError("capacity is built, not configured", fix="order the upgrade; leave this step out")
        routers = _configured_routers(self._inventory, change)
        for name in routers:
            if not self.truth.nodes[self.truth.node(name)].up:
                raise ExecutionError(f"{name} does not answer: {change.op} not made", fix="plan without this router")
        truth = changed(self.truth, change)
        rng = self._log_generator()
        self._history.log([self._syslog.commit(name, self._clock, rng) for name in routers])
        self._inventory = inventory
        self._become(truth, rng)

    def inject(self, fault: Fault) -> None:
        """Let a fault strike now: for the harness, not part of what an operator can do. Raises as `afflict` does."""
        truth, rng = afflict(self.truth, fault), self._log_generator()
        if fault.kind is FaultKind.WEIGHT:
            node = truth.links[truth.link(fault.element)].tail
            self._history.log([self._syslog.commit(node, self._clock, rng)])
        self._become(truth, rng)

    def true_harm(self, limit: float) -> float:
        """Mbit/s lost, dropped or above `limit` (share of capacity) right now: for scoring, never for the agents."""
        return self._plane.harm(self._carry()[0], limit)

    @property
    def _clock(self) -> float:
        return self.now.timestamp()

    def _route(self, network: Network) -> DataPlane:
        return data_plane(network, self._flows, self._probes, self._salts)

    def _become(self, truth: Network, rng: np.random.Generator) -> None:
        """Move to another true state; routers log the interfaces that change with it."""
        before, self._plane = self._plane, self._route(truth)
        lines: list[Event] = []
        for position in np.flatnonzero(before.oper != self._plane.oper):
            link, up = truth.links[position], bool(self._plane.oper[position])
            if truth.nodes[truth.node(link.tail)].up:
                lines += self._syslog.link_state(link, self._clock, rng, up=up)
        self._history.log(lines)

    def _step(self) -> None:
        """One interval: traffic moves on, the network carries it, everything is measured."""
        begin = self._clock
        self._tick += 1
        self._fluctuation = next_fluctuation(
            self._fluctuation, self._noise.swing, self._interval_s, seed=self._seed, tick=self._tick
        )
        self._renew_flows()
        carried, offered = self._carry()
        self._history.add(self._sensors.measure(self._plane, carried, offered, time=self._clock, tick=self._tick))
        up = [node.name for node in self.truth.nodes if node.up]
        rng = np.random.default_rng([self._seed, 9, self._tick])
        self._history.log(self._syslog.chatter(up, begin, self._clock, self._noise.chatter_per_day, rng))

    def _renew_flows(self) -> None:
        """Flows come and go: what shares equal paths drifts from one interval to the next."""
        if self._noise.flow_life_s:
            ended = 1 - math.exp(-self._interval_s / self._noise.flow_life_s)
            self._flows = renew_flows(self._flows, ended, np.random.default_rng([self._seed, 11, self._tick]))
            self._plane = self._plane.with_flows(self._flows)

    def _carry(self) -> tuple[Carried, Floats]:
        """What is carried and what is offered, Mbit/s [n, n], in the interval that ends now."""
        middle = self.now - timedelta(seconds=self._interval_s / 2)
        share = offered_share(self.truth, self._fluctuation, self._noise.swing, middle)
        offered = self._plane.offered(share)
        return self._plane.carry(self._plane.entering(offered)), offered

    def _log_generator(self) -> np.random.Generator:
        """A generator of its own for each change and fault, so that they do not move the noise of the samples."""
        self._logged += 1
        return np.random.default_rng([self._seed, 10, self._logged])


def _configured_routers(network: Network, change: Change) -> list[str]:
    """Routers that must take a configuration line for this change."""
    match change:
        case SetWeight():
            return [network.links[network.link(change.link)].tail]
        case DrainLink() | UndrainLink() | SleepLink() | WakeLink() | SetCapacity():
            link = network.links[network.circuit(change.circuit)[0]]
            return [link.tail, link.head]
        case DrainNode() | UndrainNode():
            return [change.node]
        case SetTunnel():
            return [change.tunnel.source]
        case RemoveTunnel():
            return [tunnel.source for tunnel in network.tunnels if tunnel.name == change.name]
        case LimitDemand():
            return [change.source]
        case _:
            assert_never(change)


def _require_zone(moment: datetime) -> None:
    if moment.tzinfo is None:
        raise InputError(f"{moment} has no time zone", fix="give it one: datetime(…, tzinfo=UTC)")
