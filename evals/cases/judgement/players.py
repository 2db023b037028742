"""Whom the suite compares with: one agent with all tools, and somebody who does nothing."""

from collections.abc import Callable
from dataclasses import replace

from pydantic import JsonValue

from agents.models.conversation import Call, Conversation, Move, items, text
from agents.models.procedures import PROCEDURES
from agents.roles.contracts import CONTRACTS

_BEGIN = {
    "monitoring": "Look at",
    "diagnosis": "Monitoring hands",
    "planning": ("Diagnosis hands", "Round"),
    "verification": "Planning submits",
}


class Alone:
    """Does in one conversation what four do, task by task: it has every tool, and uses those of the task's procedure.

    Whose task it is is read from the beginning of what the driver says; what begins otherwise goes on with the last.
    """

    def __init__(self, first: Callable[[Conversation], Move | None]) -> None:
        self._first, self._role = first, "monitoring"

    def __call__(self, talk: Conversation) -> Move:
        """Return the next move."""
        self._role = next((role for role, begin in _BEGIN.items() if talk.task.startswith(begin)), self._role)
        own = replace(talk, offered=talk.offered & CONTRACTS[self._role].tools)
        procedure = next(x for concluding, x in PROCEDURES.items() if concluding in own.offered)
        return self._first(own) or procedure(own)


class Idle:
    """Does nothing where a plan is due, for the first ticket, whatever it says; else it has no move of its own."""

    def __call__(self, talk: Conversation) -> Move | None:
        """Return the next call, None where the runbook's is right."""
        if "submit_plan" not in talk.offered or talk.offers("propose_plans"):
            return None
        if talk.offers("read_documents"):
            return Call("read_documents", {"kind": "ticket"})
        papers: list[JsonValue] = [text(x, "id") for x in items(talk.answer("read_documents"), "documents")]
        return Call("report_no_plan", {"explanation": "I would rather do nothing.", "because": papers[:1]})
