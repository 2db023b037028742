"""Faults as people name them, `KIND[@ELEMENT[,TARGET][=SEVERITY]]`; what is left out is drawn or usual."""

from twin.closest import closest
from twin.elements import find_circuit, find_links, find_node
from twin.errors import AmbiguousElementError, InputError, UnknownElementError, UnknownFaultError
from twin.faults import ALIASES, TRAITS, Fault, FaultKind, check, label
from twin.faults.declaration import Form
from twin.model import Network

from .draw_fault import draw_fault


def read_fault(text: str, network: Network, *, seed: int) -> Fault:
    """Read a fault, and make sure that it can strike this network.

    The kind alone draws an element that it hurts, by `seed`. An element is an id or its short form: `A` for a node,
    `A--B` for a circuit, `A->B` for an interface. Raises `UnknownFaultError`, `UnknownElementError`, `TopologyError`
    on a severity or target that the kind cannot have, and `InputError` on what cannot be read.
    """
    kind_text, at, rest = text.partition("@")
    kind = read_kind(kind_text)
    if not at:
        return draw_fault(network, seed, kinds=[kind])
    trait = TRAITS[kind]
    names, equals, severity = rest.partition("=")
    name, comma, target = names.partition(",")
    if bool(comma) != (trait.target is not None):
        wanted = f"{kind}@{trait.element}" + (f",{trait.target}" if trait.target else "")
        raise InputError(f"{kind} has {'a' if trait.target else 'no'} target", fix=f"write {wanted}")
    fault = Fault(
        kind=kind,
        element=fault_element(trait.element, name, network, trait.forms),
        severity=_severity(severity) if equals else trait.severity.usual,
        target=fault_element(trait.target, target, network) if trait.target else None,
    )
    check(network, fault)
    return fault


def read_kind(text: str) -> FaultKind:
    """Read a kind of fault by its id, its label, or an id that others have published. Raises `UnknownFaultError`."""
    kinds = {str(kind): kind for kind in FaultKind} | ALIASES
    named = kinds | {label(kind).casefold(): kind for kind in FaultKind}
    for written in (text, text.strip().casefold(), text.strip().casefold().replace("-", "_").replace(" ", "_")):
        if written in named:
            return named[written]
    near = closest(text, kinds, most=1)
    fix = f"did you mean {near[0]}?" if near else f"among others: {', '.join(list(kinds)[:6])}"
    raise UnknownFaultError(f"no fault {text!r}", fix=fix)


def fault_element(what: str, name: str, network: Network, forms: tuple[Form, ...] = ()) -> str:
    """The id of what a name means where a kind of fault strikes a `what`, or one of other `forms`.

    Raises `UnknownElementError` and `AmbiguousElementError`.
    """
    problems: list[InputError] = []
    for sort in (what, *forms):
        try:
            return _of_sort(sort, name, network)
        except (UnknownElementError, AmbiguousElementError) as error:
            problems.append(error)
    raise problems[0]


def _of_sort(what: str, name: str, network: Network) -> str:
    match what:
        case "circuit":
            return find_circuit(network, name)
        case "interface" | "exit":
            first, *others = find_links(network, name)
            if others:
                raise AmbiguousElementError(name, (first, *others))
            return network.links[network.link(first)].interface
        case "risk group":
            groups = [group.name for group in network.risk_groups]
            if name.removeprefix("risk-group/") not in groups:
                raise UnknownElementError(what, name, groups)
            return f"risk-group/{name.removeprefix('risk-group/')}"
        case "node or network" if name in ("network", f"network/{network.name}"):
            return f"network/{network.name}"
        case _:
            return f"node/{find_node(network, name)}"


def _severity(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < float("inf"):
        raise InputError(f"severity {text!r} is not a number above 0", fix="write KIND@ELEMENT=NUMBER")
    return value
