"""The embedded live network: real forwarding of flows, day and night, faults, and only what can be measured of it.

Its forwarding knows nothing of the simulator's, so what the twin predicts can be wrong here, as on a real network.
"""

import math
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np

from twin.corrections import with_change
from twin.errors import ExecutionError, InputError, PlanError
from twin.faults import Fault, FaultKind, check, with_faults
from twin.harm import Harm
from twin.model import Floats, Network
from twin.plan import Change, SetCapacity

from .declared import Declaration
from .defects import defects
from .distortion import distortion
from .fault_lines import Clock, end_lines, flap_lines, state_lines, strike_lines
from .forwarding import draw_flows, even_flows, renew_flows, router_salts
from .history import History
from .network import Configuration, ProbeReading, Telemetry
from .peered import peered
from .plane import DataPlane, data_plane
from .probes import PORTS, measure, probe_flows
from .readback import configuration, configured_routers, kept_from, misrecorded, noted, unhealed, unrecorded
from .replay import Replay
from .schedule import FaultSchedule
from .sensors import Noise, Sensors
from .states import states
from .surprises import Surprise
from .syslog import Syslog
from .traffic import day_profile, first_fluctuation, next_fluctuation, offered_share

_EXACT = 1_000_000  # packets that exact probes are worth


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
        self._configured, self._inventory, self._tick, self._logged = network, network, 0, 0
        self._faults: tuple[Fault, ...] = ()
        self._schedule = FaultSchedule()
        self._replay: Replay | None = None
        n, m = len(network.nodes), len(network.links)
        self._flows, self._probes = draw_flows(network.demands, seed), probe_flows(network, seed)
        self._salts, self._syslog = router_salts(n, seed), Syslog(network, seed, self._noise.skews(n, seed))
        self._states = states(network, (), self._route)
        pairs = np.unique(self._flows.source * n + self._flows.target).astype(np.int64)
        self._probed = np.unique(self._probes.source * n + self._probes.target).astype(np.int64)
        self._sensors = Sensors(self._noise, interval_s, seed, network, (pairs, self._probed))
        self._lies = distortion(network, ())
        self._history = History(retention, nodes=n, links=m, pairs=pairs, probed=self._probed)
        self._fluctuation = first_fluctuation(n, seed)
        self._collected = configuration(network, (), self._start)

    @property
    def now(self) -> datetime:
        """The network's clock, UTC."""
        return self._start + timedelta(seconds=self._tick * self._interval_s)

    @property
    def declared(self) -> Declaration:
        """What it says of its instruments: as they are set, no better."""
        noise = self._noise
        return Declaration(
            interval_s=self._interval_s,
            skew_s=noise.read_jitter_s + noise.clock_skew_s,
            sampling=noise.sampling,
            export_error=noise.export_error,
            probe_packets=noise.probe_packets or _EXACT,
            probe_ports=PORTS,
            day=tuple(float(x) for x in day_profile(np.arange(24.0))),
        )

    @property
    def truth(self) -> Network:
        """The true state now, faults included, with the peak-hour matrix: for scoring, never for the agents."""
        return self._states.truth(self._clock)

    @property
    def faults(self) -> tuple[Fault, ...]:
        """The faults that are there now, each with its onset: for scoring, never for the agents."""
        return self._faults

    def read_topology(self) -> Network:
        """Return the inventory: every change that was applied and no fault, but where the inventory itself is wrong."""
        return self._inventory

    def read_telemetry(self, since: datetime) -> Telemetry:
        """Return everything measured after `since` that is still kept. Raises `InputError` without a time zone."""
        _require_zone(since)
        return replace(self._history.read(since.timestamp(), self.now.timestamp()), declared=self.declared)

    def read_configuration(self) -> Configuration:
        """Return what routers said of their configuration when it was last collected, which may be old or untrue."""
        return self._collected

    def probe(self, source: str, target: str) -> ProbeReading:
        """Probe from one node to another now, at the traffic of the interval that ended last.

        Asked twice without time going on, it answers the same. Raises `UnknownElementError`, and `ExecutionError` when
        the source does not answer.
        """
        network = self.truth
        s, t = network.node(source), network.node(target)
        if s == t or not network.nodes[s].up:
            raise ExecutionError(f"{source} cannot probe {target}", fix="probe between two nodes that answer")
        pair = np.array([s * len(network.nodes) + t])
        flows = even_flows(np.array([s]), np.array([t]), PORTS, self._seed)
        span = (self._clock - self._interval_s, self._clock)
        truth = self._states.probed_by(flows, self._salts).interval(self._share(), pair, span)
        rng = np.random.default_rng([self._seed, 17, self._tick, int(pair[0])])
        found = measure(truth.through, truth.delay_ms, packets=self._noise.probe_packets, rng=rng)
        return ProbeReading(float(found.loss[0]), float(found.delay_ms[0]))

    def read_router(self, router: str) -> Configuration:
        """Ask one router for its configuration now; what the others say is as it was collected, old or untrue.

        Raises `UnknownElementError`, and `ExecutionError` when the router does not answer.
        """
        node = self.truth.nodes[self.truth.node(router)]
        if not node.up or node.kind == "exits":
            raise ExecutionError(f"{node.name} does not answer: its configuration was not read", fix="ask another one")
        asked = {node.name} - self._untrue()
        fresh = configuration(self._configured, self._faults, self.now)
        return kept_from(self._collected, fresh, {x.name for x in self._configured.nodes} - asked)

    def wait(self, samples: int = 1) -> None:
        """Let time pass until there are this many more samples. Raises `InputError` on a negative number."""
        self.require_wait(samples)
        for _ in range(samples):
            self._step()

    def apply(self, change: Change, *, recorded: Change | None = None) -> None:
        """Make one change. Raises `ExecutionError` when the network refuses it, `PlanError` when it cannot be made.

        The inventory takes `recorded`, where that is not the change.
        """
        configured = self.require_change(change, recorded)
        routers = configured_routers(self._configured, change)
        clock = Clock(self._clock, self._log_generator())
        self._history.log([self._syslog.commit(name, *clock) for name in routers])
        self._configured = configured
        left = [x for fault in self._faults for x in unhealed(change, fault, configured)]
        self._become([*left, *(x.since(self.now) for x in unrecorded(change, recorded, configured))], clock)

    def inject(self, fault: Fault) -> None:
        """Let a fault strike now, or at the first sample after its onset: for the harness, no operator can do this.

        Raises as `with_fault` does.
        """
        self.require_fault(fault)
        if fault.onset is not None and fault.onset > self.now:
            self._schedule.add_fault(fault)
            return
        clock, struck = Clock(self._clock, self._log_generator()), fault.since(self.now)
        self._history.log([*strike_lines(self._syslog, self._configured, struck, clock)])
        self._become([*self._faults, struck], clock, cause=struck)

    def clear(self, fault: Fault) -> None:
        """End a fault that is there, whatever its onset. Raises `InputError` when it is not."""
        found = self.require_there(fault)
        clock = Clock(self._clock, self._log_generator())
        self._history.log([*end_lines(self._syslog, self._configured, found, clock)])
        self._become([x for x in self._faults if x is not found], clock)

    def require_there(self, fault: Fault) -> Fault:
        """Return the fault that is there, whatever its onset. Raises `InputError` when it is not."""
        blank = fault.model_copy(update={"onset": None})
        found = [x for x in self._faults if x.model_copy(update={"onset": None}) == blank]
        if not found:
            raise InputError(f"no fault {fault} to clear", fix="clear one of `faults`")
        return found[0]

    def schedule(self, surprises: Iterable[Surprise]) -> None:
        """Let something happen by itself later. Raises `UnknownElementError` where it names no element."""
        self._schedule.add(surprises, self._configured)

    def play(self, replay: Replay) -> None:
        """From now on offer what was measured elsewhere. Raises `InputError` when it does not fit the network."""
        replay.check(self._configured)
        self._replay = replay

    def true_harm(self, limit: float) -> Harm:
        """What users lose right now, and the load above `limit`: for scoring, never for the agents."""
        return self._states.harm(self._share(), limit)

    def true_harm_after(self, changes: Sequence[Change], limit: float) -> Harm:
        """What users would lose right now if these changes had been made, none of which is: for scoring, as above.

        Raises as `apply` does.
        """
        configured, faults = self._configured, self._faults
        for change in changes:
            configured = self._accepted(configured, change, faults)
            faults = tuple(x for fault in faults for x in unhealed(change, fault, configured))
        nobody = np.zeros(0, dtype=np.int64)  # probes would cost as much as routing all traffic
        nothing = even_flows(nobody, nobody, PORTS, self._seed)

        def route(network: Network, faults: Sequence[Fault]) -> DataPlane:
            ill = defects(network, faults)
            return data_plane(with_faults(network, faults), self._flows, nothing, self._salts, ill)

        return states(configured, faults, route).harm(self._share(), limit)

    def require_wait(self, samples: int) -> None:
        """Raise as `wait` does, and let no time pass."""
        if samples < 0:
            raise InputError(f"cannot wait for {samples} samples", fix="wait for 1 or more")

    def require_change(self, change: Change, recorded: Change | None = None) -> Network:
        """Raise as `apply` does, and change nothing; return what the inventory would say."""
        return self._accepted(self._configured, change, self._faults, recorded)

    def _accepted(
        self, before: Network, change: Change, faults: Sequence[Fault], recorded: Change | None = None
    ) -> Network:
        configured = noted(before, change, faults) if recorded is None else with_change(before, recorded)
        unrecorded(change, recorded, configured)
        if isinstance(change, SetCapacity):
            raise ExecutionError("capacity is built, not configured", fix="order the upgrade; leave this step out")
        for name in configured_routers(before, change):
            if not self.truth.nodes[self.truth.node(name)].up:
                raise ExecutionError(f"{name} does not answer: {change.op} not made", fix="plan without this router")
        return configured

    def require_fault(self, fault: Fault) -> None:
        """Raise as `inject` does, and let nothing strike."""
        check(self._configured, fault)

    @property
    def _clock(self) -> float:
        return self.now.timestamp()

    def _route(self, configured: Network, faults: Sequence[Fault]) -> DataPlane:
        ill = defects(configured, faults)
        return data_plane(with_faults(configured, faults), self._flows, self._probes, self._salts, ill)

    def _become(self, faults: Sequence[Fault], clock: Clock, cause: Fault | None = None) -> None:
        """Move to another true state; routers log the interfaces and the neighbours that change with it."""
        calm, self._faults = self._states.calm, tuple(faults)
        before = calm.oper, calm.defects.adjacent
        del calm, self._states  # a thousand nodes have a gigabyte of paths: not those of two states at once
        self._states = states(self._configured, self._faults, self._route)
        self._lies = distortion(self._configured, self._faults)
        self._inventory = misrecorded(self._configured, self._faults)
        self._history.log([*state_lines(self._syslog, before, self._states.calm, clock, cause)])

    def _step(self) -> None:
        """One interval: what was announced comes, traffic moves on, the network carries it, everything is measured."""
        begin = self._clock
        self._keep_schedule()
        self._tick += 1
        self._fluctuation = next_fluctuation(
            self._fluctuation, self._noise.swing, self._interval_s, seed=self._seed, tick=self._tick
        )
        self._renew_flows()
        truth = self._states.interval(self._share(), self._probed, (begin, self._clock))
        sample = self._sensors.measure(truth, self._lies, time=self._clock, tick=self._tick)
        if self._configured.exits:
            said = peered(self._configured, self.truth, self._faults, sample.answered, self._clock)
            sample = sample._replace(peerings=said)
        self._history.add(sample)
        self._log_flaps(begin)
        up = [node.name for node in self.truth.nodes if node.up]
        rng = np.random.default_rng([self._seed, 9, self._tick])
        self._history.log(self._syslog.chatter(up, begin, self._clock, self._noise.chatter_per_day, rng))
        self._collect()

    def _keep_schedule(self) -> None:
        for fault in self._schedule.faults_due(self.now):
            self.inject(fault)
        for fault in self._schedule.healed_by(self.now):
            with suppress(InputError):  # what somebody has repaired is over
                self.clear(fault)
        for change in (*self._schedule.works_due(self.now, self._configured), *self._schedule.others_due(self.now)):
            # a router that does not answer cannot be drained: the work is put off for good
            with suppress(ExecutionError, PlanError):
                self.apply(change)

    def _log_flaps(self, begin: float) -> None:
        rng = np.random.default_rng([self._seed, 15, self._tick])
        for fault in self._states.flaps:
            self._history.log([*flap_lines(self._syslog, self._configured, fault, (begin, self._clock), rng)])

    def _collect(self) -> None:
        """Collect configurations when it is time: not from routers that are down, or that answer with old ones."""
        if (self.now - self._collected.taken).total_seconds() < self._noise.configuration_every_s:
            return
        unread = {node.name for node in self.truth.nodes if not node.up}
        unread |= self._untrue()
        fresh = configuration(self._configured, self._faults, self.now)
        self._collected = kept_from(self._collected, fresh, unread)

    def _untrue(self) -> set[str]:
        """Routers that answer with an old configuration."""
        return {x.element.removeprefix("node/") for x in self._faults if x.kind is FaultKind.STALE_CONFIGURATION}

    def _renew_flows(self) -> None:
        """Flows come and go: what shares equal paths drifts from one interval to the next."""
        if self._noise.flow_life_s:
            ended = 1 - math.exp(-self._interval_s / self._noise.flow_life_s)
            self._flows = renew_flows(self._flows, ended, np.random.default_rng([self._seed, 11, self._tick]))
            self._states = self._states.with_flows(self._flows)

    def _share(self) -> Floats:
        """Offered share of the peak-hour matrix [n, n] in the interval that ends now."""
        middle = self.now - timedelta(seconds=self._interval_s / 2)
        crowds = self._schedule.crowd_factors(self._configured, middle)
        if self._replay is None:
            return offered_share(self._configured, self._fluctuation, self._noise.swing, middle) * crowds
        provisioned = self._configured.demands
        return self._replay.at(middle) / np.where(provisioned > 0, provisioned, 1.0) * crowds

    def _log_generator(self) -> np.random.Generator:
        """A generator of its own for each change and fault, so that they do not move the noise of the samples."""
        self._logged += 1
        return np.random.default_rng([self._seed, 10, self._logged])


def _require_zone(moment: datetime) -> None:
    if moment.tzinfo is None:
        raise InputError(f"{moment} has no time zone", fix="give it one: datetime(…, tzinfo=UTC)")
