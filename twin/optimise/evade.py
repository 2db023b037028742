"""Relief from routers that drop or divert what others send them rightly, or say falsely that they lead somewhere.

Tunnels, weights and drains lead around them.
"""

from collections.abc import Iterator, Sequence, Set

import numpy as np

from twin.gate.verdict import Counterexample
from twin.model import Astray, Ints, Network
from twin.plan import Change, DrainLink, DrainNode, SetTunnel, SetWeight, apply_all
from twin.policy import Policy
from twin.sim.arrays import FAR, compile_network
from twin.sim.astray import still_arriving
from twin.sim.route import Routing
from twin.sim.superposed import MovedLoads
from twin.sim.walked import astray_adds_up

from .allowance import Allowance
from .assemble import assemble, without_plan
from .breakpoints import heaviest
from .judge import Judge
from .proposal import Proposal, Value
from .tunnels import Move, tunnel_over

METHOD = "steer-around"
_MIDPOINTS = 4
"""Midpoints that are tried for each source, those nearest first."""
_ROUNDING = 1e-9


def relieve_by_evading(
    network: Network,
    policy: Policy,
    *,
    seed: int = 0,
    avoid: Sequence[Counterexample] = (),
    makes: Set[str] | None = None,
    time_limit_s: float | None = None,
) -> Proposal:
    """Take traffic out of the way of wrong entries: of one router for one target, of one interface, or of all it gets.

    Four ways are tried and the best is proposed: a tunnel for every source whose traffic meets the entry, over the
    midpoint with which most arrives, or over the best one that every failure allows, for as many sources as have one;
    the interface costed out or drained; the router drained. Where the neighbour at an exit announces a group that is
    not its own, a router with a true exit of that group is such a midpoint, and an exit that is drained announces
    nothing. What a router itself announces is preferred everywhere: nothing leads around that. Where no way may be
    gone, the reason is that of the way that would leave least harm. `makes` are the operations that the network can
    make, all if None. Nothing is random.
    """
    del seed
    judge = Judge(network, policy, avoid, allowance=Allowance(time_limit_s))
    entries = _wrong_entries(network)
    if not entries:
        return without_plan(judge, METHOD, "no router drops or diverts traffic that can be steered")
    allowance = Allowance.to_search(time_limit_s)
    best: Proposal | None = None
    refused: tuple[Value, Proposal] | None = None  # the way that would leave least, and why it may not be gone
    for steps in _ways(judge, entries, allowance):
        if not _may_be_gone(judge, steps, makes):
            continue
        proposal = assemble(judge, METHOD, steps)
        if proposal.plan is None:
            would = judge.value(_routed(judge, steps))
            refused = (would, proposal) if refused is None or would.beats(refused[0]) else refused
        elif best is None or proposal.after.beats(best.after, gain=0.01):
            best = proposal
        if allowance.spent or (best is not None and best.after.harm <= 0):
            break
    best = best or (refused[1] if refused else None)
    return best or without_plan(judge, METHOD, "no change that the policy allows leads around the wrong entries")


def _wrong_entries(network: Network) -> list[Astray]:
    """Entries that traffic can be led around."""
    astray = (x for x in network.astray if x.does not in ("refuse", "trust", "reflect"))
    return [x for x in astray if not _for_itself(network, x)]


def _may_be_gone(judge: Judge, steps: Sequence[Change], makes: Set[str] | None) -> bool:
    """Whether the network can make these steps, and the policy allows so many and what they touch."""
    if makes is not None and not {step.op for step in steps} <= makes:
        return False
    protected = any(judge.protects(*_touched(judge.network, step)) for step in steps)
    return len(steps) <= judge.policy.max_steps and not protected


def _ways(judge: Judge, entries: Sequence[Astray], allowance: Allowance) -> Iterator[tuple[Change, ...]]:
    network = judge.network
    yield from ((step,) for entry in entries for step in _single(judge, entry))
    for careful in (False, True):
        tunnels = _tunnels(judge, entries, allowance, careful=careful)
        if tunnels:
            yield tunnels
    nodes = dict.fromkeys(x.at for x in entries if x.does == "drop")
    yield from ((DrainNode(node=name),) for name in nodes if not network.nodes[network.node(name)].drained)


def _for_itself(network: Network, entry: Astray) -> bool:
    """Whether a router says that it is what others look for: its path is the shortest from everywhere."""
    return entry.does == "claim" and entry.at in network.node_index


def _single(judge: Judge, entry: Astray) -> Iterator[Change]:
    """One change that takes everything off an interface."""
    if entry.does not in ("bar", "leak", "claim"):
        return
    network, most = judge.network, heaviest(judge.network, judge.policy)
    link = network.links[network.link(entry.at)]
    if link.weight < most and network.link(entry.at) not in network.exits:
        yield SetWeight(link=link.name, weight=most)
    if not link.drained:
        yield DrainLink(circuit=link.circuit)


def _tunnels(judge: Judge, entries: Sequence[Astray], allowance: Allowance, *, careful: bool) -> tuple[SetTunnel, ...]:
    """A tunnel for each source whose traffic is dropped or diverted, the largest first, each accepted if it helps.

    If `careful`, only where a plan could end with it.
    """
    network, steps = judge.network, list[SetTunnel]()
    value, swept = judge.value(judge.routing), MovedLoads(judge.swept, ()) if astray_adds_up(judge.network) else None
    taken = {(x.source, x.target) for x in network.tunnels}
    for source, target in _concerned(judge, entries):
        names = network.nodes[source].name, network.nodes[target].name
        if names in taken or len(steps) >= judge.policy.max_steps:
            continue
        moves = [Move(source, target, via) for via in _midpoints(judge, source, target)]
        options = [SetTunnel(tunnel=tunnel_over(network, move)) for move in moves]
        tried = [(judge.value(_routed(judge, (*steps, step))), number) for number, step in enumerate(options)]
        for better, number in sorted(tried):
            if not better.beats(value, gain=1e-4) or allowance.spent:
                break
            after = careful and swept and judge.moved(swept, (source, target), (None, options[number].tunnel))
            if not careful or judge.is_safe(apply_all(network, (*steps, options[number])), after or None):
                value, swept = better, after.settled() if after else None
                steps.append(options[number])
                break
        if allowance.spent:
            break
    return tuple(steps)


def _routed(judge: Judge, steps: Sequence[Change]) -> Routing:
    return judge.route(compile_network(apply_all(judge.network, steps)))


def _concerned(judge: Judge, entries: Sequence[Astray]) -> list[tuple[int, int]]:
    """Pairs whose traffic passes a wrong entry that concerns it, or follows one, the largest demand first."""
    network, paths, offered = judge.network, judge.routing.paths, judge.arrays.offered
    pairs: dict[tuple[int, int], float] = {}
    groups = sorted({network.node(x.target) for x in entries if x.does == "claim"})
    arriving = still_arriving(judge.arrays, paths, np.ones_like(offered)) if groups else offered
    for group in groups:
        lost = np.flatnonzero((offered[group] > 0) & (arriving[group] < 1 - _ROUNDING))
        pairs |= {(int(source), group): float(offered[group, source]) for source in lost}
    for entry in (x for x in entries if x.does != "claim"):
        targets = [network.node(entry.target)] if entry.target else range(len(network.nodes))
        at = entry.at if entry.does == "drop" else network.links[network.link(entry.at)].tail
        for target in targets:
            for source in _through(paths.dist, judge, network.node(at), target):
                if offered[target, source] > 0:
                    pairs[int(source), int(target)] = float(offered[target, source])
    return sorted(pairs, key=lambda pair: (-pairs[pair], pair))


def _through(dist: Ints, judge: Judge, node: int, target: int) -> Ints:
    """Nodes with a shortest path towards the target that passes a node."""
    reach = dist[node]  # distance of each node to it
    whole = np.where((reach < FAR) & (dist[target, node] < FAR), reach + dist[target, node], -1)
    return np.flatnonzero((whole == dist[target]) & judge.arrays.up).astype(np.int64)


def _midpoints(judge: Judge, source: int, target: int) -> list[int]:
    """Nodes to go by, those first by which the way is shortest; every one is tried on the simulator."""
    dist, nodes = judge.routing.paths.dist, judge.network.nodes
    length = dist[:, source] + dist[target]
    order = np.argsort(length, kind="stable")
    able = [int(v) for v in order if v not in (source, target) and length[v] < FAR and not nodes[int(v)].drained]
    return _spread(able)


def _spread(able: list[int]) -> list[int]:
    """All where they are few; of many the nearest and some farther away, for a detour may have to be wide."""
    most = 4 * _MIDPOINTS
    if len(able) <= most:
        return able
    step = (len(able) - most // 2) / (most // 2)
    return [*able[: most // 2], *(able[most // 2 + int(i * step)] for i in range(most // 2))]


def _touched(network: Network, step: Change) -> tuple[str, ...]:
    match step:
        case DrainLink():
            links = [network.links[i] for i in network.circuits[step.circuit]]
            return tuple(x for link in links for x in (link.name, link.interface, link.circuit))
        case SetWeight():
            link = network.links[network.link(step.link)]
            return (link.name, link.interface, link.circuit, f"node/{link.tail}")
        case DrainNode():
            return (f"node/{step.node}",)
        case SetTunnel():
            return (f"node/{step.tunnel.source}",)
        case _:
            return ()
