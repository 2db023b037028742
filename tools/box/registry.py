"""How a plain function becomes a tool: bound once, and the same from a test, the command line or a model.

A tool takes the `RunState` first, which no model ever sees, then arguments with descriptions, and returns a frozen
model. Everything else happens here: rights, validation, deadline, result size, tracing and the audit trail.
"""

import asyncio
import inspect
import json
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, NamedTuple, Protocol, TypeVar, cast

from opentelemetry.trace import Tracer
from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError, create_model

from twin.errors import CallCancelledError, DeadlineError, InputError, RefusedError, RightsError, TwinError
from twin.model import Frozen
from twin.untrusted import legible, swept

from .beside import Beside
from .handover import Role
from .long_results import SHORT, LongResults, shorten
from .provenance import labelled
from .repeats import Repeats
from .run_state import RunState
from .tracing import RESULT_SIZE, RESULT_TRUNCATED, failed, told, tool_span

Schema = dict[str, JsonValue]

MAX_RESULT = 8_000  # characters, about 2,000 tokens
MAX_ARGUMENT = 12_000  # characters of one string
DEADLINE = 30.0  # seconds

_T = TypeVar("_T")


class Arguments(BaseModel):
    """Base of every tool's arguments: unknown ones are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True)
class Tool:
    """A bound function: what a model reads about it, and how to call it."""

    name: str
    description: str
    arguments: type[Arguments]
    function: Callable[..., Frozen]
    deadline: float
    leaves: frozenset[str]

    @cached_property
    def schema(self) -> Schema:
        """JSON schema of the arguments, without references."""
        schema = cast(Schema, self.arguments.model_json_schema())
        plain = _without_references(schema, cast(Schema, schema.get("$defs", {})))
        return cast(Schema, plain)

    @property
    def requires(self) -> bool:
        """Whether it cannot be called without arguments."""
        return any(x.is_required() for x in self.arguments.model_fields.values())


class ToolAnswer(NamedTuple):
    """What a call gave: JSON for the model and the value itself for code."""

    ok: bool
    content: str
    error: str | None = None
    truncated: bool = False
    value: Frozen | None = None
    seconds: float = 0.0
    repeated: bool = False


class AnswersBefore(Protocol):
    """What calls gave when a run that is taken up again was there the first time."""

    def recorded(self, role: Role, tool: str, call_id: str) -> ToolAnswer | None:
        """Return what the call that is made now gave then, None when it is new."""
        ...

    def differed(self, tool: str) -> None:
        """Take note that a call gives something else now."""
        ...


class Audit(Protocol):
    """Told before a call runs, and again with its answer before anyone else sees it."""

    def called(self, role: Role, tool: str, call_id: str, arguments: JsonValue) -> None:
        """Take note of a call that is about to run."""
        ...

    def returned(self, role: Role, tool: str, call_id: str, answer: ToolAnswer) -> None:
        """Take note of what it answered."""
        ...


def bind(function: Callable[..., Frozen], *, deadline: float = DEADLINE, leaves: Collection[str] = ()) -> Tool:
    """Make a tool of a function: its name, its docstring and its annotations are all there is to say about it.

    `leaves` are fields of the run's state that it replaces and does not look at: those do not make another call of it.
    """
    first, *parameters = inspect.signature(function, eval_str=True).parameters.values()
    if first.annotation is not RunState:
        raise TypeError(f"{function.__name__}: the first argument of a tool is the RunState")
    fields: dict[str, Any] = {
        x.name: (x.annotation, ... if x.default is inspect.Parameter.empty else x.default) for x in parameters
    }
    arguments = create_model(f"{function.__name__}_arguments", __base__=Arguments, **fields)
    return Tool(
        function.__name__, " ".join((function.__doc__ or "").split()), arguments, function, deadline, frozenset(leaves)
    )


class Toolbox:
    """The tools of one run, with who may call what.

    Calls run one at a time, each in a thread of its own. One that passes its deadline goes on, and answers the same
    call if that comes next; any other ends it, as does a caller who gives up. It can do no harm until then, since
    tools only read and simulate, and none touches the network. A call that a role repeats while nothing has changed is
    answered as before, and so is one that `past` knows.
    """

    def __init__(
        self,
        run_state: RunState,
        tools: tuple[Tool, ...],
        rights: Mapping[Role, frozenset[str]],
        *,
        audit: Audit | None = None,
        past: AnswersBefore | None = None,
    ) -> None:
        self.tools = {tool.name: tool for tool in tools}
        self._run_state, self._rights, self._audit, self._past = run_state, rights, audit, past
        self._one_at_a_time = asyncio.Lock()
        self._repeats, self._beside = Repeats[ToolAnswer](), Beside(run_state)

    async def call(self, role: Role, tool: str, arguments: JsonValue, *, call_id: str = "") -> ToolAnswer:
        """Call a tool for a role.

        What a model can repair (`InputError`, `RefusedError`, wrong arguments, a deadline) is an answer that is not ok.
        Every other error is raised: it ends the run.
        """
        if self._audit is not None:
            self._audit.called(role, tool, call_id, arguments)
        started = time.monotonic()
        known = self.tools.get(tool)
        with tool_span(self._tracer, tool, call_id=call_id, description=known.description if known else "") as span:
            try:
                answer = await self._once(role, tool, arguments, call_id)
            except asyncio.CancelledError:
                self._returned(role, tool, call_id, refusal(CallCancelledError("the run was cancelled")))
                raise
            except Exception as error:
                self._returned(role, tool, call_id, crash(error))
                raise
            answer = answer._replace(seconds=time.monotonic() - started)
            span.set_attributes({RESULT_SIZE: len(answer.content), RESULT_TRUNCATED: answer.truncated})
            if answer.error is not None:
                failed(span, answer.error, answer.error)  # what it says is content
            told(span, given=lambda: json.dumps(arguments, ensure_ascii=False), gave=lambda: answer.content)
        self._returned(role, tool, call_id, answer)
        return answer

    @property
    def _tracer(self) -> Tracer:
        return self._run_state.tracer

    async def _once(self, role: Role, name: str, arguments: JsonValue, call_id: str) -> ToolAnswer:
        """Answer as the past did, but compute again what the tool leaves in the run's state."""
        then = self._past.recorded(role, name, call_id) if self._past else None
        if then is not None and then.error == DeadlineError("").code:
            return then
        now = await self._answer(role, name, arguments)
        if then is None or self._past is None:
            return now
        if then.content != now.content:
            self._past.differed(name)
        return then._replace(value=now.value)

    async def _answer(self, role: Role, name: str, arguments: JsonValue) -> ToolAnswer:
        call = (role, name, json.dumps(arguments, sort_keys=True))
        async with self._one_at_a_time:
            if (before := self._repeats.find(call, self._run_state)) is not None:
                return before._replace(repeated=True, content=_warned(before.content))
            answer = await self._computed(role, name, arguments)
            if answer.error != DeadlineError("").code:
                self._repeats.keep(call, self._run_state, answer)
            return answer

    async def _computed(self, role: Role, name: str, arguments: JsonValue) -> ToolAnswer:
        try:
            tool = self._allowed(role, name)
            checked = tool.arguments.model_validate(_legible(arguments))
            given = {field: getattr(checked, field) for field in tool.arguments.model_fields}
            call = name, json.dumps(arguments, sort_keys=True)
            work = partial(tool.function, self._run_state, **given)
            value = await self._beside.within(tool.deadline, call, tool.leaves, work)
        except ValidationError as error:
            return refusal(InputError(_problems(error), fix="call it again with arguments that follow its schema"))
        except (InputError, RefusedError, DeadlineError) as error:
            return refusal(error)
        return _capped(value, self._run_state.results)

    def give_up(self) -> None:
        """End what goes on of calls whose deadline has passed."""
        self._beside.give_up()

    def _allowed(self, role: Role, name: str) -> Tool:
        allowed = self._rights[role]
        if name not in allowed:
            what = "may not call" if name in self.tools else "knows no tool"
            raise RightsError(f"{role} {what} {name}", fix=f"call one of {', '.join(sorted(allowed))}")
        return self.tools[name]

    def _returned(self, role: Role, tool: str, call_id: str, answer: ToolAnswer) -> None:
        if self._audit is not None:
            self._audit.returned(role, tool, call_id, answer)


def refusal(error: TwinError) -> ToolAnswer:
    """Word an error for a model: what is wrong and what to do next."""
    said = swept({"error": error.code, "message": str(error), "fix": error.fix}, MAX_RESULT // 3)
    content = json.dumps(said, ensure_ascii=False)
    return ToolAnswer(ok=False, content=content[:MAX_RESULT], error=error.code)


def crash(error: Exception) -> ToolAnswer:
    """Word an error that ends the run; a model has no use for its text."""
    code = error.code if isinstance(error, TwinError) else type(error).__name__
    return ToolAnswer(ok=False, content=json.dumps({"error": code, "message": "the tool failed"}), error=code)


_AGAIN = "this call was made before, and nothing has changed since; go on, or conclude: repeats end the turn"


def _warned(content: str) -> str:
    """Say in a repeated answer that it is one, before repeats end anything."""
    return (
        content.replace("{", '{"warning":' + json.dumps(_AGAIN) + ",", 1) if content[:2] not in ("", "{}") else content
    )


def _capped(value: Frozen, shelf: LongResults) -> ToolAnswer:
    content = labelled(value, MAX_RESULT)
    if len(content) > SHORT:
        shelf.put(content)
    if len(content) <= MAX_RESULT:
        return ToolAnswer(ok=True, content=content, value=value)
    shorter = shorten(content, MAX_RESULT)
    if len(shorter) <= MAX_RESULT:
        return ToolAnswer(ok=True, content=shorter, truncated=True, value=value)
    excerpt = {"truncated": True, "characters": len(content), "excerpt": content[: MAX_RESULT // 2]}
    return ToolAnswer(ok=True, content=json.dumps(excerpt, ensure_ascii=False), truncated=True, value=value)


def _legible(arguments: JsonValue) -> JsonValue:
    """Take what shows nothing or redirects text out of every argument; it would come back in prompts and reports."""
    match arguments:
        case str():
            return legible(arguments, limit=MAX_ARGUMENT)
        case list():
            return [_legible(item) for item in arguments]
        case dict():
            return {key: _legible(item) for key, item in arguments.items()}
        case _:
            return arguments


def _problems(error: ValidationError) -> str:
    found = error.errors(include_url=False, include_context=False, include_input=False)[:5]
    return "; ".join(
        f"{'.'.join(str(x) for x in problem['loc']) or 'arguments'}: {problem['msg']}" for problem in found
    )


def _without_references(schema: JsonValue, definitions: Schema) -> JsonValue:
    if isinstance(schema, list):
        return [_without_references(x, definitions) for x in schema]
    if not isinstance(schema, dict):
        return schema
    if isinstance(name := schema.get("$ref"), str):
        rest = {key: value for key, value in schema.items() if key != "$ref"}
        target = cast(Schema, definitions[name.removeprefix("#/$defs/")])
        return _without_references({**target, **rest}, definitions)
    dropped = [key for key, kind in _UNSAID.items() if isinstance(schema.get(key), kind)]
    return {key: _without_references(value, definitions) for key, value in schema.items() if key not in dropped}


_UNSAID: Mapping[str, type | tuple[type, ...]] = {
    "$defs": dict,
    "discriminator": dict,
    "title": str,
    "maxLength": int,
    "minLength": int,
    "default": (str, int, float, list, type(None)),
    "additionalProperties": bool,
}
"""What a schema says that a model need not read in every request: the call is held to it all the same."""
