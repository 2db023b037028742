"""The trail of tool calls, written to the journal before a call runs and before anyone sees its answer.

In a run that is taken up again the same trail says what the calls gave that were made before.
"""

from pydantic import JsonValue

from agents.record.events import ToolCalled, ToolReturned, is_opening
from agents.record.journal import Journal
from tools.box.handover import Role
from tools.box.registry import ToolAnswer

from .chat import SessionSpending


class JournalAudit:
    """Writes every call and every answer to one journal."""

    def __init__(
        self, journal: Journal, *, differing: list[str] | None = None, spent: SessionSpending | None = None
    ) -> None:
        self._journal, self._spent = journal, spent or SessionSpending()
        self._differing = differing if differing is not None else []

    def recorded(self, role: Role, tool: str, call_id: str) -> ToolAnswer | None:
        """Return what the call that is made now gave when the run was there the first time."""
        before = self._journal.recorded.returned(role, tool, call_id)
        if before is None:
            return None
        return ToolAnswer(before.ok, before.content, before.error, before.truncated, repeated=before.repeated)

    def differed(self, tool: str) -> None:
        """Take note that a call gives something else now; the run goes on with what it gave then."""
        self._differing.append(tool)

    def called(self, role: Role, tool: str, call_id: str, arguments: JsonValue) -> None:
        """Write that a call is about to run."""
        call = ToolCalled(role=role, id=call_id, tool=tool, arguments=arguments)
        self._spent.tool_calls += is_opening(call)  # of the others, what was asked for is counted
        self._journal.append(call)

    def returned(self, role: Role, tool: str, call_id: str, answer: ToolAnswer) -> None:
        """Write what it answered."""
        self._spent.repeated_calls += answer.repeated
        self._journal.append(
            ToolReturned(
                role=role,
                id=call_id,
                tool=tool,
                ok=answer.ok,
                error=answer.error,
                content=answer.content,
                truncated=answer.truncated,
                repeated=answer.repeated,
                seconds=answer.seconds,
            )
        )
