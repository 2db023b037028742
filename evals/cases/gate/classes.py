"""Plans for networks whose links serve classes of traffic one before the other."""

from dataclasses import replace

import numpy as np

from evals.oracle.carried import carried, failures, grown, growth, no_worse, survives
from evals.oracle.classes import by_class, filled
from evals.score.plans import Blame
from twin.model import Network
from twin.plan import Change, apply
from twin.policy import ClassLimits, Policy
from twin.traffic_classes import ClassShare, TrafficClass

from .good import POLICY, WIDE, Trial, any_link, calm, good_relief, plan_of, random_tunnel, random_weight

_TOTAL = {"max_failure_utilisation": 4.0, "max_uncertain_utilisation": 4.0}


def classed(network: Network, rng: np.random.Generator) -> Network:
    """The network with voice before all else, business above the rest, and one demand that is voice alone."""
    weights = TrafficClass("business", 2, 3.0, 0.3), TrafficClass("default", 2, 1.0)
    s, t = divmod(int(network.demands.argmax()), len(network.nodes))
    whole = ClassShare(network.nodes[s].name, network.nodes[t].name, "voice", 1.0)
    none = whole._replace(name="business", share=0.0)
    voice = TrafficClass("voice", 1, 1.0, float(rng.uniform(0.1, 0.3)))
    return replace(network, classes=(voice, *weights), class_shares=(whole, none))


def crowded_class(seed: int, start: int = 0) -> Trial | None:
    """A plan that every link can carry, and that puts more voice on one than it may hold, intact or under a failure."""
    rng, plain = calm(seed, 42, start)
    network = classed(plain, rng)
    step = _step(network, rng)
    if step is None:
        return None
    final = apply(network, step)
    if not no_worse(carried(network), carried(final), POLICY.max_utilisation):
        return None
    if any(carried(final, x).lost - carried(network, x).lost for x in failures(network)):
        return None
    over: dict[str, dict[str, tuple[float, float]]] = {}
    for failure in failures(network):
        was, now = filled(network, "voice", failure), filled(final, "voice", failure)
        over[failure.name] = {x: (max(was.values()), now[x]) for x in now if now[x] > max(was.values()) + 1e-6}
    grown = (now for links in over.values() for was, now in links.values() if now > was + 0.05)
    worst = max(grown, default=0.0)
    limit = round(worst - 0.03, 3)
    if limit <= 0:
        return None
    found = {
        name: {x for x, (was, now) in links.items() if now > max(limit, was) + 1e-6} for name, links in over.items()
    }
    found = {name: links for name, links in found.items() if links}
    if not found:
        return None
    promise = {"voice": ClassLimits(max_failure_utilisation=limit)}
    blame = Blame("classes", frozenset(x for links in found.values() for x in links), frozenset(found), 1)
    return Trial("crowded class", plan_of(network, step, objective="change"), network, _policy(promise), blame)


def crowded_once_grown(seed: int, start: int = 0) -> Trial | None:
    """A plan that keeps what voice is promised now, and breaks it in a failure once traffic has grown as foreseen."""
    rng, plain = calm(seed, 45, start)
    network = classed(plain, rng)
    step = _step(network, rng)
    if step is None:
        return None
    final, policy = apply(network, step), _policy({})
    if not (no_worse(carried(network), carried(final), policy.max_utilisation) and survives(network, final, policy)):
        return None
    worse = [now for was, now in _fills(network, final).values() if max(now.values()) > was + 0.02]
    limit = round(1.05 * max((max(x.values()) for x in worse), default=0.0), 3)
    if not worse or any(max(now.values()) > max(limit, was) for was, now in _fills(network, final).values()):
        return None
    factor = growth(policy)
    over = {
        name: {x for x, share in now.items() if share > max(limit, was) + 1e-6}
        for name, (was, now) in _fills(grown(network, factor), grown(final, factor)).items()
    }
    over = {name: links for name, links in over.items() if links}
    if not over:
        return None
    blame = Blame("uncertain", frozenset(x for links in over.values() for x in links), frozenset(over), 1)
    policy = _policy({"voice": ClassLimits(max_failure_utilisation=limit)})
    return Trial("crowded once grown", plan_of(network, step, objective="change"), network, policy, blame)


def _fills(before: Network, after: Network) -> dict[str, tuple[float, dict[str, float]]]:
    """Under each failure the share of the fullest link that voice fills before, and of each link after a plan."""
    dead = failures(before)
    return {x.name: (max(filled(before, "voice", x).values()), filled(after, "voice", x)) for x in dead}


def starved_class(seed: int, start: int = 0) -> Trial | None:
    """A plan after which a failure takes more of a class than it may lose, though the policy lets links overflow."""
    rng, plain = calm(seed, 43, start)
    network = classed(replace(plain, demands=plain.demands * 1.8), rng)
    step = _step(network, rng)
    if step is None:
        return None
    final, name = apply(network, step), "business"
    if not no_worse(carried(network), carried(final), 1.0):
        return None
    if any(carried(final, x).lost - carried(network, x).lost for x in failures(network)):
        return None
    lost: dict[str, tuple[float, float, dict[str, float]]] = {}
    for failure in failures(network):
        was, now = (by_class(x, failure)[name] for x in (network, final))
        lost[failure.name] = (was.missing / was.offered, now.missing / now.offered, now.dropped)
    worst = max(now - was for was, now, _ in lost.values())
    if worst < 0.02:
        return None
    limit = round(min(now for was, now, _ in lost.values() if now - was >= worst - 1e-9) - 0.01, 4)
    bad = {x: dropped for x, (was, now, dropped) in lost.items() if now > max(limit, was) + 0.002}
    if limit < 0 or not bad:
        return None
    most = frozenset(x for dropped in bad.values() for x, amount in dropped.items() if amount > 0)
    policy = _policy({name: ClassLimits(max_loss=limit)}).model_copy(update={"max_utilisation": 1.0})
    blame = Blame("classes", most, frozenset(bad), 1)
    return Trial("starved class", plan_of(network, step, objective="change"), network, policy, blame)


def good_with_classes(seed: int, start: int = 0) -> Trial | None:
    """A good plan on a network with classes, which keeps in every state, and once demands have grown, what they get."""
    plain = good_relief(seed, start)
    if plain is None:
        return None
    rng = np.random.default_rng([seed, 44])
    network = classed(plain.network, rng)
    reached = [network]
    for step in plain.plan.steps:
        reached.append(apply(reached[-1], step))
    reached += [grown(x, growth(plain.policy)) for x in (network, reached[-1])]
    dead = failures(network)
    most = max(max(filled(state, "voice", x).values()) for state in reached for x in dead)
    lost = max(by_class(state, x)["voice"].missing for state in reached for x in dead)
    if lost > 1e-9:
        return None
    promise = {"voice": ClassLimits(max_failure_utilisation=round(most + 0.02, 3), max_loss=0.0)}
    policy = plain.policy.model_copy(update={"classes": promise})
    plan = plain.plan.model_copy(update={"base": network.id})
    return Trial("good with classes", plan, network, policy)


def _step(network: Network, rng: np.random.Generator) -> Change | None:
    if rng.random() < 0.6:
        return random_tunnel(network, rng, "T0", 1.0)
    step = random_weight(network, rng)
    return step.model_copy(update={"weight": step.weight + int(any_link(network, rng).weight)})


def _policy(promise: dict[str, ClassLimits]) -> Policy:
    return WIDE.model_copy(update={**_TOTAL, "classes": promise})


CLASSES = (crowded_class, starved_class)
