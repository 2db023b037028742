"""The names that commands take, as tables: the elements of a network, and the kinds of faults."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from agents.wording import capacity, counted, fault_kind, short
from twin.closest import closest
from twin.elements import find_elements, fold
from twin.errors import AmbiguousElementError, InputError, UnknownElementError
from twin.faults import TRAITS
from twin.model import Network

from .tables import text_table


class NamedElement(NamedTuple):
    """An element: the name that is printed and typed, its id, and what is known of it."""

    name: str
    id: str
    about: str


class Kind(NamedTuple):
    """A kind of fault: its id, its name in words, where it lies, and how it is written."""

    kind: str
    words: str
    layer: str
    written: str
    severity: str


def elements_of(network: Network, like: str | None = None) -> list[NamedElement]:
    """Every node, circuit, risk group and tunnel; with `like` those that it means, contains it, or are closest to it.

    Raises `UnknownElementError` where nothing is like it.
    """
    known = list(_elements(network))
    if like is None:
        return known
    wanted = set(_meant(network, like))
    found = [x for x in known if x.id in wanted or fold(like) in fold(x.name) or fold(like) in fold(x.id)]
    if not found:
        near = set(closest(like, [x.name for x in known], most=5))
        found = [x for x in known if x.name in near]
    if not found:
        raise UnknownElementError("element", like, [x.name for x in known])
    return found


def element_table(found: Sequence[NamedElement]) -> object:
    """Elements, by the name to type."""
    return text_table(("element", "about", "id"), [(x.name, x.about, x.id) for x in found], spare=("id", "about"))


def faults_of() -> list[Kind]:
    """Every kind of fault, in the order of their declaration."""
    return [
        Kind(
            str(kind),
            fault_kind(kind),
            trait.layer,
            f"{kind}@{trait.element.upper()}" + (f",{trait.target.upper()}" if trait.target else ""),
            trait.severity.words,
        )
        for kind, trait in TRAITS.items()
    ]


def fault_table(found: Sequence[Kind]) -> object:
    """Kinds of faults, by what to type."""
    headings = ("--fault", "in words", "where it lies", "=SEVERITY")
    rows = [(x.written, x.words, x.layer, x.severity) for x in found]
    return text_table(headings, rows, spare=("where it lies", "=SEVERITY"))


def _elements(network: Network) -> Iterator[NamedElement]:
    degree = dict.fromkeys((node.name for node in network.nodes), 0)
    for ends in network.circuits.values():
        for name in {network.links[ends[0]].tail, network.links[ends[0]].head}:
            degree[name] += 1
    for node in network.nodes:
        state = ", drained" if node.drained else "" if node.up else ", down"
        yield NamedElement(node.name, node.id, f"node, {counted(degree[node.name], 'circuits')}{state}")
    between = Counter(frozenset(network.links[first][:2]) for first, *_ in network.circuits.values())
    for circuit, ends in network.circuits.items():
        link = network.links[ends[0]]
        first = ".1" if link.index == 1 and between[frozenset(link[:2])] > 1 else ""  # without it all would be meant
        state = ", drained" if link.drained else ", asleep" if link.asleep else "" if link.up else ", down"
        about = f"circuit, {capacity(link.capacity)}, IGP weight {link.weight}{state}"
        yield NamedElement(short(circuit).removeprefix("circuit ") + first, circuit, about)
    for group in network.risk_groups:
        yield NamedElement(
            group.name, f"risk-group/{group.name}", f"risk group, {counted(len(group.circuits), 'circuits')}"
        )
    for tunnel in network.tunnels:
        yield NamedElement(tunnel.name, f"tunnel/{tunnel.name}", f"tunnel, {tunnel.source} to {tunnel.target}")


def _meant(network: Network, name: str) -> tuple[str, ...]:
    try:
        return find_elements(network, name)
    except AmbiguousElementError as error:
        return tuple(error.candidates)
    except InputError:
        return ()
