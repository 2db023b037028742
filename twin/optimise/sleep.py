"""Saving power: put circuits to sleep that neither the traffic nor any single failure needs."""

from collections.abc import Sequence

from twin.gate.checks.touch import touched
from twin.gate.verdict import Counterexample
from twin.model import Network
from twin.plan import Change, SleepLink, apply, apply_all
from twin.policy import Policy
from twin.sim.power import PowerModel, power
from twin.sim.simulate import simulate

from .allowance import Allowance
from .assemble import assemble, without_plan
from .judge import Judge
from .proposal import Proposal

METHOD = "link-sleep"


def plan_sleep(
    network: Network,
    policy: Policy,
    *,
    avoid: Sequence[Counterexample] = (),
    seed: int = 0,
    time_limit_s: float | None = None,
    model: PowerModel | None = None,
) -> Proposal:
    """Put up to `policy.max_steps` circuits to sleep; every state on the way survives every single failure.

    Greedy by the watts that a circuit saves under the power model, the least loaded first among equals. Nothing is
    random: `seed` changes nothing. A time limit ends with the circuits found so far.
    """
    del seed
    model = model or PowerModel.load(policy.power_model)
    judge = Judge(network, policy, avoid)
    allowance = Allowance(time_limit_s)
    state, steps = network, list[SleepLink]()
    for circuit in _by_saving(judge, model):
        if len(steps) == policy.max_steps or allowance.spent:
            break
        asleep = apply(state, SleepLink(circuit=circuit))
        if judge.is_safe(asleep):
            state = asleep
            steps.append(SleepLink(circuit=circuit))
    if not steps:
        return without_plan(judge, METHOD, "every circuit is needed, for the traffic or for some failure")
    saved = watts_saved(network, steps, model)
    if saved < policy.min_watts_saved and policy.min_watts_saved > 0:
        found = f"{len(steps)} circuits could sleep and save {saved:.4g} W by the model {model.name}"
        return without_plan(judge, METHOD, f"{found}, at least {policy.min_watts_saved:.4g} W asked for")
    return assemble(judge, METHOD, steps, objective="sleep", required=steps)


def watts_saved(network: Network, steps: Sequence[Change], model: PowerModel | None = None) -> float:
    """Return how many watts less the network draws after the steps, what it carries included."""
    model = model or PowerModel.load()
    states = (network, apply_all(network, steps))
    before, after = (power(x, model, load=simulate(x).load).total_watts for x in states)
    return before - after


def _by_saving(judge: Judge, model: PowerModel) -> list[str]:
    """Return the circuits that may sleep, the largest saving first."""
    network = judge.network
    load, watts = simulate(network).load, power(network, model).shut_watts
    able = {
        name: (-float(watts[list(links)].sum()), float(load[list(links)].sum()), name)
        for name, links in network.circuits.items()
        if all(network.links[i].usable for i in links)
        and not set(links) <= set(network.exits)
        and not judge.protects(*touched(network, SleepLink(circuit=name)))
    }
    return sorted(able, key=lambda name: able[name])
