"""Plans that hurt what real backbones have: exits, bundles, repair, labels, metrics, dark directions, demands."""

from dataclasses import replace

import numpy as np

from evals.oracle.carried import (
    SLACK,
    Carried,
    carried,
    failures,
    hot,
    hotter,
    no_worse,
    short_of_one,
    slow,
    survives,
    while_repaired,
)
from evals.score.plans import Blame
from twin.model import UNUSED_METRIC, Link, Network, Node, SegmentList, Tunnel
from twin.plan import Change, DrainLink, DrainNode, SetTunnel, SetWeight, apply

from .good import (
    POLICY,
    WIDE,
    Trial,
    any_link,
    any_node,
    calm,
    plan_of,
    random_tunnel,
    random_weight,
)


def leaving(network: Network, rng: np.random.Generator) -> Network:
    """The network with most of its traffic on its way out, by two or three exits."""
    n = len(network.nodes)
    at = sorted(int(i) for i in rng.choice(n, int(rng.integers(2, 4)), replace=False))
    demands = np.zeros((n + 1, n + 1))
    demands[:n, :n] = network.demands * 0.5
    demands[:n, n] = network.demands.sum(axis=1) * 0.5
    exits = tuple(Link(network.nodes[i].name, "world", 1e6, 1) for i in at)
    beyond = Node("world", 0, 0, kind="exits")
    return replace(network, nodes=(*network.nodes, beyond), links=(*network.links, *exits), demands=demands.round(3))


def _worse(was: Carried, now: Carried, limit: float) -> set[str]:
    """Links beyond argument: over the limit, and busier than any link was in the same failure."""
    return {x for x in hotter(was, now, limit) if now.utilisation[x] > max(limit, was.peak) + 0.01}


def _broken(network: Network, final: Network, limit: float) -> dict[str, set[str]]:
    """What each failure makes worse, members of bundles included; nothing where a failure newly cuts somebody off."""
    if any(carried(final, x).lost - carried(network, x).lost for x in failures(network)):
        return {}
    found = {x.name: _worse(carried(network, x), carried(final, x), limit) for x in failures(network)}
    shrunk = zip(short_of_one(network), short_of_one(final), strict=True)
    found |= {name: _worse(carried(was), carried(now), limit) for (name, was), (_, now) in shrunk}
    return {name: links for name, links in found.items() if links}


def _not_survived(over: dict[str, set[str]]) -> Blame:
    """What the gate has to name where links are full in some failures, by failure."""
    return Blame("survivable", frozenset(x for links in over.values() for x in links), frozenset(over), 1)


def exit_without_a_way(seed: int, start: int = 0) -> Trial | None:
    """All is well until a peering or its router fails, whose traffic then finds no room on the way to the next exit."""
    rng, plain = calm(seed, 31, start)
    network = leaving(plain, rng)
    exits = [network.links[i] for i in network.exits]
    inner = [x for x in network.links if x.head != "world"]
    step: Change = DrainLink(circuit=str(rng.choice(sorted({x.circuit for x in inner}))))
    if rng.random() < 0.4:
        step = DrainLink(circuit=exits[int(rng.integers(len(exits)))].circuit)
    final = apply(network, step)
    if not no_worse(carried(network), carried(final), POLICY.max_utilisation):
        return None
    over = _broken(network, final, POLICY.max_failure_utilisation)
    if not {x.circuit for x in exits} & set(over) and not {f"node/{x.tail}" for x in exits} & set(over):
        return None
    blame = _not_survived(over)
    return Trial("exit without a way", plan_of(network, step, objective="drain"), network, WIDE, blame)


def other_exit_preferred(seed: int, start: int = 0) -> Trial | None:
    """A preference is changed, and all that leaves the network leaves by one exit that has no room on the way to it."""
    rng, plain = calm(seed, 32, start)
    network = leaving(plain, rng)
    exits = [network.links[i] for i in network.exits]
    step = SetWeight(link=exits[int(rng.integers(len(exits)))].name, weight=2)
    before, after = carried(network), carried(apply(network, step))
    worse = _worse(before, after, POLICY.max_utilisation)
    if not worse or after.lost:
        return None
    blame = Blame("nominal", frozenset(worse), step=1)
    return Trial("other exit preferred", plan_of(network, step, objective="change"), network, WIDE, blame)


def exit_costed_out(seed: int, start: int = 0) -> Trial | None:
    """An exit is made the last resort, and the way to those that are left has no room for what leaves by them now."""
    rng, plain = calm(seed, 48, start)
    network = leaving(plain, rng)
    exits = [network.links[i] for i in network.exits]
    step = DrainLink(circuit=exits[int(rng.integers(len(exits)))].circuit, mode="cost_out")
    before, after = carried(network), carried(apply(network, step))
    worse = _worse(before, after, POLICY.max_utilisation)
    if not worse or after.lost:
        return None
    blame = Blame("nominal", frozenset(worse), step=1)
    return Trial("exit costed out", plan_of(network, step, objective="drain"), network, WIDE, blame)


def second_choice_without_room(seed: int, start: int = 0) -> Trial | None:
    """One exit is preferred; when its peering or its router fails, the way to the next by preference has no room."""
    rng, plain = calm(seed, 49, start)
    network = leaving(plain, rng)
    order = [1 + int(x) for x in rng.permutation(len(network.exits))]
    ranks = {network.links[i].name: rank for i, rank in zip(network.exits, order, strict=True)}
    links = tuple(x._replace(weight=ranks.get(x.name, x.weight)) for x in network.links)
    network = replace(network, links=links)
    step: Change = random_weight(plain, rng)
    final = apply(network, step)
    if not no_worse(carried(network), carried(final), POLICY.max_utilisation):
        return None
    over = _broken(network, final, POLICY.max_failure_utilisation)
    first = next(x for x in links if ranks.get(x.name) == 1)
    if not over or set(over) - {first.circuit, f"node/{first.tail}"}:
        return None
    blame = _not_survived(over)
    return Trial("second choice without room", plan_of(network, step, objective="change"), network, WIDE, blame)


def member_too_few(seed: int, start: int = 0) -> Trial | None:
    """A bundle that the plan fills cannot spare a member, and could before."""
    rng, plain = calm(seed, 33, start)
    step = random_tunnel(plain, rng, "T0", 1.0) or random_weight(plain, rng)
    was, now = carried(plain).utilisation, carried(apply(plain, step)).utilisation
    fuller = sorted(x for x in now if now[x] > was[x] + 0.05)
    if not fuller:
        return None
    name = str(rng.choice(fuller))
    circuit = plain.links[plain.link(name)].circuit
    scale = 0.785 / now[name]
    links = tuple(x._replace(members=4) if x.circuit == circuit else x for x in plain.links)
    network = replace(plain, links=links, demands=plain.demands * scale)
    final = apply(network, step)
    if was[name] * scale > 0.7 or not no_worse(carried(network), carried(final), POLICY.max_utilisation):
        return None
    over = _broken(network, final, POLICY.max_failure_utilisation)
    if f"member of {circuit}" not in over:
        return None
    blame = _not_survived(over)
    return Trial("member too few", plan_of(network, step, objective="change"), network, WIDE, blame)


def repair_without_room(seed: int, start: int = 0) -> Trial | None:
    """Every failure fits once routers have converged; while one is repaired, a link is over what the policy allows."""
    rng, network = calm(seed, 34, start)
    step: Change = random_weight(network, rng)
    final = apply(network, step)
    if not no_worse(carried(network), carried(final), POLICY.max_utilisation):
        return None
    cut = any(carried(final, x).lost - carried(network, x).lost for x in failures(network))
    if cut or _broken(network, final, POLICY.max_failure_utilisation):
        return None
    worse: dict[str, set[str]] = {}
    for failed in (x.name for x in failures(network)):
        was, now = while_repaired(network, failed), while_repaired(final, failed)
        allowed = max(0.9, max(was.values())) + 0.01
        worse[failed] = {x for x in now if now[x] > allowed}
    worse = {failed: links for failed, links in worse.items() if links}
    if not any(x.startswith("link/") for x in worse):
        return None
    policy = WIDE.model_copy(update={"max_repair_utilisation": 0.9})
    elements = frozenset(x for links in worse.values() for x in links)
    blame = Blame("survivable", elements, frozenset(worse), 1)
    return Trial("repair without room", plan_of(network, step, objective="change"), network, policy, blame)


def second_in_repair(seed: int, start: int = 0) -> Trial | None:
    """Repairs break the limit before and after; the fullest link of each gets no fuller, and others far fuller."""
    rng, network = calm(seed, 47, start)
    step: Change = random_weight(network, rng)
    final = apply(network, step)
    policy = WIDE.model_copy(update={"max_failure_utilisation": 4.0, "max_uncertain_utilisation": 4.0})
    if not (no_worse(carried(network), carried(final), POLICY.max_utilisation) and survives(network, final, policy)):
        return None
    known = {x.name: (while_repaired(network, x.name), while_repaired(final, x.name)) for x in failures(network)}
    newly = max((max(now.values()) for was, now in known.values() if max(now.values()) > max(was.values())), default=0)
    limit = round(max(newly, 0.3) + 0.02, 3)  # no repair goes beyond it whose fullest link gets fuller
    capacity = {x.name: x.capacity for x in network.links}
    worse: dict[str, set[str]] = {}
    for failed, (was, now) in known.items():
        more = {x: (max(now[x], limit) - max(was[x], limit)) * capacity[x] for x in now}
        if sum(more.values()) > 1.0:
            worse[failed] = {x for x in more if now[x] > max(limit, was[x])}
    if not worse:
        return None
    policy = policy.model_copy(update={"max_repair_utilisation": limit})
    blame = _not_survived(worse)
    return Trial("second in repair", plan_of(network, step, objective="change"), network, policy, blame)


def late_demand(seed: int, start: int = 0) -> Trial | None:
    """The mean delay hardly changes; one customer's own, or that of a part of it, is far longer than allowed."""
    rng, network = calm(seed, 35, start)
    share = float(rng.choice([0.25, 0.5, 1.0]))
    step = random_tunnel(network, rng, "T0", share)
    if step is None:
        return None
    before, after = carried(network), carried(apply(network, step))
    if slow(before, after, network, POLICY.max_delay_stretch) or hot(after, POLICY.max_utilisation):
        return None
    stretch = float(rng.uniform(1.2, 2.0))
    late, wholly = (
        {f"demand/{a}->{b}" for (a, b), ms in now.items() if ms > stretch * was[a, b] + SLACK}
        for was, now in ((before.longest, after.longest), (before.delay, after.delay))
    )
    if not late or (share < 1 and wholly):
        return None
    policy = POLICY.model_copy(update={"max_demand_stretch": stretch, "max_blast_radius": 1.0})
    blame = Blame("nominal", frozenset(late), step=1)
    return Trial("late demand", plan_of(network, step, objective="change"), network, policy, blame)


def labels_into_the_drain(seed: int, start: int = 0) -> Trial | None:
    """A router is drained, and labels at some head-end go on steering a demand through it."""
    rng, plain = calm(seed, 36, start)
    via = any_node(plain, rng).name
    order = np.argsort(plain.demands, axis=None)[::-1][:25]
    s, t = divmod(int(rng.choice(order)), len(plain.nodes))
    ends = plain.nodes[s].name, plain.nodes[t].name
    if via in ends:
        return None
    tunnel = Tunnel(name="T0", source=ends[0], target=ends[1], paths=(SegmentList(via=(via,)),))
    network = apply(plain, SetTunnel(tunnel=tunnel))
    step = DrainNode(node=via)
    if not no_worse(carried(network), carried(apply(network, step)), POLICY.max_utilisation):
        return None
    blame = Blame("useful", frozenset((f"node/{via}",)), step=1)
    return Trial("labels into the drain", plan_of(network, step, objective="drain"), network, WIDE, blame)


def blind_labels(seed: int, start: int = 0) -> Trial | None:
    """Labels over a node that nobody verifies: fine with everything up, and lost for good when that node fails."""
    rng, network = calm(seed, 39, start)
    drawn = random_tunnel(network, rng, "T0", 1.0)
    if drawn is None:
        return None
    step = SetTunnel(tunnel=drawn.tunnel.model_copy(update={"path": "explicit", "on_invalid": "blackhole"}))
    final = apply(network, step)
    if not no_worse(carried(network), carried(final), POLICY.max_utilisation):
        return None
    cut = {x.name: carried(final, x).lost - carried(network, x).lost for x in failures(network)}
    cut = {name: pairs for name, pairs in cut.items() if pairs}
    if not cut or set(cut) - {f"node/{via}" for path in drawn.tunnel.paths for via in path.via}:
        return None
    blame = Blame("survivable", frozenset((f"tunnel/{drawn.tunnel.name}",)), frozenset(cut), 1)
    return Trial("blind labels", plan_of(network, step, objective="change"), network, WIDE, blame)


def last_resort_in_use(seed: int, start: int = 0) -> Trial | None:
    """A drain by cost-out of what some traffic has no way around: it goes on passing."""
    rng, plain = calm(seed, 40, start)
    node = any_node(plain, rng).name
    neighbours = sorted({x.head for x in plain.links if x.tail == node})
    circuits = sorted({x.circuit for x in plain.links if node in (x.tail, x.head)})
    kept = str(rng.choice(circuits))
    gone = {x for x in circuits if x != kept}
    network = replace(plain, links=tuple(x._replace(up=x.circuit not in gone) for x in plain.links))
    if carried(network).lost or not gone:
        return None
    only = next(x for x in neighbours if any({x, node} == {y.tail, y.head} for y in network.links if y.circuit == kept))
    by_circuit = rng.random() < 0.5
    step: Change = DrainLink(circuit=kept, mode="cost_out") if by_circuit else DrainNode(node=only, mode="cost_out")
    before, after = carried(network), carried(apply(network, step))
    if not no_worse(before, after, POLICY.max_utilisation) or any(
        hot(x, POLICY.max_utilisation) for x in (before, after)
    ):
        return None
    blame = Blame("useful", frozenset((kept if by_circuit else f"node/{only}",)), step=1)
    return Trial("last resort in use", plan_of(network, step, objective="drain"), network, WIDE, blame)


def metric_of_no_router(seed: int, start: int = 0) -> Trial | None:
    """A weight that the routers of this network cannot have, or that takes the link out of shortest paths unsaid."""
    rng, network = calm(seed, 37, start)
    link, kind = any_link(network, rng), int(rng.integers(3))
    weight = (UNUSED_METRIC, 65_536 + int(rng.integers(1_000_000)), 64 + int(rng.integers(1_000)))[kind]
    policy = WIDE.model_copy(update={"max_weight": 63}) if kind == 2 else WIDE
    step = SetWeight(link=link.name, weight=weight)
    blame = Blame("grounded", frozenset((link.name,)), step=1)
    return Trial("metric of no router", plan_of(network, step, objective="change"), network, policy, blame)


def dark_one_way(seed: int, start: int = 0) -> Trial | None:
    """What is left of a node's circuits is up in one direction only: no router uses it in either (two-way check)."""
    rng, plain = calm(seed, 38, start)
    node = any_node(plain, rng).name
    circuits = sorted({x.circuit for x in plain.links if node in (x.tail, x.head)})
    kept = str(rng.choice(circuits))
    dark = node if rng.random() < 0.5 else None
    links = tuple(x._replace(up=(x.tail == node) is (dark is None)) if x.circuit == kept else x for x in plain.links)
    network = replace(plain, links=links)
    steps = tuple(DrainLink(circuit=x) for x in circuits if x != kept)
    if carried(network).lost or not steps or len(steps) > POLICY.max_steps:
        return None
    state = network
    for number, step in enumerate(steps, start=1):
        state = apply(state, step)
        if carried(state).lost and number < len(steps):
            return None
    blame = Blame("nominal", frozenset((f"node/{node}",)), step=len(steps))
    return Trial("dark one way", plan_of(network, *steps, objective="drain"), network, WIDE, blame)


BACKBONE = (
    exit_without_a_way,
    other_exit_preferred,
    exit_costed_out,
    second_choice_without_room,
    member_too_few,
    repair_without_room,
    second_in_repair,
    late_demand,
    labels_into_the_drain,
    blind_labels,
    last_resort_in_use,
    metric_of_no_router,
    dark_one_way,
)
