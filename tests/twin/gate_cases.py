"""Seeded plans that the gate has to judge: good ones, and bad ones of many classes, labelled by an independent oracle.

Nothing here calls the gate or the simulator. Each case says what is wrong: the check that must fail, and the elements
(and failures, and step) that may be named for it.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import NamedTuple

import networkx as nx
import numpy as np

from tests.twin.gate_oracle import SLACK, carried, crossing, failures, gain, hot, hotter, no_worse, slow, survives
from tests.twin.walker import expected_share
from twin.model import Link, Network, Node, SegmentList, Tunnel
from twin.plan import (
    Change,
    DrainLink,
    DrainNode,
    LimitDemand,
    Objective,
    Plan,
    RemoveTunnel,
    SetCapacity,
    SetTunnel,
    SetWeight,
    SleepLink,
    UndrainLink,
    UndrainNode,
    WakeLink,
    apply,
    apply_all,
)
from twin.policy import Policy

POLICY = Policy(max_blast_radius=0.6, max_delay_stretch=1.5)
POOL = 24
NETWORKS = 40


class Fault(NamedTuple):
    """Why a plan is bad: the check that must fail, what it may name, and where."""

    check: str
    elements: frozenset[str]
    failures: frozenset[str] | None = None
    step: int | None = None


class Case(NamedTuple):
    """One plan to judge. `fault` is None for a good one."""

    name: str
    plan: Plan
    network: Network
    policy: Policy
    fault: Fault | None = None
    age_s: float | None = None
    scenarios: tuple[tuple[str, np.ndarray], ...] = ()


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
    sized, room = [], float(rng.uniform(1.05, 1.4))
    for a, b in zip(links[::2], links[1::2], strict=True):
        capacity = max(500.0, float(np.ceil(room * max(need[a.name], need[b.name]) / 100) * 100))
        sized += [a._replace(capacity=capacity), b._replace(capacity=capacity)]
    surge = demands.copy()
    surge[:, int(rng.integers(n))] *= 1.0 if seed % 2 else float(rng.uniform(1.3, 2.2))
    return replace(bare, links=tuple(sized), demands=surge.round(3))


def _night(network: Network) -> Network:
    """The hours in which operators drain: half the traffic."""
    return replace(network, demands=network.demands * 0.5)


def _plan(network: Network, *steps: Change, objective: Objective = "relieve") -> Plan:
    return Plan(goal=f"{objective} {network.name}", base=network.id, steps=steps, objective=objective)


def _random_tunnel(network: Network, rng: np.random.Generator, name: str, share: float) -> SetTunnel | None:
    """Send part of one of the larger demands through some other node."""
    order = np.argsort(network.demands, axis=None)[::-1][:25]
    s, t = divmod(int(rng.choice(order)), len(network.nodes))
    return _tunnel(network, rng, name, share, (network.nodes[s].name, network.nodes[t].name))


def _relieving_tunnel(network: Network, rng: np.random.Generator, name: str) -> SetTunnel | None:
    """Send part of a demand that crosses the busiest link through some other node."""
    used = carried(network).utilisation
    pairs = crossing(network, max(used, key=lambda x: used[x]))
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
    return SetTunnel(tunnel=Tunnel(name=name, source=source, target=target, paths=tuple(paths)))


def _random_weight(network: Network, rng: np.random.Generator) -> SetWeight:
    link = _any_link(network, rng)
    return SetWeight(link=link.name, weight=int(link.weight + rng.integers(1, 12)))


def sound(network: Network, steps: tuple[Change, ...], policy: Policy = POLICY) -> bool:
    """Whether the oracle finds a plan beyond reproach: strictly no link, failure, step or demand worse than allowed."""
    limit, before = policy.max_utilisation, carried(network)
    state = network
    for step in steps:
        following = apply(state, step)
        here, there = carried(state), carried(following)
        if there.lost - here.lost or there.above(limit) > here.above(limit) + SLACK:
            return False
        if (
            there.above(1.0) > here.above(1.0) + SLACK
            or sum(there.dropped.values()) > sum(here.dropped.values()) + SLACK
        ):
            return False
        if expected_share(network, following) > policy.max_blast_radius:
            return False
        state = following
    after = carried(state)
    fine = no_worse(before, after, limit) and not slow(before, after, network, policy.max_delay_stretch)
    return fine and survives(network, state, policy) and len(steps) <= policy.max_steps


def relieving(network: Network, rng: np.random.Generator, steps: int) -> tuple[Change, ...] | None:
    """Search at random for sound steps, the first of which relieves the network and the others do no harm."""
    state, done = network, []
    for number in range(steps):
        found = None
        for _ in range(40):
            tunnel = _relieving_tunnel(state, rng, f"T{number}")
            change = tunnel if rng.random() < 0.7 else _random_weight(state, rng)
            if change is None:
                continue
            here, there = carried(state), carried(apply(state, change))
            better = gain(here, there, POLICY.max_utilisation) > (0.02 if number == 0 else -SLACK)
            if better and no_worse(here, there, POLICY.max_utilisation):
                found = change
                break
        if found is None:
            break
        done.append(found)
        state = apply(state, found)
    if not done or gain(carried(network), carried(state), POLICY.max_utilisation) < POLICY.min_gain + 0.005:
        return None
    return tuple(done)


def good_relief(seed: int) -> Case | None:
    """A plan of several steps that relieves a network."""
    rng = np.random.default_rng([seed, 2])
    network = gate_network(int(rng.integers(0, NETWORKS)))
    steps = relieving(network, rng, int(rng.integers(1, 8)))
    return _good("relieve", network, steps or ())


def good_maintenance(seed: int) -> Case | None:
    """A drain of a node or circuit at night."""
    rng = np.random.default_rng([seed, 11])
    network = _night(gate_network(int(rng.integers(0, NETWORKS))))
    node, link = _any_node(network, rng), _any_link(network, rng)
    step = DrainNode(node=node.name) if rng.random() < 0.5 else DrainLink(circuit=link.circuit)
    return _good("drain", network, (step,))


def good_sleep(seed: int) -> Case | None:
    """One or two circuits put to sleep at night."""
    rng = np.random.default_rng([seed, 12])
    network = _night(gate_network(int(rng.integers(0, NETWORKS))))
    circuits = sorted({_any_link(network, rng).circuit for _ in range(int(rng.integers(1, 3)))})
    return _good("sleep", network, tuple(SleepLink(circuit=x) for x in circuits))


def good_restoration(seed: int) -> Case | None:
    """A drained node, a sleeping circuit or a tunnel given back."""
    rng = np.random.default_rng([seed, 13])
    return _good("restore", *_restoring(gate_network(int(rng.integers(0, NETWORKS))), rng))


def _good(objective: Objective, network: Network, steps: tuple[Change, ...]) -> Case | None:
    if not steps or not sound(network, steps):
        return None
    return Case(f"good {objective}", _plan(network, *steps, objective=objective), network, POLICY)


def _any_link(network: Network, rng: np.random.Generator) -> Link:
    return network.links[int(rng.integers(len(network.links)))]


def _any_node(network: Network, rng: np.random.Generator) -> Node:
    return network.nodes[int(rng.integers(len(network.nodes)))]


def _restoring(network: Network, rng: np.random.Generator) -> tuple[Network, tuple[Change, ...]]:
    choice, link, node = int(rng.integers(3)), _any_link(network, rng), _any_node(network, rng)
    if choice == 0:
        return apply(network, DrainNode(node=node.name)), (UndrainNode(node=node.name),)
    if choice == 1:
        return apply(network, SleepLink(circuit=link.circuit)), (WakeLink(circuit=link.circuit),)
    tunnel = _random_tunnel(network, rng, "T9", 1.0)
    return (apply(network, tunnel), (RemoveTunnel(name="T9"),)) if tunnel else (network, ())


def good_cases(count: int) -> list[Case]:
    """Return `count` good plans, half of them reliefs; the same every time."""
    others = (good_maintenance, good_sleep, good_restoration)
    cases = [case for i, build in enumerate(others) for case in _first((count + 2 * i) // 6, build)]
    return [*_first(count - len(cases), good_relief), *cases]


def bad_cases(per_class: int) -> list[Case]:
    """Return `per_class` bad plans of every class; the same every time."""
    return [case for build in BAD.values() for case in _first(per_class, build)]


def _first(count: int, build: Callable[[int], Case | None]) -> list[Case]:
    found: list[Case] = []
    for seed in range(200 * count):
        case = build(seed)
        if case is not None:
            found.append(case)
        if len(found) == count:
            return found
    raise AssertionError(f"{build.__name__}: only {len(found)} of {count} cases in {200 * count} seeds")


@cache
def _reliefs() -> list[Case]:
    """Good plans that relieve, to be spoilt."""
    return _first(POOL, good_relief)


def _good_relief(seed: int) -> tuple[np.random.Generator, Case]:
    rng = np.random.default_rng([seed, 3])
    return rng, _reliefs()[int(rng.integers(len(_reliefs())))]


def _spoilt(name: str, case: Case, steps: tuple[Change, ...], fault: Fault, policy: Policy = POLICY) -> Case:
    return Case(name, case.plan.model_copy(update={"steps": steps}), case.network, policy, fault)


def _insert(rng: np.random.Generator, steps: tuple[Change, ...], step: Change) -> tuple[tuple[Change, ...], int]:
    place = int(rng.integers(len(steps) + 1))
    return (*steps[:place], step, *steps[place:]), place + 1


def unknown_element(seed: int) -> Case | None:
    """A step names a link, circuit, node or tunnel that does not exist."""
    rng, case = _good_relief(seed)
    link = _any_link(case.network, rng)
    wrong: list[tuple[Change, str]] = [
        (SetWeight(link=f"{link.tail}->R99", weight=5), f"{link.tail}->R99"),
        (DrainLink(circuit=f"link/{link.tail}:R99--R99:{link.tail}"), f"link/{link.tail}:R99--R99:{link.tail}"),
        (DrainNode(node="r0"), "r0"),
        (RemoveTunnel(name="T77"), "tunnel/T77"),
        (SetWeight(link=f"{link.tail}->{link.head}.2", weight=5), f"{link.tail}->{link.head}.2"),
    ]
    step, element = wrong[int(rng.integers(len(wrong)))]
    steps, number = _insert(rng, case.plan.steps, step)
    return _spoilt("unknown element", case, steps, Fault("grounded", frozenset((element,)), step=number))


def stale_twin(seed: int) -> Case | None:
    """The plan was made for another snapshot."""
    rng, case = _good_relief(seed)
    moved = replace(case.network, demands=case.network.demands * float(rng.uniform(1.001, 1.2)))
    fault = Fault("grounded", frozenset((f"snapshot/{case.network.id}",)))
    return Case("stale twin", case.plan, moved, POLICY, fault)


def impossible_step(seed: int) -> Case | None:
    """A step undoes what was never done, or does what is already done."""
    rng, case = _good_relief(seed)
    link, node = _any_link(case.network, rng), case.network.nodes[0]
    options: list[tuple[Change, str]] = [
        (UndrainLink(circuit=link.circuit), link.circuit),
        (WakeLink(circuit=link.circuit), link.circuit),
        (UndrainNode(node=node.name), node.id),
    ]
    step, element = options[int(rng.integers(len(options)))]
    steps, number = _insert(rng, case.plan.steps, step)
    return _spoilt("impossible step", case, steps, Fault("grounded", frozenset((element,)), step=number))


def protected_element(seed: int) -> Case | None:
    """A good plan, but the policy protects what one of its steps touches."""
    rng, case = _good_relief(seed)
    number = int(rng.integers(len(case.plan.steps)))
    step = case.plan.steps[number]
    if isinstance(step, SetWeight):
        link = case.network.links[case.network.link(step.link)]
        element = str(rng.choice([link.circuit, link.interface, f"node/{link.tail}"]))
        touching = [x for x in case.plan.steps if isinstance(x, SetWeight) and x.link.startswith(f"{link.tail}->")]
    elif isinstance(step, SetTunnel):
        element = f"node/{rng.choice([step.tunnel.source, step.tunnel.paths[0].via[0]])}"
        touching = [step]
    else:
        return None
    first = min(case.plan.steps.index(x) for x in touching) + 1
    policy = POLICY.model_copy(update={"protected": (element,)})
    step_known = first if len(case.plan.steps) == 1 else None
    fault = Fault("policy", frozenset((element,)), step=step_known)
    return _spoilt("protected element", case, case.plan.steps, fault, policy)


def too_many_steps(seed: int) -> Case | None:
    """More steps than the policy allows."""
    case = _good_relief(seed)[1]
    if len(case.plan.steps) < 2:
        return None
    policy = POLICY.model_copy(update={"max_steps": len(case.plan.steps) - 1})
    last = case.plan.steps[-1]
    element = last.link if isinstance(last, SetWeight) else f"tunnel/{last.tunnel.name}"  # type: ignore[union-attr]
    fault = Fault("policy", frozenset((element,)), step=len(case.plan.steps))
    return _spoilt("too many steps", case, case.plan.steps, fault, policy)


def smuggled_upgrade(seed: int) -> Case | None:
    """An upgrade hidden among the steps: on paper it solves everything."""
    rng, case = _good_relief(seed)
    busiest = max(carried(case.network).utilisation.items(), key=lambda x: x[1])[0]
    circuit = case.network.links[case.network.link(busiest)].circuit
    steps, number = _insert(rng, case.plan.steps, SetCapacity(circuit=circuit, capacity=400_000.0))
    return _spoilt("smuggled upgrade", case, steps, Fault("policy", frozenset((circuit,)), step=number))


def forbidden_rate_limit(seed: int) -> Case | None:
    """A customer's traffic is cut to relieve a link, which the policy does not allow."""
    rng, case = _good_relief(seed)
    s, t = divmod(int(case.network.demands.argmax()), len(case.network.nodes))
    source, target = case.network.nodes[s].name, case.network.nodes[t].name
    steps, number = _insert(rng, case.plan.steps, LimitDemand(source=source, target=target, limit=1.0))
    element = f"demand/{source}->{target}"
    return _spoilt("forbidden rate limit", case, steps, Fault("policy", frozenset((element,)), step=number))


def wide_blast(seed: int) -> Case | None:
    """A good plan that moves more of the traffic than the policy allows."""
    case = _good_relief(seed)[1]
    shares, state = [], case.network
    for step in case.plan.steps:
        state = apply(state, step)
        shares.append(expected_share(case.network, state))
    limit = max(shares) * 0.8
    if limit <= 0.001:
        return None
    first = next(i for i, share in enumerate(shares) if share > limit)
    step = case.plan.steps[first]
    element = step.link if isinstance(step, SetWeight) else f"tunnel/{step.tunnel.name}"  # type: ignore[union-attr]
    fault = Fault("policy", frozenset((element,)), step=first + 1)
    return _spoilt("wide blast", case, case.plan.steps, fault, POLICY.model_copy(update={"max_blast_radius": limit}))


def isolated_node(seed: int) -> Case | None:
    """The last circuits of a node are taken out of use."""
    rng, case = _good_relief(seed)
    node = _any_node(case.network, rng).name
    circuits = sorted({link.circuit for link in case.network.links if node in (link.tail, link.head)})
    take = DrainLink if rng.random() < 0.5 else SleepLink
    steps = (*case.plan.steps, *(take(circuit=circuit) for circuit in circuits))
    cut = carried(apply_all(case.network, steps)).lost
    if len(steps) > POLICY.max_steps or not cut or any(node not in pair for pair in cut):
        return None
    return _spoilt("isolated node", case, steps, Fault("nominal", frozenset((f"node/{node}",)), step=len(steps)))


def overloaded_link(seed: int) -> Case | None:
    """The end state puts a link over the limit that was within it."""
    rng = np.random.default_rng([seed, 4])
    network = gate_network(int(rng.integers(0, NETWORKS)))
    tunnels = (_random_tunnel(network, rng, "T0", 1.0), _random_tunnel(network, rng, "T1", 1.0))
    steps = tuple(x for x in (_random_weight(network, rng), *tunnels) if x is not None)
    before = carried(network)
    if len({(x.tunnel.source, x.tunnel.target) for x in steps if isinstance(x, SetTunnel)}) < sum(
        isinstance(x, SetTunnel) for x in steps
    ):
        return None
    final = apply_all(network, steps)
    after = carried(final)
    limit = POLICY.max_utilisation
    # beyond argument: the busiest link is over the limit and busier than any link was
    worse = {x for x in hotter(before, after, limit) if after.utilisation[x] > before.peak + 0.01}
    if not worse or after.lost - before.lost:
        return None
    fault = Fault("nominal", frozenset(worse), step=len(steps))
    return Case("overloaded link", _plan(network, *steps), network, POLICY, fault)


def slow_detour(seed: int) -> Case | None:
    """Links stay within their limits, but demands take a detour that is too long."""
    rng = np.random.default_rng([seed, 5])
    network = gate_network(2 * int(rng.integers(0, NETWORKS // 2)) + 1)
    steps = tuple(x for x in (_random_tunnel(network, rng, f"T{i}", 1.0) for i in range(3)) if x is not None)
    if len({(x.tunnel.source, x.tunnel.target) for x in steps if isinstance(x, SetTunnel)}) < sum(
        isinstance(x, SetTunnel) for x in steps
    ):
        return None
    final = apply_all(network, steps)
    before, after = carried(network), carried(final)
    policy = POLICY.model_copy(update={"max_delay_stretch": 1.05})
    if not steps or hot(after, policy.max_utilisation) or not slow(before, after, network, 1.05):
        return None
    grown = {f"demand/{a}->{b}" for (a, b), ms in after.delay.items() if ms > before.delay[a, b] + SLACK}
    return Case(
        "slow detour", _plan(network, *steps), network, policy, Fault("nominal", frozenset(grown), step=len(steps))
    )


def onto_lossy_link(seed: int) -> Case | None:
    """Traffic is moved onto a link that is known to lose it silently."""
    rng, case = _good_relief(seed)
    after = carried(apply_all(case.network, case.plan.steps))
    before = carried(case.network)
    more = sorted(x for x, load in after.load.items() if load > before.load[x] + 10)
    if not more:
        return None
    name = str(rng.choice(more))
    links = tuple(x._replace(loss=0.02) if x.name == name else x for x in case.network.links)
    network = replace(case.network, links=links)
    final = apply_all(network, case.plan.steps)
    if carried(final).dropped[name] <= carried(network).dropped[name] + 0.1:
        return None
    plan = case.plan.model_copy(update={"base": network.id})
    fault = Fault("nominal", frozenset((name,)), step=len(plan.steps))
    return Case("onto lossy link", plan, network, POLICY, fault)


def cut_by_one_failure(seed: int) -> Case | None:
    """Everything is fine until one more element fails: then a node is cut off that was not before."""
    rng = np.random.default_rng([seed, 6])
    network = _night(gate_network(2 * int(rng.integers(0, NETWORKS // 2)) + 1))
    link = _any_link(network, rng)
    objective: Objective = "sleep" if rng.random() < 0.5 else "drain"
    step: Change = SleepLink(circuit=link.circuit) if objective == "sleep" else DrainLink(circuit=link.circuit)
    final = apply(network, step)
    if not no_worse(carried(network), carried(final), POLICY.max_utilisation):
        return None
    cuts = {x.name: carried(final, x).lost - carried(network, x).lost for x in failures(network)}
    cuts = {name: pairs for name, pairs in cuts.items() if pairs}
    if not cuts:
        return None
    nodes = frozenset(f"node/{name}" for pairs in cuts.values() for name in _cut_side(pairs, network))
    fault = Fault("survivable", nodes, frozenset(cuts), 1)
    return Case("cut by one failure", _plan(network, step, objective=objective), network, POLICY, fault)


def _cut_side(pairs: frozenset[tuple[str, str]], network: Network) -> set[str]:
    """The nodes on the smaller side of a cut, from which pairs lost all their paths."""
    graph = nx.Graph((a, b) for a, b in pairs)
    return {
        node for node in graph if graph.degree[node] >= (len(network.nodes) - 1) / 2 or graph.number_of_nodes() == 2
    }


def overload_under_failure(seed: int) -> Case | None:
    """Within its limits with everything up, over them when one element fails, and not so without the plan."""
    rng = np.random.default_rng([seed, 7])
    network = gate_network(2 * int(rng.integers(0, NETWORKS // 2)) + 1)
    steps = tuple(x for x in (_random_tunnel(network, rng, "T0", 1.0), _random_weight(network, rng)) if x is not None)
    final = apply_all(network, steps)
    if not no_worse(carried(network), carried(final), POLICY.max_utilisation):
        return None
    over: dict[str, set[str]] = {}
    for failure in failures(network):
        before, after = carried(network, failure), carried(final, failure)
        # beyond argument: over the limit, and busier than any link was under the same failure
        worse = {x for x in hotter(before, after, 1.0) if after.utilisation[x] > max(1.0, before.peak) + 0.01}
        if worse:
            over[failure.name] = worse
    if not over:
        return None
    elements = frozenset(x for links in over.values() for x in links)
    fault = Fault("survivable", elements, frozenset(over), len(steps))
    return Case("overload under failure", _plan(network, *steps), network, POLICY, fault)


def wrong_order(seed: int) -> Case | None:
    """Start and end are fine, but on the way a node is cut off or a link overloaded."""
    rng = np.random.default_rng([seed, 8])
    plain = _night(gate_network(2 * int(rng.integers(0, NETWORKS // 2)) + 1))
    first, second = (str(x) for x in rng.choice(sorted(plain.circuits), 2, replace=False))
    network = apply(plain, DrainLink(circuit=first))
    steps: tuple[Change, ...] = (DrainLink(circuit=second), UndrainLink(circuit=first))
    start, middle, end = (carried(apply_all(network, steps[:i])) for i in range(3))
    limit = POLICY.max_utilisation
    if hot(start, limit) or hot(end, limit) or start.lost or end.lost:
        return None
    cut = frozenset(f"node/{x}" for x in _cut_side(middle.lost, network)) if middle.lost else frozenset[str]()
    elements = cut or frozenset(hot(middle, limit))
    if not elements:
        return None
    fault = Fault("transient", elements, step=1)
    return Case("wrong order", _plan(network, *steps, objective="drain"), network, POLICY, fault)


def useless_plan(seed: int) -> Case | None:
    """Harmless, and no use: not even the agreed share of the harm or of the peak goes away."""
    rng = np.random.default_rng([seed, 9])
    network = gate_network(int(rng.integers(0, NETWORKS)))
    steps = (_random_weight(network, rng),)
    final = apply_all(network, steps)
    before, after = carried(network), carried(final)
    if gain(before, after, POLICY.max_utilisation) > POLICY.min_gain - 0.01 or not sound(network, steps):
        return None
    busiest = {x for x, share in after.utilisation.items() if share > after.peak - SLACK}
    return Case("useless plan", _plan(network, *steps), network, POLICY, Fault("useful", frozenset(busiest), step=1))


def shed_demand(seed: int) -> Case | None:
    """Rate limits are allowed, but throwing away as much as was too much is no gain."""
    rng = np.random.default_rng([seed, 10])
    network = gate_network(2 * int(rng.integers(0, NETWORKS // 2)))
    before, limit = carried(network), POLICY.max_utilisation
    over = sorted(hot(before, limit))
    if not over:
        return None
    s, t = divmod(int(rng.choice(np.argsort(network.demands, axis=None)[-20:])), len(network.nodes))
    source, target, amount = network.nodes[s].name, network.nodes[t].name, float(network.demands[s, t])
    step = LimitDemand(source=source, target=target, limit=round(amount * 0.5, 3))
    after = carried(apply(network, step))
    shed = amount - round(amount * 0.5, 3)
    if before.above(limit) - after.above(limit) - shed > before.above(limit) * (POLICY.min_gain - 0.01):
        return None
    policy = POLICY.model_copy(update={"allow_rate_limits": True})
    busiest = frozenset(x for x, share in after.utilisation.items() if share > after.peak - SLACK)
    return Case("shed demand", _plan(network, step), network, policy, Fault("useful", busiest, step=1))


def demand_that_may_come(seed: int) -> Case | None:
    """Good for today's demands; with those of a stated scenario the links it uses overflow."""
    rng, case = _good_relief(seed)
    final = apply_all(case.network, case.plan.steps)
    order = np.argsort(case.network.demands, axis=None)[::-1][:10]
    s, t = divmod(int(rng.choice(order)), len(case.network.nodes))
    demands = case.network.demands.copy()
    demands[s, t] *= float(rng.uniform(2, 6))
    before, after = (carried(replace(x, demands=demands)) for x in (case.network, final))
    if after.peak <= max(1.0, before.peak) + 0.01:
        return None
    busiest = frozenset(x for x, share in after.utilisation.items() if share > after.peak - SLACK)
    scenarios = (("today", case.network.demands), ("surge", demands))
    fault = Fault("uncertain", busiest, frozenset(("surge",)), len(case.plan.steps))
    return case._replace(name="demand that may come", fault=fault, scenarios=scenarios)


def old_measurements(seed: int) -> Case | None:
    """A good plan on measurements that are too old."""
    rng, case = _good_relief(seed)
    fault = Fault("fresh", frozenset((f"snapshot/{case.network.id}",)))
    return case._replace(name="old measurements", fault=fault, age_s=float(rng.uniform(3601, 10**6)))


BAD: dict[str, Callable[[int], Case | None]] = {
    build.__name__: build
    for build in (
        unknown_element,
        stale_twin,
        impossible_step,
        protected_element,
        too_many_steps,
        smuggled_upgrade,
        forbidden_rate_limit,
        wide_blast,
        isolated_node,
        overloaded_link,
        slow_detour,
        onto_lossy_link,
        cut_by_one_failure,
        overload_under_failure,
        wrong_order,
        useless_plan,
        shed_demand,
        demand_that_may_come,
        old_measurements,
    )
}
