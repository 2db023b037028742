"""Where a tree of lists and objects holds a topology: one declaration a format, and one reader for all of them.

A layout says where nodes and links are listed, which value tells a node, and which values are the two ends of a link;
every other field goes into the record by the name that the file gives it, so that `vocabulary` decides what it means
and the account names what nobody understands. Parts of the file beside the topology are named too.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple

from pydantic import JsonValue

from .account import FieldUse
from .build import Choices
from .content import Content
from .records import LinkRecord, NodeRecord, Records
from .vocabulary import decides_routing

KEY = "@key"
"""As a path: the name under which an entry stands, where entries are an object rather than a list."""
_MOST_LISTED = 12

Finish = Callable[[Records, JsonValue, Choices], Records]


class Layout(NamedTuple):
    """One format. Paths go from object to object by `.`, into a list by number; several are tried in turn.

    `networks` is the list of which one has to be chosen, `network_id` how each is called. `inside` are parts of an
    entry whose fields count as its own. `lifted` gives a nested value a name of its own. `presentation` are fields that
    tell entries apart or draw them. `sections` are parts of the file that are read or say nothing of the network.
    """

    format: str
    told_by: str
    parse: Callable[[Content], JsonValue]
    nodes: tuple[str, ...]
    node_id: tuple[str, ...]
    links: tuple[str, ...]
    ends: tuple[tuple[str, str], ...]
    networks: str = ""
    network_id: str = ""
    name: str = "name"
    inside: tuple[str, ...] = ()
    lifted: Mapping[str, str] = MappingProxyType({})
    presentation: frozenset[str] = frozenset()
    sections: frozenset[str] = frozenset()
    directed: bool | None = None
    directed_by: str = ""
    units: Mapping[str, str] = MappingProxyType({})
    relative: bool = False
    finish: Finish | None = None

    def read(self, content: Content, choices: Choices) -> Records:
        """Read one file. Raises `FormatError` with the place, and lists the networks of a file that holds several."""
        tree = _chosen(self, content, self.parse(content), choices.network_id)
        nodes = list(_nodes(self, content, tree))
        links = list(_links(self, content, tree))
        known = {node.id for node in nodes}
        if not self.nodes:
            ends = (end for link in links for end in (link.source, link.target))
            nodes = [NodeRecord(end, "$", {}) for end in dict.fromkeys(ends) if end not in known]
        said = at(tree, self.directed_by) if self.directed_by else None
        name = at(tree, self.name)
        records = Records(
            content.source,
            self.format,
            str(name) if isinstance(name, str | int) and name != "" else content.stem,
            nodes=nodes,
            links=links,
            directed=self.directed if said is None else str(said).lower() in ("1", "true", "1.0"),
            relative=self.relative,
            units=self.units,
            noted=tuple(_beside(self, tree)),
        )
        return records if self.finish is None else self.finish(records, tree, choices)


def at(tree: JsonValue, path: str) -> JsonValue:
    """Return the value at a path, None where there is none. Names go with or without the module before the colon."""
    for step in path.split(".") if path else ():
        if isinstance(tree, list):
            tree = tree[int(step)] if step.isdigit() and int(step) < len(tree) else None
        elif isinstance(tree, dict):
            tree = tree[step] if step in tree else next((v for k, v in tree.items() if k.endswith(f":{step}")), None)
        else:
            return None
    return tree


def first(tree: JsonValue, paths: Sequence[str]) -> tuple[str, JsonValue]:
    """Return the first of some paths that holds anything, and what it holds; an empty path where none does."""
    return next(((path, found) for path in paths if (found := at(tree, path)) is not None), ("", None))


def noted(records: Records, *uses: FieldUse) -> Records:
    """Return the records with more to say."""
    return replace(records, noted=(*records.noted, *uses))


def _chosen(layout: Layout, content: Content, tree: JsonValue, wanted: str | None) -> JsonValue:
    if not layout.networks:
        return tree
    listed = at(tree, layout.networks)
    found = [one for one in listed if _entries(first(one, layout.nodes)[1])] if isinstance(listed, list) else []
    ids = [str(at(one, layout.network_id)) for one in found]
    chosen = [one for one, name in zip(found, ids, strict=True) if wanted is None or name == wanted]
    if len(chosen) != 1:
        known = ", ".join(ids[:_MOST_LISTED]) or "none"
        wanted_here = f"one network with nodes; it holds {known}: choose with --network-id ID"
        raise content.source.error(f"$.{layout.networks}", wanted_here)
    return chosen[0]


def _entries(found: JsonValue) -> list[tuple[str, JsonValue]]:
    """Entries of a list, of an object by their names, or the only entry where a syntax does not write a list of one."""
    if isinstance(found, dict):
        return list(found.items())
    return [(str(i), one) for i, one in enumerate(found)] if isinstance(found, list) else []


def _listed(found: JsonValue, *, one: bool) -> list[tuple[str, JsonValue]]:
    return [("0", found)] if one and isinstance(found, dict) else _entries(found)


def _nodes(layout: Layout, content: Content, tree: JsonValue) -> Iterator[NodeRecord]:
    where, found = first(tree, layout.nodes)
    by_key = KEY in layout.node_id
    for key, entry in _listed(found, one=not by_key):
        place = f"$.{where}[{key}]"
        values = [key if path == KEY else at(entry, path) for path in layout.node_id]
        name = next((x for x in values if isinstance(x, str | int | float) and x != ""), None)
        if name is None:
            raise content.source.error(place, f"the id of a node, {' or '.join(layout.node_id)}")
        yield NodeRecord(_text(name), place, _fields(layout, entry, {x for x in layout.node_id if x != KEY}))


def _links(layout: Layout, content: Content, tree: JsonValue) -> Iterator[LinkRecord]:
    where, found = first(tree, layout.links)
    for key, entry in _listed(found, one=True):
        place = f"$.{where}[{key}]" if where else f"$[{key}]"
        pairs = ((at(entry, a), at(entry, b)) for a, b in layout.ends)
        ends = next(((a, b) for a, b in pairs if _is_id(a) and _is_id(b)), None)
        if ends is None:
            either = " or ".join(f"{a} and {b}" for a, b in layout.ends)
            raise content.source.error(place, f"the two ends of a link, {either}")
        used = {path for pair in layout.ends for path in pair}
        yield LinkRecord(_text(ends[0]), _text(ends[1]), place, _fields(layout, entry, used))


def _is_id(value: JsonValue) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool) and value != ""


def _text(value: JsonValue) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _fields(layout: Layout, entry: JsonValue, used: set[str]) -> dict[str, JsonValue]:
    """Every field of an entry by its own name, with those of its inner parts, but for what tells it from others."""
    tops = {path.split(".")[0] for path in used}
    fields: dict[str, JsonValue] = {}
    for part in ("", *layout.inside):
        inner = at(entry, part)
        for name, value in inner.items() if isinstance(inner, dict) else ():
            if part == "" and (name in tops or name.rpartition(":")[2] in {x.split(".")[0] for x in layout.inside}):
                continue
            if name not in layout.presentation:
                fields.setdefault(name, value)
    for path, name in layout.lifted.items():
        value = at(entry, path)
        if value is not None:
            fields.pop(path.split(".")[0], None)
            fields.setdefault(name, value)
    return fields


def _beside(layout: Layout, tree: JsonValue) -> Iterator[FieldUse]:
    """Name what stands in the file beside nodes and links: whoever wrote it meant something by it."""
    paths = [first(tree, layout.nodes)[0], first(tree, layout.links)[0], layout.name]
    found = list(_unread_parts(tree, [path.split(".") for path in paths if path], layout, ""))
    about = [use.field.removeprefix("file ") for use in found if use.count == 1 and not use.decides_routing]
    yield from (use for use in found if use.count != 1 or use.decides_routing)
    if about:
        note = f"about the file as a whole, not read: {', '.join(about[:6])}{', …' if len(about) > 6 else ''}"
        yield FieldUse(field="file fields", became="not modelled", count=len(about), note=note)


def _unread_parts(tree: JsonValue, paths: list[list[str]], layout: Layout, where: str) -> Iterator[FieldUse]:
    if not isinstance(tree, dict):
        return
    for name, value in tree.items():
        plain = name.rpartition(":")[2]
        inner = [path[1:] for path in paths if path and path[0] in (name, plain)]
        if inner and any(inner):
            yield from _unread_parts(value, [path for path in inner if path], layout, f"{where}{plain}.")
        elif not inner and value not in (None, "", [], {}) and f"{where}{plain}" not in layout.sections:
            count = len(value) if isinstance(value, list | dict) else 1
            decides = decides_routing(plain)
            note = f"{count} stated, not read" + (": loads may run elsewhere for it" if decides else "")
            field = f"file {where}{plain}"
            yield FieldUse(field=field, became="not modelled", count=count, note=note, decides_routing=decides)
