"""What a planner asks of a network: how full each link is, how full failures make it, and which failure does so."""

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from pydantic import Field

from twin.closest import closest
from twin.elements import find_circuit, find_failing
from twin.engines.seam import Engine, Serial
from twin.errors import UnknownElementError
from twin.model import Frozen, Network
from twin.policy import Policy
from twin.sim.failure_sets import circuit_pairs, is_exit
from twin.sim.simulate import Failure, FailureSweep, Outcome, simulate, single_failures

from .growth import GrowthHeadroom, growth_headroom

EVERYTHING = ("all", "all-links", "all-exits", "all-nodes", "risk-groups", "members", "pairs")
_PREFIXES = {"all-links": "link", "all-nodes": "node", "risk-groups": "risk-group", "members": "member of link"}
_MEMBER = "member of "


class LinkCase(Frozen):
    """One link with everything up and at its worst; utilisation is a share of capacity."""

    link: str
    capacity: float = Field(description="Mbit/s.")
    utilisation: float
    worst_utilisation: float = Field(description="Highest over the intact network and all failures.")
    worst_failure: str | None = Field(description="The failure causing it; null when the intact state is the worst.")
    headroom: float = Field(description="Mbit/s more before a limit, intact or in the worst failure; negative above.")


class FailureCase(Frozen):
    """What one failure does; rates in Mbit/s."""

    failure: str
    max_utilisation: float
    busiest: str | None
    lost: float = Field(description="Both ends up and no path left.")
    severed: float = Field(description="From or to a failed node.")
    overload: float = Field(description="Offered above capacity, summed over links.")


class GrowthCase(Frozen):
    """How far all demands may grow alike, as routed, before a link is over its limit."""

    factor: float | None = Field(description="On every demand; null where no growth fills a link.")
    limit: float = Field(description="The limit on utilisation that stops it.")
    link: str | None = Field(description="The first link over the limit beyond the factor.")
    failure: str | None = Field(description="The failure under which it is; null in the intact state.")


class Study(Frozen):
    """A network under failures: links by their worst case, failures by what they do, the worst first."""

    network: str
    snapshot: str
    max_utilisation: float
    busiest: str | None
    lost: float
    links: tuple[LinkCase, ...]
    failures: tuple[FailureCase, ...]
    growth: GrowthCase = Field(description="With everything up.")
    growth_under_failures: GrowthCase = Field(description="With everything up and under every failure studied.")


_POLICY = Policy()
_HERE = Serial()


def study(network: Network, failures: Sequence[Failure], policy: Policy = _POLICY, *, engine: Engine = _HERE) -> Study:
    """Simulate the network intact and under each failure; the policy's limits say how much room is left.

    `engine` does the failures, and changes no figure.
    """
    outcome = simulate(network, failures=failures, engine=engine)
    growth = _growth(network, policy.max_utilisation, (), replace(outcome, sweep=None))
    return Study(
        network=network.name,
        snapshot=network.id,
        max_utilisation=outcome.max_utilisation,
        busiest=outcome.busiest,
        lost=outcome.lost,
        links=_links(outcome, policy),
        failures=_failures(outcome.sweep, network) if outcome.sweep else (),
        growth=growth,
        growth_under_failures=_tighter(growth, _growth(network, policy.max_failure_utilisation, failures, outcome)),
    )


def find_failures(network: Network, names: Sequence[str], *, together: bool = False) -> tuple[Failure, ...]:
    """Find failures by name: a word of `EVERYTHING`, or one of `find_failing`.

    A name may hold several, separated by commas. `all` is every single failure, `all-exits` every peering on its own,
    `pairs` every two circuits at once, `A-B` each circuit between the two, `A + B` or `A & B` both at once, and
    `member of A--B` one of a bundle. With `together` everything named fails at once, as one failure.
    Raises `UnknownElementError`.
    """
    found: dict[str, Failure] = {}
    for name in (part.strip() for text in names for part in text.split(",")):
        for failure in _find(network, name):
            found.setdefault(failure.name, failure)
    return (_at_once(tuple(found.values())),) if together and len(found) > 1 else tuple(found.values())


def _at_once(failures: Sequence[Failure]) -> Failure:
    links = tuple(sorted({i for failure in failures for i in failure.links}))
    nodes = tuple(sorted({i for failure in failures for i in failure.nodes}))
    members = tuple(sorted({i for failure in failures for i in failure.members} - set(links)))
    return Failure(" + ".join(x.name for x in failures), links, nodes, members)


def _find(network: Network, name: str) -> list[Failure]:
    if name == "pairs":
        return list(circuit_pairs(network))
    if name == "all-exits":
        return [x for x in single_failures(network) if is_exit(network, x)]
    if name in EVERYTHING:
        wanted = _PREFIXES.get(name)
        return [x for x in single_failures(network) if wanted in (None, x.name.partition("/")[0])]
    first, *others = re.split(r" [+&] ", name)
    if others:
        return [_at_once([x for part in (first, *others) for x in _find(network, part.strip())])]
    if name.startswith(_MEMBER):
        return [_member_of(network, find_circuit(network, name.removeprefix(_MEMBER)))]
    try:
        found = find_failing(network, name)
    except UnknownElementError as error:
        near = closest(name, [*EVERYTHING, *error.closest], least=0.6) or EVERYTHING
        raise UnknownElementError(error.kind, name, near) from error
    if found[0].startswith("node/"):
        return [Failure(found[0], nodes=(network.node(found[0]),))]
    if found[0].startswith("risk-group/"):
        group = next(x for x in network.risk_groups if found[0] == f"risk-group/{x.name}")
        return [Failure(found[0], tuple(sorted({i for name in group.circuits for i in network.circuits[name]})))]
    return [Failure(circuit, network.circuits[circuit]) for circuit in found]


def _member_of(network: Network, circuit: str) -> Failure:
    bundles = {x.name.removeprefix(_MEMBER): x for x in single_failures(network) if x.name.startswith(_MEMBER)}
    if circuit not in bundles:
        raise UnknownElementError("bundle", circuit, list(bundles))
    return bundles[circuit]


def _growth(network: Network, limit: float, failures: Sequence[Failure], known: Outcome) -> GrowthCase:
    found: GrowthHeadroom = growth_headroom(network, limit=limit, failures=failures, known=known)
    factor = found.factor if np.isfinite(found.factor) else None
    return GrowthCase(factor=factor, limit=limit, link=found.link, failure=found.failure)


def _tighter(intact: GrowthCase, failing: GrowthCase) -> GrowthCase:
    if intact.factor is None or (failing.factor is not None and failing.factor <= intact.factor):
        return failing
    return intact


def _links(outcome: Outcome, policy: Policy) -> tuple[LinkCase, ...]:
    sweep = outcome.sweep
    worst = np.maximum(outcome.utilisation, sweep.worst_utilisation) if sweep is not None else outcome.utilisation
    room = np.minimum(policy.max_utilisation - outcome.utilisation, policy.max_failure_utilisation - worst)
    cases = [
        LinkCase(
            link=link.name,
            capacity=link.capacity,
            utilisation=float(outcome.utilisation[i]),
            worst_utilisation=float(worst[i]),
            worst_failure=_cause(sweep, i) if sweep is not None else None,
            headroom=float(room[i]) * link.capacity,
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
    return tuple(cases[int(i)] for i in sweep.worst_first)
