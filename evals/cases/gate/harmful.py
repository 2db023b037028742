"""Plans that would hurt the network: where and how, the independent oracle says."""

from dataclasses import replace

import networkx as nx
import numpy as np

from evals.oracle.carried import SLACK, carried, failures, gain, hot, hotter, no_worse, slow
from evals.score.plans import Blame
from twin.model import Network
from twin.plan import (
    Change,
    DrainLink,
    LimitDemand,
    Objective,
    SetTunnel,
    SleepLink,
    UndrainLink,
    apply,
    apply_all,
)

from .good import (
    NETWORKS,
    POLICY,
    Trial,
    any_link,
    any_node,
    gate_network,
    night,
    plan_of,
    random_tunnel,
    random_weight,
    relief_to_spoil,
    sound,
    spoilt,
)


def isolated_node(seed: int, start: int = 0) -> Trial | None:
    """The last circuits of a node are taken out of use."""
    rng, case = relief_to_spoil(seed, start)
    node = any_node(case.network, rng).name
    circuits = sorted({link.circuit for link in case.network.links if node in (link.tail, link.head)})
    take = DrainLink if rng.random() < 0.5 else SleepLink
    steps = (*case.plan.steps, *(take(circuit=circuit) for circuit in circuits))
    cut = carried(apply_all(case.network, steps)).lost
    if len(steps) > POLICY.max_steps or not cut or any(node not in pair for pair in cut):
        return None
    return spoilt("isolated node", case, steps, Blame("nominal", frozenset((f"node/{node}",)), step=len(steps)))


def overloaded_link(seed: int, start: int = 0) -> Trial | None:
    """The end state puts a link over the limit that was within it."""
    rng = np.random.default_rng([seed, 4])
    network = gate_network(start + int(rng.integers(0, NETWORKS)))
    tunnels = (random_tunnel(network, rng, "T0", 1.0), random_tunnel(network, rng, "T1", 1.0))
    steps = tuple(x for x in (random_weight(network, rng), *tunnels) if x is not None)
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
    blame = Blame("nominal", frozenset(worse), step=len(steps))
    return Trial("overloaded link", plan_of(network, *steps), network, POLICY, blame)


def slow_detour(seed: int, start: int = 0) -> Trial | None:
    """Links stay within their limits, but demands take a detour that is too long."""
    rng = np.random.default_rng([seed, 5])
    network = gate_network(start + 2 * int(rng.integers(0, NETWORKS // 2)) + 1)
    steps = tuple(x for x in (random_tunnel(network, rng, f"T{i}", 1.0) for i in range(3)) if x is not None)
    if len({(x.tunnel.source, x.tunnel.target) for x in steps}) < len(steps):
        return None
    final = apply_all(network, steps)
    before, after = carried(network), carried(final)
    policy = POLICY.model_copy(update={"max_delay_stretch": 1.05})
    if not steps or hot(after, policy.max_utilisation) or not slow(before, after, network, 1.05):
        return None
    grown = {f"demand/{a}->{b}" for (a, b), ms in after.delay.items() if ms > before.delay[a, b] + SLACK}
    return Trial(
        "slow detour", plan_of(network, *steps), network, policy, Blame("nominal", frozenset(grown), step=len(steps))
    )


def onto_lossy_link(seed: int, start: int = 0) -> Trial | None:
    """Traffic is moved onto a link that is known to lose it silently."""
    rng, case = relief_to_spoil(seed, start)
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
    blame = Blame("nominal", frozenset((name,)), step=len(plan.steps))
    return Trial("onto lossy link", plan, network, POLICY, blame)


def cut_by_one_failure(seed: int, start: int = 0) -> Trial | None:
    """Everything is fine until one more element fails: then a node is cut off that was not before."""
    rng = np.random.default_rng([seed, 6])
    network = night(gate_network(start + 2 * int(rng.integers(0, NETWORKS // 2)) + 1))
    link = any_link(network, rng)
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
    blame = Blame("survivable", nodes, frozenset(cuts), 1)
    return Trial("cut by one failure", plan_of(network, step, objective=objective), network, POLICY, blame)


def _cut_side(pairs: frozenset[tuple[str, str]], network: Network) -> set[str]:
    """The nodes on the smaller side of a cut, from which pairs lost all their paths."""
    graph = nx.Graph((a, b) for a, b in pairs)
    return {
        node for node in graph if graph.degree[node] >= (len(network.nodes) - 1) / 2 or graph.number_of_nodes() == 2
    }


def overload_under_failure(seed: int, start: int = 0) -> Trial | None:
    """Within its limits with everything up, over them when one element fails, and not so without the plan."""
    rng = np.random.default_rng([seed, 7])
    network = gate_network(start + 2 * int(rng.integers(0, NETWORKS // 2)) + 1)
    steps = tuple(x for x in (random_tunnel(network, rng, "T0", 1.0), random_weight(network, rng)) if x is not None)
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
    blame = Blame("survivable", elements, frozenset(over), len(steps))
    return Trial("overload under failure", plan_of(network, *steps), network, POLICY, blame)


def wrong_order(seed: int, start: int = 0) -> Trial | None:
    """Start and end are fine, but on the way a node is cut off or a link overloaded."""
    rng = np.random.default_rng([seed, 8])
    plain = night(gate_network(start + 2 * int(rng.integers(0, NETWORKS // 2)) + 1))
    one, other = (str(x) for x in rng.choice(sorted(plain.circuits), 2, replace=False))
    network = apply(plain, DrainLink(circuit=one))
    steps: tuple[Change, ...] = (DrainLink(circuit=other), UndrainLink(circuit=one))
    before, middle, end = (carried(apply_all(network, steps[:i])) for i in range(3))
    limit = POLICY.max_utilisation
    if hot(before, limit) or hot(end, limit) or before.lost or end.lost:
        return None
    cut = frozenset(f"node/{x}" for x in _cut_side(middle.lost, network)) if middle.lost else frozenset[str]()
    elements = cut or frozenset(hot(middle, limit))
    if not elements:
        return None
    blame = Blame("transient", elements, step=1)
    return Trial("wrong order", plan_of(network, *steps, objective="drain"), network, POLICY, blame)


def useless_plan(seed: int, start: int = 0) -> Trial | None:
    """Harmless, and no use: not even the agreed share of the harm or of the peak goes away."""
    rng = np.random.default_rng([seed, 9])
    network = gate_network(start + int(rng.integers(0, NETWORKS)))
    steps = (random_weight(network, rng),)
    final = apply_all(network, steps)
    before, after = carried(network), carried(final)
    if gain(before, after, POLICY.max_utilisation) > POLICY.min_gain - 0.01 or not sound(network, steps):
        return None
    busiest = {x for x, share in after.utilisation.items() if share > after.peak - SLACK}
    return Trial("useless plan", plan_of(network, *steps), network, POLICY, Blame("useful", frozenset(busiest), step=1))


def shed_demand(seed: int, start: int = 0) -> Trial | None:
    """Rate limits are allowed, but throwing away as much as was too much is no gain."""
    rng = np.random.default_rng([seed, 10])
    network = gate_network(start + 2 * int(rng.integers(0, NETWORKS // 2)))
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
    return Trial("shed demand", plan_of(network, step), network, policy, Blame("useful", busiest, step=1))


def demand_that_may_come(seed: int, start: int = 0) -> Trial | None:
    """Good for today's demands; with those of a stated scenario the links it uses overflow."""
    rng, case = relief_to_spoil(seed, start)
    final = apply_all(case.network, case.plan.steps)
    order = np.argsort(case.network.demands, axis=None)[::-1][:10]
    for _ in range(len(order)):
        s, t = divmod(int(rng.choice(order)), len(case.network.nodes))
        demands = case.network.demands.copy()
        demands[s, t] *= float(rng.uniform(2, 6))
        before, after = (carried(x.with_demands(demands)) for x in (case.network, final))
        if after.peak > max(1.0, before.peak) + 0.01:
            busiest = frozenset(x for x, share in after.utilisation.items() if share > after.peak - SLACK)
            scenarios = (("today", case.network.demands), ("surge", demands))
            blame = Blame("uncertain", busiest, frozenset(("surge",)), len(case.plan.steps))
            return case._replace(name="demand that may come", blame=blame, scenarios=scenarios)
    return None


def old_measurements(seed: int, start: int = 0) -> Trial | None:
    """A good plan on measurements that are too old."""
    rng, case = relief_to_spoil(seed, start)
    blame = Blame("fresh", frozenset((f"snapshot/{case.network.id}",)))
    return case._replace(name="old measurements", blame=blame, age_s=float(rng.uniform(3601, 10**6)))
