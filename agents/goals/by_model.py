"""Reading plain words with a model: it fills a statement by one tool call, and code holds that against the words.

Names, times and rates are resolved as those of a written form are. A reading that does not account for the whole text
is a question that shows the reading in its written form.
"""

import json
import re
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, cast

from pydantic import ValidationError

import prompts
from twin.model import Network
from twin.untrusted import quote

from .accounting import account
from .resolve import resolved
from .types import LONGEST, Goal, OpenError, Question, Statement
from .written import is_written, read_goal

if TYPE_CHECKING:
    from autogen_core.models import ChatCompletionClient, LLMMessage
    from autogen_core.tools import ToolSchema

TOOL = "state_goal"
ATTEMPTS = 2

_PAIR = re.compile(r"(?:between\s+(?P<a>\S+)\s+and|(?:from\s+)?(?P<b>\S+)\s+to)\s+(?P<c>\S+)", re.IGNORECASE)


async def read_goal_with(
    client: "ChatCompletionClient", text: str, network: Network, *, now: datetime, zone: str = "UTC"
) -> Goal | Question:
    """Read a goal: a written form as it is, plain words with a model. An invalid answer is asked again once.

    Raises what the client raises.
    """
    if is_written(text):
        return read_goal(text, network, now=now, zone=zone)
    if len(text) > LONGEST:
        return Question(code="bad value", question=f"a goal has at most {LONGEST} characters: which part is wanted?")
    statement = await _stated(client, text, network, now=now, zone=zone)
    return statement if isinstance(statement, Question) else checked(statement, text, network, now=now, zone=zone)


def checked(statement: Statement, text: str, network: Network, *, now: datetime, zone: str = "UTC") -> Goal | Question:
    """Make a goal of a model's reading if it accounts for the text; else a question, with the reading to confirm."""
    joined = statement.model_copy(update={"elements": tuple(_joined(x, statement) for x in statement.elements)})
    try:
        goal = resolved(joined, network, now=now, zone=zone, text=text)
        account(statement, goal, text, now=now)
    except OpenError as error:
        return error.question
    return goal


def _joined(name: str, statement: Statement) -> str:
    """`A to B` and `between A and B` as the name of what joins them."""
    pair = _PAIR.fullmatch(name.strip())
    if pair is None:
        return name
    arrow = "->" if statement.verb in ("set_weight", "rate_limit") and pair["b"] else "--"
    return f"{pair['a'] or pair['b']}{arrow}{pair['c']}"


async def _stated(
    client: "ChatCompletionClient", text: str, network: Network, *, now: datetime, zone: str
) -> Statement | Question:
    from autogen_core.models import AssistantMessage, SystemMessage, UserMessage

    task = {
        "now": now.isoformat(timespec="minutes"),
        "zone": zone,
        "network": quote(network.name, "file").model_dump(),
        "goal": quote(text, "person").model_dump(),
    }
    messages: list[LLMMessage] = [
        SystemMessage(content=prompts.prompt("goal")),
        UserMessage(content=json.dumps(task, ensure_ascii=False), source="driver"),
    ]
    for _ in range(ATTEMPTS):
        result = await client.create(messages, tools=[_schema()])
        if isinstance(result.content, str):
            said = " ".join(result.content.split())[:300]
            return Question(code="not understood", question=said or "what is to be done?")
        if [call.name for call in result.content] != [TOOL]:
            return Question(code="not understood", question="the model did something else: say the goal in other words")
        try:
            return Statement.model_validate_json(result.content[0].arguments)
        except ValidationError as error:
            problem = error.errors(include_url=False)[0]
            words = f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}"
            messages += [
                AssistantMessage(content=f"{TOOL}({result.content[0].arguments})", source="goal"),
                UserMessage(content=f"That does not follow the schema, {words}. Call {TOOL} again.", source="driver"),
            ]
    return Question(code="not understood", question="the model did not take the goal down: say it in other words")


def _schema() -> "ToolSchema":
    from autogen_core.tools import ParametersSchema, ToolSchema

    schema = Statement.model_json_schema()
    parameters = ParametersSchema(
        type="object",
        properties=schema["properties"],
        required=cast(Sequence[str], schema.get("required", [])),
        additionalProperties=False,
    )
    return ToolSchema(name=TOOL, description="Write down the goal, as it was said.", parameters=parameters)
