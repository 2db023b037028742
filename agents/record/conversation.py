"""What is said in a run, as typed records: calls of models and of tools, and what they gave."""

from typing import ClassVar, Literal, TypeGuard

from pydantic import Field, JsonValue

from tools.box.handover import Role
from twin.model import Frozen


class ChatMessage(Frozen):
    """One message of a request: the prompt or a task."""

    source: Literal["system", "driver"]
    text: str


class ChatRequested(Frozen):
    """A model call is about to be made.

    `messages` holds the prompt and the tasks that are new since the role's last call; its answers and the
    tools' results are on record already, as `ChatAnswered` and `ToolReturned`.
    """

    kind: Literal["chat requested"] = "chat requested"
    durable: ClassVar[bool] = False
    role: Role
    model: str
    call: int = Field(description="Counts the run's model calls, from 1.")
    request: str = Field(description="Hash of the whole request: every message and every tool schema.")
    prompt: str = Field(description="Version of the role's prompt.")
    messages: tuple[ChatMessage, ...]
    tools: tuple[str, ...]


class ToolRequest(Frozen):
    """A tool call as the model wrote it; `arguments` is JSON text and not yet validated."""

    id: str
    tool: str
    arguments: str


class ChatAnswered(Frozen):
    """What the model answered: text, tool calls, or both."""

    kind: Literal["chat answered"] = "chat answered"
    durable: ClassVar[bool] = False
    role: Role
    model: str
    call: int
    text: str
    tool_calls: tuple[ToolRequest, ...]
    finish: str
    stop: str = Field(default="", description="The provider's own word for why the answer ended.")
    blocks: tuple[JsonValue, ...] = Field(
        default=(), description="What goes back to the provider unchanged with the calls: thinking and its signature."
    )
    requests: int = Field(default=1, description="Requests that it took, with those that failed.")
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int = Field(default=0, description="How many of the input tokens came from the cache.")
    cache_write_tokens: int = Field(default=0, description="How many of them were written to it.")
    seconds: float


class ToolCalled(Frozen):
    """A tool call that is about to run."""

    kind: Literal["tool called"] = "tool called"
    durable: ClassVar[bool] = False
    role: Role
    id: str
    tool: str
    arguments: JsonValue


class ToolReturned(Frozen):
    """What a tool gave back to the model; `content` is exactly the text the model sees."""

    kind: Literal["tool returned"] = "tool returned"
    durable: ClassVar[bool] = False
    role: Role
    id: str
    tool: str
    ok: bool
    error: str | None = Field(default=None, description="Stable error code, for example rights.")
    content: str
    truncated: bool = False
    repeated: bool = Field(default=False, description="Answered as before: the same call, and nothing had changed.")
    seconds: float


OPENED = "open"
"""What ids of calls begin with that no model made: nine letters and figures in all, as the strictest servers want."""


def is_opening(event: object) -> TypeGuard[ToolCalled]:
    """Whether it is a call that was made in a role's name as its stage began."""
    return isinstance(event, ToolCalled) and event.id.startswith(OPENED)
