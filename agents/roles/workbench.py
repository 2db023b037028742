"""AutoGen's door to the tools: whatever happens inside a call, the agent gets a result.

AutoGen 0.7.5 waits for ever when a tool call is cancelled or raises something that it does not catch, so this class
turns every end of a call into a `ToolResult`. What must end the run is kept in `fatal`: the next model call raises it.
"""

import asyncio
from collections.abc import Collection, Mapping
from typing import Any, cast

from autogen_core import CancellationToken
from autogen_core.tools import ParametersSchema, StaticWorkbench, TextResultContent, ToolResult, ToolSchema
from pydantic import JsonValue

from tools.box.handover import Role
from tools.box.pictures import Picture
from tools.box.registry import Tool, ToolAnswer, Toolbox, crash, refusal
from tools.glossary import Glossary
from tools.maps import NetworkPicture
from twin.errors import DeadlineError

HANDED_OVER = '{"handed_over":true}'


class RoleWorkbench(StaticWorkbench):
    """All tools of the run, as one role sees them: those outside its contract answer with a refusal.

    What it hands over with the tools that it `concludes` with goes to whoever is next, and on record: its own
    conversation, which ends with that or goes on with another task, says no more than that it did.
    """

    def __init__(self, toolbox: Toolbox, role: Role, concludes: Collection[str] = ()) -> None:
        super().__init__(tools=[])
        self._toolbox = toolbox
        self._role: Role = role
        self._concludes = frozenset(concludes)
        self._calls: set[asyncio.Task[ToolAnswer]] = set()
        self.answered: list[str] = []
        self.asked_for: set[str] = set()
        self.pictures: dict[str, Picture] = {}
        self.repeats = 0
        self.fatal: Exception | None = None

    async def list_tools(self) -> list[ToolSchema]:
        """List every tool: a call to one that the role has no right to must reach the refusal, not get lost."""
        return [tool_schema(tool) for tool in self._toolbox.tools.values()]

    async def call_tool(
        self,
        name: str,
        arguments: Mapping[str, Any] | None = None,
        cancellation_token: CancellationToken | None = None,
        call_id: str | None = None,
    ) -> ToolResult:
        """Call a tool; never raises."""
        given = cast(JsonValue, arguments if arguments is not None else {})
        call = asyncio.create_task(self._toolbox.call(self._role, name, given, call_id=call_id or ""))
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)
        if cancellation_token is not None:
            cancellation_token.link_future(call)
        try:
            answer = await call
        except asyncio.CancelledError:
            answer = refusal(DeadlineError("the call was cancelled"))
        except Exception as error:
            self.fatal = error
            answer = crash(error)
        self.repeats += answer.repeated
        if answer.ok:
            self.answered.append(name)
        if answer.ok and isinstance(answer.value, Glossary):
            self.asked_for.add(answer.value.subject)
        if call_id and isinstance(answer.value, NetworkPicture):
            self.pictures[call_id] = Picture(answer.value.png, answer.value.width, answer.value.height)
        content = HANDED_OVER if answer.ok and name in self._concludes else answer.content
        return ToolResult(name=name, result=[TextResultContent(content=content)], is_error=not answer.ok)

    async def settle(self) -> None:
        """Give up every call that is still running and wait until each has been recorded."""
        for call in self._calls:
            call.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)
        self._toolbox.give_up()


def tool_schema(tool: Tool) -> ToolSchema:
    """A tool as AutoGen offers it to a model."""
    schema = tool.schema
    parameters = ParametersSchema(
        type="object",
        properties=cast(dict[str, Any], schema.get("properties", {})),
        required=cast(list[str], schema.get("required", [])),
        additionalProperties=False,
    )
    return ToolSchema(name=tool.name, description=tool.description, parameters=parameters)
