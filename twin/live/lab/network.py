"""The lab as a live network: read by its poller, logs and daemons, changed through the daemons' own configuration."""

import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import numpy as np

from twin.corrections import with_change
from twin.errors import ExecutionError
from twin.live.declared import Declaration
from twin.live.effects import EffectRecord
from twin.live.history import History
from twin.live.network import Configuration, Filter, Mismatch, ProbeReading, StaticRoute, Telemetry
from twin.live.readback import configured_routers
from twin.model import Link, Network
from twin.plan import Change, DrainLink, DrainNode, SetCapacity, SetWeight, UndrainLink, UndrainNode
from twin.plan import apply as changed

from .control import AskBeside, AskProbe, AskRoutes
from .exit_drain import ExitDrains
from .exits import stubs_of
from .frr import DAEMON, OUT, Said, overload_lines, read_configuration, weight_lines
from .instruments import declaration
from .launch import DEFAULT, Lab
from .layout import HIGHEST, Port, Router, routers_of
from .logs import LogFiles
from .polling import SAMPLES, decode
from .traffic import probed_pairs
from .vty import Vty

RETENTION = 240
"""Samples that are kept."""
_CONVERGED_S = 12.0
_STILL_S = 0.4
_POLL_S = 0.05
_LOST_S = 3.0
Routes = dict[str, dict[str, frozenset[str]]]


class LabNetwork:
    """A `LiveNetwork` that is `Measurable`, over one running lab.

    What it was told to be is the inventory with every effect on record; what the routers run is asked of them.
    """

    def __init__(self, lab: Lab, record: Path) -> None:
        """`record` is the file of the effects on this lab."""
        self.lab, self._record = lab, EffectRecord.open(record)
        self._built, self._routers = lab.design.inventory, routers_of(lab.design)
        self._ports: dict[int, Port] = {port.link: port for x in self._routers.values() for port in x.ports}
        self._stubs = stubs_of(lab.design, self._routers)
        self._exits = ExitDrains(lab.root, {x.port.link: x for x in self._stubs})
        self._declared, self._read_to, self._last = declaration(lab), 0, 0.0
        self._history = self._empty_history()
        self._logs = LogFiles(lab.root, {name: self._other_names(x) for name, x in self._routers.items()})
        self._count = 0

    # -- what it says of itself ------------------------------------------------------------------------------

    @property
    def declared(self) -> Declaration:
        """Every packet is counted; weights and drains are what it makes."""
        return self._declared

    @property
    def now(self) -> datetime:
        """The clock of this machine, UTC."""
        return datetime.now(UTC)

    @property
    def effects(self) -> EffectRecord:
        """What was done to it."""
        return self._record

    # -- reading ---------------------------------------------------------------------------------------------

    def read_topology(self) -> Network:
        """Return what it is configured to be: as it was built, and every change that is known to have been made."""
        self._settle()
        network = self._built
        for effect in self._record.made:
            network = with_change(network, effect.noted)
        return network

    def read_telemetry(self, since: datetime) -> Telemetry:
        """Return everything measured after `since` that is still kept. Raises `ExecutionError` when the lab is gone."""
        self._take_in()
        found = self._history.read(since.timestamp(), self.now.timestamp())
        return replace(found, declared=self._declared)

    def read_configuration(self) -> Configuration:
        """Ask every router; one that does not answer keeps what it was told to run."""
        network, routes, filters, odd = self.read_topology(), list[StaticRoute](), list[Filter](), list[Mismatch]()
        for name in self._routers:
            try:
                told = self.read_router(name)
            except ExecutionError:
                continue
            network = _with_part(network, told.network, name)
            routes += told.routes
            filters += told.filters
            odd += told.mismatches
        return Configuration(self.now, network, tuple(routes), tuple(filters), tuple(odd))

    def read_router(self, router: str) -> Configuration:
        """Ask one router what it runs now. Raises `UnknownElementError`, `ExecutionError` when it does not answer."""
        told_to = self.read_topology()
        router = told_to.nodes[told_to.node(router)].name
        if router not in self._routers:
            raise ExecutionError(f"{router} is no router: nobody answers for it", fix="ask a router")
        said = self._said(router)
        beside = cast("dict[str, list[list[str]]]", self.lab.ask(AskBeside(router=router)))
        routes = tuple(StaticRoute(router, target, via) for target, via in beside["routes"])
        filters = tuple(Filter(router, via, target or None) for via, target in beside["filters"])
        links = {port.device: self._built.links[port.link].name for port in self._routers[router].ports}
        odd = [Mismatch(router, links[device], what) for device, what in said.mismatches.items()]
        odd += [Mismatch(router, str(via), "mtu") for via in beside["mtus"]]
        network = self._as_said(told_to, self._routers[router], said)
        return Configuration(self.now, network, routes, filters, tuple(odd))

    def probe(self, source: str, target: str) -> ProbeReading:
        """Send a round of probes now. Raises `UnknownElementError`, `ExecutionError` without an answer."""
        for name in (source, target):
            self._built.node(name)
        timeout = 4 * self._declared_interval + 5
        told = cast("dict[str, float | None]", self.lab.ask(AskProbe(source=source, target=target), timeout_s=timeout))
        delay = told["delay_ms"]
        return ProbeReading(float(told["loss"] or 0.0), float("nan") if delay is None else delay)

    def routes(self) -> Routes:
        """What every kernel does with a packet for each router: the interfaces by which it leaves."""
        told = cast("dict[str, dict[str, list[str]]]", self.lab.ask(AskRoutes()))
        return {name: {target: frozenset(x) for target, x in ways.items()} for name, ways in told.items()}

    def wait(self, samples: int = 1) -> None:
        """Wait until there are this many more samples. Raises `ExecutionError` when none come."""
        self._take_in()
        wanted = self._count + samples
        end = time.monotonic() + (samples + _LOST_S) * self._declared_interval + _LOST_S
        while self._count < wanted:
            if time.monotonic() > end:
                raise ExecutionError("the lab's poller is silent", fix="twinops lab status")
            time.sleep(_POLL_S)
            self._take_in()

    def look_again(self) -> None:
        """Nothing to be done: a lab measures by itself."""

    # -- acting ----------------------------------------------------------------------------------------------

    def apply(self, change: Change, *, recorded: Change | None = None) -> None:
        """Make one change, and stay until the routers say that it is in force.

        It is on record before, and what became of it after; the inventory takes `recorded`, where that is not the
        change. Raises `PlanError` when it cannot be made to what is
        configured, `ExecutionError` when a router refuses it, does not answer, or what is read back is not as asked.
        """
        before = self.read_topology()
        wanted = changed(before, change) if recorded is None else with_change(before, change)
        if isinstance(change, SetCapacity) or change.op not in self._declared.makes:
            raise ExecutionError(f"a lab cannot {change.op}", fix="plan with weights and drains")
        lines = self._lines(wanted, change)
        routers = tuple(configured_routers(wanted, change))
        for name in routers:
            self._said(name)  # a router that does not answer takes no line
        effect = self._record.intend(change, self.now, recorded=recorded)
        try:
            self._make(wanted, change, lines)
            self._await(wanted, routers)
        except ExecutionError as error:
            if self._is_in_force(wanted, routers):
                self._record.confirm(effect, "configuration read back, though it said otherwise", self.now)
            else:
                self._record.deny(effect, str(error), self.now)
            raise
        self._record.confirm(effect, "configuration read back, routes settled", self.now)

    def _make(self, wanted: Network, change: Change, lines: Mapping[str, tuple[str, ...]]) -> None:
        for name, told in lines.items():
            self._tell(name, told)
        self._exits.make(wanted, change, self._still)

    def _lines(self, wanted: Network, change: Change) -> dict[str, tuple[str, ...]]:
        """Configuration lines of the routing daemon by router; none for an exit, which is BGP's."""
        igp = self.lab.design.igp
        match change:
            case SetWeight():
                links = [wanted.links[wanted.link(change.link)]]
            case DrainLink() | UndrainLink():
                exits = self._exits.of(wanted, change)
                links = [wanted.links[i] for i in wanted.circuit(change.circuit) if i not in exits]
            case DrainNode() if change.mode == "cost_out" and igp == "isis":
                raise ExecutionError("a lab drains routers of IS-IS by overload", fix="leave the mode out")
            case DrainNode() | UndrainNode():
                return {change.node: overload_lines(igp, on=wanted.nodes[wanted.node(change.node)].drained)}
            case _:
                raise ExecutionError(f"a lab cannot {change.op}", fix="plan with weights and drains")
        found: dict[str, tuple[str, ...]] = {}
        for link in links:
            if link.weight > HIGHEST[igp]:
                raise ExecutionError(f"{igp} metrics end at {HIGHEST[igp]}", fix="plan with smaller weights")
            port = self._ports.get(wanted.link(link.name))
            if port is None:
                raise ExecutionError(f"a lab has no weight for the exit {link.name}", fix="drain it, or leave it")
            found[link.tail] = weight_lines(igp, port, OUT[igp] if link.drained else link.weight)
        return found

    def _tell(self, router: str, lines: tuple[str, ...]) -> None:
        with self._vty(router) as vty:
            vty.configure(lines)

    def _vty(self, router: str) -> Vty:
        return Vty(self.lab.root / router / f"{DAEMON[self.lab.design.igp]}.vty")

    def _said(self, router: str) -> Said:
        """What a router's routing daemon says that it runs. Raises `ExecutionError`."""
        devices = tuple(x.device for x in self._routers[router].ports)
        with self._vty(router) as vty:
            return read_configuration(self.lab.design.igp, vty.show("show running-config"), devices)

    def _await(self, wanted: Network, routers: tuple[str, ...]) -> None:
        """Wait until these routers run what is wanted, and no kernel has changed a route for a while."""
        self._still()
        if not self._is_in_force(wanted, routers):
            raise ExecutionError("the routers said yes, and run something else", fix="roll back")

    def _still(self) -> None:
        """Wait until no kernel has changed a route for a while."""
        end, seen, still = time.monotonic() + _CONVERGED_S, self.routes(), time.monotonic()
        while time.monotonic() - still < _STILL_S:
            found = self.routes()
            if found != seen:
                seen, still = found, time.monotonic()
            if time.monotonic() > end:
                raise ExecutionError(f"routes have not settled after {_CONVERGED_S:g} s", fix="roll back")
            time.sleep(_POLL_S)

    def _is_in_force(self, wanted: Network, routers: tuple[str, ...]) -> bool:
        try:
            return all(
                _with_part(wanted, self._as_said(wanted, self._routers[name], self._said(name)), name) == wanted
                for name in routers
            )
        except ExecutionError:
            return False

    def _settle(self) -> None:
        """Ask the network what became of a change that was under way when somebody was killed."""
        effect = self._record.open_effect
        if effect is None:
            return
        network = self._built
        for earlier in self._record.made:
            network = with_change(network, earlier.noted)
        wanted = with_change(network, effect.change)
        routers = tuple(configured_routers(network, effect.change))
        if self._is_in_force(wanted, routers):
            self._exits.tidy(wanted, effect.change)
            self._record.confirm(effect.effect, "found in force", self.now)
            return
        self._make(network, effect.change, self._lines(network, effect.change))  # half of it may be there
        self._record.deny(effect.effect, "found not in force, and cleared", self.now)

    # -- what the routers say, as a network ------------------------------------------------------------------

    def _as_said(self, network: Network, router: Router, said: Said) -> Network:
        igp = self.lab.design.igp
        links = list(network.links)
        for port in router.ports:
            weight = said.weights[port.device]
            links[port.link] = _weighing(links[port.link], weight, out=OUT[igp])
        for position, closed in self._exits.closed(router).items():
            links[position] = links[position]._replace(drained=closed)
        nodes = tuple(x._replace(drained=said.overloaded) if x.name == router.name else x for x in network.nodes)
        return replace(network, links=tuple(links), nodes=nodes)

    def _other_names(self, router: Router) -> dict[str, str]:
        names = {
            x.device: self._built.links[x.link].interface.rsplit("/", 1)[1] for x in (*router.ports, *router.exits)
        }
        names |= {  # bgpd tells its neighbours by their addresses
            x.port.address: self._built.links[x.port.link].interface.rsplit("/", 1)[1]
            for x in self._stubs
            if x.outer.router == router.name
        }
        return {device: name for device, name in names.items() if device != name}

    # -- samples ---------------------------------------------------------------------------------------------

    @property
    def _declared_interval(self) -> float:
        return self.lab.design.rates.interval_s

    def _empty_history(self) -> History:
        n, m = len(self._built.nodes), len(self._built.links)
        probed = np.array([s * n + t for s, t in probed_pairs(self.lab.design)], dtype=np.int64)
        return History(RETENTION, nodes=n, links=m, pairs=np.flatnonzero(self._built.demands), probed=probed)

    def _take_in(self) -> None:
        """Read what was written since."""
        if not self.lab.alive:
            raise ExecutionError("the lab is gone", fix="twinops lab up")
        with (self.lab.root / SAMPLES).open("rb") as file:
            file.seek(self._read_to)
            content = file.read()
        whole = content[: content.rfind(b"\n") + 1]
        self._read_to += len(whole)
        for line in whole.splitlines():
            self._history.add(decode(line))
            self._count += 1
        self._history.log(self._logs.new())


def open_lab(name: str = "") -> LabNetwork:
    """Open a lab that runs, by its name. Raises `InputError` when there is none."""
    lab = Lab.get(name or DEFAULT)
    return LabNetwork(lab, lab.record)


def _weighing(link: Link, weight: int, *, out: int) -> Link:
    """A link as its interface's metric says: one that is taken out keeps the weight that it is to have again.

    One that is told to weigh as much as what is taken out is not told apart from that, and counts as in use.
    """
    taken_out = weight >= out and link.weight < out
    return link._replace(drained=True) if taken_out else link._replace(weight=weight, drained=False)


def _with_part(network: Network, said: Network, router: str) -> Network:
    """The network with one router's part as it says."""
    links = tuple(y if x.tail == router else x for x, y in zip(network.links, said.links, strict=True))
    nodes = tuple(y if x.name == router else x for x, y in zip(network.nodes, said.nodes, strict=True))
    return replace(network, links=links, nodes=nodes)
