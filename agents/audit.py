"""The trail of tool calls, written to the journal before a call runs and before anyone sees its answer."""

from pydantic import JsonValue

from tools.handover import Role
from tools.registry import ToolAnswer

from .events import ToolCalled, ToolReturned
from .journal import Journal


class JournalAudit:
    """Writes every call and every answer to one journal."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def called(self, role: Role, tool: str, call_id: str, arguments: JsonValue) -> None:
        """Write that a call is about to run."""
        self._journal.append(ToolCalled(role=role, id=call_id, tool=tool, arguments=arguments))

    def returned(self, role: Role, tool: str, call_id: str, answer: ToolAnswer) -> None:
        """Write what it answered."""
        self._journal.append(
            ToolReturned(
                role=role,
                id=call_id,
                tool=tool,
                ok=answer.ok,
                error=answer.error,
                content=answer.content,
                truncated=answer.truncated,
                seconds=answer.seconds,
            )
        )
