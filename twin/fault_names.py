"""Faults as people name them, `KIND[@ELEMENT[=SEVERITY]]`; what is left out is drawn or usual."""

from difflib import get_close_matches

from .errors import InputError, UnknownElementError, UnknownFaultError
from .faults import MAX_WEIGHT, Fault, FaultKind, afflict, draw_fault
from .model import Network

USUAL = {
    FaultKind.LINK_DOWN: 1.0,
    FaultKind.DEVICE_DOWN: 1.0,
    FaultKind.CAPACITY: 0.5,
    FaultKind.SURGE: 3.0,
    FaultKind.WEIGHT: float(MAX_WEIGHT),
    FaultKind.SILENT_LOSS: 0.1,
}
"""Severity of each kind when none is given."""


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
    name, equals, severity = rest.partition("=")
    element = _element(kind, name, network)
    fault = Fault(kind=kind, element=element, severity=_severity(severity) if equals else USUAL[kind])
    afflict(network, fault)
    return fault


def _kind(text: str) -> FaultKind:
    kinds = [str(kind) for kind in FaultKind]
    if text in kinds:
        return FaultKind(text)
    closest = get_close_matches(text, kinds, n=1, cutoff=0.5)
    fix = f"did you mean {closest[0]}?" if closest else f"the kinds are {', '.join(kinds)}"
    raise UnknownFaultError(f"no fault {text!r}", fix=fix)


def _element(kind: FaultKind, name: str, network: Network) -> str:
    if kind in (FaultKind.DEVICE_DOWN, FaultKind.SURGE):
        what, known = "node", {node.name: node.id for node in network.nodes}
    elif kind in (FaultKind.LINK_DOWN, FaultKind.CAPACITY):
        what, known = "circuit", {f"{link.tail}--{link.head}": link.circuit for link in reversed(network.links)}
    else:
        what, known = "interface", {link.name: link.interface for link in network.links}
    if name in known:
        return known[name]
    if name in known.values() or (what == "circuit" and name in network.circuits):
        return name
    raise UnknownElementError(what, name, known)


def _severity(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < float("inf"):
        raise InputError(f"severity {text!r} is not a number above 0", fix="write KIND@ELEMENT=NUMBER")
    return value
