"""What routers say of their configuration: collected now and then, and only from those that answer truthfully."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import assert_never

from twin.corrections import in_place
from twin.errors import ExecutionError
from twin.faults import TRAITS, Fault, FaultKind, interfaces, with_faults
from twin.model import Link, Network
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

from .network import Configuration, Filter, Mismatch, StaticRoute

_K = FaultKind


def configuration(configured: Network, faults: Sequence[Fault], taken: datetime) -> Configuration:
    """What every router is configured to do: the changes that were made, and the faults that are configuration."""
    network = with_faults(configured, [x for x in faults if TRAITS[x.kind].setting in ("weight", "drained")])
    routes, filters, mismatches = list[StaticRoute](), list[Filter](), list[Mismatch]()
    for fault in faults:
        setting = TRAITS[fault.kind].setting
        if setting in ("route", "filter"):
            links = [configured.links[configured.link(x)] for x in interfaces(configured, fault)]
            target = (fault.target or "").removeprefix("node/")
            if setting == "route":
                routes += [StaticRoute(x.tail, target, x.name) for x in links]
            else:
                filters += [Filter(x.tail, x.name, target or None) for x in links]
        elif setting in ("routing", "area", "mtu"):
            links = [configured.links[configured.link(x)] for x in interfaces(configured, fault)]
            mismatches += [Mismatch(x.tail, x.name, setting) for x in links]
    return Configuration(taken, network, tuple(routes), tuple(filters), tuple(mismatches))


def kept_from(before: Configuration, now: Configuration, routers: Iterable[str]) -> Configuration:
    """What was collected now, with the earlier part of these routers in place of their present one."""
    old, names = before.network, frozenset(routers)
    if not names:
        return now
    # what is the same is shared: with a thousand routers, each asked by itself, copies are most of the time and memory
    links = tuple(
        y if x is y or y.tail not in names else _configured_as(x, y)
        for x, y in zip(old.links, now.network.links, strict=True)
    )
    nodes = now.network.nodes
    if old.nodes is not nodes:
        nodes = tuple(x if x.name in names else y for x, y in zip(old.nodes, nodes, strict=True))
    network = replace(
        now.network,
        links=links,
        nodes=nodes,
        tunnels=tuple(
            [x for x in old.tunnels if x.source in names] + [x for x in now.network.tunnels if x.source not in names]
        ),
        limits=tuple(
            [x for x in old.limits if x.source in names] + [x for x in now.network.limits if x.source not in names]
        ),
    )
    routes = [x for x in before.routes if x.router in names] + [x for x in now.routes if x.router not in names]
    filters = [x for x in before.filters if x.router in names] + [x for x in now.filters if x.router not in names]
    odd = [x for x in before.mismatches if x.router in names] + [x for x in now.mismatches if x.router not in names]
    return Configuration(now.taken, network, tuple(routes), tuple(filters), tuple(odd))


def _configured_as(before: Link, now: Link) -> Link:
    link = now._replace(weight=before.weight, drained=before.drained, asleep=before.asleep, cost_out=before.cost_out)
    return before if link == before else link


def unhealed(change: Change, fault: Fault, network: Network) -> tuple[Fault, ...]:
    """What is left of a fault of configuration after a change: of one at several interfaces, those that remain."""
    match change:
        case SetWeight() if fault.kind is _K.WEIGHT:
            healed, wrong = network.links[network.link(change.link)].interface, interfaces(network, fault)
            if healed not in wrong:
                return (fault,)
            return tuple(fault.model_copy(update={"element": x}) for x in wrong if x != healed)
        case DrainLink() | UndrainLink() if fault.kind is _K.STALE_TOPOLOGY and fault.element == change.circuit:
            return ()
        case _:
            return (fault,)


def misrecorded(configured: Network, faults: Sequence[Fault]) -> Network:
    """What the inventory says: what is configured, with the capacities that it has wrong."""
    links = list(configured.links)
    for fault in faults:
        if fault.kind is FaultKind.WRONG_CAPACITY:
            for position in configured.circuit(fault.element):
                links[position] = links[position]._replace(capacity=links[position].capacity * fault.severity)
    return configured if tuple(links) == configured.links else replace(configured, links=tuple(links))


def noted(inventory: Network, change: Change, faults: Sequence[Fault]) -> Network:
    """The inventory after a change; as it is where the change only corrects what the routers run.

    Raises `PlanError` where neither the inventory nor the routers can take it.
    """
    if in_place(inventory, change) and heals(change, faults, inventory):
        return inventory
    return changed(inventory, change)


def heals(change: Change, faults: Sequence[Fault], network: Network) -> bool:
    """Whether a change ends some fault of configuration, or a part of it."""
    return any(unhealed(change, fault, network) != (fault,) for fault in faults)


def unrecorded(change: Change, recorded: Change | None, network: Network) -> tuple[Fault, ...]:
    """What a change leaves in the routers that the inventory, which took `recorded`, does not say.

    Raises `ExecutionError` on a change of which no fault is the difference.
    """
    if recorded is None or recorded == change:
        return ()
    match change, recorded:
        case SetWeight(), SetWeight() if change.link == recorded.link:
            interface = network.links[network.link(change.link)].interface
            return (Fault(kind=_K.WEIGHT, element=interface, severity=float(change.weight)),)
        case DrainLink(), UndrainLink() if change.circuit == recorded.circuit:
            return (Fault(kind=_K.STALE_TOPOLOGY, element=change.circuit),)
        case _:
            raise ExecutionError(f"no inventory has {recorded.op} where routers have {change.op}", fix="undo by hand")


def configured_routers(network: Network, change: Change) -> list[str]:
    """Routers that must take a configuration line for this change."""
    match change:
        case SetWeight():
            return [network.links[network.link(change.link)].tail]
        case DrainLink() | UndrainLink() | SleepLink() | WakeLink() | SetCapacity():
            link = network.links[network.circuit(change.circuit)[0]]
            return [x for x in (link.tail, link.head) if network.nodes[network.node(x)].kind != "exits"]
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
