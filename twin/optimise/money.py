"""What capacity costs, by the prices that the policy declares: none is assumed."""

from collections.abc import Mapping, Sequence

from twin.model import Network
from twin.plan import Change, SetCapacity
from twin.policy import EVERY_CIRCUIT, Policy

MBPS_OF_GBPS = 1000.0


def prices_of(network: Network, policy: Policy) -> Mapping[str, float]:
    """Return the price of a Gbit/s more on each circuit for which the policy declares one.

    A circuit's own price comes before that of a tag it has, the dearest of several, and that before the price of every
    circuit.
    """
    found: dict[str, float] = {}
    for circuit in network.circuits:
        own = policy.upgrade_costs.get(circuit, policy.upgrade_costs.get(_turned(circuit)))
        tagged = [
            price
            for name, price in policy.upgrade_costs.items()
            if {circuit, _turned(circuit)} & set(policy.tags.get(name, ()))
        ]
        price = own if own is not None else max(tagged, default=policy.upgrade_costs.get(EVERY_CIRCUIT))
        if price is not None:
            found[circuit] = price
    return found


def cost_of(network: Network, steps: Sequence[Change], policy: Policy) -> float | None:
    """Return what the upgrades among the steps cost; None where the policy declares no price for one of them.

    A circuit costs its price for every Gbit/s that it gets beyond what it has; what it is cut down by brings nothing.
    """
    prices, total = prices_of(network, policy), 0.0
    wanted = {step.circuit: step.capacity for step in steps if isinstance(step, SetCapacity)}
    for circuit, capacity in wanted.items():
        added = capacity - min(network.links[i].capacity for i in network.circuit(circuit))
        if added <= 0:
            continue
        if circuit not in prices:
            return None
        total += prices[circuit] * added / MBPS_OF_GBPS
    return total


def worded(cost: float, policy: Policy) -> str:
    """Write a cost: `12,000 EUR`."""
    return f"{cost:,.10g} {policy.currency}".rstrip()


def _turned(circuit: str) -> str:
    """The same circuit with its ends the other way round."""
    one, joined, other = circuit.removeprefix("link/").partition("--")
    return f"link/{other}--{one}" if joined else circuit
