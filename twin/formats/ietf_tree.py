"""The tree of an IETF topology, from JSON (RFC 7951) or XML (RFC 7950), bare or in an answer of RESTCONF or NETCONF.

Also what of a tree nobody reads: every leaf of a node or a link that is not among those that are known.
"""

from collections import Counter
from collections.abc import Iterator

from pydantic import JsonValue

from .account import FieldUse
from .content import Content
from .markup import Element, parse_xml
from .vocabulary import decides_routing

_WRAPPERS = ("data", "config", "rpc-reply", "reply", "output", "body", "get-data-response", "notification")
_LISTS = frozenset(
    {"network", "node", "link", "termination-point", "supporting-node", "supporting-link", "supporting-network"}
)
_MODULES = {
    "l3-unicast-topology": "ietf-l3-unicast-topology:l3-unicast-topology",
    "te-topology": "ietf-te-topology:te-topology",
}
_READ = frozenset(
    {
        "node-id", "link-id", "te-node-id", "name", "router-id", "source-node", "dest-node", "source-tp", "dest-tp",
        "metric1", "te-igp-metric", "te-default-metric", "te-delay-metric", "max-link-bandwidth", "te-bandwidth",
        "generic", "te-srlgs", "value", "oper-status", "admin-status", "latitude", "longitude", "te",
        "te-node-attributes", "te-link-attributes", "geolocation", "source", "destination", "l3-node-attributes",
        "l3-link-attributes",
    }
)  # fmt: skip
_APART = frozenset({"termination-point", "supporting-node", "supporting-link", "te-node-id", "state"})
"""What names ports, other layers, or is our own."""


def parse_tree(content: Content) -> JsonValue:
    """Parse a file into one object with `networks` or `network`. Raises `FormatError` when it is no XML and no JSON."""
    if content.text.lstrip()[:1] == "<":
        root = parse_xml(content.path, content.data)
        tree: JsonValue = {root.tag: _plain(root)}
    else:
        tree = content.json()
    for _ in range(len(_WRAPPERS)):
        inner = _unwrapped(tree)
        if inner is None:
            break
        tree = inner
    return tree


def _unwrapped(tree: JsonValue) -> JsonValue:
    if not isinstance(tree, dict):
        return None
    return next((value for name, value in tree.items() if name.rpartition(":")[2] in _WRAPPERS), None)


def _plain(element: Element) -> JsonValue:
    """An element as RFC 7951 would write it, but for types: every leaf is text, and an empty one is an empty object."""
    if not element.children:
        return element.text or {}
    found: dict[str, JsonValue] = {}
    lists: dict[str, list[JsonValue]] = {}
    for child in element.children:
        name = _MODULES.get(child.tag, child.tag) if element.tag == "network-types" else child.tag
        lists.setdefault(name, []).append(_plain(child))
    for name, values in lists.items():
        is_list = len(values) > 1 or name in _LISTS or (name == "value" and element.tag == "te-srlgs")
        found[name] = values if is_list else values[0]
    return found


def unread_leaves(network: JsonValue) -> Iterator[FieldUse]:
    """Name every leaf of nodes and links that is not read, with how many state it."""
    if not isinstance(network, dict):
        return
    for name, part in network.items():
        kind = name.rpartition(":")[2]
        if kind not in ("node", "link") or not isinstance(part, list):
            continue
        seen: Counter[str] = Counter()
        for entry in part:
            seen.update(set(_leaves(entry, "")))
        for path, count in seen.items():
            decides = decides_routing(path.split(".")[-1])
            effect = ", and loads may run elsewhere for it" if decides else ""
            note = f"stated by {count} {kind}s, of no known meaning: not read{effect}"
            field = f"{kind} {path}"
            yield FieldUse(field=field, became="not modelled", count=count, note=note, decides_routing=decides)


def _leaves(tree: JsonValue, where: str) -> Iterator[str]:
    if not isinstance(tree, dict):
        return
    for name, value in tree.items():
        plain = name.rpartition(":")[2]
        if plain in _APART:
            continue
        path = f"{where}{plain}"
        if isinstance(value, dict) and value:
            yield from _leaves(value, f"{path}.")
        elif plain not in _READ and value not in ({}, [], ""):
            yield path
