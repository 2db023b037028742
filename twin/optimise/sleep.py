"""Saving power: put circuits to sleep that neither the traffic nor any single failure needs."""

from collections.abc import Callable, Sequence
from time import monotonic

from twin.model import Network
from twin.plan import SleepLink, apply
from twin.policy import Policy
from twin.sim.simulate import simulate
from twin.verdict import Counterexample

from .assemble import assemble, without_plan
from .judge import Judge
from .proposal import Proposal

METHOD = "link-sleep"
Saving = Callable[[Network, str], float]


def plan_sleep(
    network: Network,
    policy: Policy,
    *,
    avoid: Sequence[Counterexample] = (),
    seed: int = 0,
    time_limit_s: float | None = None,
    saving: Saving | None = None,
) -> Proposal:
    """Put up to `policy.max_steps` circuits to sleep; every state on the way survives every single failure.

    Greedy by what a circuit saves (`saving(network, circuit)` in watts; without it, its capacity, as port power grows
    with the rate), the least loaded first among equals. Nothing is random: `seed` changes nothing. A time limit ends
    with the circuits found so far.
    """
    del seed
    judge = Judge(network, policy, avoid)
    deadline = None if time_limit_s is None else monotonic() + time_limit_s
    state, steps = network, list[SleepLink]()
    for circuit in _by_saving(judge, saving or _capacity):
        if len(steps) == policy.max_steps or (deadline is not None and monotonic() > deadline):
            break
        asleep = apply(state, SleepLink(circuit=circuit))
        if judge.is_safe(asleep):
            state = asleep
            steps.append(SleepLink(circuit=circuit))
    if not steps:
        return without_plan(judge, METHOD, "every circuit is needed, for the traffic or for some failure")
    return assemble(judge, METHOD, steps, aim="sleep", required=steps)


def _by_saving(judge: Judge, saving: Saving) -> list[str]:
    """Return the circuits that may sleep, the largest saving first."""
    network = judge.network
    load = simulate(network).load
    able = {
        name: (-saving(network, name), float(sum(load[i] for i in links)), name)
        for name, links in network.circuits.items()
        if all(network.links[i].usable for i in links) and not judge.protects(*_touched(network, name))
    }
    return sorted(able, key=lambda name: able[name])


def _capacity(network: Network, circuit: str) -> float:
    return sum(network.links[i].capacity for i in network.circuits[circuit])


def _touched(network: Network, circuit: str) -> tuple[str, ...]:
    links = [network.links[i] for i in network.circuits[circuit]]
    return (circuit, *(x.interface for x in links), *(f"node/{x.tail}" for x in links))
