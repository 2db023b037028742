"""Whether a network may stand in a state between two steps, by the definitions, over what `carried` computes."""

from collections.abc import Sequence
from itertools import pairwise
from math import inf

import networkx as nx

from twin.model import Network
from twin.policy import Policy

from .carried import Carried, Failed, carried, failures
from .ways import ways_of


def missed(network: Network, state: Carried) -> dict[tuple[str, str], float]:
    """Mbit/s of each demand without a path."""
    return {(a, b): float(network.offered[network.node(a), network.node(b)]) for a, b in state.lost}


def excess(befores: Sequence[Network], here: Network, limit: float, dead: Failed = Failed("nothing")) -> float:
    """How much worse a state is than the worst of others: infinite for who is newly cut off, else Mbit/s or shares.

    Compares who is lost, the busiest link, and what is above the limit and above capacity in sum. 0 where it is no
    worse.
    """
    was, now = [carried(x, dead) for x in befores], carried(here, dead)
    lost, before = missed(here, now), [missed(x, y) for x, y in zip(befores, was, strict=True)]
    if set(lost) - {pair for x in before for pair in x}:
        return inf
    worse = [sum(lost.values()) - max(sum(x.values()) for x in before)]
    if now.above(limit) > 0:
        worse.append(now.peak - max(limit, *(x.peak for x in was)))
        worse += [now.above(share) - max(x.above(share) for x in was) for share in (limit, 1.0)]
    return max(0.0, *worse)


def spike(ends: Sequence[Network], here: Network, limit: float) -> float:
    """Utilisation by which some link is above the limit and above what it has at both ends, 0 for none."""
    was, now = [carried(x).utilisation for x in ends], carried(here).utilisation
    return max(0.0, *(share - max(limit, *(x[name] for x in was)) for name, share in now.items()))


def rise(previous: Network, here: Network, ends: tuple[Network, Network], policy: Policy) -> float:
    """How much worse a step makes it than just before, or than both ends of the plan, failures included; 0 for none."""
    worse = excess((previous,), here, policy.max_utilisation)
    if here.id == ends[1].id or worse == inf:
        return worse
    worse = max(worse, spike(ends, here, policy.max_utilisation))
    dead = {x.name: x for state in ends for x in failures(state)}
    under = (excess(ends, here, policy.max_failure_utilisation, x) for x in dead.values())
    return max(worse, *under)


def passes(states: Sequence[Network], policy: Policy) -> bool:
    """Whether every state on the way may follow the one before it."""
    ends = states[0], states[-1]
    return all(rise(before, here, ends, policy) <= 1e-6 for before, here in pairwise(states))


def looping(before: Network, after: Network) -> dict[str, float]:
    """Mbit/s to each target that can reach a cycle in the union of its old and new next hops; only targets with one."""
    both = [ways_of(x, Failed("nothing")) for x in (before, after)]
    found: dict[str, float] = {}
    for target in before.node_index:
        graph: nx.DiGraph[str] = nx.DiGraph()
        graph.add_nodes_from(before.node_index)
        for ways in both:
            graph.add_edges_from((u, hop.head) for u, hops in ways[target].hops.items() for hop in hops)
        cyclic = {u for part in nx.strongly_connected_components(graph) if len(part) > 1 for u in part}
        if cyclic:
            towards: nx.DiGraph[str] = graph.reverse()
            caught = {v for u in cyclic for v in nx.single_source_shortest_path_length(towards, u)}
            found[target] = sum(float(before.offered[before.node(u), before.node(target)]) for u in caught)
    return found
