"""XML as plain elements that know their line, read with expat and without document types: no entity can be defined."""

from collections.abc import Iterator
from typing import NamedTuple
from xml.parsers import expat

from twin.errors import FormatError

_DEPTH = 64
_ELEMENTS = 2_000_000


class Element(NamedTuple):
    """One element, its tag without namespace. `children` and `text` are complete once the file is read."""

    tag: str
    attributes: dict[str, str]
    line: int
    children: list["Element"]
    pieces: list[str]

    @property
    def text(self) -> str:
        """Own text, without surrounding white space."""
        return "".join(self.pieces).strip()

    def all(self, tag: str) -> Iterator["Element"]:
        """Every child of this tag, in order."""
        return (child for child in self.children if child.tag == tag)

    def first(self, tag: str) -> "Element | None":
        """First child of this tag, if any."""
        return next(self.all(tag), None)


def parse_xml(path: str, data: bytes | str) -> Element:
    """Parse what a file holds and return its root.

    Raises `FormatError` naming the line when it is not XML, nests deeper than 64 elements, has more than two million,
    or has a document type: without one nothing can be expanded or fetched.
    """
    parser = expat.ParserCreate()
    tree = _Tree(path, parser)
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = tree.start, tree.end
    parser.CharacterDataHandler = tree.characters
    parser.StartDoctypeDeclHandler = tree.doctype
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, LookupError, ValueError) as error:
        reason = expat.ErrorString(error.code) if isinstance(error, expat.ExpatError) else str(error)
        raise FormatError(path, f"line {parser.CurrentLineNumber}", f"well-formed XML; {reason}") from error
    return tree.root


class _Tree:
    """Builds the elements as expat calls."""

    def __init__(self, path: str, parser: expat.XMLParserType) -> None:
        self._path, self._parser = path, parser
        self._open, self._seen = [Element("", {}, 0, [], [])], 0

    @property
    def root(self) -> Element:
        return self._open[0].children[0]

    def start(self, name: str, attributes: dict[str, str]) -> None:
        line = self._parser.CurrentLineNumber
        if len(self._open) > _DEPTH:
            raise FormatError(self._path, f"line {line}", f"at most {_DEPTH} elements inside each other")
        self._seen += 1
        if self._seen > _ELEMENTS:
            raise FormatError(self._path, f"line {line}", f"at most {_ELEMENTS:,} elements")
        element = Element(name.rsplit(":", 1)[-1], attributes, line, [], [])
        self._open[-1].children.append(element)
        self._open.append(element)

    def end(self, _name: str) -> None:
        self._open.pop()

    def characters(self, text: str) -> None:
        self._open[-1].pieces.append(text)

    def doctype(self, _name: str, _system: str | None, _public: str | None, _internal: int) -> None:
        raise FormatError(self._path, f"line {self._parser.CurrentLineNumber}", "no document type (<!DOCTYPE …>)")
