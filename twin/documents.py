"""What people and their systems wrote about a network: tickets, calendar, commits, notes, and who depends on it.

Their text is untrusted; only the fields around it are values, as the system that holds them states them.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, ConfigDict, Field, TypeAdapter, ValidationError

from .errors import FormatError
from .files import parse_json, read_bytes
from .model import Frozen
from .untrusted import PersonText

DocumentKind = Literal["ticket", "calendar", "commit", "note", "importance"]
MOST = 500
_MOST_BYTES = 4_000_000


class Document(Frozen):
    """One thing that was written. `element` is what the system that holds it files it under, empty for the network."""

    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$")
    kind: DocumentKind
    element: str = Field(default="", max_length=300, description="Element id, or demand/A->B; empty: the network.")
    time: AwareDatetime | None = Field(default=None, description="When it was written; of a calendar entry, its start.")
    until: AwareDatetime | None = Field(default=None, description="When it ends.")
    author: str = Field(default="", max_length=80)
    text: PersonText = Field(min_length=1, max_length=8_000, description="A commit's text is its difference.")


_LIST: TypeAdapter[tuple[Document, ...]] = TypeAdapter(tuple[Document, ...], config=ConfigDict(defer_build=True))


def read_documents(paths: Sequence[Path]) -> tuple[Document, ...]:
    """Read documents from JSON files, each a list of objects with the fields of `Document`.

    Raises `FormatError` that names the file and the field, also for an id that comes twice.
    """
    found: list[Document] = []
    for path in paths:
        try:
            found += _LIST.validate_python(parse_json(read_bytes(path, most=_MOST_BYTES).decode("utf-8")))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(x) for x in first["loc"])
            raise FormatError(str(path), where, first["msg"]) from error
        except (UnicodeDecodeError, json.JSONDecodeError, ValueError) as error:
            raise FormatError(str(path), "", "a list in JSON") from error
    ids = [x.id for x in found]
    if len(found) > MOST:
        raise FormatError(str(paths[0]), "", f"at most {MOST} documents")
    twice = next((x for x in ids if ids.count(x) > 1), None)
    if twice is not None:
        raise FormatError(str(paths[0]), "id", f"each id once, got {twice} again")
    return tuple(found)
