"""Faults as people name them, `KIND[@ELEMENT[=>TARGET][=SEVERITY]]`; what is left out is drawn or usual."""

from difflib import get_close_matches

from .errors import InputError, UnknownElementError, UnknownFaultError
from .faults import ALIASES, TRAITS, Fault, FaultKind, check, draw_fault
from .model import Network

_TOWARDS = "=>"


def read_fault(text: str, network: Network, *, seed: int) -> Fault:
    """Read a fault, and make sure that it can strike this network.

    The kind alone draws an element that it hurts, by `seed`. An element is an id or its short form: `A` for a node,
    `A--B` for a circuit, `A->B` for an interface. Raises `UnknownFaultError`, `UnknownElementError`, `TopologyError`
    on a severity that the kind cannot have, and `InputError` on one that is no number.
    """
    kind_text, at, rest = text.partition("@")
    kind = _kind(kind_text)
    if not at:
        return draw_fault(network, seed, kinds=[kind])
    place, towards, where = rest.partition(_TOWARDS)
    name, equals, severity = (where if towards else place).partition("=")
    trait = TRAITS[kind]
    fault = Fault(
        kind=kind,
        element=_element(trait.element, place if towards else name, network),
        severity=_severity(severity) if equals else trait.severity.usual,
        target=_element(trait.target or "node", name, network) if towards else None,
    )
    check(network, fault)
    return fault


def _kind(text: str) -> FaultKind:
    kinds = {str(kind): kind for kind in FaultKind} | ALIASES
    if text in kinds:
        return kinds[text]
    closest = get_close_matches(text, kinds, n=1, cutoff=0.5)
    fix = f"did you mean {closest[0]}?" if closest else f"the kinds are {', '.join(kinds)}"
    raise UnknownFaultError(f"no fault {text!r}", fix=fix)


def _element(sort: str, name: str, network: Network) -> str:
    if sort == "node or network" and name in (network.name, f"network/{network.name}"):
        return f"network/{network.name}"
    if sort == "interface":
        known = {link.name: link.interface for link in network.links}
    elif sort == "circuit":
        known = {f"{link.tail}--{link.head}": link.circuit for link in reversed(network.links)}
    else:
        sort, known = "node", {node.name: node.id for node in network.nodes}
    if name in known:
        return known[name]
    if name in known.values() or (sort == "circuit" and name in network.circuits):
        return name
    raise UnknownElementError(sort, name, known)


def _severity(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < float("inf"):
        raise InputError(f"severity {text!r} is not a number above 0", fix="write KIND@ELEMENT=NUMBER")
    return value
