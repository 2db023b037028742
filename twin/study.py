"""What a planner asks of a network: how full each link is, how full failures make it, and which failure does so."""

from collections.abc import Sequence
from difflib import get_close_matches

from pydantic import Field

from .errors import UnknownElementError
from .model import Frozen, Network
from .sim.simulate import Failure, FailureSweep, Outcome, simulate, single_failures

EVERYTHING = ("all", "all-links", "all-nodes", "risk-groups")


class LinkCase(Frozen):
    """One link with everything up and at its worst; utilisation is a share of capacity."""

    link: str
    capacity: float = Field(description="Mbit/s.")
    utilisation: float
    worst_utilisation: float = Field(description="Highest over the intact network and all failures.")
    worst_failure: str | None = Field(description="The failure causing it; null when the intact state is the worst.")


class FailureCase(Frozen):
    """What one failure does; rates in Mbit/s."""

    failure: str
    max_utilisation: float
    busiest: str | None
    lost: float = Field(description="Both ends up and no path left.")
    severed: float = Field(description="From or to a failed node.")
    overload: float = Field(description="Offered above capacity, summed over links.")


class Study(Frozen):
    """A network under failures: links by their worst case, failures by what they do, the worst first."""

    network: str
    snapshot: str
    max_utilisation: float
    busiest: str | None
    lost: float
    links: tuple[LinkCase, ...]
    failures: tuple[FailureCase, ...]


def study(network: Network, failures: Sequence[Failure]) -> Study:
    """Simulate the network intact and under each failure."""
    outcome = simulate(network, failures=failures)
    return Study(
        network=network.name,
        snapshot=network.id,
        max_utilisation=outcome.max_utilisation,
        busiest=outcome.busiest,
        lost=outcome.lost,
        links=_links(outcome),
        failures=_failures(outcome.sweep, network) if outcome.sweep else (),
    )


def find_failures(network: Network, names: Sequence[str], *, together: bool = False) -> tuple[Failure, ...]:
    """Find failures by name: `all`, `all-links`, `all-nodes`, `risk-groups`, a node, a circuit id, `A--B` or `A->B`.

    `A--B` is every circuit between the two. With `together` everything named fails at once, as one failure.
    Raises `UnknownElementError`.
    """
    found: dict[str, Failure] = {}
    for name in names:
        for failure in _find(network, name):
            found.setdefault(failure.name, failure)
    if not together or len(found) < 2:
        return tuple(found.values())
    links = tuple(sorted({i for failure in found.values() for i in failure.links}))
    nodes = tuple(sorted({i for failure in found.values() for i in failure.nodes}))
    return (Failure(" + ".join(found), links, nodes),)


def _find(network: Network, name: str) -> list[Failure]:
    if name in EVERYTHING:
        wanted = {"all-links": ("link",), "all-nodes": ("node",), "risk-groups": ("risk-group",)}.get(name)
        return [x for x in single_failures(network) if wanted is None or x.name.partition("/")[0] in wanted]
    if name.removeprefix("node/") in network.node_index:
        position = network.node(name)
        return [Failure(network.nodes[position].id, nodes=(position,))]
    circuits = _circuits(network, name)
    if not circuits:
        known = [*EVERYTHING, *network.node_index, *network.circuits, *(f"{x.tail}--{x.head}" for x in network.links)]
        raise UnknownElementError("node or circuit", name, known if get_close_matches(name, known) else EVERYTHING)
    return [Failure(circuit, network.circuits[circuit]) for circuit in circuits]


def _circuits(network: Network, name: str) -> list[str]:
    if name in network.circuits:
        return [name]
    if name in network.link_index:
        return [network.links[network.link_index[name]].circuit]
    ends = set(name.split("--"))
    return [circuit for circuit, (first, *_) in network.circuits.items() if ends == set(network.links[first][:2])]


def _links(outcome: Outcome) -> tuple[LinkCase, ...]:
    sweep = outcome.sweep
    cases = [
        LinkCase(
            link=link.name,
            capacity=link.capacity,
            utilisation=float(outcome.utilisation[i]),
            worst_utilisation=max(
                float(outcome.utilisation[i]), float(sweep.worst_utilisation[i]) if sweep is not None else 0.0
            ),
            worst_failure=_cause(sweep, i) if sweep is not None else None,
        )
        for i, link in enumerate(outcome.network.links)
    ]
    return tuple(sorted(cases, key=lambda case: (-case.worst_utilisation, case.link)))


def _cause(sweep: FailureSweep, link: int) -> str | None:
    position = int(sweep.worst_failure[link])
    return None if position < 0 else sweep.failures[position].name


def _failures(sweep: FailureSweep, network: Network) -> tuple[FailureCase, ...]:
    cases = [
        FailureCase(
            failure=failure.name,
            max_utilisation=float(sweep.max_utilisation[i]),
            busiest=network.links[int(sweep.busiest[i])].name if sweep.busiest[i] >= 0 else None,
            lost=float(sweep.lost[i]),
            severed=float(sweep.severed[i]),
            overload=float(sweep.overload[i]),
        )
        for i, failure in enumerate(sweep.failures)
    ]
    return tuple(sorted(cases, key=lambda case: (-case.lost, -case.max_utilisation, case.failure)))
