"""Whom the suite compares with: one agent with all tools, and somebody who does nothing."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from autogen_core import CancellationToken
from autogen_core.models import CreateResult, LLMMessage, UserMessage
from autogen_core.tools import Tool, ToolSchema
from pydantic import BaseModel, JsonValue

from agents.models.conversation import Call, Conversation, Move, items, text
from agents.models.runbook import RunbookClient
from agents.roles.contracts import CONTRACTS

_BEGIN = {
    "monitoring": "Look at",
    "diagnosis": "Monitoring hands",
    "planning": ("Diagnosis hands", "Round"),
    "verification": "Planning submits",
}


class Alone(RunbookClient):
    """Does in one conversation what four do, task by task: it has every tool, and uses those of the task's procedure.

    Which task is its own is read from the beginning of what the driver says; what begins otherwise goes on with the
    last one.
    """

    def __init__(self, first: Callable[[Conversation], Move | None] | None = None) -> None:
        super().__init__(first)
        self._role = "monitoring"

    async def create(
        self,
        messages: Sequence[LLMMessage],
        *,
        tools: Sequence[Tool | ToolSchema] = (),
        tool_choice: Tool | Literal["auto", "required", "none"] = "auto",
        json_output: bool | type[BaseModel] | None = None,
        extra_create_args: Mapping[str, Any] = {},
        cancellation_token: CancellationToken | None = None,
    ) -> CreateResult:
        """Return the next move of the role whose task it is."""
        task = next((x.content for x in reversed(messages) if isinstance(x, UserMessage)), "")
        self._role = next((role for role, begin in _BEGIN.items() if str(task).startswith(begin)), self._role)
        own = CONTRACTS[self._role].tools
        return await super().create(messages, tools=[x for x in tools if _name(x) in own])


class Idle:
    """Does nothing where a plan is due, for the first document that nobody means; else it has no move of its own."""

    def __call__(self, talk: Conversation) -> Move | None:
        """Return the next call, None where the runbook's is right."""
        if "submit_plan" not in talk.offered or talk.offers("propose_plans"):
            return None
        if talk.offers("read_documents"):
            return Call("read_documents", {"kind": "ticket"})
        papers: list[JsonValue] = [text(x, "id") for x in items(talk.answer("read_documents"), "documents")]
        return Call("report_no_plan", {"explanation": "I would rather do nothing.", "because": papers[:1]})


def _name(tool: Tool | ToolSchema) -> str:
    return tool["name"] if isinstance(tool, dict) else tool.name
