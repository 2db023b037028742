"""What operators configure of a network, to compare two of its states by; light enough for who reads records."""

from twin.model import Network


def configuration(network: Network) -> tuple[object, ...]:
    """Return what operators configure, weights first, and nothing that fails or is measured."""
    weights = tuple(link.weight for link in network.links)
    drains = tuple((link.drained, link.asleep) for link in network.links)
    return weights, drains, tuple(node.drained for node in network.nodes), network.tunnels, network.limits
