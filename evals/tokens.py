"""What a run would cost on a real model: the size of every request and answer on its record, in tokens and energy."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple

from agents.events import ChatAnswered, ChatRequested, Event, ToolReturned

CHARACTERS = 4.0
"""Characters a token: what is usual for English and JSON."""
WH_PER_1000_TOKENS = {"input": 0.02, "output": 0.3}
"""Watt-hours a thousand tokens, an assumption: published estimates for large models differ tenfold either way."""
_ENVELOPE = 40  # characters that a message costs besides its text


class Spending(NamedTuple):
    """Model calls and their tokens."""

    calls: int
    input_tokens: float
    output_tokens: float

    @property
    def watt_hours(self) -> float:
        """Energy of the model's machine by `WH_PER_1000_TOKENS`."""
        rates = WH_PER_1000_TOKENS
        return (self.input_tokens * rates["input"] + self.output_tokens * rates["output"]) / 1000

    def __add__(self, other: object) -> "Spending":
        if not isinstance(other, Spending):
            return NotImplemented
        return Spending(
            self.calls + other.calls,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
        )


NOTHING = Spending(0, 0.0, 0.0)


def spending(events: Sequence[Event]) -> Spending:
    """Estimate what the conversations of a run are in tokens: every call sends its role's whole conversation again."""
    heard: dict[str, float] = {}
    total = NOTHING
    for event in events:
        if isinstance(event, ChatRequested):
            new = sum(len(message.text) + _ENVELOPE for message in event.messages)
            heard[event.role] = heard.get(event.role, 0.0) + new
            total += Spending(1, (heard[event.role] + _tools()) / CHARACTERS, 0.0)
        elif isinstance(event, ChatAnswered):
            size = len(event.text) + sum(len(x.arguments) + len(x.tool) + _ENVELOPE for x in event.tool_calls)
            heard[event.role] = heard.get(event.role, 0.0) + size
            total += Spending(0, 0.0, size / CHARACTERS)
        elif isinstance(event, ToolReturned):
            heard[event.role] = heard.get(event.role, 0.0) + len(event.content) + _ENVELOPE
    return total


def reading(events: Sequence[Event]) -> Mapping[str, float]:
    """The estimate as figures that are kept beside a result."""
    spent = spending(events)
    return {
        "estimated_input_tokens": round(spent.input_tokens),
        "estimated_output_tokens": round(spent.output_tokens),
        "estimated_watt_hours": round(spent.watt_hours, 3),
    }


@cache
def _tools() -> int:
    """Characters of the schemas of all tools, which every call carries."""
    from tools.catalogue import TOOLS

    return sum(len(json.dumps(tool.schema)) + len(tool.description) for tool in TOOLS)
