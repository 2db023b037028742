"""Formats that are not read: how their text is told, their name, and the nearest way in."""

import re
from typing import NamedTuple

_GRAPH = "bring it into node-link JSON (networkx.node_link_data), with weight and capacity_mbps on each link"


class Stranger(NamedTuple):
    """A format that is not read."""

    told_by: str
    name: str
    way_in: str = _GRAPH


_SAMPLES = "it holds measurements, not a topology: give them to `twinops quality` or `twinops diagnose` as a table"
_FLOWS = "it holds traffic, not a topology: give it with --traffic beside one"
_PASTE = "paste `show isis database detail`, or `show ip ospf database router` and `network`, of one router"
STRANGERS = (
    Stranger(
        r'"isis[^"]*"\s*:|"lsp-?[Ii]d|"att-p-ol"|"lsps"\s*:\s*\[|"extReach"',
        "an IS-IS database as JSON",
        "paste the text of `show isis database detail`: the JSON of older FRR loses links",
    ),
    Stranger(
        r'(?i)"(?:device_type|device_role)"\s*:|\A[^\n]*\bdevice_type\b',
        "devices of NetBox without cables",
        "export cables with their terminations (or interfaces with connected endpoints), as JSON, into the same file",
    ),
    Stranger(
        r"(?i)\A[^\n]*termination_a\b[^\n]*,",
        "cables of NetBox as CSV",
        "export them as JSON with their terminations, or name the two devices of a row in columns a and b",
    ),
    Stranger(r'(?m)"resultType"|"__name__"|"errorType"|^# (?:HELP|TYPE) \w+', "an answer of Prometheus", _SAMPLES),
    Stranger(r"(?m)^(?:[\w-]+::\w|\.?1\.3\.6\.1\.)\S* = |^1\.3\.6\.1\.\S+\|", "an SNMP walk", _SAMPLES),
    Stranger(
        r'"openconfig-[\w-]+:|"(?:network-instances|interfaces)"\s*:\s*\{',
        "OpenConfig of one device",
        f"one device is no topology: {_PASTE}",
    ),
    Stranger(r'(?m)"NodeList"|"apiVersion"\s*:|^apiVersion:', "an object of Kubernetes"),
    Stranger(r'"type"\s*:\s*"(?:FeatureCollection|Feature)"', "a map as GeoJSON"),
    Stranger(r"<(?:kml|gpx)[\s>]", "a map as KML or GPX"),
    Stranger(r"<gexf[\s>]", "a GEXF graph of Gephi", "export it as GraphML or GML"),
    Stranger(r"(?im)^\*Vertices\b", "a Pajek network", "export it as GraphML or GML"),
    Stranger(
        r"(?m)^\s*(?:strict\s+)?(?:di)?graph\b[^\n]*\{", "a Graphviz drawing", "convert it with gv2gml, from Graphviz"
    ),
    Stranger(r"(?m)^\s*(?:graph|flowchart) (?:TD|LR|TB|RL|BT)\b", "a Mermaid drawing"),
    Stranger(r"(?m)^(?:all|\w+):\n\s+(?:hosts|children):", "an inventory of Ansible", _PASTE),
    Stranger(
        r"(?m)^(?:router (?:isis|ospf|bgp)\b|interface \S+$|hostname \S+$|set (?:interfaces|protocols|system) )",
        "the configuration of a router",
        _PASTE,
    ),
    Stranger(r"(?m)^(?:Device ID|Local Intrfce|Chassis id|Capability Codes)", "neighbours of CDP or LLDP", _PASTE),
    Stranger(
        r"(?m)^Date first seen|,in_bytes|src[46]_addr|\A[^\n]*\b(?:src_?addr|sa,da|srcip|ip_src)\b",
        "flow records",
        _FLOWS,
    ),
    Stranger(
        r"\A(?:<\d+>|\w{3}\s+\d+ \d\d:\d\d:\d\d |\d{4}-\d\d-\d\dT\S+ \S+ |\d{4}/\d\d/\d\d \d\d:)",
        "lines of a log",
        "a log goes with `twinops diagnose`, beside a topology",
    ),
    Stranger(r"\ABEGIN:VCALENDAR", "a calendar", "maintenance goes beside a topology, not in its place"),
    Stranger(r"(?m)^\d+\|\d+\|-?\d(?:\||$)", "an AS relationship list"),
    Stranger(
        r"\A[^\n{}<>]*[,;\t][^\n]*\n",
        "a table",
        "a table of links has both ends in its head (source,target,metric,capacity_mbps); traffic goes with --traffic",
    ),
)


def looks_like(text: str) -> Stranger | None:
    """Return the format that a text looks like, None when it resembles none."""
    return next((stranger for stranger in STRANGERS if re.search(stranger.told_by, text)), None)
