# ruff: noqa: ARG002 (AutoGen's interface has arguments that a record has no use for)
"""`replay:RUN`: the answers that the models of an earlier run gave, to the requests that they gave them to.

A request is recognised by the hash of its whole conversation and tools. RUN is the name of a run (in TWINOPS_RUNS, or
`runs`) or its folder. `replay:RUN@order` hands out each role's answers in their order instead, whatever was asked: to
see what old answers would do to a changed twin.
"""

import os
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from pathlib import Path

from autogen_core import CancellationToken, FunctionCall
from autogen_core.models import CreateResult, FinishReasons
from pydantic import TypeAdapter

from agents.record.events import ChatAnswered, ChatRequested
from agents.record.files import JOURNAL
from agents.record.records import Record, read_journal
from twin.errors import ReplayError
from twin.files import is_plain

from .client import Answer, Client, Request, Usage, fingerprint

_FINISH: TypeAdapter[FinishReasons] = TypeAdapter(FinishReasons)
_ORDER = "@order"


def recorded(answer: ChatAnswered) -> Answer:
    """Return an answer on record as the agent and the provider had it."""
    calls = [FunctionCall(id=x.id, name=x.tool, arguments=x.arguments) for x in answer.tool_calls]
    usage = Usage(answer.input_tokens, answer.output_tokens, answer.cache_read_tokens, answer.cache_write_tokens)
    return Answer(
        finish_reason=_FINISH.validate_python(answer.finish),
        content=calls or answer.text,
        usage=usage,
        cached=False,
        thought=answer.text if calls and answer.text else None,
        stop=answer.stop,
        blocks=answer.blocks,
        requests=answer.requests,
        model=answer.model,
    )


class ReplayClient(Client):
    """Answers from a journal. Raises `ReplayError` for a request that it does not hold, or no longer."""

    def __init__(self, name: str, environment: Mapping[str, str] | None = None) -> None:
        run, self._in_order = name.removesuffix(_ORDER), name.endswith(_ORDER)
        self._run = run
        self._by_request: dict[str, deque[ChatAnswered]] = defaultdict(deque)
        self._by_role: dict[str, deque[ChatAnswered]] = defaultdict(deque)
        self._tools: dict[str, frozenset[str]] = defaultdict(frozenset)
        for asked, answer in _pairs(read_journal(_journal(run, environment)).records):
            self._by_request[asked.request].append(answer)
            self._by_role[asked.role].append(answer)
            self._tools[asked.role] |= frozenset(asked.tools)

    async def reply(self, request: Request, token: CancellationToken | None) -> CreateResult:
        """Return what was answered then."""
        role, asked = self._role(request.offered), _hash(request)
        left = self._by_role[role] if self._in_order else self._by_request[asked]
        if left:
            return recorded(left.popleft())
        raise ReplayError(self._difference(role, request.offered, asked), fix=_FIX)

    def passed(self, request: Request) -> None:
        """Leave out the answer to a request that a run which is taken up again has on its own record."""
        left = self._by_role[self._role(request.offered)] if self._in_order else self._by_request[_hash(request)]
        if left:
            left.popleft()

    def _role(self, offered: Sequence[str]) -> str:
        """The role then whose tools are the most like those that are offered now; empty where none shares any."""
        names = frozenset(offered)
        alike = {role: len(names & tools) / len(names | tools) for role, tools in self._tools.items() if names & tools}
        return max(alike, key=lambda role: alike[role], default="")

    def _difference(self, role: str, offered: Sequence[str], request: str) -> str:
        if not role:
            return f"{self._run} holds no answer to a role with these tools: {', '.join(sorted(offered)) or 'none'}"
        if self._in_order:
            return f"{self._run} holds no further answer of {role}"
        return f"{self._run} holds no answer to this request of {role} ({request}): the conversation differs"


_FIX = "replay with the same network, seed, policy and version, or use replay:RUN@order"


def _hash(request: Request) -> str:
    return fingerprint(request.messages, request.tools)


def _pairs(records: Sequence[Record]) -> list[tuple[ChatRequested, ChatAnswered]]:
    asked: dict[int, ChatRequested] = {}
    found: list[tuple[ChatRequested, ChatAnswered]] = []
    for record in records:
        event = record.event
        if isinstance(event, ChatRequested):
            asked[event.call] = event
        elif isinstance(event, ChatAnswered) and event.call in asked:
            found.append((asked.pop(event.call), event))
    return found


def _journal(run: str, environment: Mapping[str, str] | None) -> Path:
    env = os.environ if environment is None else environment
    places = (Path(run), Path(env.get("TWINOPS_RUNS") or "runs") / run)
    for place in places:
        if run and is_plain(place / JOURNAL):
            return place / JOURNAL
    raise ReplayError(f"there is no run {run!r}", fix="see what there is: twinops runs")
