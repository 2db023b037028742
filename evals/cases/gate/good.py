"""Seeded networks and good plans for them, found and approved by an independent oracle alone."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from evals.oracle.carried import SLACK, carried, crossing, failures, gain, no_worse, slow, survives
from evals.oracle.passing import passes
from evals.oracle.walker import expected_share
from evals.score.plans import Blame
from twin.errors import InputError
from twin.gate.outlook import Outlook
from twin.model import Link, Network, Node, SegmentList, Tunnel
from twin.plan import (
    Change,
    DrainLink,
    DrainNode,
    Objective,
    Plan,
    RemoveTunnel,
    SetTunnel,
    SetWeight,
    SleepLink,
    UndrainNode,
    WakeLink,
    apply,
    states,
)
from twin.planned import PlannedWork
from twin.policy import Policy

POLICY = Policy(max_blast_radius=0.6, max_delay_stretch=1.5)
WIDE = POLICY.model_copy(update={"max_blast_radius": 1.0, "max_delay_stretch": 10.0})
POOL = 24
NETWORKS = 40


class Trial(NamedTuple):
    """One plan to judge. `blame` says why it is bad, None for a good one."""

    name: str
    plan: Plan
    network: Network
    policy: Policy
    blame: Blame | None = None
    age_s: float | None = None
    scenarios: tuple[tuple[str, np.ndarray], ...] = ()
    outlook: Outlook | None = None
    starts: datetime | None = None
    works: tuple[PlannedWork, ...] = ()
    step_lasts: timedelta | None = None
    declared: Network | None = None  # as the inventory has it


@cache
def gate_network(seed: int) -> Network:
    """A ring with chords, 7 to 10 nodes, built for its single failures; every second one carries a surge."""
    rng = np.random.default_rng([seed, 1])
    n = int(rng.integers(7, 11))
    names = [f"R{i}" for i in range(n)]
    ends = {(i, (i + 1) % n) for i in range(n)}
    while len(ends) < round(1.7 * n):
        a, b = sorted(int(x) for x in rng.choice(n, 2, replace=False))
        if (a, b) not in ends and (b, a) not in ends:
            ends.add((a, b))
    links: list[Link] = []
    for a, b in sorted(ends):
        weight = int(rng.integers(2, 12))
        links += [Link(names[x], names[y], 1e9, weight, 0.5 * weight) for x, y in ((a, b), (b, a))]
    demands = np.where(rng.random((n, n)) < 0.8, rng.gamma(1.0, 400.0, (n, n)).round(1), 0.0) * (1 - np.eye(n))
    bare = Network(f"gate{seed}", tuple(Node(x, 0, 0) for x in names), tuple(links), demands)
    states = [carried(bare, x) for x in failures(bare)]
    need = {link.name: max(state.load[link.name] for state in states) for link in links}
    sized: list[Link] = []
    room = float(rng.uniform(1.05, 1.4))
    for a, b in zip(links[::2], links[1::2], strict=True):
        capacity = max(500.0, float(np.ceil(room * max(need[a.name], need[b.name]) / 100) * 100))
        sized += [a._replace(capacity=capacity), b._replace(capacity=capacity)]
    surge = demands.copy()
    surge[:, int(rng.integers(n))] *= 1.0 if seed % 2 else float(rng.uniform(1.3, 2.2))
    return replace(bare, links=tuple(sized), demands=surge.round(3))


def night(network: Network) -> Network:
    """The hours in which operators drain: half the traffic."""
    return replace(network, demands=network.demands * 0.5)


def calm(seed: int, kind: int, start: int) -> tuple[np.random.Generator, Network]:
    """Draw a network of odd number, which has no surge, at night, and the generator of the rest of a case."""
    rng = np.random.default_rng([seed, kind])
    return rng, night(gate_network(start + 2 * int(rng.integers(0, NETWORKS // 2)) + 1))


def plan_of(network: Network, *steps: Change, objective: Objective = "relieve") -> Plan:
    """Make a plan of steps for this very snapshot."""
    return Plan(goal=f"{objective} {network.name}", base=network.id, steps=steps, objective=objective)


def random_tunnel(network: Network, rng: np.random.Generator, name: str, share: float) -> SetTunnel | None:
    """Send part of one of the larger demands through some other node."""
    order = np.argsort(network.demands, axis=None)[::-1][:25]
    s, t = divmod(int(rng.choice(order)), len(network.nodes))
    return _tunnel(network, rng, name, share, (network.nodes[s].name, network.nodes[t].name))


def _relieving_tunnel(
    network: Network, rng: np.random.Generator, name: str, pairs: list[tuple[str, str]]
) -> SetTunnel | None:
    """Send part of one of the demands that cross the busiest link through some other node."""
    if not pairs:  # all that crosses it is steered by tunnels, or it is idle
        return None
    pair = pairs[int(rng.integers(len(pairs)))]
    return _tunnel(network, rng, name, float(rng.choice([0.25, 0.5, 1.0])), pair)


def _tunnel(
    network: Network, rng: np.random.Generator, name: str, share: float, ends: tuple[str, str]
) -> SetTunnel | None:
    source, target = ends
    middle = network.nodes[int(rng.integers(len(network.nodes)))].name
    if middle in ends or any((x.source, x.target) == ends for x in network.tunnels):
        return None
    paths = [SegmentList(via=(middle,), share=share)] + ([SegmentList(via=(), share=1 - share)] if share < 1 else [])
    return SetTunnel(tunnel=Tunnel(name=name, source=source, target=target, paths=tuple(paths), on_invalid="igp"))


def random_weight(network: Network, rng: np.random.Generator) -> SetWeight:
    """Raise the weight of some link."""
    link = any_link(network, rng)
    return SetWeight(link=link.name, weight=int(link.weight + rng.integers(1, 12)))


def sound(network: Network, steps: tuple[Change, ...], policy: Policy = POLICY) -> bool:
    """Whether the oracle finds a plan beyond reproach: strictly no link, failure, step or demand worse than allowed."""
    limit = policy.max_utilisation
    reached = states(network, steps)
    held = [carried(state) for state in reached]
    for here, there in pairwise(held):
        if sum(there.dropped.values()) > sum(here.dropped.values()) + SLACK:
            return False
    before, after = held[0], held[-1]
    fine = no_worse(before, after, limit) and not slow(before, after, network, policy.max_delay_stretch)
    if not fine or len(steps) > policy.max_steps:
        return False
    if any(expected_share(network, state) > policy.max_blast_radius for state in reached[1:]):
        return False
    return survives(network, reached[-1], policy) and passes(reached, policy)


def relieving(network: Network, rng: np.random.Generator, steps: int) -> tuple[Change, ...] | None:
    """Search at random for steps, the first of which relieves the network; none does harm, failures included."""
    state = network
    done: list[Change] = []
    for number in range(steps):
        found: Change | None = None
        here = carried(state)
        pairs = crossing(state, max(here.utilisation, key=lambda x: here.utilisation[x]))
        for _ in range(40):
            tunnel = _relieving_tunnel(state, rng, f"T{number}", pairs)
            change = tunnel if rng.random() < 0.7 else random_weight(state, rng)
            if change is None:
                continue
            there = carried(apply(state, change))
            better = gain(here, there, POLICY.max_utilisation) > (0.02 if number == 0 else -SLACK)
            harmless = better and no_worse(here, there, POLICY.max_utilisation)
            if harmless and survives(network, apply(state, change), POLICY):
                found = change
                break
        if found is None:
            break
        done.append(found)
        state = apply(state, found)
    if not done or gain(carried(network), carried(state), POLICY.max_utilisation) < POLICY.min_gain + 0.005:
        return None
    return tuple(done)


def good_relief(seed: int, start: int = 0) -> Trial | None:
    """A plan of several steps that relieves a network."""
    rng = np.random.default_rng([seed, 2])
    network = gate_network(start + int(rng.integers(0, NETWORKS)))
    steps = relieving(network, rng, int(rng.integers(1, 8)))
    return _good("relieve", network, steps or ())


def good_maintenance(seed: int, start: int = 0) -> Trial | None:
    """A drain of a node or circuit at night."""
    rng = np.random.default_rng([seed, 11])
    network = night(gate_network(start + int(rng.integers(0, NETWORKS))))
    node, link = any_node(network, rng), any_link(network, rng)
    step = DrainNode(node=node.name) if rng.random() < 0.5 else DrainLink(circuit=link.circuit)
    return _good("drain", network, (step,))


def good_sleep(seed: int, start: int = 0) -> Trial | None:
    """One or two circuits put to sleep at night."""
    rng = np.random.default_rng([seed, 12])
    network = night(gate_network(start + int(rng.integers(0, NETWORKS))))
    circuits = sorted({any_link(network, rng).circuit for _ in range(int(rng.integers(1, 3)))})
    return _good("sleep", network, tuple(SleepLink(circuit=x) for x in circuits))


def good_restoration(seed: int, start: int = 0) -> Trial | None:
    """A drained node, a sleeping circuit or a tunnel given back."""
    rng = np.random.default_rng([seed, 13])
    return _good("restore", *_restoring(gate_network(start + int(rng.integers(0, NETWORKS))), rng))


def good_last_resort(seed: int, start: int = 0) -> Trial | None:
    """A drain at night that leaves the circuit or the router as the last resort."""
    rng, network = calm(seed, 14, start)
    node, link = any_node(network, rng), any_link(network, rng)
    by_node = rng.random() < 0.5
    step: Change = (
        DrainNode(node=node.name, mode="cost_out") if by_node else DrainLink(circuit=link.circuit, mode="cost_out")
    )
    return _good("drain", network, (step,))


def _good(objective: Objective, network: Network, steps: tuple[Change, ...]) -> Trial | None:
    if not steps or not sound(network, steps):
        return None
    return Trial(f"good {objective}", plan_of(network, *steps, objective=objective), network, POLICY)


def any_link(network: Network, rng: np.random.Generator) -> Link:
    """Draw a link."""
    return network.links[int(rng.integers(len(network.links)))]


def any_node(network: Network, rng: np.random.Generator) -> Node:
    """Draw a node."""
    return network.nodes[int(rng.integers(len(network.nodes)))]


def _restoring(network: Network, rng: np.random.Generator) -> tuple[Network, tuple[Change, ...]]:
    choice, link, node = int(rng.integers(3)), any_link(network, rng), any_node(network, rng)
    if choice == 0:
        return apply(network, DrainNode(node=node.name)), (UndrainNode(node=node.name),)
    if choice == 1:
        return apply(network, SleepLink(circuit=link.circuit)), (WakeLink(circuit=link.circuit),)
    tunnel = random_tunnel(network, rng, "T9", 1.0)
    return (apply(network, tunnel), (RemoveTunnel(name="T9"),)) if tunnel else (network, ())


def first_of(count: int, build: Callable[[int, int], Trial | None], start: int = 0, first_seed: int = 0) -> list[Trial]:
    """Return the first plans that a class gives from a seed on. Raises `InputError` when there are too few."""
    found: list[Trial] = []
    for seed in range(first_seed, first_seed + 200 * count):
        case = build(seed, start)
        if case is not None:
            found.append(case)
        if len(found) == count:
            return found
    raise InputError(f"only {len(found)} of {count} plans in {200 * count} seeds", fix="ask for fewer")


@cache
def _relief(number: int, start: int) -> Trial:
    """One of the good plans that relieve, to be spoilt."""
    return first_of(1, good_relief, start, number * 1000)[0]


def relief_to_spoil(seed: int, start: int = 0) -> tuple[np.random.Generator, Trial]:
    """Draw a good plan to be spoilt, and the generator that draws how."""
    rng = np.random.default_rng([seed, 3])
    return rng, _relief(int(rng.integers(POOL)), start)


def spoilt(name: str, case: Trial, steps: tuple[Change, ...], blame: Blame, policy: Policy = POLICY) -> Trial:
    """Return the plan with other steps, or under another policy."""
    return Trial(name, case.plan.model_copy(update={"steps": steps}), case.network, policy, blame)


def insert(rng: np.random.Generator, steps: tuple[Change, ...], step: Change) -> tuple[tuple[Change, ...], int]:
    """Put a step somewhere between others, and return its number."""
    place = int(rng.integers(len(steps) + 1))
    return (*steps[:place], step, *steps[place:]), place + 1
