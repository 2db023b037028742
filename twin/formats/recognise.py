"""Which format a file is in, told by its content, and which reader reads it.

A file that no reader reads is answered with what it looks like, and with the nearest way in.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from twin.files import read_text

from .build import Choices
from .graphml import read_graphml
from .ietf_reader import read_ietf
from .lsdb.isis_text import read_isis_text
from .lsdb.ospf_json import read_ospf_json
from .lsdb.ospf_text import read_ospf_text
from .markup import read_xml
from .nodelink import read_node_link
from .records import Records
from .repetita import read_repetita
from .sndlib import read_sndlib
from .source import Source
from .strangers import looks_like

SUFFIXES = (".json", ".xml", ".graphml", ".graph", ".txt", ".log")
"""Suffixes that a network's file usually has; a file may have any other."""

_HEAD = 200_000  # characters of a file that are looked at


_Reader = Callable[[str, str, Choices], Records]


class _Format(NamedTuple):
    """A format that is read: how its text is told, and its reader."""

    told_by: str
    read: _Reader


def _alone(read: Callable[[str], Records]) -> _Reader:
    """A reader of a format whose files hold one network and need nothing but their path."""
    return lambda path, _text, _choices: read(path)


def _ietf(path: str, _text: str, choices: Choices) -> Records:
    return read_ietf(path, network_id=choices.network_id)


def _database(read: Callable[[str, str, str | None], Records]) -> _Reader:
    """A reader of link-state databases, of which a text may hold several."""
    return lambda path, text, choices: read(path, text, choices.network_id)


_FORMATS = (
    _Format(r'"ietf-network|"networks"\s*:\s*\{|\A\s*\{\s*"network"\s*:\s*\[', _ietf),
    _Format(r'"(?:router|network)LinkStates"', _database(read_ospf_json)),
    _Format(r'(?s)\A\s*\{.*"nodes"\s*:\s*\[', _alone(read_node_link)),
    _Format(r"<graphml[\s>]", _alone(read_graphml)),
    _Format(r"<networkStructure[\s>]", _alone(read_sndlib)),
    _Format(r"\A\s*NODES\s+\S+\s", _alone(read_repetita)),
    _Format(r"(?i)IS-IS .*Link[- ]State Database|Rtr \S+ ISIS Instance", _database(read_isis_text)),
    _Format(
        r"OSPF Router with ID|OSPF (?:link state )?database, Area|LS Type: (?:Router|Network|router-LSA)",
        _database(read_ospf_text),
    ),
)


def read_records(path: str | Path, choices: Choices) -> Records:
    """Read a file of whatever format into records.

    Raises `InputError` when it cannot be read, `FormatError` with the place, or with what an unknown file looks like.
    """
    file = str(path)
    text = read_text(path)
    head = text[:_HEAD]
    for known in _FORMATS:
        if re.search(known.told_by, head):
            return known.read(file, text, choices)
    if Path(file).suffix.lower() in (".xml", ".graphml"):
        read_xml(file)  # says what is wrong with it as XML
    stranger = looks_like(head)
    if stranger is not None:
        wanted = f"a format that is read; it looks like {stranger.name}: {stranger.way_in}"
        raise Source(file).error("the whole file", wanted)
    if Path(file).suffix.lower() == ".json":
        return read_node_link(file)  # says what is missing of it
    kinds = "node-link JSON, RFC 8345 JSON, GraphML, SNDlib, REPETITA, or the IS-IS or OSPF database of a router"
    raise Source(file).error("the whole file", f"a format that is read: {kinds}")
