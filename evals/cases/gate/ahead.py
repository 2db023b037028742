"""Plans that are fine for the traffic of now alone: what comes later breaks them, by the independent oracle."""

import numpy as np

from evals.oracle.carried import SLACK, carried, failures, grown, growth, hot, no_worse, survives, while_repaired
from evals.score.plans import Blame
from twin.plan import Change, DrainLink, Objective, SleepLink, apply

from .good import NETWORKS, POLICY, WIDE, Trial, any_link, calm, gate_network, night, plan_of, random_weight


def growth_under_failure(seed: int, start: int = 0) -> Trial | None:
    """Every failure is survived under the demands of now, and one of them is not with the growth that may come."""
    rng = np.random.default_rng([seed, 21])
    network = night(gate_network(start + 2 * int(rng.integers(0, NETWORKS // 2)) + 1))
    network = grown(network, float(rng.uniform(1.0, 1.8)))
    link = any_link(network, rng)
    objective: Objective = "sleep" if rng.random() < 0.5 else "drain"
    step: Change = SleepLink(circuit=link.circuit) if objective == "sleep" else DrainLink(circuit=link.circuit)
    final, limit = apply(network, step), POLICY.max_failure_utilisation
    fine = no_worse(carried(network), carried(final), POLICY.max_utilisation)
    if not fine or not all(no_worse(carried(network, x), carried(final, x), limit) for x in failures(network)):
        return None
    factor, names, elements = growth(POLICY), set[str](), set[str]()
    for failure in failures(network):
        was, now = carried(grown(network, factor), failure), carried(grown(final, factor), failure)
        # beyond argument: over the limit, and busier than any link was in the same failure
        worse = {x for x in hot(now, limit) if now.utilisation[x] > max(limit, was.peak) + 0.01 + SLACK}
        if worse:
            names.add(failure.name)
            elements |= worse
    if not names:
        return None
    blame = Blame("uncertain", frozenset(elements), frozenset(names), 1)
    return Trial("growth under failure", plan_of(network, step, objective=objective), network, POLICY, blame)


def _fuller(was: dict[str, float], now: dict[str, float], limit: float, capacity: dict[str, float]) -> set[str]:
    """Links that a plan puts beyond the limit and the old peak, and where more lies above it in all, those that add."""
    above = sum((max(now[x], limit) - max(was[x], limit)) * capacity[x] for x in now)
    peak = max(limit, *was.values())
    return {x for x, share in now.items() if share > peak + 1e-6 or (above > 1.0 and share > max(limit, was[x]) + 1e-6)}


def repair_without_room_to_grow(seed: int, start: int = 0) -> Trial | None:
    """Repairs keep the limit by the traffic of now, and put a link beyond it once traffic has grown as foreseen."""
    rng, network = calm(seed, 46, start)
    step: Change = random_weight(network, rng)
    final, factor = apply(network, step), growth(WIDE)
    policy = WIDE.model_copy(update={"max_failure_utilisation": 4.0, "max_uncertain_utilisation": 4.0})
    if not (no_worse(carried(network), carried(final), POLICY.max_utilisation) and survives(network, final, policy)):
        return None
    known = {x.name: (while_repaired(network, x.name), while_repaired(final, x.name)) for x in failures(network)}
    most = max(
        (max(now.values()) for was, now in known.values() if max(now.values()) > max(was.values()) + 0.02), default=0.0
    )
    limit, capacity = round(1.05 * most, 3), {x.name: x.capacity for x in network.links}
    if not most or any(_fuller(was, now, limit, capacity) for was, now in known.values()):
        return None
    over = {name: _fuller(was, now, limit / factor, capacity) for name, (was, now) in known.items()}
    over = {name: links for name, links in over.items() if links}
    policy = policy.model_copy(update={"max_repair_utilisation": limit})
    blame = Blame("uncertain", frozenset(x for links in over.values() for x in links), frozenset(over), 1)
    return Trial("repair without room to grow", plan_of(network, step, objective="change"), network, policy, blame)
