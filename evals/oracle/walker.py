"""Independent oracle for the traffic that a change moves: packets are followed hop by hop, by pure recursion."""

from collections.abc import Mapping
from itertools import pairwise

from twin.model import Network

from .carried import lists_of
from .ways import Failed, Towards, ways_of

_Ways = Mapping[str, Towards]


def _split(ways: _Ways, source: str, target: str) -> dict[str, tuple[str, float]]:
    """By each link that what stands at `source` for `target` takes: where it leads, and the share that takes it."""
    hops = ways[target].hops.get(source, ())
    return {hop.name: (hop.head, 1 / len(hops)) for hop in hops}


def _lists(network: Network, ways: _Ways, source: str, target: str) -> dict[tuple[str, ...], float]:
    """Stops of each segment list that can be used, with its share."""
    up = {node.name for node in network.nodes if node.up}
    valid: dict[tuple[str, ...], float] = {}
    for tunnel in network.tunnels:
        if (tunnel.source, tunnel.target) == (source, target) and {source, target} <= up:
            for stops, share in lists_of(network, tunnel, ways, up):
                key = tuple(b for a, b in pairwise(stops) if a != b)
                valid[key] = valid.get(key, 0) + share
    return valid or {(target,): 1.0}


def _stays(before: _Ways, after: _Ways, source: str, target: str) -> float:
    """Share of what stands at `source` for `target` that takes the same links in both states."""
    if source == target:
        return 1.0
    was, now = _split(before, source, target), _split(after, source, target)
    return sum(
        min(share, now[x][1]) * _stays(before, after, head, target) for x, (head, share) in was.items() if x in now
    )


def expected_share(network: Network, changed: Network) -> float:
    """Share of the offered traffic that is not on the paths of the first state any more."""
    before, after = (ways_of(x, Failed("nothing")) for x in (network, changed))
    moved = 0.0
    for s, source in enumerate(network.nodes):
        for t, target in enumerate(network.nodes):
            if network.offered[s, t] > 0 and source.name in before[target.name].far:
                was = _lists(network, before, source.name, target.name)
                now = _lists(changed, after, source.name, target.name)
                kept = 0.0
                for stops in was:
                    legs = list(zip((source.name, *stops), stops, strict=False))
                    if any(a not in before[b].far for a, b in legs):
                        kept += was[stops]  # it led nowhere, so there is nothing to move
                        continue
                    share = min(was[stops], now.get(stops, 0.0))
                    for a, b in legs:
                        share *= _stays(before, after, a, b)
                    kept += share
                moved += network.offered[s, t] - min(network.offered[s, t], changed.offered[s, t]) * kept
    return moved / network.offered.sum()
