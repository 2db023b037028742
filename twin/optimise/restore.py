"""Relief that costs nothing: set back what differs from the reference network, and undo measures that hurt."""

from collections.abc import Collection, Iterator, Sequence

from twin.gate.checks.touch import touched
from twin.gate.verdict import Counterexample
from twin.model import Network
from twin.plan import (
    Change,
    RemoveTunnel,
    SetTunnel,
    SetWeight,
    UndrainLink,
    UndrainNode,
    WakeLink,
    apply_all,
    subject,
)
from twin.policy import Policy
from twin.sim.arrays import compile_network

from .allowance import Allowance
from .assemble import assemble, without_plan
from .judge import Judge
from .proposal import Proposal, Value

METHOD = "restore"
UNDO = "undo"
TUNNELS = 60
"""Tunnels whose removal is tried: those of the largest demands."""


def relieve_by_restoring(  # noqa: PLR0913 - what is set back to what, and what is known of that
    network: Network,
    policy: Policy,
    *,
    reference: Network | None = None,
    seed: int = 0,
    avoid: Sequence[Counterexample] = (),
    time_limit_s: float | None = None,
    passing: Collection[tuple[Change, ...]] = (),
) -> Proposal:
    """Set back every weight, drain, sleep and tunnel that differs from `reference`.

    Not where `passing` has steps to the same end: plans that do not last, whatever the traffic they are made for.
    `seed` and `time_limit_s` change nothing.
    """
    del seed, time_limit_s
    judge = Judge(network, policy, avoid, declared=reference)
    if reference is None:
        return without_plan(judge, METHOD, "no reference network was given")
    steps = tuple(x for x in _differences(network, reference) if _may_make(judge, x))
    if not steps:
        return without_plan(judge, METHOD, "everything is set as in the reference network")
    if any({subject(x): x for x in made} == {subject(x): x for x in steps} for made in passing):
        return without_plan(judge, METHOD, "setting everything back does not last")
    return assemble(judge, METHOD, steps, prune=len(steps) > policy.max_steps)


def relieve_by_undoing(
    network: Network,
    policy: Policy,
    *,
    seed: int = 0,
    avoid: Sequence[Counterexample] = (),
    time_limit_s: float | None = None,
) -> Proposal:
    """Undrain, wake and take down tunnels, as few as it takes, while something is harmed.

    Without harm nothing is undone: it was done on purpose. Measures that help only together are found when they are
    drains and sleeps. Nothing is random: `seed` changes nothing. A time limit returns the best so far.
    """
    del seed
    judge = Judge(network, policy, avoid)
    if judge.before.harm <= 0:
        return without_plan(judge, UNDO, "nothing is harmed, so that no measure has to be undone")
    woken = tuple(x for x in _closed(network) if _may_make(judge, x))
    taken = tuple(x for x in _tunnels(network) if _may_make(judge, x))
    if not woken and not taken:
        return without_plan(judge, UNDO, "nothing is drained, asleep or steered that may be undone")
    allowance = Allowance(time_limit_s)
    ways = _added(judge, (*woken, *taken), allowance), _needed(judge, woken)
    steps = min(ways, key=lambda way: (round(_value(judge, way).harm, 3), len(way)))
    return assemble(judge, UNDO, steps)


def _added(judge: Judge, offered: Sequence[Change], allowance: Allowance) -> tuple[Change, ...]:
    """Add the change that leaves the least harm, one at a time, while harm falls."""
    steps, reached = (), judge.before
    while len(steps) < judge.policy.max_steps and reached.harm > 0:
        tried: list[tuple[Value, int, tuple[Change, ...]]] = []
        for number, change in enumerate(offered):
            if change not in steps and not allowance.spent:
                tried.append((_value(judge, (*steps, change)), number, (*steps, change)))
        if not tried or not min(tried)[0].beats(reached, gain=1e-3):
            break
        reached, _, steps = min(tried)
    return steps


def _needed(judge: Judge, offered: tuple[Change, ...]) -> tuple[Change, ...]:
    """Make all the changes, then leave out each without which as little is harmed."""
    kept, reached = offered, _value(judge, offered)
    for change in reversed(offered):
        fewer = tuple(x for x in kept if x is not change)
        value = _value(judge, fewer)
        if not reached.beats(value, gain=1e-3):
            kept, reached = fewer, value
    return kept if len(kept) <= judge.policy.max_steps else ()


def _value(judge: Judge, steps: Sequence[Change]) -> Value:
    return judge.value(judge.route(compile_network(apply_all(judge.network, steps))))


def _differences(network: Network, reference: Network) -> tuple[Change, ...]:
    """Return what leads from the network to the reference: its weights, nothing more closed than there, its tunnels.

    Exits keep theirs: attributes of BGP decide which of them is taken first, and no metric undoes that.
    """
    exits = {reference.links[i].name for i in reference.exits}
    wanted = {link.name: link.weight for link in reference.links if link.name not in exits}
    closed = set(_closed(reference))
    before, after = ({x.name: x for x in state.tunnels} for state in (network, reference))
    return (
        *(
            SetWeight(link=link.name, weight=wanted[link.name])
            for link in network.links
            if link.name in wanted and link.weight != wanted[link.name]
        ),
        *(x for x in _closed(network) if x not in closed),
        *(RemoveTunnel(name=name) for name in before if name not in after),
        *(SetTunnel(tunnel=x) for name, x in after.items() if before.get(name) != x),
    )


def _closed(network: Network) -> Iterator[Change]:
    """Yield the changes that give every drained or sleeping element back to routing."""
    for circuit, positions in network.circuits.items():
        links = [network.links[i] for i in positions]
        if all(link.drained for link in links):
            yield UndrainLink(circuit=circuit)
        if all(link.asleep for link in links):
            yield WakeLink(circuit=circuit)
    yield from (UndrainNode(node=node.name) for node in network.nodes if node.drained)


def _tunnels(network: Network) -> Iterator[Change]:
    """Yield the removal of the tunnels of the largest demands."""
    demand = [float(network.offered[network.node(x.source), network.node(x.target)]) for x in network.tunnels]
    order = sorted(range(len(demand)), key=lambda i: -demand[i])
    yield from (RemoveTunnel(name=network.tunnels[i].name) for i in order[:TUNNELS])


def _may_make(judge: Judge, change: Change) -> bool:
    return not judge.protects(*touched(judge.network, change))
