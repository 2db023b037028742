"""GML [Himsolt, 1997] as plain lists and objects: a key that stands more than once in a list is a list of its values.

networkx reads the same syntax, but takes a second edge between two nodes for an error unless the file says
`multigraph 1`, which files of other tools do not; parallel links are what operators have.
"""

import html
import re
from collections.abc import Iterator
from typing import NamedTuple

from pydantic import JsonValue

from .content import Content

_TOKEN = re.compile(
    r"(?P<skip>\s+|\#[^\n]*)|(?P<key>[A-Za-z_]\w*)|(?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
    r'|"(?P<text>[^"]*)"|(?P<open>\[)|(?P<close>\])'
)
_DEPTH = 64
_MOST = 2_000_000


class _Token(NamedTuple):
    kind: str
    text: str
    at: int


def parse_gml(content: Content) -> JsonValue:
    """Parse a file. Raises `FormatError` with the line when it is no GML, deeper than 64 lists, or too large."""
    open_lists: list[dict[str, list[JsonValue]]] = [{}]
    names: list[str] = []
    key: str | None = None
    for token in _tokens(content):
        if token.kind == "close" and key is None and len(open_lists) > 1:
            found = _plain(open_lists.pop())
            open_lists[-1].setdefault(names.pop(), []).append(found)
        elif token.kind == "key" and key is None:
            key = token.text
        elif token.kind == "open" and key is not None:
            if len(open_lists) > _DEPTH:
                raise content.source.error(_line(content, token.at), f"at most {_DEPTH} lists inside each other")
            open_lists.append({})
            names.append(key)
            key = None
        elif token.kind in ("number", "text", "key") and key is not None:
            value = token.text if token.kind == "key" else _value(token)
            open_lists[-1].setdefault(key, []).append(value)
            key = None
        else:
            raise content.source.error(_line(content, token.at), "a key and its value, or a list in [ and ]")
    if key is not None or len(open_lists) > 1:
        raise content.source.error(_line(content, len(content.text)), "the end of every list: the file is cut here")
    return _plain(open_lists[0])


def _tokens(content: Content) -> Iterator[_Token]:
    text, at, seen = content.text, 0, 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise content.source.error(_line(content, at), f"GML, not {text[at : at + 20]!r}")
        kind = match.lastgroup or ""
        if kind != "skip":
            seen += 1
            if seen > _MOST:
                raise content.source.error(_line(content, at), f"at most {_MOST:,} words")
            yield _Token(kind, match[kind], at)
        at = match.end()


def _value(token: _Token) -> JsonValue:
    if token.kind == "text":
        return html.unescape(token.text)
    return float(token.text) if set(token.text) & set(".eE") else int(token.text[:400])


def _plain(found: dict[str, list[JsonValue]]) -> dict[str, JsonValue]:
    return {key: values[0] if len(values) == 1 else list(values) for key, values in found.items()}


def _line(content: Content, at: int) -> str:
    return f"line {content.text.count(chr(10), 0, at) + 1}"
