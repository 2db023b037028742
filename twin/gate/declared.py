"""Whether a network stands as its inventory declares it, and what that excuses under failures.

A mistake in the configuration spares, by chance, some failure that the network as it was built does not survive either.
Held against that chance alone, the repair of the mistake makes such a failure worse, and a network that is not safe in
all its failures could never be set right again. So where a plan leaves exactly what the inventory declares, and nothing
of anybody's own choice, failures that overload links already may overload others, or more, as long as all failures
together overload less than before. What a failure does then is what the network was built to do. A failure that keeps
its limits has to keep them, and nobody may miss more of what they send, whoever declared what.
"""

from twin.model import Network

from .checks.stressed import Stressed


def stands_as(network: Network, declared: Network) -> bool:
    """Whether weights, drains, circuits asleep, tunnels and rate limits are those that `declared` has."""
    return _settings(network) == _settings(declared)


def _settings(network: Network) -> tuple[object, ...]:
    links = {x.name: (x.weight, x.asleep, x.drained and (x.cost_out or "drained")) for x in network.links}
    nodes = {x.name: x.drained and (x.cost_out or "drained") for x in network.nodes}
    return links, nodes, {x.name: x for x in network.tunnels}, network.limits


def set_right(before: Stressed, after: Stressed) -> bool:
    """Whether the state after stands as the inventory declares it, and all failures together overload less for it."""
    was, now = before.sweep, after.sweep
    if not after.as_declared or was is None or now is None:
        return False
    pairs = (was.overload, now.overload), (was.excess, now.excess)
    return all(float(after.sum()) <= float(before.sum()) for before, after in pairs)
