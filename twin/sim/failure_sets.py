"""The failure sets that a planner asks for by name."""

from collections.abc import Sequence
from itertools import combinations
from typing import Literal

from twin.model import Network

from .simulate import Failure, single_failures

FailureKind = Literal["circuits", "nodes", "risk-groups", "members", "pairs"]


def circuit_pairs(network: Network) -> tuple[Failure, ...]:
    """Return every two circuits that traffic can use, failing together; k (k - 1) / 2 of them.

    The name of a pair is `A & B`, with the element ids of its circuits.
    """
    circuits = [failure for failure in single_failures(network) if _kind(failure) == "circuits"]
    return tuple(joined(pair) for pair in combinations(circuits, 2))


def joined(failures: Sequence[Failure]) -> Failure:
    """Return the failure of all elements of several failures at once."""
    whole = {link for failure in failures for link in failure.links}
    return Failure(
        name=" & ".join(failure.name for failure in failures),
        links=tuple(sorted({link for failure in failures for link in failure.links})),
        nodes=tuple(sorted({node for failure in failures for node in failure.nodes})),
        members=tuple(sorted({link for failure in failures for link in failure.members} - whole)),
    )


def is_exit(network: Network, failure: Failure) -> bool:
    """Whether nothing fails but an exit: a peering, or what else leads out of the network."""
    return bool(failure.links) and not failure.nodes and set(failure.links) <= set(network.exits)


def _kind(failure: Failure) -> FailureKind:
    kinds: dict[str, FailureKind] = {"link": "circuits", "node": "nodes", "risk-group": "risk-groups"}
    kinds["member of link"] = "members"
    return kinds[failure.name.split("/", 1)[0]]
