"""Names and spans of tracing: the one module that knows the GenAI semantic conventions (status: Development).

Spans nest as `invoke_workflow > invoke_agent > (plan >) chat / execute_tool > twin.*`. Every function takes the tracer:
the global provider is never read, so a host application's tracing and ours stay apart. Names are those of the
conventions up to 1.41, or of their first release on their own where the environment opts in: see `conventions`.
"""

import os
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import NamedTuple

from opentelemetry.context import Context, attach, detach, get_current
from opentelemetry.trace import Link, Span, SpanKind, Status, StatusCode, Tracer, get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

Value = str | int | float | bool

OPERATION = "gen_ai.operation.name"
PROVIDER = "gen_ai.provider.name"
CONVERSATION = "gen_ai.conversation.id"
WORKFLOW_NAME = "gen_ai.workflow.name"
AGENT_NAME = "gen_ai.agent.name"
REQUEST_MODEL = "gen_ai.request.model"
RESPONSE_MODEL = "gen_ai.response.model"
FINISH_REASONS = "gen_ai.response.finish_reasons"
INPUT_TOKENS = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
TOOL_NAME = "gen_ai.tool.name"
TOOL_TYPE = "gen_ai.tool.type"
TOOL_CALL_ID = "gen_ai.tool.call.id"
TOOL_DESCRIPTION = "gen_ai.tool.description"
ERROR_TYPE = "error.type"
CACHE_READ_TOKENS = "gen_ai.usage.cache_read.input_tokens"
TOKEN_TYPE = "gen_ai.token.type"  # noqa: S105 (a name, not a secret)
TOKEN_MODALITY = "gen_ai.token.modality"  # noqa: S105 (a name, not a secret)
MCP_METHOD = "mcp.method.name"
TRACEPARENT = "traceparent"
HTTP_METHOD, HTTP_ROUTE, HTTP_STATUS = "http.request.method", "http.route", "http.response.status_code"

CAPTURE_CONTENT = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
"""The standard variable that lets what was said into the trace; off unless it is true."""
MAX_CONTENT = 16_000
"""Most characters of one attribute of content."""
INPUT_MESSAGES = "gen_ai.input.messages"
OUTPUT_MESSAGES = "gen_ai.output.messages"
TOOL_ARGUMENTS = "gen_ai.tool.call.arguments"
TOOL_RESULT = "gen_ai.tool.call.result"

SPAN_KIND = "openinference.span.kind"
INPUT_VALUE = "input.value"
OUTPUT_VALUE = "output.value"
INPUT_TYPE = "input.mime_type"
OUTPUT_TYPE = "output.mime_type"
"""OpenInference: what viewers need to show a span's kind, what went in and what came out."""


class Histogram(NamedTuple):
    """A metric of the convention: its name, unit and bucket boundaries."""

    name: str
    unit: str
    description: str
    buckets: tuple[float, ...]


class TokenCounter(NamedTuple):
    """A metric of the convention that adds up: its name, and the attribute of a model call's span that it counts."""

    name: str
    of: str
    description: str


class Conventions(NamedTuple):
    """What differs between releases of the conventions: names of attributes, and the metrics.

    `durations` are by operation, recorded as a span ends. `tokens` counts each kind of token of model calls in one
    histogram; where there is none, `operation_tokens` are histograms by the attribute of a span, and `usage` are
    counters. `calls` are histograms of the calls that one turn of a role makes, by operation.
    """

    workflow_name: str
    agent_version: str
    cache_write: str
    durations: Mapping[str, Histogram]
    tokens: Histogram | None = None
    operation_tokens: Mapping[str, Histogram] = MappingProxyType({})
    usage: tuple[TokenCounter, ...] = ()
    calls: Mapping[str, Histogram] = MappingProxyType({})


_SHORT = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
_LONG = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2, 102.4, 204.8, 409.6)
_WHOLE = (1.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0)
_TOKENS = tuple(float(4**k) for k in range(14))
_CALLS = tuple(float(2**k) for k in range(8))
_TOOL = Histogram("gen_ai.execute_tool.duration", "s", "Duration of a tool call.", _SHORT)
_TURN = Histogram("gen_ai.invoke_agent.duration", "s", "Duration of a role's turn.", _LONG)
_SPENT = "gen_ai.client.inference"

EARLIER = Conventions(
    workflow_name=WORKFLOW_NAME,
    agent_version="gen_ai.agent.version",
    cache_write="gen_ai.usage.cache_creation.input_tokens",
    durations={
        "chat": Histogram("gen_ai.client.operation.duration", "s", "Duration of a model call.", _SHORT),
        "execute_tool": _TOOL,
        "invoke_agent": _TURN,
        "invoke_workflow": Histogram("gen_ai.workflow.duration", "s", "Duration of a run.", _WHOLE),
    },
    tokens=Histogram("gen_ai.client.token.usage", "{token}", "Tokens of a model call.", _TOKENS),
)
"""The conventions as they were in the semantic conventions of OpenTelemetry, up to 1.41."""

_CACHE_WRITE = "gen_ai.usage.cache_write.input_tokens"
LATEST = Conventions(
    workflow_name=AGENT_NAME,
    agent_version="twinops.prompt",
    cache_write=_CACHE_WRITE,
    durations={
        "chat": Histogram(f"{_SPENT}.duration", "s", "Duration of a model call.", _SHORT),
        "execute_tool": _TOOL,
        "invoke_agent": _TURN,
        "invoke_workflow": _TURN,
    },
    operation_tokens={
        INPUT_TOKENS: Histogram(f"{_SPENT}.operation.input_tokens", "{token}", "Input of a model call.", _TOKENS),
        OUTPUT_TOKENS: Histogram(f"{_SPENT}.operation.output_tokens", "{token}", "Output of a model call.", _TOKENS),
    },
    usage=(
        TokenCounter(f"{_SPENT}.usage.input_tokens", INPUT_TOKENS, "Input, cached or not."),
        TokenCounter(f"{_SPENT}.usage.output_tokens", OUTPUT_TOKENS, "Output."),
        TokenCounter(f"{_SPENT}.usage.cache_read.input_tokens", CACHE_READ_TOKENS, "Input read from the cache."),
        TokenCounter(f"{_SPENT}.usage.cache_write.input_tokens", _CACHE_WRITE, "Input written to the cache."),
    ),
    calls={
        "chat": Histogram("gen_ai.invoke_agent.inference_calls", "{inference_call}", "Model calls of a turn.", _CALLS),
        "execute_tool": Histogram("gen_ai.invoke_agent.tool_calls", "{tool_call}", "Tool calls of a turn.", _CALLS),
    },
)
"""The conventions as first released on their own, v0.1.0: to its caller a workflow is an agent."""

OPT_IN, LATEST_WANTED = "OTEL_SEMCONV_STABILITY_OPT_IN", "gen_ai_latest_experimental"
"""The standard variable, a list with commas, and the word in it that asks for the latest GenAI conventions."""


def conventions() -> Conventions:
    """Return the conventions that the environment asks for: the earlier ones unless it opts in to the latest."""
    words = os.environ.get(OPT_IN, "").split(",")
    return LATEST if LATEST_WANTED in (x.strip() for x in words) else EARLIER


EVALUATION_RESULT = "gen_ai.evaluation.result"
EVALUATION_NAME = "gen_ai.evaluation.name"
EVALUATION_LABEL = "gen_ai.evaluation.score.label"
EVALUATION_VALUE = "gen_ai.evaluation.score.value"

_FINAL = Status(StatusCode.OK)

TWIN = "twin."
STAGE = "twinops.stage"
ROUND = "twinops.round"
OUTCOME = "twinops.outcome"
RESULT_SIZE = "twinops.tool.result.characters"
RESULT_TRUNCATED = "twinops.tool.result.truncated"


@contextmanager
def workflow_span(tracer: Tracer, name: str, *, run: str, continues: str = "") -> Generator[Span]:
    """Open the root span of a run, or that of a later stretch of it: below the span that the traceparent names.

    A later stretch is linked to the span of whoever asked for it, which belongs to a trace of its own.
    """
    named = conventions().workflow_name
    attributes = {OPERATION: "invoke_workflow", named: name, CONVERSATION: run, SPAN_KIND: "CHAIN"}
    earlier = TraceContextTextMapPropagator().extract({TRACEPARENT: continues}, Context()) if continues else None
    asked = get_current_span().get_span_context()
    links = [Link(asked)] if earlier is not None and asked.is_valid else []
    with _span(tracer, f"invoke_workflow {name}", SpanKind.INTERNAL, attributes, within=earlier, links=links) as span:
        yield span


def linked(span: Span, traceparent: str) -> None:
    """Link a span to one of another trace, which a traceparent names, if it does."""
    context = TraceContextTextMapPropagator().extract({TRACEPARENT: traceparent}, Context())
    other = get_current_span(context).get_span_context()
    if other.is_valid and other.trace_id != span.get_span_context().trace_id:
        span.add_link(other)


def traceparent_of(span: Span) -> str:
    """Return a span as a W3C traceparent, empty for one that goes nowhere."""
    context = span.get_span_context()
    if not context.is_valid:
        return ""
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


@contextmanager
def agent_span(tracer: Tracer, role: str, *, run: str, version: str, stage: str, round: int) -> Generator[Span]:
    """Open the span of one role's turn; `version` is that of its prompt."""
    named = conventions().agent_version
    attributes = {OPERATION: "invoke_agent", AGENT_NAME: role, named: version, CONVERSATION: run}
    more = {STAGE: stage, ROUND: round, SPAN_KIND: "AGENT"}
    with _span(tracer, f"invoke_agent {role}", SpanKind.INTERNAL, {**attributes, **more}) as span:
        yield span


@contextmanager
def plan_span(tracer: Tracer, role: str, *, run: str, round: int) -> Generator[Span]:
    """Open the span of working out a plan, within the turn of the role that does."""
    attributes: dict[str, Value] = {OPERATION: "plan", AGENT_NAME: role, CONVERSATION: run, ROUND: round}
    with _span(tracer, f"plan {role}", SpanKind.INTERNAL, {**attributes, SPAN_KIND: "CHAIN"}) as span:
        yield span


@contextmanager
def chat_span(tracer: Tracer, provider: str, model: str, *, run: str, role: str) -> Generator[Span]:
    """Open the span of one model call."""
    attributes = {OPERATION: "chat", PROVIDER: provider, REQUEST_MODEL: model, CONVERSATION: run, AGENT_NAME: role}
    with _span(tracer, f"chat {model}", SpanKind.CLIENT, {**attributes, SPAN_KIND: "LLM"}) as span:
        yield span


@contextmanager
def tool_span(tracer: Tracer, tool: str, *, call_id: str, description: str) -> Generator[Span]:
    """Open the span of one tool call. The one who opens it says whether the call failed."""
    attributes = {OPERATION: "execute_tool", TOOL_NAME: tool, TOOL_TYPE: "function", TOOL_CALL_ID: call_id}
    more = {TOOL_DESCRIPTION: description, SPAN_KIND: "TOOL"}
    with _span(tracer, f"execute_tool {tool}", SpanKind.INTERNAL, {**attributes, **more}) as span:
        yield span


@contextmanager
def twin_span(tracer: Tracer, name: str, **attributes: Value) -> Generator[Span]:
    """Open the span of one computation of the twin, `twin.NAME`; attributes are prefixed with `twin.`."""
    named = {f"{TWIN}{key}": value for key, value in attributes.items()}
    with _span(tracer, f"{TWIN}{name}", SpanKind.INTERNAL, {**named, SPAN_KIND: "CHAIN"}) as span:
        yield span


@contextmanager
def request_span(tracer: Tracer, name: str, **attributes: Value) -> Generator[Span]:
    """Open the span of a request that somebody else's trace may have led to: see `joined`."""
    with _span(tracer, name, SpanKind.SERVER, attributes) as span:
        yield span


@contextmanager
def joined(carrier: Mapping[str, str]) -> Generator[None]:
    """Let what is opened inside be part of the trace that a W3C `traceparent` names, if there is a valid one.

    The case of names does not matter: environments write them in capitals.
    """
    lower = {name.lower(): value for name, value in carrier.items() if name.lower() in (TRACEPARENT, "tracestate")}
    within = TraceContextTextMapPropagator().extract(lower, get_current())
    token = attach(within) if TRACEPARENT in lower else None
    try:
        yield
    finally:
        if token is not None:
            detach(token)


def failed(span: Span, kind: str, message: str) -> None:
    """Mark a span as failed."""
    span.set_attribute(ERROR_TYPE, kind)
    span.set_status(Status(StatusCode.ERROR, message))


def captures_content() -> bool:
    """Whether the environment asks for content in the trace."""
    return os.environ.get(CAPTURE_CONTENT, "").strip().lower() in ("true", "1")


def told(span: Span, *, given: Callable[[], str] | None = None, gave: Callable[[], str] | None = None) -> None:
    """Add what went into a span and what came out of it, if the environment asks for content; else nothing is worded.

    JSON is expected; a tool's span gets the convention's names beside those of OpenInference, as does a chat's.
    """
    if not captures_content():
        return
    operation = _operation(span)
    names = {"execute_tool": (TOOL_ARGUMENTS, TOOL_RESULT), "chat": (INPUT_MESSAGES, OUTPUT_MESSAGES)}
    pairs = zip((given, gave), (INPUT_VALUE, OUTPUT_VALUE), (INPUT_TYPE, OUTPUT_TYPE), strict=True)
    for position, (content, value, mime) in enumerate(pairs):
        if content is None:
            continue
        shown = without_secrets(content())[:MAX_CONTENT]
        span.set_attributes({value: shown, mime: "application/json" if shown[:1] in "[{" else "text/plain"})
        if operation in names:
            span.set_attribute(names[operation][position], shown)


def without_secrets(text: str) -> str:
    """Blank every value of the environment whose name says that it is a secret."""
    for name, value in os.environ.items():
        if len(value) >= 8 and any(word in name.upper() for word in ("KEY", "TOKEN", "SECRET", "PASSWORD")):
            text = text.replace(value, f"<{name}>")
    return text


def evaluated(span: Span, name: str, *, passed: bool, value: float | None) -> None:
    """Add a verdict's check as an evaluation result."""
    attributes: dict[str, Value] = {EVALUATION_NAME: name, EVALUATION_LABEL: "pass" if passed else "fail"}
    if value is not None:
        attributes[EVALUATION_VALUE] = value
    span.add_event(EVALUATION_RESULT, attributes)


def _operation(span: Span) -> str:
    attributes: Mapping[str, object] = getattr(span, "attributes", None) or {}
    return str(attributes.get(OPERATION, ""))


@contextmanager
def _span(
    tracer: Tracer,
    name: str,
    kind: SpanKind,
    attributes: Mapping[str, Value],
    *,
    within: Context | None = None,
    links: Sequence[Link] = (),
) -> Generator[Span]:
    with tracer.start_as_current_span(
        name, within, kind, attributes, links, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield span
        except BaseException as error:
            failed(span, type(error).__name__, type(error).__name__)
            raise
        if getattr(span, "status", _FINAL).status_code is StatusCode.UNSET:  # only spans of the SDK say what they are
            span.set_status(Status(StatusCode.OK))
