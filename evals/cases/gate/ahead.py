"""Plans that are fine for the traffic of now alone: what comes later breaks them, by the independent oracle."""

import numpy as np

from evals.oracle.carried import SLACK, carried, failures, grown, growth, hot, no_worse
from evals.score.plans import Blame
from twin.plan import Change, DrainLink, Objective, SleepLink, apply

from .good import NETWORKS, POLICY, Trial, any_link, gate_network, night, plan_of


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
