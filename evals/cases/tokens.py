"""What a run costs on a real model: the size of every request and answer on its record, in tokens, money and energy."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple

from agents.models.prices import Tokens, cost, energy, energy_range, price_of, read_prices
from agents.record.events import ChatAnswered, ChatRequested, Event, RunFinished, StageStarted, ToolReturned, is_opening
from agents.roles.contracts import contracts
from agents.roles.workbench import HANDED_OVER
from tools.box.handover import Role

CHARACTERS = 4.0
"""Characters a token: what is usual for English and JSON."""
REFERENCE = "anthropic:claude-opus-5-5"
"""The model at whose list price runs of scripted players are counted."""
_ALONE: Role = "alone"  # the role of one agent that has every stage
_NOTE = 150  # characters that say what was left out
_ENVELOPE = 40  # characters that a message costs besides its text


class Spending(NamedTuple):
    """Model calls and their tokens."""

    calls: int
    input_tokens: float
    output_tokens: float
    again: float = 0.0  # of the input, what the role's request before began with

    @property
    def cached(self) -> float:
        """Share of the input that a provider finds in its cache, where it keeps the beginning of requests."""
        return self.again / self.input_tokens if self.input_tokens else 0.0

    def usd(self, model: str) -> float | None:
        """What it costs on a model, US dollars, nothing read from a cache; None where nobody has stated a price."""
        return cost(self._tokens, price_of(model, read_prices()))

    def watt_hours(self, model: str) -> float | None:
        """Energy on a model; None where nobody has stated what a token takes."""
        return energy(self._tokens, price_of(model, read_prices()))

    def estimate(self, model: str) -> "TokenBill":
        """What it costs on a model whose provider keeps how requests begin; on `REFERENCE` where it has no price.

        Watt-hours are the likely ones of an estimate where nobody has stated them.
        """
        tokens = self._tokens.model_copy(update={"cache_read": round(self.again)})
        price = price_of(model, read_prices())
        if price is None or not price.input:
            price = price_of(REFERENCE)
        known = energy(tokens, price)
        return TokenBill(cost(tokens, price) or 0.0, energy_range(tokens).likely if known is None else known)

    @property
    def _tokens(self) -> Tokens:
        return Tokens(input=round(self.input_tokens), output=round(self.output_tokens))

    def __add__(self, other: object) -> "Spending":
        if not isinstance(other, Spending):
            return NotImplemented
        return Spending(
            self.calls + other.calls,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.again + other.again,
        )


class TokenBill(NamedTuple):
    """Money and energy of the tokens of a run."""

    usd: float
    watt_hours: float


NOTHING = Spending(0, 0.0, 0.0)


def spending(events: Sequence[Event]) -> Spending:
    """Estimate what the conversations of a run are in tokens: every call sends its role's whole conversation again.

    Of the rounds before, it is the tasks alone: see `ConversationWindow`.
    """
    heard: dict[str, float] = {}
    exchanged: dict[str, float] = {}
    sent: dict[str, float] = {}
    rounds: dict[str, int] = {}
    total = NOTHING
    for event in events:
        if isinstance(event, StageStarted):
            who = _ALONE if _ALONE in heard else event.role
            if rounds.get(event.stage, event.round) != event.round and who in heard:
                heard[who] += _NOTE - exchanged.pop(who, 0.0)
                sent[who] = min(sent.get(who, 0.0), heard[who] / CHARACTERS)
            rounds[event.stage] = event.round
        elif is_opening(event):
            size = len(event.tool) + _ENVELOPE
            exchanged[event.role] = exchanged.get(event.role, 0.0) + size
            heard[event.role] = heard.get(event.role, 0.0) + size
        elif isinstance(event, ChatRequested):
            new = sum(len(message.text) + _ENVELOPE for message in event.messages)
            heard[event.role] = heard.get(event.role, 0.0) + new
            offered = sum(_tools().get(name, 0) for name in event.tools)
            size = (heard[event.role] + offered) / CHARACTERS
            total += Spending(1, size, 0.0, sent.get(event.role, 0.0))
            sent[event.role] = size
        elif isinstance(event, ChatAnswered):
            size = len(event.text) + sum(len(x.arguments) + len(x.tool) + _ENVELOPE for x in event.tool_calls)
            exchanged[event.role] = exchanged.get(event.role, 0.0) + size
            heard[event.role] = heard.get(event.role, 0.0) + size
            total += Spending(0, 0.0, size / CHARACTERS)
        elif isinstance(event, ToolReturned):
            told = HANDED_OVER if event.ok and event.tool in _concluding() else event.content
            exchanged[event.role] = exchanged.get(event.role, 0.0) + len(told) + _ENVELOPE
            heard[event.role] = heard.get(event.role, 0.0) + len(told) + _ENVELOPE
    return total


def reading(events: Sequence[Event]) -> Mapping[str, float]:
    """The estimate as figures that are kept beside a result."""
    spent = spending(events)
    return {
        "estimated_input_tokens": round(spent.input_tokens),
        "estimated_output_tokens": round(spent.output_tokens),
    }


def paid(finished: RunFinished, model: str) -> Mapping[str, float]:
    """What the provider of the model counted, with money and energy where they are known."""
    spent = Spending(finished.model_calls, finished.input_tokens, finished.output_tokens)
    known = {"usd": spent.usd(model), "watt_hours": spent.watt_hours(model)}
    counted = {"input_tokens": spent.input_tokens, "output_tokens": spent.output_tokens}
    return {**counted, **{name: value for name, value in known.items() if value is not None}}


@cache
def _concluding() -> frozenset[str]:
    return frozenset[str]().union(*(x.concludes_with for x in contracts().values()))


@cache
def _tools() -> Mapping[str, int]:
    """Characters of the schema and description of each tool, which every call carries."""
    from tools.catalogue import TOOLS

    return {tool.name: len(json.dumps(tool.schema)) + len(tool.description) + len(tool.name) for tool in TOOLS}
