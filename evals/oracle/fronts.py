"""Compromises found by chance: random plans that an independent simulator finds no worse, with its own figures."""

from collections.abc import Iterator
from contextlib import suppress

import numpy as np

from twin.errors import TwinError
from twin.model import Network, SegmentList, Tunnel
from twin.plan import Change, SetTunnel, SetWeight, SleepLink, apply_all
from twin.policy import Policy
from twin.sim.power import PowerModel, power

from .carried import Carried, carried, failures, no_worse, slow, survives
from .walker import expected_share

Figures = tuple[float, float, float, float, float]
"""Peak, peak under the worst single failure, mean delay in ms, watts, changes."""


def random_compromises(network: Network, policy: Policy, *, seed: int, tries: int) -> list[Figures]:
    """Return the figures of the random plans that may be made, of `tries` that were drawn."""
    rng, before = np.random.default_rng([seed, 71]), carried(network)
    found: list[Figures] = []
    for _ in range(tries):
        steps = tuple(_drawn(network, rng))
        with suppress(TwinError):
            state = apply_all(network, steps)
            if _allowed(network, before, state, policy):
                found.append(figures(state, len(steps), policy))
    return found


def figures(state: Network, changes: int, policy: Policy) -> Figures:
    """Measure a state; loads and delays by the independent simulator, watts by the policy's model of its routers."""
    intact = carried(state)
    worst = max([intact.peak, *(carried(state, x).peak for x in failures(state))])
    offered = [(state.offered[state.node_index[s], state.node_index[t]], x) for (s, t), x in intact.delay.items()]
    delay = sum(a * x for a, x in offered) / max(sum(a for a, _ in offered), 1e-12)
    load = np.array([intact.load[link.name] for link in state.links])
    watts = power(state, PowerModel.load(policy.power_model), load=load).total_watts
    return intact.peak, worst, float(delay), watts, float(changes)


def _allowed(network: Network, before: Carried, state: Network, policy: Policy) -> bool:
    after = carried(state)
    return (
        no_worse(before, after, policy.max_utilisation)
        and not slow(before, after, network, policy.max_delay_stretch)
        and expected_share(network, state) <= policy.max_blast_radius
        and survives(network, state, policy)
    )


def _drawn(network: Network, rng: np.random.Generator) -> Iterator[Change]:
    """One to four changes: weights, tunnels over one stop, sleep."""
    names, circuits = [x.name for x in network.nodes], list(network.circuits)
    for number in range(int(rng.integers(1, 5))):
        kind = rng.random()
        if kind < 0.5:
            link = network.links[int(rng.integers(len(network.links)))]
            yield SetWeight(link=link.name, weight=max(1, round(link.weight * float(rng.uniform(0.4, 2.5)))))
        elif kind < 0.8:
            source, via, target = (names[int(i)] for i in rng.choice(len(names), 3, replace=False))
            paths = (SegmentList(via=(via,), share=1.0),)
            yield SetTunnel(tunnel=Tunnel(name=f"t{number}", source=source, target=target, paths=paths))
        else:
            yield SleepLink(circuit=circuits[int(rng.integers(len(circuits)))])
