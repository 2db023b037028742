"""Everything that can go wrong at a provider, over the Messages API, and the record of what was really said."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from agents.models import Model
from agents.models.anthropic import make_client
from agents.models.runbook import RunbookClient
from agents.models.settings import ModelSettings
from agents.roles.contracts import CONTRACTS
from tests.agents.models import messages_api as api
from tests.agents.models.loopback import Json, Loopback, Reply, status
from tools.box.handover import Role

KEY = "sk-ant-not-a-real-key-0123456789"
QUICK = ModelSettings(
    attempts=3, first_wait_s=0.01, longest_wait_s=0.05, silence_s=0.3, attempt_s=0.8, deadline_s=4.0, trip_after=50
)
Fault = Callable[[Json], Reply]


def role_of(body: Json) -> Role:
    offered = {tool["name"] for tool in body.get("tools", [])}
    return next(role for role, contract in CONTRACTS.items() if contract.concludes_with <= offered)


def _cut(ending: str) -> Reply:
    """End in the middle of a tool call's arguments."""
    said = api.events([api.text("Next."), api.use("decide", {"decision": "approve", "reasons": "cut off here"})])
    begin = next(i for i, event in enumerate(said) if b'"partial_json": "{' in event)
    return Reply(chunks=tuple(said[: begin + 1]), ending=ending)


def _malformed(body: Json) -> Reply:
    said = api.move_events(body)
    return Reply(chunks=(*said[:3], b'event: content_block_delta\ndata: {"type": "content_blo\n\n', *said[4:]))


def _error_event(body: Json) -> Reply:
    error = {"type": "overloaded_error", "message": "Overloaded"}
    return Reply(chunks=(*api.move_events(body)[:4], api.event("error", error=error)))


FAULTS: Mapping[str, Fault] = {
    "429": lambda _: status(429, kind="rate_limit_error"),
    "429 with retry-after": lambda _: status(429, ("retry-after", "0.05"), kind="rate_limit_error"),
    "529": lambda _: status(529, kind="overloaded_error"),
    "500": lambda _: status(500),
    "reset": lambda _: Reply(ending="reset"),
    "reset in the stream": lambda body: Reply(chunks=tuple(api.move_events(body)[:5]), ending="reset"),
    "cut off in a tool call": lambda _: _cut("whole"),
    "closed in a tool call": lambda _: _cut("closed"),
    "cut off before the end": lambda body: Reply(chunks=tuple(api.move_events(body)[:-1])),
    "malformed JSON": _malformed,
    "an error after 200": _error_event,
    "a page of HTML": lambda _: Reply(headers=(("content-type", "text/html"),), chunks=(b"<html>proxy</html>",)),
    "slow drip": lambda body: Reply(chunks=tuple(api.move_events(body)), pause=0.2),
    "silence": lambda _: Reply(before=60.0),
    "refusal": lambda _: api.say(api.text("I cannot help with that."), stop="refusal"),
    "max_tokens": lambda _: api.say(api.use("decide", '{"decision": "approve", "rea'), stop="max_tokens"),
    "max_tokens, closed": lambda _: api.say(api.use("decide", {"decision": "approve"}), stop="max_tokens"),
    "context full": lambda _: api.say(api.text("and so"), stop="model_context_window_exceeded"),
    "pause_turn": lambda _: api.say(api.text("wait"), stop="pause_turn"),
    "an unknown stop": lambda _: api.say(api.text("?"), stop="tired"),
    "empty": lambda _: api.say(stop="end_turn"),
    "unreadable arguments": lambda _: api.say(api.use("decide", '{"decision": "approve",}')),
    "a call that is not the end": lambda _: api.say(api.use("decide", {"decision": "approve"}), stop="end_turn"),
    "an unknown tool": lambda _: api.say(api.use("execute_plan", {"plan": "r1"})),
}
AT_ONCE = frozenset({"refusal", "context full"})
"""Faults after which asking once more is of no use: the stand-in goes on although the provider could."""


@dataclass
class Script:
    """Speaks as the runbook, but for its faults: `fault` strikes requests of one role, the first so many of them."""

    fault: Fault
    role: Role
    times: int = 10_000
    struck: int = 0
    said: dict[str, tuple[str, Json]] = field(default_factory=dict)

    def __call__(self, body: Json) -> Reply:
        if role_of(body) == self.role and self.struck < self.times:
            self.struck += 1
            return self.fault(body)
        blocks = api.move(body)
        for call in [x for x in blocks if x["type"] == "tool_use"]:
            call["id"] = f"toolu_{len(self.said)}"
            self.said[call["id"]] = (call["name"], call["input"])
        return api.say(*blocks)


def environment(server: Loopback) -> dict[str, str]:
    return {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": server.address}


def claude(server: Loopback, *, settings: ModelSettings = QUICK) -> Model:
    client = make_client("claude-test", settings, environment(server))
    return Model("anthropic", "claude-test", client, RunbookClient() if settings.fallback else None)
