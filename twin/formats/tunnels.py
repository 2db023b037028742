"""Tunnels as text, `source target:path,path,…`: one line per pair, paths as `node-node-node`, as data sets have it."""

from itertools import pairwise
from pathlib import Path

from twin.files import read_text
from twin.model import Network, SegmentList, Tunnel

from .source import Source

_MOST_LISTS, _MOST_VIAS = 8, 8


def read_tunnels(path: str | Path, network: Network) -> tuple[Tunnel, ...]:
    """Read one tunnel per line, its traffic shared evenly over its paths; names hold no hyphen.

    Every node between the ends becomes a segment: traffic takes exactly the listed path where each of its links is the
    only shortest way between its two ends. Raises `FormatError` naming the line and what was expected there.
    """
    source = Source(str(path))
    tunnels: dict[tuple[str, str], Tunnel] = {}
    for number, line in enumerate(read_text(path).splitlines(), start=1):
        if not line.strip():
            continue
        tunnel = _tunnel(source, line, f"line {number}", network)
        if (tunnel.source, tunnel.target) in tunnels:
            raise source.error(f"line {number}", f"one line for {tunnel.name}")
        tunnels[tunnel.source, tunnel.target] = tunnel
    return tuple(tunnels.values())


def _tunnel(source: Source, line: str, where: str, network: Network) -> Tunnel:
    head, _, listed = line.partition(":")
    ends = head.split()
    if len(ends) != 2 or not listed.strip() or ends[0] == ends[1]:
        raise source.error(where, "two different nodes, a colon, and paths")
    paths = [path.strip().split("-") for path in listed.split(",")]
    if len(paths) > _MOST_LISTS:
        raise source.error(where, f"at most {_MOST_LISTS} paths")
    for path in paths:
        _check(source, path, ends, where, network)
    even = 1 / len(paths)
    shares = [even] * (len(paths) - 1) + [1 - even * (len(paths) - 1)]
    lists = tuple(SegmentList(via=tuple(path[1:-1]), share=share) for path, share in zip(paths, shares, strict=True))
    return Tunnel(name=f"{ends[0]}->{ends[1]}", source=ends[0], target=ends[1], paths=lists)


def _check(source: Source, path: list[str], ends: list[str], where: str, network: Network) -> None:
    for name in path:
        source.known(name, network.node_index, where)
    if [path[0], path[-1]] != ends or len(path) < 2:
        raise source.error(where, f"paths from {ends[0]} to {ends[1]}")
    if len(path) - 2 > _MOST_VIAS:
        raise source.error(where, f"paths over at most {_MOST_VIAS} nodes in between")
    for tail, head in pairwise(path):
        if f"{tail}->{head}" not in network.link_index:
            raise source.error(where, f"a link from {tail} to {head}, which the network does not have")
