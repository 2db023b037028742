"""SNDlib networks in the library's native text: NODES, LINKS and DEMANDS, each a list of entries in parentheses."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from pydantic import JsonValue

from .account import FieldUse
from .build import Choices
from .content import Content
from .records import DemandRecord, LinkRecord, NodeRecord, Records
from .sndlib import both_directions

_TOKEN = re.compile(r"[()]|[^\s()]+")
_MOST = 2_000_000


class _Word(NamedTuple):
    line: int
    text: str


def read_sndlib_native(content: Content, _choices: Choices) -> Records:
    """Read a network; demands as in the XML form. Raises `FormatError` naming the line and what was expected there."""
    sections = _sections(content)
    if not sections.get("LINKS"):
        held = ", ".join(name.lower() for name, rows in sections.items() if rows) or "nothing"
        raise content.source.error("the whole file", f"LINKS ( … ); it holds {held} alone, which is no topology")
    links = [_link(content, row) for row in sections["LINKS"]]
    demands, noted = both_directions([_demand(content, row) for row in sections.get("DEMANDS", [])])
    return Records(
        content.source,
        "SNDlib native format",
        content.stem,
        nodes=[_node(content, row) for row in sections.get("NODES", [])],
        links=[link for link, _ in links],
        demands=demands,
        relative=True,
        planar=_is_planar(sections.get("NODES", [])),
        units={"capacity": "mbps"},
        noted=(*noted, *_not_read(sections, sum(modules for _, modules in links))),
    )


_Row = list[_Word]


def _sections(content: Content) -> dict[str, list[_Row]]:
    """Split into entries of each section: an entry begins with the first word after the one before is complete."""
    words = list(_words(content))
    found: dict[str, list[_Row]] = {}
    at = 0
    while at < len(words):
        title = words[at]
        if at + 1 >= len(words) or words[at + 1].text != "(":
            raise content.source.error(f"line {title.line}", "the name of a section and its entries in ( and )")
        body, at = _enclosed(content, words, at + 1)
        found.setdefault(title.text.upper(), []).extend(_rows(body))
    return found


def _words(content: Content) -> Iterator[_Word]:
    seen = 0
    for number, line in enumerate(content.text.splitlines(), start=1):
        if line.startswith("?SNDlib"):
            continue
        for match in _TOKEN.finditer(line.partition("#")[0]):
            seen += 1
            if seen > _MOST:
                raise content.source.error(f"line {number}", f"at most {_MOST:,} words")
            yield _Word(number, match[0])


def _enclosed(content: Content, words: list[_Word], start: int) -> tuple[list[_Word], int]:
    depth = 0
    for at in range(start, len(words)):
        depth += (words[at].text == "(") - (words[at].text == ")")
        if depth == 0:
            return words[start + 1 : at], at + 1
    raise content.source.error(f"line {words[start].line}", "the ) of this section: the file is cut here")


def _rows(body: list[_Word]) -> Iterator[_Row]:
    """Entries stand on lines of their own, and go on while a parenthesis is open."""
    row: _Row = []
    depth = 0
    for word in body:
        if row and depth == 0 and word.line != row[-1].line:
            yield row
            row = []
        depth += (word.text == "(") - (word.text == ")")
        row.append(word)
    if row:
        yield row


def _node(content: Content, row: _Row) -> NodeRecord:
    where = f"line {row[0].line}"
    place = [word.text for word in row[1:] if word.text not in "()"]
    if not place:
        return NodeRecord(row[0].text, where)
    if len(place) != 2:
        raise content.source.error(where, "NODE ( x y )")
    return NodeRecord(row[0].text, where, {"longitude": place[0], "latitude": place[1]})


def _is_planar(rows: list[_Row]) -> bool:
    """Whether coordinates are of a drawing: the text does not say, but no place lies beyond the poles."""
    places = [[word.text for word in row[1:] if word.text not in "()"] for row in rows]
    return any(len(place) == 2 and not _on_earth(place) for place in places)


def _on_earth(place: list[str]) -> bool:
    try:
        return abs(float(place[0])) <= 360 and abs(float(place[1])) <= 90
    except ValueError:
        return True


def _link(content: Content, row: _Row) -> tuple[LinkRecord, int]:
    """A link, and how many modules could be installed on it."""
    where, words = f"line {row[0].line}", [word.text for word in row]
    if len(words) < 9 or words[1] != "(" or words[4] != ")":
        raise content.source.error(where, "LINK ( SOURCE TARGET ) capacity cost routing-cost setup-cost ( modules )")
    _, _, source, target, _, installed, *rest = words
    if source == target:
        raise content.source.error(where, "two different ends of a link")
    capacity = content.source.number(installed, where, "the pre-installed capacity", least=0)
    modules = len([word for word in rest[3:] if word not in "()"]) // 2
    fields: dict[str, JsonValue] = {"capacity": capacity} if capacity else {}
    return LinkRecord(source, target, where, fields), modules


def _demand(content: Content, row: _Row) -> DemandRecord:
    where, words = f"line {row[0].line}", [word.text for word in row]
    if len(words) < 7 or words[1] != "(" or words[4] != ")":
        raise content.source.error(where, "DEMAND ( SOURCE TARGET ) routing-unit value longest-path")
    unit = content.source.number(words[5], where, "the routing unit", least=0)
    return DemandRecord(words[2], words[3], unit * content.source.number(words[6], where, "the demand", least=0), where)


def _not_read(sections: dict[str, list[_Row]], modules: int) -> Iterator[FieldUse]:
    if modules:
        note = f"{modules} that could be installed at a price: not read"
        yield FieldUse(field="additional modules", became="not modelled", count=modules, note=note)
    for name, rows in sections.items():
        if name not in ("NODES", "LINKS", "DEMANDS", "META") and rows:
            note = f"{len(rows)} entries of the design problem, not read"
            yield FieldUse(field=name, became="not modelled", count=len(rows), note=note)
