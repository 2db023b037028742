"""An answer is handed on only when it can be read; what cannot be read never runs a tool."""

import json

import pytest
from autogen_core import FunctionCall
from autogen_core.models import CreateResult
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from agents.models.answer import LONGEST, UNREADABLE, WORDS, flaw, legible, read_arguments
from agents.models.client import NO_TOKENS
from twin.errors import InputError

UNREADABLE_TEXTS = [
    "null",
    "[]",
    "7",
    '"x"',
    "{",
    "not json",
    '{"n": NaN}',
    '{"n": Infinity}',
    '{"n": 1e400}',
    '{"n": [-1E+999]}',
    '{"n": ' + "9" * 400 + ".5}",
    '{"a": 1, "a": 2}',
    '{"a": "\\ud800"}',
    '{"a": "\ud800"}',
    "[" * 20_000,
    '{"a":' * 20_000,
    '{"n": ' + "9" * 5_000 + "}",
    '{"a": "' + "x" * LONGEST + '"}',
]


def calling(arguments: str, *, name: str = "decide") -> CreateResult:
    call = FunctionCall(id="1", name=name, arguments=arguments)
    return CreateResult(finish_reason="function_calls", content=[call], usage=NO_TOKENS, cached=False)


def saying(text: str) -> CreateResult:
    return CreateResult(finish_reason="stop", content=text, usage=NO_TOKENS, cached=False)


@pytest.mark.parametrize("text", UNREADABLE_TEXTS, ids=range(len(UNREADABLE_TEXTS)))
def test_arguments_that_are_no_json_object_are_refused_and_shown_to_the_tool_as_such(text: str):
    with pytest.raises(InputError):
        read_arguments(text)
    (call,) = legible(calling(text)).content
    assert isinstance(call, FunctionCall)
    assert list(json.loads(call.arguments)) == [UNREADABLE]
    assert flaw(calling(text), ["decide"])


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.booleans() | st.none()))
def test_arguments_that_are_a_json_object_stay_as_they_are(value: dict[str, object]):
    text = json.dumps(value)
    assert legible(calling(text)) == calling(text)
    assert flaw(calling(text), ["decide"]) == ""


@given(st.text(alphabet=st.characters()), st.text(max_size=40))
def test_whatever_a_model_writes_can_be_recorded(arguments: str, name: str):
    legible(calling(arguments, name=name)).model_dump_json().encode()
    legible(saying(arguments)).model_dump_json().encode()


def test_words_are_cut_and_too_many_calls_are_none():
    assert len(legible(saying("so " * 100_000)).content) == WORDS
    one = calling("{}").content
    many = CreateResult(finish_reason="function_calls", content=[*one] * 33, usage=NO_TOKENS, cached=False)
    assert flaw(many, ["decide"]).startswith("the answer made 33 calls")
    assert "same id" in flaw(many.model_copy(update={"content": [*one] * 32}), ["decide"])


class Shape(BaseModel):
    n: int


@pytest.mark.parametrize(
    ("result", "output", "words"),
    [
        (saying("  "), None, "empty"),
        (calling("{}", name="sing"), None, "no tool 'sing'"),
        (saying("{"), True, "schema"),
        (saying('{"n": "x"}'), Shape, "schema"),
        (saying('{"n": 1}'), Shape, ""),
        (saying("words"), None, ""),
        (saying("words"), False, ""),
    ],
)
def test_a_flaw_is_said_in_words(result: CreateResult, output: type[BaseModel] | bool | None, words: str):
    found = flaw(result, ["decide"], output)
    assert words in found
    assert bool(found) == bool(words)


def test_two_calls_with_the_same_id_are_a_flaw():
    call = FunctionCall(id="1", name="decide", arguments="{}")
    twice = CreateResult(finish_reason="function_calls", content=[call, call], usage=NO_TOKENS, cached=False)
    assert "same id" in flaw(twice, ["decide"])
