"""A file that is opened once: its bytes, and its text for whoever reads text."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from pydantic import JsonValue

from twin.errors import FormatError
from twin.files import parse_json, read_bytes

from .account import FieldUse
from .source import Source

_SHOWN = 200
_PACKED: Mapping[bytes, str] = MappingProxyType(
    {
        b"PK\x03\x04": "an archive or a document of an office (zip, xlsx, vsdx): unpack it, or save the sheet as CSV",
        b"\x1f\x8b": "a file packed with gzip: unpack it",
        b"BZh": "a file packed with bzip2: unpack it",
        b"\xfd7zXZ": "a file packed with xz: unpack it",
        b"%PDF": "a PDF: ask for the table or the drawing that it was made from",
        b"\x89PNG": "a picture: ask for the drawing that it was made from",
        b"\xff\xd8\xff": "a picture: ask for the drawing that it was made from",
        b"PAR1": "a Parquet file: it holds measurements, give them with --traffic or to `twinops quality`",
        b"\xd4\xc3\xb2\xa1": "captured packets: export flows from them, as CSV",
        b"\x0a\x0d\x0d\x0a": "captured packets: export flows from them, as CSV",
    }
)


class Content(NamedTuple):
    """What a file holds. `data` is for syntaxes that state their own encoding, as XML does; `text` is for the rest."""

    source: Source
    data: bytes
    text: str
    encoding: str = "UTF-8"

    @property
    def path(self) -> str:
        """The path of the file, for its errors."""
        return self.source.path

    @property
    def stem(self) -> str:
        """The file's name without suffix: what a network is called that has no name."""
        return Path(self.path).stem

    @property
    def noted(self) -> tuple[FieldUse, ...]:
        """What the encoding leaves open: text that is no Unicode says nothing of the code page it is written in."""
        if self.encoding.startswith("UTF"):
            return ()
        note = f"{self.encoding}, as it is no UTF-8: look at names with other letters than a to z"
        return (FieldUse(field="encoding", became="assumed", count=1, note=note),)

    def json(self) -> JsonValue:
        """Parse the text as JSON. Raises `FormatError` when it is none."""
        try:
            return parse_json(self.text)
        except ValueError as error:
            raise FormatError(self.path, "the whole file", f"valid JSON; {str(error)[:_SHOWN]}") from error


def read_content(path: str | Path) -> Content:
    """Open a file and decode it: UTF-8, UTF-16 with its mark, or else the code page of Windows for tables and pastes.

    Raises `InputError` when it cannot be read, and `FormatError` when it is no text.
    """
    return decoded(str(path), read_bytes(path))


def decoded(name: str, data: bytes) -> Content:
    """Decode what a file, or a router by that name, holds. Raises `FormatError` when it is no text."""
    source = Source(name)
    packed = next((what for start, what in _PACKED.items() if data.startswith(start)), None)
    if packed is not None:
        raise source.error("the whole file", f"text, not {packed}")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        try:
            return Content(source, data, data.decode("utf-16"), "UTF-16")
        except UnicodeDecodeError as error:
            raise source.error("the whole file", "UTF-16 text, as its first bytes say") from error
    try:
        return Content(source, data, data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        start = data.lstrip()[:1]
        if start == b"<":  # XML says its own encoding; what is looked at here are tags, which are ASCII
            return Content(source, data, data.decode("latin-1"))
        if start in (b"{", b"[") or b"\x00" in data:
            line = data.count(b"\n", 0, error.start) + 1
            raise source.error(f"line {line}", "UTF-8 text") from error
    return Content(source, data, data.decode("cp1252", errors="replace"), "Windows-1252")
