"""containerlab topologies: endpoints as `node:interface` texts or as objects, kinds from groups and defaults."""

from collections.abc import Iterator
from dataclasses import replace

from pydantic import JsonValue

from .account import FieldUse
from .build import Choices
from .content import Content
from .layout import at, noted
from .records import Records
from .yaml_text import parse_yaml

_HOSTS = frozenset({"linux", "host", "generic_vm", "k8s-kind", "ext-container", "mgmt-net", "macvlan", "vxlan"})
_SEGMENTS = frozenset({"bridge", "ovs-bridge"})
_ROUTER_IMAGES = ("frr", "vyos", "bird", "quagga", "xrd", "crpd", "openbgpd", "holo", "routeros")


def parse_containerlab(content: Content) -> JsonValue:
    """Parse a file into nodes with their kind and links with two ends. Raises `FormatError` with the place."""
    tree = parse_yaml(content)
    topology = at(tree, "topology")
    if not isinstance(tree, dict) or not isinstance(topology, dict):
        raise content.source.error("topology", "nodes and links")
    nodes = topology.get("nodes")
    listed = nodes if isinstance(nodes, dict) else {}
    kinds: dict[str, JsonValue] = {name: _node(topology, entry) for name, entry in listed.items()}
    links: list[JsonValue] = list(_links(content, topology, kinds))
    return {**tree, "topology": {**topology, "nodes": kinds, "links": links}}


def routers_of_containerlab(records: Records, _tree: JsonValue, _choices: Choices) -> Records:
    """Leave out what has no link and is no router: helpers beside the network would cut it in two."""
    linked = {end for link in records.links for end in (link.source, link.target)}
    alone = [x.id for x in records.nodes if x.id not in linked and x.fields.get("kind") != "router"]
    if not alone:
        return records
    note = f"{', '.join(alone[:5])}: no routers and without a link, left out"
    nodes = [node for node in records.nodes if node.id not in alone]
    use = FieldUse(field="nodes beside the network", became="not modelled", count=len(alone), note=note)
    return noted(replace(records, nodes=nodes), use)


def _node(topology: dict[str, JsonValue], entry: JsonValue) -> JsonValue:
    """The fields of a node, those of its group, of its kind and of all nodes filled in, as containerlab does."""
    own = entry if isinstance(entry, dict) else {}
    group = at(topology, f"groups.{own.get('group')}")
    defaults = topology.get("defaults")
    layers = [x for x in (defaults, group, own) if isinstance(x, dict)]
    merged: dict[str, JsonValue] = {}
    for layer in layers:
        merged |= layer
    kind, image = str(merged.get("kind", "")), str(merged.get("image", "")).lower()
    if not image:
        image = str(at(topology, f"kinds.{kind}.image") or "").lower()
    routes = any(word in image.rpartition("/")[2] or f"/{word}" in image for word in _ROUTER_IMAGES)
    fields = dict(own)
    fields["kind"] = "bridge" if kind in _SEGMENTS else "host" if kind in _HOSTS and not routes else "router"
    return fields


def _links(content: Content, topology: dict[str, JsonValue], nodes: dict[str, JsonValue]) -> Iterator[JsonValue]:
    listed = topology.get("links")
    for number, link in enumerate(listed if isinstance(listed, list) else ()):
        ends = [_end(x) for x in _endpoints(link)]
        fields = (
            {k: v for k, v in link.items() if k not in ("endpoints", "endpoint", "type")}
            if isinstance(link, dict)
            else {}
        )
        if len(ends) == 1 or any(end[0] in ("host", "mgmt-net", "macvlan") and end[0] not in nodes for end in ends):
            continue  # to the machine that runs the lab, not to a node of it
        if len(ends) != 2 or not all(name in nodes for name, _ in ends):
            raise content.source.error(f"topology.links[{number}]", "two endpoints, each NODE:INTERFACE of its nodes")
        (a, if_a), (b, if_b) = ends
        yield {**fields, "source": a, "target": b, "source_interface": if_a, "target_interface": if_b}


def _endpoints(link: JsonValue) -> list[JsonValue]:
    found = at(link, "endpoints")
    if found is None:
        found = at(link, "endpoint")
    return found if isinstance(found, list) else [] if found is None else [found]


def _end(endpoint: JsonValue) -> tuple[str, str]:
    if isinstance(endpoint, dict):
        return str(endpoint.get("node", "")), str(endpoint.get("interface", ""))
    name, _, interface = str(endpoint).partition(":")
    return name.strip(), interface.strip()
