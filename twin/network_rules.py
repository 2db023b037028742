"""What makes a network one that can exist: names, ranges and references, checked whenever one is made."""

from functools import lru_cache
from math import isfinite
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from .errors import TopologyError
from .node_name import is_node_name
from .numeric import Floats, np
from .traffic_classes import complaint

if TYPE_CHECKING:
    from .model import Link, Network, Tunnel

MOST_PREFERENCE = 255
"""Least preferred of the exits of a group."""


_matrices: WeakValueDictionary[int, Floats] = WeakValueDictionary()  # found sound; they never change


def own_matrix(demands: Floats) -> Floats:
    """Return a matrix that nobody can change: a copy, or the very one where it is that of another network."""
    if _is_known(demands):
        return demands
    own = np.array(demands, dtype=np.float64) + 0.0  # turns -0.0 into 0.0: equal states, equal ids
    own.setflags(write=False)
    return own


def _is_known(demands: Floats) -> bool:
    return _matrices.get(id(demands)) is demands and not demands.flags.writeable


def validate(network: "Network") -> None:
    """Make sure that a network can exist. Raises `TopologyError` that names what is wrong.

    Nodes, links and matrices that another network has as well, the very same, were found to be in order there.
    """
    index = network.index
    if not index.is_sound:
        _require_sound_elements(network)
        index.is_sound = True
    _require_sound_exits(network)
    validate_demands(network)
    for tunnel in network.tunnels:
        _require_sound_tunnel(tunnel, network)
    for limit in network.limits:
        _require(limit.source in network.node_index and limit.target in network.node_index, f"{limit} names no node")
    for entry in network.astray:
        at_node = entry.does in ("drop", "refuse", "reflect") or (entry.does == "claim" and "->" not in entry.at)
        place = network.node_index if at_node else network.link_index
        known = entry.at in place and (not entry.target or entry.target in network.node_index)
        _require(known and 0 < entry.share <= 1, f"{entry} names no element, or no share")
    wrong = complaint(network.classes, network.class_shares, network.node_index)
    _require(not wrong, wrong)
    for group in network.risk_groups:
        unknown = [circuit for circuit in group.circuits if circuit not in network.circuits]
        _require(not unknown, f"risk group {group.name} names unknown circuits {unknown[:3]}")


def validate_demands(network: "Network") -> None:
    """Make sure that a network can have its demands. Raises `TopologyError` that names what is wrong."""
    n, demands = len(network.nodes), network.demands
    _require(demands.shape == (n, n), f"demands have shape {demands.shape}, not ({n}, {n})")
    if not _is_known(demands):
        _require(bool(np.isfinite(demands).all()), "demands must be finite")
        _require(bool((demands >= 0).all()), "demands must not be negative")
        _require(not demands.diagonal().any(), "a node cannot have a demand to itself")
        _matrices[id(demands)] = demands
    for i, node in enumerate(network.nodes):
        if node.kind == "exits" and demands[i].any():
            _require(False, f"a demand comes from {node.name}, a group of exits; name where it enters")


def _require_sound_elements(network: "Network") -> None:
    """Make sure that nodes and links can exist, and that their names tell them apart."""
    n = len(network.nodes)
    _require(n > 0, "a network needs at least one node")
    if len(network.node_index) != n:
        _require(False, f"node names repeat: {_repeated([x.name for x in network.nodes])}")
    if len(network.link_index) != len(network.links):
        names = _repeated([x.name for x in network.links])
        _require(False, f"link names repeat: {names}; number parallel links with `index`")
    for node in network.nodes:
        _require(is_node_name(node.name), f"node name {node.name!r} is not allowed")
    for link in network.index.unproven:
        _require_sound_link(link, network)


def _require_sound_link(link: "Link", network: "Network") -> None:
    for end in (link.tail, link.head):
        if end not in network.node_index:
            _require(False, f"link {link.name}: unknown node {end!r}")
    complaint = _complaint(link)
    if complaint:
        _require(False, f"link {link.name}: {complaint}")


@lru_cache(maxsize=1 << 16)  # every change of a network makes a new one, of which most links are as before
def _complaint(link: "Link") -> str:
    if link.tail == link.head:
        return "both ends are the same node"
    if not (isfinite(link.capacity) and link.capacity > 0):
        return f"capacity {link.capacity} is not positive"
    if not 1 <= link.weight <= 2**24:
        return f"weight {link.weight} is not in 1..2^24"
    if not (isfinite(link.delay_ms) and link.delay_ms >= 0):
        return f"delay {link.delay_ms} ms is negative"
    if not 0 <= link.loss <= 1:
        return f"loss {link.loss} is not a share"
    if not 1 <= link.min_members <= link.members <= 1_000:
        return f"{link.members} members with at least {link.min_members} up are no bundle"
    if not 0 <= link.degraded_weight <= 2**24:
        return f"degraded weight {link.degraded_weight} is not in 0..2^24"
    return "" if link.index >= 1 else f"index {link.index} is not positive"


def _require_sound_exits(network: "Network") -> None:
    groups = {node.name for node in network.nodes if node.kind == "exits"}
    if not groups:
        return
    for node in network.nodes:
        if node.name in groups:
            _require(
                node.up and not node.drained, f"{node.name} is a group of exits, which is neither down nor drained"
            )
    for link in network.links:
        _require(
            link.tail not in groups, f"link {link.name}: nothing comes from a group of exits; name where it enters"
        )
    for i in network.exits:
        link = network.links[i]
        most = max(link.weight, link.degraded_weight)
        _require(most <= MOST_PREFERENCE, f"exit {link.name}: preference {most} is above {MOST_PREFERENCE}")
    for tunnel in network.tunnels:
        steered = {tunnel.source, *(via for path in tunnel.paths for via in path.via)}
        _require(not steered & groups, f"tunnel {tunnel.name}: a group of exits can only be where it ends")


def _require_sound_tunnel(tunnel: "Tunnel", network: "Network") -> None:
    ends = (tunnel.source, tunnel.target, *(name for path in tunnel.paths for name in path.via))
    for name in ends:
        _require(name in network.node_index, f"tunnel {tunnel.name}: unknown node {name!r}")
    _require(tunnel.source != tunnel.target, f"tunnel {tunnel.name}: both ends are {tunnel.source}")
    total = sum(path.share for path in tunnel.paths)
    _require(abs(total - 1) < 1e-9, f"tunnel {tunnel.name}: the shares sum to {total:g}, not 1")
    pairs = [(x.source, x.target) for x in network.tunnels]
    _require(pairs.count((tunnel.source, tunnel.target)) == 1, f"two tunnels carry {tunnel.source}->{tunnel.target}")


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise TopologyError(message, fix="correct the value at its source and load the network again")


def _repeated(names: list[str]) -> list[str]:
    seen: set[str] = set()
    return [name for name in names if name in seen or seen.add(name)][:3]
