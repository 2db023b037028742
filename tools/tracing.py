"""Names and spans of tracing: the one module that knows the GenAI semantic conventions (status: Development).

Spans nest as `invoke_workflow > invoke_agent > chat / execute_tool > twin.*`. Every function takes the tracer: the
global provider is never read, so a host application's tracing and ours stay apart.
"""

from collections.abc import Generator, Mapping
from contextlib import contextmanager

from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer

Value = str | int | float | bool

OPERATION = "gen_ai.operation.name"
PROVIDER = "gen_ai.provider.name"
CONVERSATION = "gen_ai.conversation.id"
WORKFLOW_NAME = "gen_ai.workflow.name"
AGENT_NAME = "gen_ai.agent.name"
AGENT_VERSION = "gen_ai.agent.version"
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
SPAN_KIND = "openinference.span.kind"

EVALUATION_RESULT = "gen_ai.evaluation.result"
EVALUATION_NAME = "gen_ai.evaluation.name"
EVALUATION_LABEL = "gen_ai.evaluation.score.label"
EVALUATION_VALUE = "gen_ai.evaluation.score.value"

_FINAL = Status(StatusCode.OK)

TWIN = "twin."
SNAPSHOT = "twin.snapshot.id"
PLAN = "twin.plan.id"
STAGE = "twinops.stage"
ROUND = "twinops.round"
OUTCOME = "twinops.outcome"
RESULT_SIZE = "twinops.tool.result.characters"
RESULT_TRUNCATED = "twinops.tool.result.truncated"


@contextmanager
def workflow_span(tracer: Tracer, name: str, *, run: str) -> Generator[Span]:
    """Open the root span of a run."""
    attributes = {OPERATION: "invoke_workflow", WORKFLOW_NAME: name, CONVERSATION: run, SPAN_KIND: "CHAIN"}
    with _span(tracer, f"invoke_workflow {name}", SpanKind.INTERNAL, attributes) as span:
        yield span


@contextmanager
def agent_span(tracer: Tracer, role: str, *, run: str, version: str, stage: str, round: int) -> Generator[Span]:
    """Open the span of one role's turn; `version` is that of its prompt."""
    attributes = {OPERATION: "invoke_agent", AGENT_NAME: role, AGENT_VERSION: version, CONVERSATION: run}
    more = {STAGE: stage, ROUND: round, SPAN_KIND: "AGENT"}
    with _span(tracer, f"invoke_agent {role}", SpanKind.INTERNAL, {**attributes, **more}) as span:
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


def failed(span: Span, kind: str, message: str) -> None:
    """Mark a span as failed."""
    span.set_attribute(ERROR_TYPE, kind)
    span.set_status(Status(StatusCode.ERROR, message))


def evaluated(span: Span, name: str, *, passed: bool, value: float | None) -> None:
    """Add a verdict's check as an evaluation result."""
    attributes: dict[str, Value] = {EVALUATION_NAME: name, EVALUATION_LABEL: "pass" if passed else "fail"}
    if value is not None:
        attributes[EVALUATION_VALUE] = value
    span.add_event(EVALUATION_RESULT, attributes)


@contextmanager
def _span(tracer: Tracer, name: str, kind: SpanKind, attributes: Mapping[str, Value]) -> Generator[Span]:
    with tracer.start_as_current_span(
        name, kind=kind, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as span:
        try:
            yield span
        except BaseException as error:
            failed(span, type(error).__name__, type(error).__name__)
            raise
        if getattr(span, "status", _FINAL).status_code is StatusCode.UNSET:  # only spans of the SDK say what they are
            span.set_status(Status(StatusCode.OK))
