"""What callers name, as ids: arguments that are about elements take every name that commands take.

Ids stay what tools work on and answer with. A name that means nothing is refused with the closest that there are, one
that means several things with all of them.
"""

from collections.abc import Callable, Mapping, Sequence

from pydantic import JsonValue

from twin.elements import find_circuit, find_elements, find_failing, find_links, find_node
from twin.errors import AmbiguousElementError, InputError
from twin.faults.kinds import TRAITS
from twin.live.read_fault import fault_element, read_kind
from twin.model import Network

_SHORTEST = 6  # characters of a plan's handle that name it
_Found = Callable[[Network, str], str]


def with_ids(arguments: Mapping[str, JsonValue], network: Network, plans: Sequence[str]) -> dict[str, JsonValue]:
    """Return the arguments of a tool with ids in place of names, and whole handles in place of their beginnings.

    What has the wrong type stays, for the tool's schema to refuse. Raises `UnknownElementError` and
    `AmbiguousElementError`.
    """
    return {name: _of(name, value, network, plans) for name, value in arguments.items()}


def _of(name: str, value: JsonValue, network: Network, plans: Sequence[str]) -> JsonValue:
    match name, value:
        case "fail", list() | str():
            return _several(value, network, find_failing)
        case "elements", list() | str():
            return _several(value, network, _directed)
        case "asleep", list() | str():
            return _several(value, network, _circuits)
        case "source" | "target", str():
            return find_node(network, value)
        case "element", str():
            return _link(network, value) if _is_directed(value) else value
        case "plan", str() if value and value not in plans:
            return _handle(value, plans)
        case "changes", list():
            return [_change(x, network) if isinstance(x, dict) else x for x in value]
        case "fault", dict():
            return _fault(value, network)
        case _:
            return value


def _several(
    value: JsonValue, network: Network, find: Callable[[Network, str], tuple[str, ...]]
) -> list[JsonValue] | JsonValue:
    """Every id of a list of names; a single name is a list of one."""
    names = value if isinstance(value, list) else [value]
    if not all(isinstance(x, str) for x in names):
        return value
    return list(dict.fromkeys(x for name in names for x in find(network, str(name))))


def _directed(network: Network, name: str) -> tuple[str, ...]:
    """One direction of a circuit where a name says which, else as `find_elements`."""
    return (_link(network, name),) if _is_directed(name) else find_elements(network, name)


def _is_directed(name: str) -> bool:
    return "->" in name or "\N{RIGHTWARDS ARROW}" in name


def _circuits(network: Network, name: str) -> tuple[str, ...]:
    found = find_elements(network, name)
    return found if found[0] in network.circuits else (find_circuit(network, name),)


def _link(network: Network, name: str) -> str:
    if name in network.link_index:
        return name
    first, *others = find_links(network, name)
    if others:
        raise AmbiguousElementError(name, (first, *others))
    return first


_FIELDS: Mapping[str, _Found] = {
    "circuit": find_circuit,
    "node": find_node,
    "link": _link,
    "source": find_node,
    "target": find_node,
}
"""What each field of a change, or of its tunnel, names."""


def _change(change: Mapping[str, JsonValue], network: Network) -> dict[str, JsonValue]:
    found = _named(change, network)
    if isinstance(tunnel := found.get("tunnel"), dict):
        found["tunnel"] = _tunnel(tunnel, network)
    return found


def _tunnel(tunnel: Mapping[str, JsonValue], network: Network) -> dict[str, JsonValue]:
    found = _named(tunnel, network)
    if isinstance(paths := found.get("paths"), list):
        found["paths"] = [_path(x, network) if isinstance(x, dict) else x for x in paths]
    return found


def _named(fields: Mapping[str, JsonValue], network: Network) -> dict[str, JsonValue]:
    return {
        name: _FIELDS[name](network, value) if name in _FIELDS and isinstance(value, str) else value
        for name, value in fields.items()
    }


def _path(path: Mapping[str, JsonValue], network: Network) -> dict[str, JsonValue]:
    via = path.get("via")
    if not isinstance(via, list):
        return dict(path)
    named: list[JsonValue] = [find_node(network, x) if isinstance(x, str) else x for x in via]
    return {**path, "via": named}


def _fault(fault: Mapping[str, JsonValue], network: Network) -> dict[str, JsonValue]:
    kind, element, target = (fault.get(x) for x in ("kind", "element", "target"))
    if not isinstance(kind, str) or not isinstance(element, str):
        return dict(fault)
    trait = TRAITS[(read := read_kind(kind))]
    found: dict[str, JsonValue] = {**fault, "kind": str(read)}
    found["element"] = fault_element(trait.element, element, network, trait.forms)
    if isinstance(target, str) and trait.target:
        found["target"] = fault_element(trait.target, target, network)
    return found


def _handle(name: str, plans: Sequence[str]) -> str:
    """The handle that a text begins; what begins none stays, for the tool to say which there are."""
    found = [x for x in plans if x.startswith(name)] if len(name) >= _SHORTEST else []
    if len(found) > 1:
        raise InputError(f"{len(found)} plans begin with {name!r}", fix=f"give one of {', '.join(found[:4])}")
    return found[0] if found else name
