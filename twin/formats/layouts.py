"""The layouts of every format that is a tree, one declaration each: TeraFlowSDN, ngraph, containerlab, GML, others."""

from collections.abc import Sequence
from dataclasses import replace

from pydantic import JsonValue

from .account import FieldUse
from .build import Choices
from .clab import parse_containerlab, routers_of_containerlab
from .content import Content
from .gml import parse_gml
from .layout import KEY, Layout, at, noted
from .ngraph import demands_of_ngraph
from .records import NodeRecord, Records
from .yaml_text import parse_yaml
from .zoo import with_speeds

_DRAWN = frozenset({"graphics", "LabelGraphics", "x", "y", "z", "width", "height", "fill", "outline", "color", "shape"})


_CLAB = frozenset(
    {
        "image", "binds", "ports", "exec", "env", "env-files", "license", "startup-config",
        "enforce-startup-config", "cmd", "entrypoint", "user", "mgmt-ipv4", "mgmt-ipv6", "mgmt_ipv4", "mgmt_ipv6",
        "cpu", "memory", "cpu-set", "sysctls", "publish", "network-mode", "runtime", "labels", "extras", "stages",
        "dns", "certificate", "healthcheck", "startup-delay", "auto-remove", "suppress-startup-config",
        "image-pull-policy", "position", "config", "components", "vars", "mtu", "group",
    }
)  # fmt: skip
"""What says how a container is started, and nothing of the network."""


def _json(content: Content) -> JsonValue:
    return content.json()


def _say_value(records: Records, tree: JsonValue, _choices: Choices) -> Records:
    """GML calls a number on an edge `value`; that it is the metric is what tools mean by it, not what the file says."""
    edges = at(tree, "graph.edge")
    count = sum(isinstance(edge, dict) and "value" in edge for edge in (edges if isinstance(edges, list) else [edges]))
    use = FieldUse(field="link value", became="assumed", count=count, note="taken for the IGP weight")
    return noted(records, use) if count else records


def _without_ports(records: Records, _tree: JsonValue, _choices: Choices) -> Records:
    """Drawings of inventories have interfaces as nodes between the devices: they are ends of links and no routers."""
    ports = {node.id for node in records.nodes if str(node.fields.get("type", "")).lower() in ("interface", "port")}
    if not ports:
        return records
    ends = (pair for link in records.links for pair in ((link.source, link.target), (link.target, link.source)))
    owner = {port: other for port, other in ends if port in ports and other not in ports}
    between = [link for link in records.links if link.source in owner and link.target in owner]
    direct = [link for link in records.links if link.source not in ports and link.target not in ports]
    joined = [link._replace(source=owner[link.source], target=owner[link.target]) for link in between]
    note = f"{len(ports)} are ends of links, not nodes"
    use = FieldUse(field="interfaces", became="used", count=len(ports), note=note)
    nodes = [_device(node) for node in records.nodes if node.id not in ports]
    return noted(replace(records, nodes=nodes, links=[*direct, *joined]), use)


def _device(node: NodeRecord) -> NodeRecord:
    device = node.fields.get("device")
    rest = {name: value for name, value in node.fields.items() if name != "device"}
    label = at(device, "name")
    return node._replace(fields={**rest, "name": label} if isinstance(label, str) else rest)


def _as_gml(records: Records, tree: JsonValue, choices: Choices) -> Records:
    return with_speeds(_say_value(records, tree, choices))


def _adjacency(content: Content) -> JsonValue:
    """Adjacency JSON of networkx: the neighbours of each node, in the order of the nodes."""
    tree = content.json()
    nodes, rows = (tree.get(name) if isinstance(tree, dict) else None for name in ("nodes", "adjacency"))
    if not (isinstance(tree, dict) and isinstance(nodes, list) and isinstance(rows, list) and len(nodes) == len(rows)):
        raise content.source.error("$.adjacency", "a list of neighbours for each node")
    directed = bool(tree.get("directed"))
    names = [node.get("id") if isinstance(node, dict) else None for node in nodes]
    index = {str(name): i for i, name in enumerate(names)}
    links: list[JsonValue] = []
    for i, row in enumerate(rows):
        for other in row if isinstance(row, list) else ():
            if isinstance(other, dict) and (directed or index.get(str(other.get("id")), -1) >= i):
                fields = {name: value for name, value in other.items() if name not in ("id", "key")}
                links.append({**fields, "source": names[i], "target": other.get("id")})
    return {"directed": directed, "nodes": nodes, "links": links, "graph": tree.get("graph")}


def _batfish(content: Content) -> JsonValue:
    """Layer-1 edges of Batfish: of a file it reads, or as a list of what it answers."""
    tree = content.json()
    return {"edges": tree} if isinstance(tree, list) else tree


LAYOUTS: Sequence[Layout] = (
    Layout(
        "GML",
        r"\A\s*(?:#[^\n]*\n\s*)*(?:(?:Creator|Version|comment)\b[^\n]*\n\s*)*graph\s*\[",
        parse_gml,
        nodes=("graph.node",),
        node_id=("id",),
        links=("graph.edge",),
        ends=(("source", "target"),),
        name="graph.label",
        lifted={"value": "weight"},
        presentation=_DRAWN | {"id", "key"},
        sections=frozenset({"graph.directed", "graph.multigraph", "Creator", "Version", "graph.name", "graph.Network"}),
        directed_by="graph.directed",
        directed=False,
        units={"capacity": "bps"},
        relative=True,
        finish=_as_gml,
    ),
    Layout(
        "TeraFlowSDN descriptor",
        r'"link_endpoint_ids"|"device_uuid"\s*:|"topology_uuid"\s*:',
        _json,
        nodes=("devices",),
        node_id=("device_id.device_uuid.uuid",),
        links=("links",),
        ends=(
            ("link_endpoint_ids.0.device_id.device_uuid.uuid", "link_endpoint_ids.1.device_id.device_uuid.uuid"),
            (
                "link_endpoint_ids.0.endpoint_id.device_id.device_uuid.uuid",
                "link_endpoint_ids.1.endpoint_id.device_id.device_uuid.uuid",
            ),
        ),
        inside=("attributes",),
        presentation=frozenset(
            {
                "link_id",
                "link_type",
                "device_drivers",
                "device_config",
                "device_endpoints",
                "device_operational_status",
                "components",
                "controller_id",
            }
        ),
        sections=frozenset({"contexts", "topologies", "dummy_mode"}),
    ),
    Layout(
        "ngraph scenario",
        r"(?m)^network:\s*(?:#.*)?$",
        parse_yaml,
        nodes=("network.nodes",),
        node_id=(KEY,),
        links=("network.links",),
        ends=(("source", "target"),),
        name="network.name",
        inside=("attrs", "link_params", "link_params.attrs"),
        sections=frozenset({"seed", "demands", "traffic_matrix_set", "$schema", "vars", "network.version"}),
        directed=False,
        finish=demands_of_ngraph,
    ),
    Layout(
        "containerlab topology",
        r"(?ms)^topology:\s*(?:#.*)?$.*^\s+(?:nodes|links):",
        parse_containerlab,
        nodes=("topology.nodes",),
        node_id=(KEY,),
        links=("topology.links",),
        ends=(("source", "target"),),
        presentation=_CLAB,
        sections=frozenset({"topology.defaults", "topology.kinds", "topology.groups", "mgmt", "prefix", "settings"}),
        directed=False,
        finish=routers_of_containerlab,
    ),
    Layout(
        "OpenDaylight topology",
        r'"(?:network-topology:)?network-topology"\s*:',
        _json,
        networks="network-topology.topology",
        network_id="topology-id",
        nodes=("node",),
        node_id=("node-id",),
        links=("link",),
        ends=(("source.source-node", "destination.dest-node"),),
        name="topology-id",
        inside=(
            "igp-link-attributes",
            "igp-link-attributes.ospf-link-attributes.ted",
            "igp-link-attributes.isis-link-attributes.ted",
            "igp-node-attributes",
        ),
        presentation=frozenset({"link-id", "node-ref", "termination-point", "supporting-node", "supporting-link"}),
        sections=frozenset({"topology-types", "server-provided"}),
        directed=True,
    ),
    Layout(
        "Cytoscape JSON",
        r'"elements"\s*:\s*\{',
        _json,
        nodes=("elements.nodes",),
        node_id=("data.id",),
        links=("elements.edges",),
        ends=(("data.source", "data.target"),),
        inside=("data",),
        presentation=frozenset(
            {"position", "selected", "group", "classes", "style", "id", "value", "key", "source", "target"}
        ),
        sections=frozenset({"directed", "multigraph", "data", "layout", "style", "format_version", "generated_by"}),
        directed_by="directed",
        directed=False,
        units={"capacity": "bps"},
        finish=_without_ports,
    ),
    Layout(
        "adjacency JSON of networkx",
        r'"adjacency"\s*:\s*\[',
        _adjacency,
        nodes=("nodes",),
        node_id=("id",),
        links=("links",),
        ends=(("source", "target"),),
        sections=frozenset({"directed", "multigraph", "graph"}),
        directed_by="directed",
        directed=False,
        units={"capacity": "bps"},
    ),
    Layout(
        "ONOS topology",
        r'"(?:src|dst)"\s*:\s*\{\s*"(?:port|device)"',
        _json,
        nodes=("devices",),
        node_id=("id",),
        links=("links",),
        ends=(("src.device", "dst.device"),),
        inside=("annotations",),
        presentation=frozenset({"src", "dst"}),
        directed=True,
    ),
    Layout(
        "layer-1 edges of Batfish",
        r'"(?:node1|Interface)"\s*:\s*\{\s*"hostname"',
        _batfish,
        nodes=(),
        node_id=(),
        links=("edges",),
        ends=(("node1.hostname", "node2.hostname"), ("Interface.hostname", "Remote_Interface.hostname")),
    ),
    Layout(
        "ONF TAPI topology",
        r'"(?:tapi-topology:)?topology-context"\s*:|"tapi-topology:topology"',
        _json,
        networks="context.topology-context.topology",
        network_id="uuid",
        nodes=("node",),
        node_id=("uuid",),
        links=("link",),
        ends=(("node-edge-point.0.node-uuid", "node-edge-point.1.node-uuid"),),
        presentation=frozenset({"uuid", "owned-node-edge-point", "node-edge-point"}),
        lifted={"total-potential-capacity.total-size.value": "capacity"},
        sections=frozenset({"uuid", "layer-protocol-name", "name"}),
    ),
)
