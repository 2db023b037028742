"""A piece of XML with two blanks, `{interface}` and `{value}`: it sets a metric, asks for it, finds it in answers.

Every vendor keeps the metric of an interface at another place. The piece says where; elements with a text, such as the
interface's name, are keys (RFC 6241, section 6.2.5), the one that holds `{value}` is what is set.
"""

from typing import NamedTuple
from xml.sax.saxutils import escape

from twin.errors import FormatError, InputError
from twin.formats.markup import Element, parse_xml

INTERFACE, VALUE = "{interface}", "{value}"


class XmlPath(NamedTuple):
    """A piece of XML with its blanks."""

    text: str

    def setting(self, interface: str, value: int) -> str:
        """The piece that sets a value."""
        return self._filled(interface).replace(VALUE, str(value))

    def question(self, interface: str) -> str:
        """The piece as a subtree filter: keys are matched, the empty element is asked for."""
        return self._filled(interface).replace(VALUE, "")

    def find(self, answer: bytes | str, interface: str) -> str | None:
        """Find the value in what a server answers; None where it holds none. Raises `InputError` on what is no XML."""
        if not (answer if isinstance(answer, str) else answer.decode(errors="replace")).strip():
            return None
        wanted = parse_xml("the metric's XML", self._filled(interface))
        return next((x for x in (_below(wanted, y) for y in _all(parse_xml("the answer", answer))) if x), None)

    def _filled(self, interface: str) -> str:
        return self.text.replace(INTERFACE, escape(interface))


def xml_path(text: str, where: str) -> XmlPath:
    """Check a piece of XML. Raises `FormatError` where it is none, or has not each blank once as a whole text."""
    path = XmlPath(text.strip())
    texts = [x.text for x in _all(parse_xml(where, path.text))]
    if texts.count(INTERFACE) != 1 or texts.count(VALUE) != 1:
        expected = f"XML in which one element holds {INTERFACE} and one {VALUE}"
        raise FormatError(where, "the whole file", expected)
    return path


def _all(element: Element) -> list[Element]:
    return [element, *(below for child in element.children for below in _all(child))]


def _below(wanted: Element, found: Element) -> str | None:
    """The value below an element of an answer, where it is the wanted one and its keys are the wanted ones."""
    if wanted.tag != found.tag:
        return None
    keys = [x for x in wanted.children if not x.children and x.text != VALUE]
    if any(all(y.text != key.text for y in found.all(key.tag)) for key in keys):
        return None
    for part in wanted.children:
        for child in found.all(part.tag):
            if part.text == VALUE and not part.children:
                return child.text
            if part.children and (value := _below(part, child)) is not None:
                return value
    return None


def whole_number(text: str | None, router: str, interface: str) -> int:
    """Read a metric. Raises `InputError` where a router says something else, or nothing."""
    if text is None or not text.isascii() or not text.isdigit() or len(text) > 10:
        said = "no metric" if text is None else f"{text[:20]!r}"
        raise InputError(
            f"{router} says {said} of {interface}", fix="correct the metric's XML, or the interface's name"
        )
    return int(text)
