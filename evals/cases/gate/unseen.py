"""Plans that look harmless to sums, to ends and to names: whose harm only shows demand by demand and state by state."""

from dataclasses import replace

import numpy as np

from evals.oracle.carried import SLACK, carried, crossing, failures, hot, no_worse
from evals.oracle.passing import excess, looping, missed, spike
from evals.score.plans import Blame
from twin.model import Link, Network, Node, SegmentList, Tunnel
from twin.plan import Change, DrainLink, DrainNode, LimitDemand, SetTunnel, UndrainLink, apply, apply_all, states

from .good import (
    NETWORKS,
    POLICY,
    WIDE,
    Trial,
    any_link,
    any_node,
    calm,
    gate_network,
    plan_of,
    random_tunnel,
    random_weight,
)


def _circuits_of(network: Network, node: str) -> list[str]:
    return sorted({x.circuit for x in network.links if node in (x.tail, x.head)})


def swapped_cut(seed: int, start: int = 0) -> Trial | None:
    """Work moves to another circuit: some failure spares a larger customer, and newly cuts off a smaller one."""
    rng, plain = calm(seed, 21, start)
    hub = any_node(plain, rng).name
    one, other = (str(x) for x in rng.choice(_circuits_of(plain, hub), 2, replace=False))
    network = apply(plain, DrainLink(circuit=one))
    steps: tuple[Change, ...] = (UndrainLink(circuit=one), DrainLink(circuit=other))
    final = apply_all(network, steps)
    if carried(network).lost or not no_worse(carried(network), carried(final), POLICY.max_utilisation):
        return None
    newly: dict[str, frozenset[tuple[str, str]]] = {}
    swaps = False
    for failure in failures(plain):
        was, now = carried(network, failure), carried(final, failure)
        if now.lost - was.lost:
            newly[failure.name] = now.lost - was.lost
            swaps = swaps or sum(missed(final, now).values()) < sum(missed(network, was).values())
    if not swaps:
        return None
    nodes = frozenset(f"node/{x}" for pairs in newly.values() for pair in pairs for x in pair)
    blame = Blame("survivable", nodes, frozenset(newly), len(steps))
    return Trial("swapped cut", plan_of(network, *steps, objective="drain"), network, WIDE, blame)


def dropped_under_failure(seed: int, start: int = 0) -> Trial | None:
    """With everything up nobody meets the lossy link; under one failure the plan sends a customer over it."""
    rng, plain = calm(seed, 22, start)
    tunnel = random_tunnel(plain, rng, "T0", 1.0)
    step: Change = tunnel if tunnel and rng.random() < 0.5 else random_weight(plain, rng)
    if rng.random() < 0.4:
        step = DrainLink(circuit=any_link(plain, rng).circuit)
    lossy = any_link(plain, rng)
    name, circuit = lossy.name, lossy.circuit
    costly = (x._replace(weight=x.weight + 15) if x.circuit == circuit else x for x in plain.links)
    links = tuple(x._replace(loss=0.05) if x.name == name else x for x in costly)
    network = replace(plain, links=links)
    final = apply(network, step)
    before, after = carried(network), carried(final)
    if before.load[name] > 0 or after.load[name] > 0 or after.lost or hot(after, POLICY.max_utilisation):
        return None
    over, newly = list[str](), False
    for failure in failures(network):
        was, now = carried(network, failure), carried(final, failure)
        if now.lost - was.lost:
            return None
        if now.dropped[name] > was.dropped[name] + SLACK:  # the gate may name any failure in which it got worse
            over.append(failure.name)
            newly = newly or (was.dropped[name] == 0 and now.dropped[name] > 0.5)
    if not newly:
        return None
    blame = Blame("survivable", frozenset((name,)), frozenset(over), 1)
    return Trial("dropped under failure", plan_of(network, step), network, WIDE, blame)


def break_before_make(seed: int, start: int = 0) -> Trial | None:
    """Both ends survive every failure; in between one circuit is gone before the other is back."""
    rng, plain = calm(seed, 23, start)
    one, other = (str(x) for x in rng.choice(sorted(plain.circuits), 2, replace=False))
    network = apply(plain, DrainLink(circuit=one))
    steps: tuple[Change, ...] = (DrainLink(circuit=other), UndrainLink(circuit=one))
    first, middle, last = states(network, steps)
    limit = POLICY.max_utilisation
    worse = max(excess((first,), middle, limit), excess((first,), last, limit), spike((first, last), middle, limit))
    if worse > 0:
        return None
    dead = failures(plain)
    if any(excess((first,), last, POLICY.max_failure_utilisation, x) > 0 for x in dead):
        return None
    cuts = {x.name: carried(middle, x).lost - carried(first, x).lost - carried(last, x).lost for x in dead}
    cuts = {name: pairs for name, pairs in cuts.items() if pairs}
    if not cuts:
        return None
    nodes = frozenset(f"node/{x}" for pairs in cuts.values() for pair in pairs for x in pair)
    blame = Blame("transient", nodes, frozenset(cuts), 1)
    return Trial("break before make", plan_of(network, *steps, objective="drain"), network, WIDE, blame)


def spike_on_the_way(seed: int, start: int = 0) -> Trial | None:
    """A link that is fine at both ends fills up between them, while the sum of all overload goes down."""
    rng = np.random.default_rng([seed, 24])
    network = gate_network(start + 2 * int(rng.integers(0, NETWORKS // 2)))
    used, limit = carried(network).utilisation, POLICY.max_utilisation
    pairs = crossing(network, max(used, key=lambda x: used[x]))
    source, target = pairs[int(rng.integers(len(pairs)))]
    ways = [_over(source, target, x.name) for x in network.nodes if x.name not in (source, target)]
    for _ in range(25):
        steps = tuple(SetTunnel(tunnel=ways[int(i)]) for i in rng.choice(len(ways), 2, replace=False))
        before, middle, after = states(network, steps)
        now, ends = carried(middle).utilisation, [carried(x).utilisation for x in (before, after)]
        full = {x for x in now if now[x] > max(limit, *(end[x] for end in ends)) + 0.01}
        if full and carried(after).above(limit) < carried(before).above(limit) - 1.0:
            blame = Blame("transient", frozenset(x for x in now if now[x] > limit), step=1)
            return Trial("spike on the way", plan_of(network, *steps), network, WIDE, blame)
    return None


def _over(source: str, target: str, via: str) -> Tunnel:
    return Tunnel(name="T0", source=source, target=target, paths=(SegmentList(via=(via,)),), on_invalid="igp")


def shed_for_a_drain(seed: int, start: int = 0) -> Trial | None:
    """A customer is refused first, so that the drain finds room."""
    rng, network = calm(seed, 25, start)
    s, t = divmod(int(rng.choice(np.argsort(network.demands, axis=None)[-20:])), len(network.nodes))
    source, target = network.nodes[s].name, network.nodes[t].name
    limit = LimitDemand(source=source, target=target, limit=float(rng.choice([0.0, 1.0])))
    drain: Change = DrainNode(node=any_node(network, rng).name)
    if rng.random() < 0.5:
        drain = DrainLink(circuit=any_link(network, rng).circuit)
    steps = (limit, drain)
    if carried(network).above(POLICY.max_utilisation) > 0 or carried(apply_all(network, steps)).lost:
        return None
    policy = WIDE.model_copy(update={"allow_rate_limits": True})
    blame = Blame("nominal", frozenset((f"demand/{source}->{target}",)), step=len(steps))
    return Trial("shed for a drain", plan_of(network, *steps, objective="drain"), network, policy, blame)


def starved_protected(seed: int, start: int = 0) -> Trial | None:
    """No step names the protected circuit, and yet nothing passes it any more."""
    rng, network = calm(seed, 26, start)
    link = any_link(network, rng)
    steps: list[Change] = [DrainNode(node=link.tail)]
    if rng.random() < 0.6:
        ends = [x for x in network.links if link.tail in (x.tail, x.head) or link.head in (x.tail, x.head)]
        steps = [random_weight(network, rng) for _ in range(3)]
        circuits = sorted({x.circuit for x in ends} - {link.circuit})
        steps += [DrainLink(circuit=str(x)) for x in rng.permutation(circuits)[:2]]
    states_ = [network]
    for step in steps:
        if apply(states_[-1], step).id == states_[-1].id:
            return None
        states_.append(apply(states_[-1], step))
    names = [x.name for x in network.links if x.circuit == link.circuit]
    loads = [sum(carried(x).load[name] for name in names) for x in states_]
    starved = loads[0] > 1 and min(loads[1:]) == 0
    if not starved and not isinstance(steps[0], DrainNode):
        return None
    policy = WIDE.model_copy(update={"protected": (link.circuit,)})
    blame = Blame("policy", frozenset((link.circuit,)))
    return Trial("starved protected", plan_of(network, *steps, objective="drain"), network, policy, blame)


def looping_change(seed: int, start: int = 0) -> Trial | None:
    """Routers that change over one by one may loop more of the traffic than the policy allows."""
    rng, network = calm(seed, 27, start)
    step: Change = random_weight(network, rng)
    if rng.random() < 0.5:
        step = DrainLink(circuit=any_link(network, rng).circuit)
    loops = looping(network, apply(network, step))
    share = sum(loops.values()) / float(network.offered.sum())
    if share < 0.002:
        return None
    policy = WIDE.model_copy(update={"max_loop_share": share * 0.8})
    blame = Blame("transient", frozenset(f"node/{x}" for x in loops), step=1)
    if not no_worse(carried(network), carried(apply(network, step)), POLICY.max_utilisation):
        return None
    return Trial("looping change", plan_of(network, step, objective="drain"), network, policy, blame)


def hidden_customer(seed: int, start: int = 0) -> Trial | None:
    """A customer of less than 1 Mbit/s is cut off in a network that carries 400 Tbit/s elsewhere."""
    rng, plain = calm(seed, 28, start)
    node = any_node(plain, rng).name
    giants = [Link("G0", "G1", 1e9, 10, 1.0), Link("G1", "G0", 1e9, 10, 1.0)]
    joint = [Link("G0", node, 1e5, 10, 1.0), Link(node, "G0", 1e5, 10, 1.0)]
    stub = [Link("S0", node, 1e3, 10, 1.0), Link(node, "S0", 1e3, 10, 1.0)]
    n = len(plain.nodes)
    demands = np.zeros((n + 3, n + 3))
    demands[:n, :n] = plain.demands
    demands[n, n + 1] = 4e8
    demands[plain.node(node), n + 2] = round(float(rng.uniform(0.01, 0.3)), 3)
    nodes = (*plain.nodes, Node("G0", 0, 0), Node("G1", 0, 0), Node("S0", 0, 0))
    network = Network(plain.name, nodes, (*plain.links, *giants, *joint, *stub), demands)
    step = DrainLink(circuit=stub[0].circuit)
    blame = Blame("nominal", frozenset(("node/S0",)), step=1)
    return Trial("hidden customer", plan_of(network, step, objective="drain"), network, WIDE, blame)


def odd_figures(seed: int, start: int = 0) -> Trial | None:
    """A figure so large or so small that what is computed with it overflows or vanishes."""
    rng, plain = calm(seed, 29, start)
    link, kind = any_link(plain, rng), int(rng.integers(3))
    n = len(plain.nodes)
    s, t = (int(x) for x in rng.choice(n, 2, replace=False))
    if kind == 0:
        demands = plain.demands.copy()
        demands[s, t] = float(rng.choice([1.7e308, 1e300, 1e13]))
        network = replace(plain, demands=demands)
        element = f"demand/{plain.nodes[s].name}->{plain.nodes[t].name}"
    else:
        change = {"capacity": float(rng.choice([5e-324, 1e-300]))} if kind == 1 else {"delay_ms": 1.7e308}
        links = tuple(x._replace(**change) if x.name == link.name else x for x in plain.links)
        network, element = replace(plain, links=links), link.name
    step = random_weight(network, rng)
    return Trial("odd figures", plan_of(network, step), network, WIDE, Blame("grounded", frozenset((element,)), step=0))
