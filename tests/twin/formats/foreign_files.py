"""One small network as each tool would write it: written here, or by networkx, never by our own code.

Four routers in a ring with two parallel circuits between A and B, of which the metric differs; capacities in Gbit/s.
"""

import base64
import csv
import io
import json
import zlib
from urllib.parse import quote

import networkx as nx
import yaml

LINKS = (("A", "B", 10, 100), ("A", "B", 20, 40), ("B", "C", 30, 10), ("C", "D", 40, 100), ("D", "A", 50, 2.5))
"""Source, target, IGP weight, capacity in Gbit/s; each stands for both directions."""
NODES = tuple("ABCD")
PLACES = {"A": (4.9, 52.37), "B": (13.4, 52.52), "C": (9.99, 48.4), "D": (7.1, 50.73)}


def graph():
    """The network as networkx holds it."""
    found = nx.MultiGraph()
    for name in NODES:
        found.add_node(name, Longitude=PLACES[name][0], Latitude=PLACES[name][1])
    for a, b, weight, gbps in LINKS:
        found.add_edge(a, b, metric=weight, capacity=gbps * 1e9)
    return found


def gml():
    return "\n".join(nx.generate_gml(graph())) + "\n"


def graphml():
    return "\n".join(nx.generate_graphml(graph())) + "\n"


def cytoscape():
    return json.dumps(nx.cytoscape_data(graph()))


def adjacency():
    return json.dumps(nx.adjacency_data(graph()))


def tables(separator, comma):
    """A list of links with this separator and decimal sign."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator)
    writer.writerow(["Source", "Target", "IGP metric", "Capacity (Gbit/s)"])
    for a, b, weight, gbps in LINKS:
        writer.writerow([a, b, weight, str(float(gbps)).replace(".", comma)])
    return out.getvalue()


def ngraph():
    links = [{"source": a, "target": b, "cost": w, "capacity": f"{c}"} for a, b, w, c in LINKS]
    nodes = {name: {"attrs": {"role": "core"}} for name in NODES}
    demands = {"default": [{"source": "^A$", "target": "^C$", "volume": 1.5, "mode": "pairwise"}]}
    return yaml.safe_dump({"network": {"name": "ring", "nodes": nodes, "links": links}, "demands": demands})


def containerlab():
    nodes = {name: {"kind": "nokia_srlinux"} for name in NODES} | {"pc": {"kind": "linux", "image": "alpine:3"}}
    links = [{"endpoints": [f"{a}:e{i}", f"{b}:e{i}"]} for i, (a, b, *_) in enumerate(LINKS)]
    links.append({"type": "veth", "endpoints": [{"node": "pc", "interface": "eth1"}, {"node": "A", "interface": "e9"}]})
    return yaml.safe_dump({"name": "ring", "topology": {"nodes": nodes, "links": links}})


def teraflow():
    def named(kind, name):
        return {f"{kind}_id": {f"{kind}_uuid": {"uuid": name}}}

    links = [
        {
            "link_id": {"link_uuid": {"uuid": f"{a}-{b}-{i}"}},
            "link_endpoint_ids": [
                {**named("device", a), "endpoint_uuid": {"uuid": f"e{i}"}},
                {**named("device", b), "endpoint_uuid": {"uuid": f"e{i}"}},
            ],
            "attributes": {"total_capacity_gbps": gbps, "metric": weight},
        }
        for i, (a, b, weight, gbps) in enumerate(LINKS)
    ]
    devices = [{**named("device", name), "device_type": "packet-router", "device_drivers": [0]} for name in NODES]
    return json.dumps({"contexts": [], "topologies": [], "devices": devices, "links": links})


def opendaylight():
    links = [
        {
            "link-id": f"{tail}{head}{i}",
            "source": {"source-node": tail, "source-tp": f"e{i}"},
            "destination": {"dest-node": head, "dest-tp": f"e{i}"},
            "l3-unicast-igp-topology:igp-link-attributes": {"metric": weight, "bandwidth_gbps": gbps},
        }
        for i, (a, b, weight, gbps) in enumerate(LINKS)
        for tail, head in ((a, b), (b, a))
    ]
    topology = {"topology-id": "ring", "node": [{"node-id": name} for name in NODES], "link": links}
    return json.dumps({"network-topology:network-topology": {"topology": [topology]}})


def onos():
    links = [
        {
            "src": {"port": str(i), "device": tail},
            "dst": {"port": str(i), "device": head},
            "annotations": {"metric": str(weight), "bandwidth_gbps": str(gbps)},
            "state": "ACTIVE",
        }
        for i, (a, b, weight, gbps) in enumerate(LINKS)
        for tail, head in ((a, b), (b, a))
    ]
    return json.dumps({"devices": [{"id": name} for name in NODES], "links": links})


def batfish():
    rows = [((a, i), (b, i)) for i, (a, b, *_) in enumerate(LINKS)]
    edges = [
        {
            end: {"hostname": name, "interfaceName": f"e{i}"}
            for end, (name, i) in zip(("node1", "node2"), pair, strict=True)
        }
        for row in rows
        for pair in (row, row[::-1])
    ]
    return json.dumps({"edges": edges})


def tapi():
    links = [
        {
            "uuid": f"l{i}",
            "node-edge-point": [{"node-uuid": a}, {"node-uuid": b}],
            "total-potential-capacity": {"total-size": {"value": f"{gbps} Gbps", "unit": "GBPS"}},
            "metric": weight,
        }
        for i, (a, b, weight, gbps) in enumerate(LINKS)
    ]
    topology = {"uuid": "t", "node": [{"uuid": name} for name in NODES], "link": links}
    return json.dumps({"tapi-common:context": {"tapi-topology:topology-context": {"topology": [topology]}}})


def pyntm():
    lines = ["INTERFACES_TABLE", "node_object_name\tremote_node_object_name\tname\tcost\tcapacity\tcircuit_id"]
    for i, (a, b, weight, gbps) in enumerate(LINKS):
        lines += [f"{x}\t{y}\t{x}-{y}\t{weight}\t{gbps * 1000:g}\t{i}" for x, y in ((a, b), (b, a))]
    lines += ["", "NODES_TABLE", "name\tlon\tlat", *(f"{x}\t{lon}\t{lat}" for x, (lon, lat) in PLACES.items())]
    lines += ["", "DEMANDS_TABLE", "source\tdest\ttraffic\tname", "A\tC\t1500\td1", ""]
    return "\n".join(lines)


def sndlib_native():
    nodes = "\n".join(f"  {name} ( {x} {y} )" for name, (x, y) in PLACES.items())
    links = "\n".join(
        f"  L{i} ( {a} {b} ) {gbps * 1000:.2f} 0.00 0.00 0.00 ( 155.00 10.00 622.00 30.00 )"
        for i, (a, b, _, gbps) in enumerate(LINKS)
    )
    demands = "  D1 ( A C ) 1 12.50 UNLIMITED\n  D2 ( C A ) 1 7.50 UNLIMITED"
    head = "?SNDlib native format; type: network; version: 1.0\n# network ring"
    return f"{head}\nNODES (\n{nodes}\n)\nLINKS (\n{links}\n)\nDEMANDS (\n{demands}\n)\nADMISSIBLE_PATHS (\n)\n"


def matrix():
    weight = {(a, b): w for a, b, w, _ in LINKS[1:]}
    rows = ["metric;" + ";".join(NODES)]
    rows += [f"{a};" + ";".join(str(weight.get((a, b), weight.get((b, a), 0))) for b in NODES) for a in NODES]
    return "\n".join(rows) + "\n"


def netbox():
    """Cables of the API: A to B twice, B to C over a panel, C to D over a circuit, D to A planned."""

    def port(device, name, number):
        thing = {"id": number, "name": name, "device": {"name": device}, "type": {"value": "10gbase-x-sfpp"}}
        return {"object_type": "dcim.interface", "object_id": number, "object": thing}

    def other(kind, number, **thing):
        return {"object_type": kind, "object_id": number, "object": {"id": number, **thing}}

    def cable(number, a, b, status="connected"):
        return {"id": number, "a_terminations": [a], "b_terminations": [b], "status": {"value": status}}

    front, rear = ("dcim.frontport", 31), ("dcim.rearport", 41)
    sides = [
        other("circuits.circuittermination", n, circuit={"cid": "ID-7"}, term_side=x) for n, x in ((51, "A"), (52, "Z"))
    ]
    cables = [
        cable(1, port("A", "xe-0", 1), port("B", "xe-0", 2)),
        cable(2, port("A", "xe-1", 3), port("B", "xe-1", 4)),
        cable(3, port("B", "xe-2", 5), other(*front, device={"name": "panel"}, name="1")),
        cable(4, other(*rear, device={"name": "panel"}, name="R"), port("C", "xe-2", 6)),
        cable(5, port("C", "xe-3", 7), sides[0]),
        cable(6, sides[1], port("D", "xe-3", 8)),
        cable(7, port("D", "xe-4", 9), port("A", "xe-4", 10), "planned"),
        cable(8, port("D", "mgmt", 11), other("dcim.consoleport", 61, device={"name": "con"}, name="c")),
    ]
    fronts = [{"id": 31, "device": {"name": "panel"}, "name": "1", "rear_port": {"id": 41, "name": "R"}}]
    devices = [{"name": name, "device_type": {"model": "MX"}, "role": {"name": "Router"}} for name in (*NODES, "panel")]
    circuits = [{"id": 9, "cid": "ID-7", "commit_rate": 1_000_000}]
    answers = {"devices": devices, "cables": cables, "front_ports": fronts, "circuits": circuits}
    return json.dumps({name: {"count": len(rows), "results": rows} for name, rows in answers.items()})


def ietf_xml(*, wrapped=True):
    """Both directions of every link, as a NETCONF server answers (RFC 8345, 8346 and 8795)."""
    ns = "urn:ietf:params:xml:ns:yang:ietf-"
    links = "".join(
        f'<link xmlns="{ns}network-topology"><link-id>{tail}{head}{i}</link-id>'
        f"<source><source-node>{tail}</source-node><source-tp>e{i}</source-tp></source>"
        f"<destination><dest-node>{head}</dest-node><dest-tp>e{i}</dest-tp></destination>"
        f'<l3-link-attributes xmlns="{ns}l3-unicast-topology"><metric1>{weight}</metric1></l3-link-attributes>'
        f'<te xmlns="{ns}te-topology"><te-link-attributes><max-link-bandwidth><te-bandwidth>'
        f"<generic>{float(gbps * 1e9 / 8).hex()}</generic></te-bandwidth></max-link-bandwidth>"
        f"<administrative-group>00:00:00:0{i}</administrative-group></te-link-attributes></te></link>"
        for i, (a, b, weight, gbps) in enumerate(LINKS)
        for tail, head in ((a, b), (b, a))
    )
    nodes = "".join(f"<node><node-id>{name}</node-id></node>" for name in NODES)
    kind = f'<network-types><l3-unicast-topology xmlns="{ns}l3-unicast-topology"/></network-types>'
    overlay = "<network><network-id>optical</network-id><node><node-id>x</node-id></node></network>"
    network = f"<network><network-id>ring</network-id>{kind}{nodes}{links}</network>"
    tree = f'<networks xmlns="{ns}network">{overlay}{network}</networks>'
    reply = f'<rpc-reply xmlns="urn:ietf:params:xml:ns:netconf:base:1.0" message-id="1"><data>{tree}</data></rpc-reply>'
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{reply if wrapped else tree}'


def bgp_ls():
    """The ring as GoBGP's API answers, with a LAN of A, B and C beside it that A speaks for; node D is overloaded."""

    def path(kind, nlri, attribute):
        inner = {
            "@type": "type.googleapis.com/apipb.LsAddrPrefix",
            "type": kind,
            "nlri": nlri,
            "protocolId": "LS_PROTOCOL_ISIS_L2",
        }
        listed = [{"@type": "type.googleapis.com/apipb.LsAttribute", **attribute}]
        return {"prefix": "NLRI", "paths": [{"nlri": inner, "pattrs": listed, "best": True}]}

    def system(name):
        stem, dash, lan = name.partition("-")
        return {"asn": 64500, "igpRouterId": f"0000.0000.000{NODES.index(stem) + 1}{dash}{lan}"}

    def link(tail, head, weight, gbps=None):
        stated = {"igpMetric": weight} if weight else {}
        stated |= {"bandwidth": gbps * 1e9 / 8} if gbps else {}
        return path("LS_NLRI_LINK", {"localNode": system(tail), "remoteNode": system(head)}, {"link": stated})

    rows = [link(x, y, w, g) for a, b, w, g in LINKS for x, y in ((a, b), (b, a))]
    rows += [link(x, "A-07", 5) for x in "ABC"] + [link("A-07", x, 0) for x in "ABC"]
    for name in NODES:
        flags = {"overload": True} if name == "D" else {}
        rows.append(path("LS_NLRI_NODE", {"localNode": system(name)}, {"node": {"name": name, "flags": flags}}))
    rows.append(path("LS_NLRI_NODE", {"localNode": system("A-07")}, {"node": {"flags": {}}}))
    return json.dumps(rows)


def drawio(*, packed=False):
    """Two pages, of which one has lines; a line ends at a part of a group, one has a loose end, one says its rate."""
    cells = ['<mxCell id="0"/><mxCell id="1" parent="0"/>']
    label = "&lt;b&gt;{name}&lt;/b&gt;&lt;br&gt;192.0.2.1"
    shape = f'<object id="n{{name}}" label="{label}" role="core"><mxCell vertex="1" parent="1"/></object>'
    cells.extend(shape.format(name=name) for name in NODES)
    cells.append('<mxCell id="part" vertex="1" parent="nA" value=""/>')
    for i, (a, b, weight, gbps) in enumerate(LINKS):
        start = "part" if i == 0 else f"n{a}"
        cells.append(f'<mxCell id="e{i}" edge="1" parent="1" value="{gbps}G" source="{start}" target="n{b}"/>')
        cells.append(f'<mxCell id="t{i}" vertex="1" connectable="0" parent="e{i}" value="metric: {weight}"/>')
    cells.append(
        '<mxCell id="loose" edge="1" parent="1" source="nA"/><mxCell id="legend" vertex="1" parent="1" value="Legend"/>'
    )
    model = f"<mxGraphModel><root>{''.join(cells)}</root></mxGraphModel>"
    if packed:
        deflater = zlib.compressobj(wbits=-15)
        data = deflater.compress(quote(model, safe="").encode()) + deflater.flush()
        model = base64.b64encode(data).decode()
    legend = '<diagram name="Legend"><mxGraphModel><root/></mxGraphModel></diagram>'
    return f'<mxfile>{legend}<diagram name="WAN">{model}</diagram></mxfile>'


def yed():
    """A drawing of yEd: labels in its own elements, always directed, some lines drawn the other way round."""
    nodes = "".join(
        f'<node id="n{i}"><data key="d1"><y:ShapeNode><y:NodeLabel>{name}</y:NodeLabel></y:ShapeNode></data></node>'
        for i, name in enumerate(NODES)
    )
    edges = "".join(
        f'<edge source="n{NODES.index(a if i else b)}" target="n{NODES.index(b if i else a)}"><data key="d2">'
        f"<y:PolyLineEdge><y:EdgeLabel>{gbps} Gbps</y:EdgeLabel><y:EdgeLabel>cost {weight}</y:EdgeLabel>"
        "</y:PolyLineEdge></data></edge>"
        for i, (a, b, weight, gbps) in enumerate(LINKS)
    )
    return (
        '<graphml xmlns="http://graphml.graphdrawing.org/xmlns" xmlns:y="http://www.yworks.com/xml/graphml">'
        '<key for="node" id="d1" yfiles.type="nodegraphics"/><key for="edge" id="d2" yfiles.type="edgegraphics"/>'
        f'<graph edgedefault="directed" id="G">{nodes}{edges}</graph></graphml>'
    )


def junos():
    """The ring as `show isis database extensive | display json` prints it; D is overloaded."""

    def said(value):
        return [{"data": str(value)}]

    entries = []
    for name in NODES:
        ways = [(b if a == name else a, w) for a, b, w, _ in LINKS if name in (a, b)]
        neighbours = [{"is-neighbor-id": said(f"{other}.00"), "metric": said(weight)} for other, weight in ways]
        flags = "0x7 <L1 L2 Overload>" if name == "D" else "0x3 <L1 L2>"
        entries.append(
            {
                "lsp-id": said(f"{name}.00-00"),
                "remaining-lifetime": said(900),
                "isis-neighbor": neighbours,
                "isis-packet": [{"lsp-attributes": said(flags)}],
            }
        )
    level = [{"level": said(2), "isis-database-entry": entries}]
    return json.dumps({"isis-database-information": [{"isis-database": level}]})
