"""Topologies of the IETF's YANG models as JSON (RFC 7951): RFC 8345 with the layer-3 (8346) and TE (8795) subset.

| here | there |
|---|---|
| node, link | `ietf-network` node, `ietf-network-topology` link between termination points named after interfaces |
| weight | `metric1` of RFC 8346; when it is missing `te-igp-metric`, then `te-default-metric` of RFC 8795 |
| capacity | `max-link-bandwidth` of RFC 8795, in bytes per second, a hexadecimal float of single precision (RFC 8776) |
| delay | `te-delay-metric` of RFC 8795, in microseconds (RFC 7471) |
| up, drained | `oper-status`, `admin-status` = maintenance |
| risk groups | `te-srlgs` |
| position | `geolocation` |

What those models cannot hold, demands, tunnels, limits, sleep, loss and the digits beyond single precision, travels in
members named `twinops-network:state`. A precise value there counts only while it still rounds to the standard one.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from twin.files import write_text
from twin.model import Link, Network, Node

NETWORK, TOPOLOGY = "ietf-network", "ietf-network-topology"
LAYER3, TE, OWN = "ietf-l3-unicast-topology", "ietf-te-topology", "twinops-network"
MBPS_PER_BYTE = 8e-6
US_PER_MS = 1000.0

_Json = dict[str, Any]


def write_ietf(network: Network, path: str | Path) -> None:
    """Write a network so that `read_ietf` gives back an equal one, with the same id."""
    groups: dict[str, list[int]] = {circuit: [] for circuit in network.circuits}
    for number, group in enumerate(network.risk_groups, start=1):
        for circuit in group.circuits:
            groups[circuit].append(number)
    document: _Json = {
        f"{NETWORK}:networks": {
            "network": [
                {
                    "network-id": network.name,
                    "network-types": {f"{LAYER3}:l3-unicast-topology": {}, f"{TE}:te-topology": {}},
                    f"{TE}:te-topology-identifier": {"provider-id": 1, "client-id": 1, "topology-id": network.id},
                    "node": [_node(network, node, number) for number, node in enumerate(network.nodes, start=1)],
                    f"{TOPOLOGY}:link": [_link(link, groups[link.circuit]) for link in network.links],
                    f"{OWN}:state": _state(network),
                }
            ]
        }
    }
    write_text(path, json.dumps(document, indent=1, ensure_ascii=False) + "\n")


def bandwidth(mbps: float) -> str:
    """Capacity as RFC 8776 writes it: bytes per second, hexadecimal, single precision."""
    digits, exponent = float(np.float32(mbps / MBPS_PER_BYTE)).hex().split("p")
    return f"{digits[:10].rstrip('0').rstrip('.')}p{exponent}"


def degrees(value: float) -> str:
    """A coordinate as decimal64 with eight fraction digits, which RFC 7951 writes as text."""
    return f"{value:.8f}"


def _node(network: Network, node: Node, number: int) -> _Json:
    ports = dict.fromkeys(
        port
        for link in network.links
        for end, port in zip((link.tail, link.head), _ports(link), strict=True)
        if end == node.name
    )
    te: _Json = {"te-node-attributes": {"name": node.name, "admin-status": "maintenance" if node.drained else "up"}}
    te |= {"oper-status": "up" if node.up else "down"}
    if abs(node.latitude) <= 90 and abs(node.longitude) <= 180:
        te |= {"geolocation": {"latitude": degrees(node.latitude), "longitude": degrees(node.longitude)}}
    return {
        "node-id": node.name,
        f"{TOPOLOGY}:termination-point": [{"tp-id": port} for port in ports],
        f"{LAYER3}:l3-node-attributes": {"name": node.name},
        f"{TE}:te-node-id": ".".join(str(byte) for byte in number.to_bytes(4, "big")),
        f"{TE}:te": te,
        f"{OWN}:state": {
            "longitude": float(node.longitude),
            "latitude": float(node.latitude),
            **({"kind": node.kind} if node.kind != "router" else {}),
            **({"cost-out": True} if node.cost_out else {}),
        },
    }


def _link(link: Link, groups: list[int]) -> _Json:
    source, target = _ports(link)
    attributes: _Json = {
        "name": link.name,
        "admin-status": "maintenance" if link.drained else "up",
        "max-link-bandwidth": {"te-bandwidth": {"generic": bandwidth(link.capacity)}},
        "te-default-metric": link.weight,
        "te-delay-metric": round(link.delay_ms * US_PER_MS),
        "te-igp-metric": link.weight,
    }
    if groups:
        attributes["te-srlgs"] = {"value": groups}
    return {
        "link-id": link.name,
        "source": {"source-node": link.tail, "source-tp": source},
        "destination": {"dest-node": link.head, "dest-tp": target},
        f"{LAYER3}:l3-link-attributes": {"name": link.name, "metric1": str(link.weight)},
        f"{TE}:te": {"te-link-attributes": attributes, "oper-status": "up" if link.up else "down"},
        f"{OWN}:state": {
            "capacity-mbps": float(link.capacity),
            "delay-ms": float(link.delay_ms),
            "index": link.index,
            "asleep": link.asleep,
            "loss": float(link.loss),
            "adjacent": link.adjacent,
            **({name.replace("_", "-"): getattr(link, name) for name in _BUNDLE} if link.members > 1 else {}),
            **({"cost-out": True} if link.cost_out else {}),
        },
    }


_BUNDLE = ("members", "min_members", "degraded_weight")


def _ports(link: Link) -> tuple[str, str]:
    """The interfaces at the two ends of a link, each named after the neighbour it leads to."""
    back = link._replace(tail=link.head, head=link.tail)
    return link.interface.split("/", 2)[2], back.interface.split("/", 2)[2]


def _state(network: Network) -> _Json:
    names = [node.name for node in network.nodes]
    pairs = zip(*np.nonzero(network.demands), strict=True)
    return {
        "demand": [{"source": names[s], "target": names[t], "mbps": float(network.demands[s, t])} for s, t in pairs],
        "tunnel": [tunnel.model_dump(mode="json") for tunnel in network.tunnels],
        "limit": [limit._asdict() for limit in network.limits],
        **({"igp": network.igp} if network.igp else {}),
        **({"repair": network.repair} if network.repair != "ti-lfa" else {}),
        **({"class": [x._asdict() for x in network.classes]} if network.classes else {}),
        **({"class-share": [x._asdict() for x in network.class_shares]} if network.class_shares else {}),
        "risk-group": [
            {"name": group.name, "srlg": number, "circuits": list(group.circuits)}
            for number, group in enumerate(network.risk_groups, start=1)
        ],
    }
