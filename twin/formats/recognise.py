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


class _Format(NamedTuple):
    """A format that is read: how its text is told, and its reader."""

    told_by: str
    read: _Reader


_FORMATS = (
    _Format(r'"ietf-network|"networks"\s*:\s*\{|\A\s*\{\s*"network"\s*:\s*\[', read_ietf),
    _Format(r"<[^>]*urn:ietf:params:xml:ns:yang:ietf-network", read_ietf),
    *(_Format(layout.told_by, layout.read) for layout in LAYOUTS),
    _Format(r'"(?:router|network)LinkStates"', read_ospf_json),
    _Format(r'"LS_NLRI_|LsAddrPrefix|"NLRI \{', read_bgp_ls),
    _Format(r'"(?:[ab]_terminations|termination_[ab]|connected_endpoints)"\s*:|"model"\s*:\s*"dcim\.', read_netbox),
    _Format(r'(?s)\A\s*\{.*"nodes"\s*:\s*\[', read_node_link),
    _Format(r"<graphml[\s>]", read_graphml),
    _Format(r"<mxfile[\s>]|<mxGraphModel[\s>]", read_drawio),
    _Format(r"<networkStructure[\s>]", read_sndlib),
    _Format(r"\A[^\n]*\?SNDlib native format", read_sndlib_native),
    _Format(r"(?m)^\s*INTERFACES_TABLE\b", read_pyntm),
    _Format(r"\A\s*NODES\s+\S+\s", read_repetita),
    _Format(r"(?i)IS-IS .*Link[- ]State Database|Rtr \S+ ISIS Instance", read_isis_text),
    _Format(
        r"OSPF Router with ID|OSPF (?:link state )?database, Area|LS Type: (?:Router|Network|router-LSA)",
        read_ospf_text,
    ),
)


def read_records(path: str | Path, choices: Choices) -> Records:
    """Read a file of whatever format into records; it is opened once.

    Raises `InputError` when it cannot be read, `FormatError` with the place, or with what an unknown file looks like.
    """
    content = read_content(path)
    head = content.text[:_HEAD]
    suffix = Path(content.path).suffix.lower()
    known = next((x for x in _FORMATS if re.search(x.told_by, head)), None)
    if known is not None:
        return _with_encoding(known.read(content, choices), content)
    if suffix in (".xml", ".graphml"):
        parse_xml(content.path, content.data)  # says what is wrong with it as XML
    if is_topology_table(content):
        return _with_encoding(read_table(content, choices), content)
    stranger = looks_like(head)
    if stranger is not None:
        wanted = f"a format that is read; it looks like {stranger.name}: {stranger.way_in}"
        raise content.source.error("the whole file", wanted)
    if suffix == ".json":
        return read_node_link(content, choices)  # says what is missing of it
    kinds = "node-link JSON, RFC 8345 JSON, GraphML, SNDlib, REPETITA, or the IS-IS or OSPF database of a router"
    raise content.source.error("the whole file", f"a format that is read: {kinds}")


def _with_encoding(records: Records, content: Content) -> Records:
    return replace(records, noted=(*content.noted, *records.noted)) if content.noted else records
