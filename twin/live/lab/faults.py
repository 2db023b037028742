"""Faults done to real daemons, interfaces, kernels and traffic, and undone again."""

import signal
import threading
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path

import numpy as np

from twin.errors import ExecutionError, InputError
from twin.faults import HANGS, Fault, FaultKind, check, interfaces, struck_links

from . import lies, rules
from .bgp import BGPD
from .daemons import Daemons
from .exit_faults import EXIT_WAYS, ExitFaults
from .exits import stubs_of
from .features import probe
from .frr import DAEMON, OUT, by_process_first, weight_lines
from .interface_lines import elsewhere, interface_lines, restore, unneighbourly
from .layout import Design, Port, Router
from .namespaces import MTU, command, inside, set_system, set_up, shape
from .polling import Poller
from .traffic import PROBE_PORT, Shared
from .vty import Vty

_K = FaultKind
VARIANTS: Mapping[FaultKind, tuple[str, ...]] = {
    _K.ROUTING_DOWN: ("killed", "frozen"),
    _K.NEIGHBOUR_MISSING: ("passive", "removed", "hello timers", "authentication"),
    _K.BLACKHOLE: ("route", "forwarding off"),
}
"""Ways in which the same mistake is made; the first is the usual one."""
_NETEM = frozenset({_K.LATENCY, _K.CORRUPTION, _K.DEVICE_CORRUPTION})
_WHY_NOT: Mapping[FaultKind, str] = {
    _K.SILENT_LOSS: "virtual interfaces count at both ends what passes: inject one_way_data_loss",
    _K.SYN_FLOOD: "the traffic generator sends packets of one size only",
    _K.STALE_CONFIGURATION: "routers are asked here, nothing is collected",
    _K.ECMP_MISSING: "the routing daemon puts back what is taken from its groups",
    _K.ECMP_STALE: "routes here carry their own next hops, which FRR keeps right",
}
_TRAFFIC = frozenset({_K.SURGE, _K.WEB_DOS, _K.INCAST, _K.DEMAND_INPUT})
_AT_EXITS = frozenset(
    {_K.LINK_DOWN, _K.FLAP, _K.CAPACITY, _K.WRONG_CAPACITY, _K.LATENCY, _K.CORRUPTION, _K.ONE_WAY}
    | {_K.STUCK_COUNTER, _K.SCALED_COUNTER, _K.MISSING_COUNTERS, _K.SWAPPED_COUNTERS}
)
_FLAP_S = 4.0
Cure = Callable[[], None]


class Injector:
    """Does faults to one lab, and remembers how each is undone."""

    def __init__(
        self,
        design: Design,
        routers: Mapping[str, Router],
        daemons: Daemons,
        poller: Poller,
        shared: Shared,
        root: Path,
    ) -> None:
        self._design, self._routers, self._daemons, self._root = design, routers, daemons, root
        self._poller, self._shared, self._network = poller, shared, design.inventory
        self._port = {port.link: port for router in routers.values() for port in (*router.ports, *router.exits)}
        self._stubs = {stub.port.link: stub for stub in stubs_of(design, routers)}
        self._cures: list[Cure] = []
        self.struck: list[tuple[Fault, str]] = []

    def strike(self, fault: Fault, variant: str = "") -> None:
        """Do a fault. Raises `InputError` where it cannot be one of this network, `ExecutionError` where not here."""
        check(self._network, fault)
        ways = VARIANTS.get(fault.kind, EXIT_WAYS.get(fault.kind, ("",)))
        if variant and variant not in ways:
            raise InputError(f"{fault.kind} is not done by {variant!r}", fix=f"one of: {', '.join(ways)}")
        if fault.kind in _NETEM and any(x.missing for x in probe() if x.name == "netem"):
            raise ExecutionError(f"{fault.kind} needs netem, which this kernel lacks", fix="inject another fault")
        if fault.kind in _WHY_NOT:
            raise ExecutionError(f"{fault.kind} cannot be done here: {_WHY_NOT[fault.kind]}", fix="inject another")
        self._require_doable(fault)
        if fault.kind in EXIT_WAYS:
            exits = ExitFaults(self._design, self._routers, self._stubs, self._root)
            for work, cure in exits.steps(fault, variant or ways[0]):
                self._with_cure(work, cure)
        else:
            self._do(fault, variant or ways[0])
        self.struck.append((fault, variant or ways[0]))

    def heal(self) -> None:
        """Undo everything, last first; what cannot be undone is named when the rest is."""
        left: list[str] = []
        while self._cures:
            try:
                self._cures.pop()()
            except (ExecutionError, OSError) as error:
                left.append(str(error))
        self.struck.clear()
        if left:
            raise ExecutionError(f"not everything is healed: {left[0]}", fix="twinops lab down, and up again")

    def _do(self, fault: Fault, way: str) -> None:  # noqa: C901 - one line a kind
        ports, severity = self._ports(fault), fault.severity
        match fault.kind:
            case _K.LINK_DOWN:
                self._shut([self._port[i] for i in struck_links(self._network, fault)][::2])
            case _K.DETACH:
                self._detach(ports)
            case _K.FLAP:
                self._flap([self._port[i] for i in struck_links(self._network, fault)][:1], severity)
            case _K.DEVICE_DOWN:
                self._dead(self._routers[fault.element.removeprefix("node/")])
            case _K.ROUTING_DOWN:
                self._process_down(fault.element.removeprefix("node/"), self._daemons.igp, frozen=way == "frozen")
            case _K.BGP_PROCESS:
                self._process_down(fault.element.removeprefix("node/"), BGPD, frozen=severity == HANGS)
            case _K.CAPACITY | _K.WRONG_CAPACITY:
                factor = 1 - severity if fault.kind is _K.CAPACITY else 1 / severity
                both = [self._port[i] for i in struck_links(self._network, fault)]
                self._with_cure(partial(shape, both, factor=factor), partial(shape, both))
            case _K.LATENCY | _K.CORRUPTION | _K.DEVICE_CORRUPTION:
                self._emulate(fault, [self._port[i] for i in struck_links(self._network, fault)])
            case _K.SURGE | _K.WEB_DOS | _K.INCAST:
                self._surge(fault)
            case _K.WEIGHT:
                self._configure(ports, lambda port: weight_lines(self._design.igp, port, int(severity)))
            case _K.STALE_TOPOLOGY:
                both = [self._port[i] for i in self._network.circuit(fault.element)]
                self._configure(both, lambda port: weight_lines(self._design.igp, port, OUT[self._design.igp]))
            case _K.NEIGHBOUR_MISSING:
                self._configure(ports, lambda port: unneighbourly(self._design.igp, port, way))
            case _K.AREA:
                self._configure(ports, lambda port: elsewhere(self._design.igp, port))
            case _K.ACL_BLOCK:
                for port in ports:
                    rules.drop_hellos(port, sender=self._far(port))
                self._cures += [partial(rules.clear_filters, x) for p in ports for x in (p.router, p.peer)]
            case _K.MTU:
                for port in ports:
                    self._mtu(port)
            case _K.ONE_WAY:
                for port in ports:
                    rules.lose_arriving(self._far(port), severity)
                    self._cures.append(partial(rules.clear_filters, port.peer))
            case _K.DATA_ACL:
                for port in ports:
                    rules.drop_leaving(port, [self._target(fault)])
                    self._cures.append(partial(rules.clear_filters, port.router))
            case _K.PROBE_FILTER:
                router = self._routers[fault.element.removeprefix("node/")].name
                self._with_cure(partial(rules.drop_probes, router, PROBE_PORT), partial(rules.pass_probes, router))
            case _K.STATIC_ROUTE | _K.BLACKHOLE | _K.HOST_BLACKHOLE:
                self._misroute(fault, ports, way)
            case _:
                self._lie(fault, ports)

    # -- what is struck --------------------------------------------------------------------------------------

    def _require_doable(self, fault: Fault) -> None:
        """Raise `ExecutionError` where an exit, or what is beyond one, has no daemon or interface for this."""
        group = fault.element.removeprefix("node/") in self._design.groups
        towards = (fault.target or "").removeprefix("node/") in self._design.groups and fault.kind not in EXIT_WAYS
        routed = not fault.element.startswith(("node/", "network/")) and any(
            i in self._stubs for i in struck_links(self._network, fault)
        )
        if (
            towards
            or (group and fault.kind not in _TRAFFIC)
            or (routed and fault.kind not in _AT_EXITS | set(EXIT_WAYS))
        ):
            raise ExecutionError(f"{fault.kind} cannot be done beyond or at an exit", fix="inject it between routers")

    def _ports(self, fault: Fault) -> list[Port]:
        if fault.element.startswith("network/"):
            return []
        return [self._port[self._network.link(x)] for x in interfaces(self._network, fault)]

    def _far(self, port: Port) -> Port:
        if port.link in self._stubs:
            return self._stubs[port.link].port
        return next(x for x in self._routers[port.peer].ports if x.device == port.peer_device and x.peer == port.router)

    def _target(self, fault: Fault) -> str:
        return self._routers[(fault.target or "").removeprefix("node/")].loopback

    def _with_cure(self, work: Cure, cure: Cure) -> None:
        self._cures.append(cure)
        work()

    # -- lines and boxes -------------------------------------------------------------------------------------

    def _shut(self, ports: Iterable[Port]) -> None:
        for port in ports:
            self._with_cure(partial(set_up, port, up=False), partial(set_up, port, up=True))

    def _detach(self, ports: Iterable[Port]) -> None:
        """Take interfaces out of their router: nobody there knows them any more."""
        for port in ports:
            aside = f"aside{port.link}"
            command("ip", "netns", "add", aside)
            command("ip", "-n", port.router, "link", "set", port.device, "netns", aside)
            self._cures.append(partial(self._attach, port, aside))

    def _attach(self, port: Port, aside: str) -> None:
        command("ip", "-n", aside, "link", "set", port.device, "netns", port.router)
        command("ip", "-n", port.router, "addr", "replace", f"{port.address}/31", "dev", port.device)
        set_up(port, up=True)
        shape([port], new=True)
        command("ip", "netns", "del", aside)

    def _flap(self, ports: Iterable[Port], share: float) -> None:
        ended = threading.Event()
        listed = list(ports)

        def swing() -> None:
            while not ended.is_set():
                for port in listed:
                    set_up(port, up=False)
                ended.wait(_FLAP_S * share)
                for port in listed:
                    set_up(port, up=True)
                ended.wait(_FLAP_S * (1 - share))

        thread = threading.Thread(target=swing, daemon=True)

        def settle() -> None:
            ended.set()
            thread.join()
            for port in listed:
                set_up(port, up=True)

        self._with_cure(thread.start, settle)

    def _dead(self, router: Router) -> None:
        """End all daemons and put out the light at every port."""
        self._keep_configuration(router.name)
        self._cures.append(partial(self._revive, router.name, self._daemons.of_each))
        for daemon in reversed(self._daemons.of_each):
            self._daemons.signal(router.name, daemon, signal.SIGKILL)
        self._shut((*router.ports, *router.exits))

    def _process_down(self, router: str, daemon: str, *, frozen: bool) -> None:
        if frozen:
            self._with_cure(
                partial(self._daemons.signal, router, daemon, signal.SIGSTOP),
                partial(self._daemons.signal, router, daemon, signal.SIGCONT),
            )
            return
        if daemon == self._daemons.igp:
            self._keep_configuration(router)
        self._with_cure(
            partial(self._daemons.signal, router, daemon, signal.SIGKILL), partial(self._revive, router, (daemon,))
        )

    def _keep_configuration(self, router: str) -> None:
        """Save what runs, so that the daemon starts with it again."""
        folder, daemon = self._root / router, self._daemons.igp
        with Vty(folder / f"{daemon}.vty") as vty:
            text = by_process_first(self._design.igp, vty.show("show running-config"))
        (folder / f"{daemon}.conf").write_text(text)

    def _revive(self, router: str, daemons: tuple[str, ...]) -> None:
        if "zebra" in daemons:  # what the dead one left in the kernel
            for protocol in (self._design.igp, *(("bgp",) if self._stubs else ())):
                command("ip", "-n", router, "route", "flush", "proto", protocol)
        for daemon in daemons:
            self._daemons.start_one(router, daemon)

    def _emulate(self, fault: Fault, ports: list[Port]) -> None:
        what = ("delay", f"{fault.severity}ms") if fault.kind is _K.LATENCY else ("corrupt", f"{100 * fault.severity}%")
        for port in ports:
            words = ("qdisc", "replace", "dev", port.device, "parent", "1:20", "netem", *what)
            command("tc", "-n", port.router, *words)
        self._cures.append(partial(shape, ports))

    # -- configuration ---------------------------------------------------------------------------------------

    def _configure(self, ports: Iterable[Port], lines: Callable[[Port], tuple[str, ...]]) -> None:
        """Enter lines at interfaces; the cure enters what ran there before."""
        for port in ports:
            path = self._root / port.router / f"{DAEMON[self._design.igp]}.vty"
            with Vty(path) as vty:
                before = interface_lines(vty.show("show running-config"), port.device)
                wanted = lines(port)
                self._cures.append(partial(restore, path, port.device, before))
                vty.configure(wanted)

    def _mtu(self, port: Port) -> None:
        def set_mtu(octets: int) -> None:
            command("ip", "-n", port.router, "link", "set", port.device, "mtu", str(octets))

        self._with_cure(partial(set_mtu, 600), partial(set_mtu, MTU))

    # -- traffic and forwarding ------------------------------------------------------------------------------

    def _surge(self, fault: Fault) -> None:
        node = self._network.node(fault.element)
        before = self._shared.rate[:, node].copy()
        if fault.kind is _K.INCAST:
            senders = np.array([x.kind == "router" and i != node for i, x in enumerate(self._network.nodes)])
            added = np.where(senders, (fault.severity - 1) * before.sum() / senders.sum(), 0.0)
        else:
            added = (fault.severity - 1) * before

        def add(more: np.ndarray[tuple[int], np.dtype[np.float64]]) -> None:
            self._shared.rate[:, node] += more

        self._with_cure(partial(add, added), partial(add, -added))

    def _misroute(self, fault: Fault, ports: list[Port], way: str) -> None:
        target, router = self._target(fault), fault.element.split("/")[1]
        self._cures.append(partial(rules.clear_routes, router))
        if fault.kind is _K.STATIC_ROUTE:
            rules.static_route(ports[0], target, self._far(ports[0]).address)
        elif fault.kind is _K.HOST_BLACKHOLE:
            rules.discard_own(router, target)
        elif way == "forwarding off":
            forward = partial(set_system, "net/ipv4/ip_forward")
            self._with_cure(lambda: inside(router, lambda: forward(0)), lambda: inside(router, lambda: forward(1)))
        else:
            rules.discard_route(router, target)

    # -- the poller's own ------------------------------------------------------------------------------------

    def _lie(self, fault: Fault, ports: list[Port]) -> None:
        where = [port.link for port in ports]
        match fault.kind:
            case _K.STUCK_COUNTER:
                lie = lies.stuck(where)
            case _K.SCALED_COUNTER:
                lie = lies.scaled(where, fault.severity)
            case _K.MISSING_COUNTERS:
                lie = lies.missing(where, fault.severity, self._design.seed)
            case _K.SWAPPED_COUNTERS:
                lie = lies.swapped(where[0], self._network.link(fault.target or ""))
            case _K.DEMAND_INPUT:
                rows = slice(None) if not ports else self._network.node(fault.element)
                self._poller.export_factor[rows] = fault.severity
                self._cures.append(partial(self._poller.export_factor.fill, 1.0))
                return
            case _:
                raise ExecutionError(f"{fault.kind} cannot be done here", fix="inject another fault")
        self._with_cure(partial(self._poller.lies.append, lie), partial(self._poller.lies.remove, lie))
