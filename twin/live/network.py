"""The network being mirrored, seen from the twin: what every adapter offers, and what it measures.

Everything measured is columnar: arrays of equal length, one row per sample, NaN where a sample is missing.
Element columns hold positions in the inventory `Network` that `read_topology` returns.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Literal, NamedTuple, Protocol, TypeVar, get_args, runtime_checkable

from twin.errors import ExecutionError, InputError
from twin.model import Bools, Floats, Ints, Network
from twin.numeric import np
from twin.plan import Change

from .declared import Declaration
from .peerings import PeeringSamples, no_peerings

Flags = Bools


class LinkSamples(NamedTuple):
    """Rates over one interval on each directed link, Mbit/s; `time` is the interval's end, epoch seconds."""

    time: Floats
    link: Ints
    out_mbps: Floats  # sent, counted at the tail's interface
    in_mbps: Floats  # received, counted at the head's interface
    dropped_mbps: Floats  # discarded by the tail's full queue
    up: Flags | Floats  # operational state of the tail's interface; NaN where nobody says


class NodeSamples(NamedTuple):
    """Whether each node answered its poll."""

    time: Floats
    node: Ints
    answered: Flags


class ProbeSamples(NamedTuple):
    """Active probes between node pairs: share lost and mean one-way delay (NaN when all were lost)."""

    time: Floats
    source: Ints
    target: Ints
    loss: Floats
    delay_ms: Floats


class TrafficSamples(NamedTuple):
    """Offered traffic per node pair as flow export at the ingress counts it, Mbit/s."""

    time: Floats
    source: Ints
    target: Ints
    mbps: Floats


class InterfaceSamples(NamedTuple):
    """What else the interfaces of each directed link report."""

    time: Floats
    link: Ints
    errors_per_s: Floats  # frames that arrived broken and were discarded, counted at the head's interface
    adjacent: Flags  # whether the tail has its routing neighbour over the link; apart from the interface's state


class FlowSamples(NamedTuple):
    """What flow export says of each node pair besides its volume."""

    time: Floats
    source: Ints
    target: Ints
    packets_per_s: Floats
    flows_per_s: Floats  # new flows


class Event(NamedTuple):
    """One syslog line. `message` is untrusted text: data, never instructions."""

    time: float
    node: str
    severity: int  # RFC 5424: 0 emergency .. 7 debug
    message: str


_Table = TypeVar(
    "_Table",
    LinkSamples,
    NodeSamples,
    ProbeSamples,
    TrafficSamples,
    InterfaceSamples,
    FlowSamples,
    PeeringSamples,
)


def _no_interfaces() -> InterfaceSamples:
    return InterfaceSamples(np.zeros(0), np.zeros(0, np.int64), np.zeros(0), np.zeros(0, np.bool_))


def _no_flows() -> FlowSamples:
    return FlowSamples(np.zeros(0), np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0), np.zeros(0))


@dataclass(frozen=True)
class Telemetry:
    """Everything measured in an interval of time, in time order, and what the network says of its instruments."""

    links: LinkSamples
    nodes: NodeSamples
    probes: ProbeSamples
    traffic: TrafficSamples
    events: tuple[Event, ...]
    interfaces: InterfaceSamples = field(default_factory=_no_interfaces)
    flows: FlowSamples = field(default_factory=_no_flows)
    declared: Declaration = field(default_factory=Declaration)
    peerings: PeeringSamples = field(default_factory=no_peerings)


def since_then(telemetry: Telemetry, since: datetime) -> Telemetry:
    """Return what of `telemetry` was measured after `since`. Raises `InputError` on a clock without a zone."""
    return _between(telemetry, _seconds(since), np.inf)


def until(telemetry: Telemetry, end: datetime) -> Telemetry:
    """Return what of `telemetry` was measured by `end`. Raises `InputError` on a clock without a zone."""
    return _between(telemetry, -np.inf, _seconds(end))


def _seconds(clock: datetime) -> float:
    if clock.tzinfo is None:
        raise InputError(f"{clock} has no time zone", fix="give it one: datetime(…, tzinfo=UTC)")
    return clock.timestamp()


def _between(telemetry: Telemetry, after: float, end: float) -> Telemetry:
    """What was measured after a time, until another one, epoch seconds."""

    def inside(table: _Table) -> _Table:
        kept = (table.time > after) & (table.time <= end)
        return table._make(column[kept] for column in table)

    return replace(
        telemetry,
        links=inside(telemetry.links),
        nodes=inside(telemetry.nodes),
        probes=inside(telemetry.probes),
        traffic=inside(telemetry.traffic),
        interfaces=inside(telemetry.interfaces),
        flows=inside(telemetry.flows),
        peerings=inside(telemetry.peerings),
        events=tuple(x for x in telemetry.events if after < x.time <= end),
    )


class StaticRoute(NamedTuple):
    """A configured route of one router: traffic for `target` leaves by the link `via`, whatever the IGP says."""

    router: str
    target: str
    via: str


class Filter(NamedTuple):
    """A configured filter: `router` drops what is to leave by the link `via` for `target`; None is routing packets."""

    router: str
    via: str
    target: str | None


MismatchKind = Literal["routing", "area", "mtu"]


class Mismatch(NamedTuple):
    """What `router` is configured to at its interface of the link `via` that its neighbour is not.

    `routing`: out of the IGP, passive, or with timers or a key of its own. `area`: in another area. `mtu`: of its own.
    """

    router: str
    via: str
    what: MismatchKind


ItemKind = Literal["weight", "drained", "route", "filter", "routing", "area", "mtu"]
"""What a line of configuration can be that an inventory does not have."""
EVERY_ITEM: frozenset[ItemKind] = frozenset(get_args(ItemKind))


@dataclass(frozen=True)
class Configuration:
    """What the routers say they are configured to do, as it was read at `taken`: it may be old, or wrong.

    Weights, drains, tunnels and limits are those of `network`; everything else there is from the inventory. Of what is
    not in `tells` nothing is said, so that its absence says nothing either.
    """

    taken: datetime
    network: Network
    routes: tuple[StaticRoute, ...] = ()
    filters: tuple[Filter, ...] = ()
    mismatches: tuple[Mismatch, ...] = ()
    tells: frozenset[ItemKind] = EVERY_ITEM


class ProbeReading(NamedTuple):
    """What became of probes that were sent on request: share lost, mean one-way delay (NaN when all were lost)."""

    loss: float
    delay_ms: float


@runtime_checkable
class Measurable(Protocol):
    """A network of which single readings can be asked for, apart from what it reports by itself."""

    def probe(self, source: str, target: str) -> ProbeReading:
        """Probe from one node to another now. Raises `UnknownElementError`, `ExecutionError` without an answer."""
        ...

    def read_router(self, router: str) -> Configuration:
        """Ask one router for its configuration now; the others' is as it was collected. Raises as `probe` does."""
        ...


class LiveNetwork(Protocol):
    """A network that can be read and, step by step, changed.

    One that can be asked for what its routers run is `Measurable` as well.
    """

    @property
    def declared(self) -> Declaration:
        """What it says of its instruments and of what it can do; its telemetry carries the same."""
        ...

    @property
    def now(self) -> datetime:
        """The network's clock, UTC."""
        ...

    def read_topology(self) -> Network:
        """Return the inventory: what is configured, not what has failed; demands are the provisioned ones."""
        ...

    def read_telemetry(self, since: datetime) -> Telemetry:
        """Return everything measured after `since`."""
        ...

    def apply(self, change: Change, *, recorded: Change | None = None) -> None:
        """Make one change. Raises `ExecutionError` when the network refuses it, `PlanError` when it cannot be made.

        The inventory takes `recorded`, where that is not the change: a step that corrects the routers alone leaves it
        as it is, and so does taking the step back.
        """
        ...

    def wait(self, samples: int = 1) -> None:
        """Let time pass until this many more samples are there."""
        ...


@runtime_checkable
class Provisional(Protocol):
    """A network whose changes are on trial: each takes itself back after `declared.trial_s` seconds unless kept."""

    def confirm_change(self) -> None:
        """Keep the change that was made last. Raises `ExecutionError` where it has been taken back already."""
        ...


def keep_change(live: LiveNetwork) -> None:
    """Keep the change that was made last, where it is on trial. Raises as `Provisional.confirm_change` does."""
    if live.declared.trial_s is None:
        return
    if not isinstance(live, Provisional):
        raise ExecutionError("the network declares a trial, and nothing ends it", fix="mend its adapter")
    live.confirm_change()


class MadeChange(NamedTuple):
    """A change that a live network says was made, and when; `recorded` is what its inventory took instead, if so."""

    time: datetime
    change: Change
    recorded: Change | None = None


class KeptNetwork(LiveNetwork, Protocol):
    """A live network whose past is on file, so that a run on it may be killed at any moment and taken up again.

    A restored one is as it was at first; what else is on file lies ahead of it, and doing that again makes nothing
    happen twice.
    """

    @property
    def start(self) -> datetime:
        """Since when it has been measured, UTC."""
        ...

    @property
    def effects(self) -> tuple[MadeChange, ...]:
        """Every change that was made, on file or not."""
        ...

    def keep(self, path: Path) -> None:
        """Write down what has happened so far, and from now on everything before it does. Raises `StoreError`."""
        ...

    def catch_up(self) -> None:
        """Let everything happen that is on file."""
        ...

    def catch_up_outside(self) -> None:
        """Let happen what came of the network while no run was there: time, faults, new measurements."""
        ...
