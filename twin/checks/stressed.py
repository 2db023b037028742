"""A state put under stress: what it carries with everything up, and under each of a list of failures."""

from dataclasses import dataclass, replace
from functools import cached_property

from twin.model import Network
from twin.sim.simulate import Failure, FailureSweep, Outcome, simulate


@dataclass(frozen=True, eq=False)
class Stressed:
    """One state and the failures that it is judged under; each is evaluated once, when somebody asks.

    `known` is what the failures do, where that has been found out already.
    """

    network: Network
    failures: tuple[Failure, ...]
    known: FailureSweep | None = None

    @cached_property
    def outcome(self) -> Outcome:
        """What the state carries with everything up."""
        return simulate(self.network)

    @cached_property
    def sweep(self) -> FailureSweep | None:
        """What each failure does; None when nothing can fail."""
        if self.known is not None or not self.failures:
            return self.known
        from twin.sim.arrays import compile_network
        from twin.sim.failure_sweep import sweep_failures
        from twin.sim.route import route

        return sweep_failures(self.network, self.failures, route(compile_network(self.network)))

    def during(self, row: int) -> Outcome:
        """What the state carries while one of the failures lasts."""
        return simulate(under(self.network, self.failures[row]))


def under(network: Network, failure: Failure) -> Network:
    """Return the network while a failure lasts."""
    links, nodes = list(network.links), list(network.nodes)
    for i in failure.links:
        links[i] = links[i]._replace(up=False)
    for i in failure.nodes:
        nodes[i] = nodes[i]._replace(up=False)
    return replace(network, links=tuple(links), nodes=tuple(nodes))
