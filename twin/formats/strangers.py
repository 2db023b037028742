"""Formats that are not read: how their text is told, their name, and the nearest way in."""

import re
from typing import NamedTuple

_GRAPH = "bring it into node-link JSON (networkx.node_link_data), with weight and capacity_mbps on each link"


class Stranger(NamedTuple):
    """A format that is not read."""

    told_by: str
    name: str
    way_in: str = _GRAPH


STRANGERS = (
    Stranger(
        r'"isis[^"]*"\s*:|"lsp-?[Ii]d|"att-p-ol"',
        "an IS-IS database as JSON",
        "paste the text of `show isis database detail`: the JSON of older FRR loses links",
    ),
    Stranger(
        r'"(?:device_type|device_role|rack|site)"\s*:',
        "devices of NetBox without cables",
        "export cables with their terminations (or interfaces with connected endpoints) into the same file",
    ),
    Stranger(
        r'"resultType"|"__name__"',
        "an answer of Prometheus",
        "it holds measurements, not a topology: give them to `twinops quality` as CSV",
    ),
    Stranger(r"(?m)^\s*(?:strict\s+)?(?:di)?graph\b[^\n]*\{", "a Graphviz drawing"),
    Stranger(r"(?m)\A(?:\d+\|\d+\|-?\d|#[^\n]*\n)", "an AS relationship list"),
    Stranger(
        r"\A[^\n{}<>]*[,;\t][^\n]*\n",
        "a table",
        "a topology is read from JSON, XML, GraphML or a router's database; traffic is given with --traffic",
    ),
)


def looks_like(text: str) -> Stranger | None:
    """Return the format that a text looks like, None when it resembles none."""
    return next((stranger for stranger in STRANGERS if re.search(stranger.told_by, text)), None)
