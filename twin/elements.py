"""Which elements of a network a name means. Nothing is chosen where several would do.

A name is a node's, an element id with its ends in either order, a name as it is printed (`node A`, `circuit A--B`),
`A->B` for one direction, each with `.2` for the second parallel and none, as it is printed, for the first; or `A-B`
for all circuits between two nodes.
Names are compared as they are written first, and then without case, accents and the spelling of umlauts.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from .errors import AmbiguousElementError, UnknownElementError
from .model import Link, Network
from .printed import place

_DASHES = str.maketrans(dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-") | {"\u2192": "->", "\u2194": "--"})
_WAYS = ("-->", "->", "\u2192", ">")
_PRINTED_JOINS = ("--", "\u2013", "-->", "->", "\u2192")
_JOINS = ("<-->", "<->", "-->", "->", "--", "\u2192", "\u2194", "-", ">", *"\u2010\u2011\u2012\u2013\u2014\u2212")
_PRINTED = re.compile(r"(node|router|circuit|link|interface)\s+(?=\S)", re.IGNORECASE)
_INDEX = re.compile(r"(.+)\.(\d{1,4})")


class _Sense(NamedTuple):
    """One thing that a name may mean: a node, or all circuits between two nodes; `way` is the direction it says."""

    elements: tuple[str, ...]
    way: tuple[str, str] | tuple[()] = ()


def find_elements(network: Network, name: str) -> tuple[str, ...]:
    """Find the ids of what a name means: a node, or every circuit between two nodes.

    Raises `UnknownElementError`, and `AmbiguousElementError` where it may mean several things.
    """
    return _find(network, name, "node or circuit").elements


def find_failing(network: Network, name: str) -> tuple[str, ...]:
    """Find the ids of what a name says that fails: a node, every circuit between two nodes, or a risk group.

    Raises as `find_elements` does.
    """
    try:
        return find_elements(network, name)
    except UnknownElementError as error:
        groups = [x.name for x in network.risk_groups]
        wanted = re.sub("^risk[- ]group[/ ]", "", fold(name.strip()))
        found = [x for x in groups if fold(x) == wanted]
        if len(found) != 1:
            kinds = "node, circuit or risk group" if groups else error.kind
            raise UnknownElementError(kinds, name, [*error.known, *groups]) from error
        return (f"risk-group/{found[0]}",)


def find_element(network: Network, name: str) -> str:
    """Find the id of the one node or circuit that a name means.

    Raises `UnknownElementError`, and `AmbiguousElementError` where it may mean several, parallel circuits included.
    """
    return _only(name, find_elements(network, name))


def find_node(network: Network, name: str) -> str:
    """Find the one node that a name means. Raises `UnknownElementError` and `AmbiguousElementError`."""
    return _find(network, name, "node").elements[0].removeprefix("node/")


def find_circuit(network: Network, name: str) -> str:
    """Find the id of the one circuit that a name means. Raises as `find_element`."""
    return _only(name, _find(network, name, "circuit").elements)


def find_links(network: Network, name: str) -> tuple[str, ...]:
    """Find the directed links that a name means: one for `A->B` and an interface, else both directions of a circuit.

    Raises as `find_element`.
    """
    sense = _find(network, name, "circuit")
    links = [network.links[i] for i in network.circuit(_only(name, sense.elements))]
    return tuple(link.name for link in links if not sense.way or (link.tail, link.head) == sense.way)


def find_demand(network: Network, name: str) -> tuple[str, str]:
    """Find the two nodes of a demand, written `A->B`. Raises `UnknownElementError` and `AmbiguousElementError`."""
    source, arrow, target = name.translate(_DASHES).partition("->")
    if not arrow:
        raise UnknownElementError("demand", name, ())
    return find_node(network, source.strip()), find_node(network, target.strip())


def fold(text: str) -> str:
    """Lower case, without accents and with plain dashes."""
    plain = unicodedata.normalize("NFD", text.translate(_DASHES).replace("ß", "ss").casefold())
    return "".join(char for char in plain if not unicodedata.combining(char))


def _find(network: Network, name: str, kind: str) -> _Sense:
    text = name.strip()
    for nodes in (_written(network), _respelled(network)):
        senses = [x for x in dict.fromkeys(_senses(network, text, nodes)) if _is(kind, x)]
        if len(senses) > 1:
            raise AmbiguousElementError(name, [x for sense in senses for x in sense.elements])
        if senses:
            return senses[0]
    raise UnknownElementError(kind, name, _known(network, kind))


def _only(name: str, elements: tuple[str, ...]) -> str:
    first, *others = elements
    if others:
        raise AmbiguousElementError(name, elements)
    return first


def _is(kind: str, sense: _Sense) -> bool:
    is_node = next(iter(sense.elements)).startswith("node/")
    return kind == "node or circuit" or is_node == (kind == "node")


def _known(network: Network, kind: str) -> list[str]:
    circuits = [place(x) for x in network.circuits]
    return [*(network.node_index if kind != "circuit" else ()), *(circuits if kind != "node" else ())]


Nodes = Callable[[str], Iterable[str]]


def _written(network: Network) -> Nodes:
    return lambda text: (text,) if text in network.node_index else ()


def _respelled(network: Network) -> Nodes:
    names = _spellings(network)
    return lambda text: names.get(_key(text), ())


@lru_cache(maxsize=8)
def _spellings(network: Network) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for node in network.nodes:
        plain = _key(node.name)
        for spelling in dict.fromkeys((plain, re.sub(r"([aou])e", r"\1", plain))):
            found.setdefault(spelling, []).append(node.name)
    return {spelling: tuple(names) for spelling, names in found.items()}


def _key(text: str) -> str:
    return re.sub(r"[\s_']", "", fold(text))


def _senses(network: Network, text: str, nodes: Nodes) -> Iterator[_Sense]:
    if text.startswith("node/"):
        yield from (_Sense((f"node/{x}",)) for x in nodes(text.removeprefix("node/")))
    elif text.startswith("link/"):
        yield from (_Sense((x,)) for x in (text, _turned(text)) if x in network.circuits)
    elif text.startswith("interface/"):
        at = network.interface_index.get(text)
        if at is not None:
            link = network.links[at]
            yield _Sense((link.circuit,), (link.tail, link.head))
    else:
        printed = _PRINTED.match(text)
        kind, rest = (printed[1].lower(), text[printed.end() :]) if printed else ("", text)
        if kind in ("", "node", "router"):
            yield from (_Sense((f"node/{x}",)) for x in nodes(rest))
        if kind not in ("node", "router"):
            yield from _pairs(network, rest, nodes)


def _turned(circuit: str) -> str:
    first, _, second = circuit.removeprefix("link/").partition("--")
    return f"link/{second}--{first}"


def _pairs(network: Network, text: str, nodes: Nodes) -> Iterator[_Sense]:
    for at in range(1, len(text)):
        join = next((x for x in _JOINS if text.startswith(x, at)), None)
        if join is None or text[at - 1] in "<->":
            continue
        first, second = text[:at].strip(), text[at + len(join) :].strip()
        numbered = _INDEX.fullmatch(second)
        which = _first if join in _PRINTED_JOINS else _all
        for end, wanted in ((second, which), *([(numbered[1], _numbered(int(numbered[2])))] if numbered else ())):
            for tail in nodes(first):
                for head in nodes(end):
                    found = wanted(_between(network, tail, head))
                    if found:
                        yield _Sense(found, (tail, head) if join in _WAYS else ())


def _between(network: Network, first: str, second: str) -> list[Link]:
    return [x for x in network.links if (x.tail, x.head) in ((first, second), (second, first))]


def _all(links: Iterable[Link]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(x.circuit for x in links))


def _first(links: Sequence[Link]) -> tuple[str, ...]:
    """The circuit that is printed without a number; where it is gone, those that are left."""
    return _numbered(1)(links) or _all(links)


def _numbered(index: int) -> Callable[[Sequence[Link]], tuple[str, ...]]:
    return lambda links: _all(x for x in links if x.index == index)
