"""Which fields of a tool's answer hold text from outside: read from the types, so that no tool can forget to say it."""

import json
from collections.abc import Iterator
from functools import cache
from typing import cast, get_args

from pydantic import BaseModel, JsonValue

from twin.untrusted import PASSAGE, WRITTEN_BY, Origin, swept


def labelled(value: BaseModel, limit: int = PASSAGE) -> str:
    """Write a value as a model reads it: JSON whose text is legible, after a note of which of it came from outside."""
    document = swept(cast(JsonValue, value.model_dump(mode="json", exclude_none=True)), limit)
    outside = {path: who for path, who in outside_text(type(value)).items() if _is_there(document, path.split("."))}
    noted = {"untrusted": outside, **document} if outside and isinstance(document, dict) else document
    return json.dumps(noted, ensure_ascii=False, separators=(",", ":"))


def _is_there(document: JsonValue, path: list[str]) -> bool:
    """Whether a document has any text at a path; a note about text that is not there would only cost room."""
    match document:
        case list():
            return any(_is_there(item, path) for item in document)
        case dict() if path:
            return path[0] in document and _is_there(document[path[0]], path[1:])
        case _:
            return bool(document)


@cache
def outside_text(answer: type[BaseModel]) -> dict[str, str]:
    """Return the dotted paths of an answer's fields that hold text from outside, with who wrote it."""
    return {path: WRITTEN_BY[origin.source] for path, origin in _marked(answer, "", frozenset())}


def _marked(kind: object, path: str, seen: frozenset[object]) -> Iterator[tuple[str, Origin]]:
    yield from ((path, mark) for mark in getattr(kind, "__metadata__", ()) if isinstance(mark, Origin))
    for part in cast("tuple[object, ...]", get_args(kind)):
        yield from _marked(part, path, seen)
    if not isinstance(kind, type) or not issubclass(kind, BaseModel) or kind in seen:
        return
    for name, field in kind.model_fields.items():
        at = f"{path}.{name}" if path else name
        yield from ((at, mark) for mark in field.metadata if isinstance(mark, Origin))
        yield from _marked(field.annotation, at, seen | {kind})
