"""What an answer must be before anyone acts on it: readable, whole, and a JSON object for each call's arguments."""

import json
import re
from collections.abc import Collection, Sequence
from typing import NoReturn, TypeVar, cast

from autogen_core import FunctionCall
from autogen_core.models import CreateResult
from pydantic import BaseModel, JsonValue, ValidationError

from twin.errors import InputError
from twin.files import is_deep

LONGEST = 100_000  # characters of one call's arguments
WORDS = 20_000  # characters of an answer's text, which decides nothing, and is sent back with every further request
MOST_CALLS = 32  # of one answer
SHOWN = 200
DEEPEST = 64  # lists and objects of arguments inside each other: a record of them has to be read again
UNREADABLE = "unreadable_arguments"

Result = TypeVar("Result", bound=CreateResult)

_NAME = re.compile(r"[\w.:-]{1,128}")


def read_arguments(text: str) -> dict[str, JsonValue]:
    """Read a call's arguments: one JSON object, no key twice, no NaN, plain Unicode. Raises `InputError` otherwise."""
    if len(text) > LONGEST:
        raise InputError(f"the arguments are longer than {LONGEST:,} characters", fix="write less")
    try:
        text.encode()
        value = json.loads(text or "{}", parse_constant=_refused, object_pairs_hook=_once)
        if is_deep(value, DEEPEST):
            raise RecursionError
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()  # 1e400 is read as infinite
    except (ValueError, RecursionError) as error:
        what = "nested too deeply" if isinstance(error, RecursionError) else str(error)[:SHOWN]
        raise InputError(f"the arguments are no JSON object: {what}", fix="write one JSON object") from error
    if not isinstance(value, dict):
        raise InputError(f"the arguments are {type(value).__name__}, no JSON object", fix="write one JSON object")
    return cast(dict[str, JsonValue], value)


def legible(result: Result) -> Result:
    """Return an answer that can be recorded and handed on.

    Arguments that are not one JSON object become `{"unreadable_arguments": EXCERPT}`, which every tool refuses with an
    error that the model can answer. Handed on as they are, some would run the tool with no arguments at all, and some
    (deep nesting, numbers of thousands of digits) would leave AutoGen waiting for ever.
    """
    if isinstance(result.content, str):
        return result.model_copy(update={"content": plain(result.content[:WORDS])})
    thought = plain(result.thought[:WORDS]) if result.thought is not None else None
    return result.model_copy(update={"content": [_legible(call) for call in result.content], "thought": thought})


def plain(text: str) -> str:
    """Return text that can be written as UTF-8: lone surrogates become question marks."""
    return text.encode(errors="replace").decode()


def flaw(result: CreateResult, offered: Collection[str], output: type[BaseModel] | bool | None = None) -> str:
    """Say what is wrong with an answer, empty if nothing is: what a model is told when it is asked once more."""
    if isinstance(result.content, str):
        return _flaw_of_text(result.content, output)
    if len(result.content) > MOST_CALLS:
        return f"the answer made {len(result.content)} calls, and none was made; make {MOST_CALLS} at most"
    for call in result.content:
        if call.name not in offered:
            return f"there is no tool {call.name[:SHOWN]!r}; the tools are {', '.join(sorted(offered))}"
        try:
            read_arguments(call.arguments)
        except InputError as error:
            return f"{call.name}: {error}"
    return _twice([call.id for call in result.content])


def _flaw_of_text(text: str, output: type[BaseModel] | bool | None) -> str:
    if not text.strip():
        return "the answer was empty"
    if output is None or output is False:
        return ""
    try:
        if isinstance(output, bool):
            json.loads(text)
        else:
            output.model_validate_json(text)
    except (ValueError, ValidationError, RecursionError) as error:
        return f"the answer does not follow its schema: {str(error)[:1_000]}"
    return ""


def _twice(ids: Sequence[str]) -> str:
    return "" if len(set(ids)) == len(ids) else "two calls have the same id"


def _legible(call: FunctionCall) -> FunctionCall:
    name = call.name if _NAME.fullmatch(call.name) else "unreadable"
    try:
        read_arguments(call.arguments)
        arguments = call.arguments or "{}"
    except InputError:
        arguments = json.dumps({UNREADABLE: plain(call.arguments[:SHOWN])})
    return FunctionCall(id=plain(call.id), name=name, arguments=arguments)


def _refused(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _once(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key is there twice")
    return made
