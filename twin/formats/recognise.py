"""Which format a file is in, told by its content, and which reader reads it.

A file that no reader reads is answered with what it looks like, and with the nearest way in.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from .build import Choices
from .content import Content, read_content
from .drawio import read_drawio
from .edge_table import is_topology_table, read_table
from .graphml import read_graphml
from .ietf_reader import read_ietf
from .layouts import LAYOUTS
from .lsdb.bgp_ls import read_bgp_ls
from .lsdb.isis_text import read_isis_text
from .lsdb.junos_json import read_junos_json
from .lsdb.ospf_json import read_ospf_json
from .lsdb.ospf_text import read_ospf_text
from .markup import parse_xml
from .netbox import read_netbox
from .nodelink import read_node_link
from .pyntm import read_pyntm
from .records import Records
from .repetita import read_repetita
from .sndlib import read_sndlib
from .sndlib_native import read_sndlib_native
from .strangers import looks_like

SUFFIXES = (".json", ".xml", ".graphml", ".graph", ".txt", ".log", ".gml", ".csv", ".tsv", ".yaml", ".yml", ".drawio")
"""Suffixes that a network's file usually has; a file may have any other."""

_HEAD = 200_000  # characters of a file that are looked at


_Reader = Callable[[Content, Choices], Records]


class Format(NamedTuple):
    """A format that is read: its name, how its text is told, and its reader."""

    name: str
    told_by: str
    read: _Reader


_CABLES = r'"(?:[ab]_terminations|termination_[ab]|connected_endpoints)"\s*:|"model"\s*:\s*"dcim\.'
_OSPF = r"OSPF Router with ID|OSPF (?:link state )?database, Area|LS Type: (?:Router|Network|router-LSA)"
_IETF = r"<[^>]*urn:ietf:params:xml:ns:yang:ietf-network"
FORMATS = (
    Format("IETF topology", r'"ietf-network|"networks"\s*:\s*\{|\A\s*\{\s*"network"\s*:\s*\[', read_ietf),
    Format("IETF topology", _IETF, read_ietf),
    *(Format(layout.format, layout.told_by, layout.read) for layout in LAYOUTS),
    Format("IS-IS database of Junos", r'"isis-database-information"', read_junos_json),
    Format("OSPF database of FRR", r'"(?:router|network)LinkStates"', read_ospf_json),
    Format("BGP-LS of GoBGP", r'"LS_NLRI_|LsAddrPrefix|"NLRI \{', read_bgp_ls),
    Format("NetBox export", _CABLES, read_netbox),
    Format("node-link JSON", r'(?s)\A\s*\{.*"nodes"\s*:\s*\[', read_node_link),
    Format("GraphML", r"<graphml[\s>]", read_graphml),
    Format("draw.io drawing", r"<mxfile[\s>]|<mxGraphModel[\s>]", read_drawio),
    Format("SNDlib XML", r"<networkStructure[\s>]", read_sndlib),
    Format("SNDlib native format", r"\A[^\n]*\?SNDlib native format", read_sndlib_native),
    Format("pyNTM model", r"(?m)^\s*INTERFACES_TABLE\b", read_pyntm),
    Format("REPETITA", r"\A\s*NODES\s+\S+\s", read_repetita),
    Format("IS-IS database", r"(?i)IS-IS .*Link[- ]State Database|Rtr \S+ ISIS Instance", read_isis_text),
    Format("OSPF database", _OSPF, read_ospf_text),
)
"""Every format but tables, in the order in which they are tried. `docs/formats.md` describes each."""


def read_records(path: str | Path, choices: Choices) -> Records:
    """Read a file of whatever format into records; it is opened once.

    Raises `InputError` when it cannot be read, `FormatError` with the place, or with what an unknown file looks like.
    """
    return records_in(read_content(path), choices)


def records_in(content: Content, choices: Choices) -> Records:
    """Read a text of whatever format into records. Raises `FormatError` as `read_records` does."""
    if not content.text.strip():
        raise content.source.error("the whole file", "a topology; there is nothing in it")
    head = content.text[:_HEAD]
    known = next((x for x in FORMATS if re.search(x.told_by, head)), None)
    if known is not None:
        return _with_encoding(known.read(content, choices), content)
    if is_topology_table(content):
        return _with_encoding(read_table(content, choices), content)
    if Path(content.path).suffix.lower() in (".xml", ".graphml"):
        parse_xml(content.path, content.data)  # says what is wrong with it as XML
    stranger = looks_like(head)
    if stranger is not None:
        wanted = f"a format that is read; it looks like {stranger.name}: {stranger.way_in}"
        raise content.source.error("the whole file", wanted)
    if Path(content.path).suffix.lower() == ".json" or head.lstrip()[:1] in ("{", "["):
        return _nearly_node_link(content, choices)
    raise content.source.error("the whole file", f"a format that is read: {_supported()}")


def _nearly_node_link(content: Content, choices: Choices) -> Records:
    """JSON that is no topology of any tool says what is missing where it has a part of one, and else what it holds."""
    tree = content.json()
    members = list(tree) if isinstance(tree, dict) else []
    if {"nodes", "links", "edges"} & set(members):
        return read_node_link(content, choices)
    held = ", ".join(repr(name[:30]) for name in members[:5]) or "no members"
    wanted = f"a format that is read: {_supported()}; this is JSON with {held}"
    raise content.source.error("the whole file", wanted)


def _supported() -> str:
    names = dict.fromkeys([*(known.name for known in FORMATS), "a table of links", "a matrix"])
    return f"{', '.join(names)} (docs/formats.md)"


def _with_encoding(records: Records, content: Content) -> Records:
    return replace(records, noted=(*content.noted, *records.noted)) if content.noted else records
