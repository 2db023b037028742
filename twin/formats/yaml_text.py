"""YAML as plain lists and objects of texts: nothing is constructed, and nothing is guessed from a spelling.

Every scalar stays text (`no` is a country, `1:30` a port), what is parsed is neither deeper nor larger than a topology,
and an alias counts as often as it is used, so that a few lines cannot stand for millions.
"""

import yaml
from pydantic import JsonValue

from twin.errors import FormatError

from .content import Content

_DEPTH = 64
_MOST = 500_000
_MERGE = "<<"


def parse_yaml(content: Content) -> JsonValue:
    """Parse one YAML document. Raises `FormatError` with the line when it is none, too deep, or too large."""
    _require_shallow(content)
    try:
        root = yaml.compose(content.text, Loader=_LOADER)
    except yaml.YAMLError as error:
        raise _broken(content, error) from error
    return None if root is None else _Tree(content).plain(root, 0)


_LOADER = yaml.CBaseLoader if yaml.__with_libyaml__ else yaml.BaseLoader


def _require_shallow(content: Content) -> None:
    """Count before anything is composed: composing calls itself as deep as the text nests."""
    depth = 0
    try:
        for seen, event in enumerate(yaml.parse(content.text, Loader=_LOADER)):
            opens, closes = (isinstance(event, x) for x in (yaml.CollectionStartEvent, yaml.CollectionEndEvent))
            depth += opens - closes
            if depth > _DEPTH or seen > _MOST:
                wanted = f"at most {_DEPTH} lists and objects inside each other, and {_MOST:,} entries"
                raise content.source.error("the whole file", wanted)
    except yaml.YAMLError as error:
        raise _broken(content, error) from error


def _broken(content: Content, error: yaml.YAMLError) -> FormatError:
    mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
    where = f"line {mark.line + 1}" if mark is not None else "the whole file"
    problem = error.problem if isinstance(error, yaml.MarkedYAMLError) and error.problem else str(error)
    return content.source.error(where, f"YAML; {' '.join(problem.split())[:120]}")


class _Tree:
    """Turns composed nodes into plain values, counting each one as often as it is reached."""

    def __init__(self, content: Content) -> None:
        self._content, self._seen = content, 0

    def plain(self, node: yaml.Node, depth: int) -> JsonValue:
        self._seen += 1
        if depth > _DEPTH or self._seen > _MOST:
            line = node.start_mark.line + 1
            raise self._content.source.error(f"line {line}", f"at most {_MOST:,} entries, aliases written out")
        match node:
            case yaml.ScalarNode():
                return self._scalar(node)
            case yaml.SequenceNode():
                return [self.plain(item, depth + 1) for item in node.value]
            case yaml.MappingNode():
                return self._mapping(node, depth)
            case _:
                raise self._content.source.error("the whole file", "YAML of scalars, lists and objects")

    @staticmethod
    def _scalar(node: yaml.ScalarNode) -> JsonValue:
        text = str(node.value)
        return None if node.style is None and text in ("", "~", "null", "Null", "NULL") else text

    def _mapping(self, node: yaml.MappingNode, depth: int) -> JsonValue:
        found: dict[str, JsonValue] = {}
        merged: dict[str, JsonValue] = {}
        for key, value in node.value:
            name = self._key(key)
            inner = self.plain(value, depth + 1)
            if name == _MERGE:
                for part in inner if isinstance(inner, list) else [inner]:
                    merged = {**(part if isinstance(part, dict) else {}), **merged}
                continue
            if name in found:
                raise self._content.source.error(f"line {key.start_mark.line + 1}", f"{name[:40]!r} only once here")
            found[name] = inner
        return {**merged, **found}

    def _key(self, node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode):
            raise self._content.source.error(f"line {node.start_mark.line + 1}", "a name before the colon")
        return str(node.value)
