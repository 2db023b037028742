"""Reading a goal with a model: it writes down what was said by one tool call, and code decides what that means.

Elements are resolved by the same resolver as without a model, and every name and number must stand in the text.
"""

import json
import re
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, cast

from pydantic import Field, ValidationError

import prompts
from twin.model import Frozen, Network

from .complete import elements_of, open_elements
from .elements import Mention, doubt, find_mentions
from .grammar import read_intent
from .limits import merge
from .types import DESTRUCTIVE, Intent, Limits, Objective, Origin, Question, TimeWindow, Verb
from .words import NUMBER, Reading, fold, number

if TYPE_CHECKING:
    from autogen_core.models import ChatCompletionClient, LLMMessage
    from autogen_core.tools import ToolSchema

TOOL = "state_goal"
ATTEMPTS = 2


class Statement(Frozen):
    """What a model took down."""

    verb: Verb
    what: tuple[str, ...] = Field(default=(), max_length=12, description="Elements, in the words of the text.")
    start: datetime | None = None
    end: datetime | None = None
    max_utilisation: float | None = None
    max_failure_utilisation: float | None = None
    max_steps: int | None = None
    max_delay_stretch: float | None = Field(default=None, description="1.2 for 20 % more.")
    max_blast_radius: float | None = Field(default=None, description="Most traffic moved, as a share.")
    protected: tuple[str, ...] = Field(default=(), max_length=12, description="What must not be touched, as written.")
    value: float | None = Field(
        default=None, description="Growth factor (1.3 for 30 % more), IGP weight, or Mbit/s of a capacity or limit."
    )
    objective: Objective | None = None
    only_rehearse: bool = False


async def dictate(
    text: str, network: Network, client: "ChatCompletionClient", *, now: datetime, zone: str = "UTC"
) -> Intent | Question:
    """Let a model take down a goal, check it against the text, and resolve it. An invalid answer is asked again once.

    Raises what the client raises.
    """
    from autogen_core.models import AssistantMessage, SystemMessage, UserMessage

    task = json.dumps({"now": now.isoformat(), "zone": zone, "network": network.name, "goal": text}, ensure_ascii=False)
    messages: list[LLMMessage] = [
        SystemMessage(content=prompts.prompt("intent")),
        UserMessage(content=task, source="driver"),
    ]
    for _ in range(ATTEMPTS):
        result = await client.create(messages, tools=[_schema()])
        if isinstance(result.content, str):
            said = " ".join(result.content.split())[:300]
            return Question(code="not understood", question=said or "what is to be done?")
        if [call.name for call in result.content] != [TOOL]:
            return Question(code="not understood", question="the model did something else: say the goal in other words")
        try:
            statement = Statement.model_validate_json(result.content[0].arguments)
        except ValidationError as error:
            problem = error.errors(include_url=False)[0]
            words = f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}"
            messages += [
                AssistantMessage(content=f"{TOOL}({result.content[0].arguments})", source="intent"),
                UserMessage(content=f"That does not follow the schema, {words}. Call {TOOL} again.", source="driver"),
            ]
            continue
        return vetoed(resolved(statement, text, network, now=now, zone=zone), text, network, now=now, zone=zone)
    return Question(code="not understood", question="the model did not take the goal down: say it in other words")


def resolved(
    statement: Statement, text: str, network: Network, *, now: datetime, zone: str = "UTC"
) -> Intent | Question:
    """Make an intent of what was taken down; what does not stand in the text, or is ambiguous, is a question."""
    invented = _invented(statement, text)
    if invented:
        return Question(code="not understood", question=f"the goal does not say {invented!r}: what is meant?")
    window = _window(statement, now, zone)
    if isinstance(window, Question):
        return window
    reading = Reading(text)
    mentions = find_mentions(reading, network)
    what = _mentioned(statement.what, text, mentions)
    protected = _mentioned(statement.protected, text, mentions)
    if isinstance(what, Question) or isinstance(protected, Question):
        return what if isinstance(what, Question) else cast(Question, protected)
    for mention in (*what, *protected):
        question = doubt(mention, reading, network, strict=statement.verb in DESTRUCTIVE)
        if question is not None and statement.verb != "rate limit":
            return question
    limits = _limits(statement, tuple(x for m in protected for x in m.elements))
    if isinstance(limits, Question):
        return limits
    question = open_elements(reading, network, statement.verb, what, limits)
    if question is not None:
        return question
    return Intent(
        verb=statement.verb,
        what=elements_of(network, statement.verb, what),
        where=network.name,
        when=window,
        limits=limits,
        value=statement.value,
        objective=statement.objective,
        only_rehearse=statement.only_rehearse,
        text=text,
        origins=tuple(Origin(field="what", start=m.start, end=m.end, words=text[m.start : m.end]) for m in what),
    )


def vetoed(
    found: Intent | Question, text: str, network: Network, *, now: datetime, zone: str = "UTC"
) -> Intent | Question:
    """What a model took down, unless the grammar understands the text otherwise: then what differs is asked.

    A goal that changes what it names is never taken from a model where the grammar sees a negation, several goals, or
    elements and times that are not clear.
    """
    read = read_intent(text, network, now=now, zone=zone)
    if isinstance(found, Question) or (found.verb not in DESTRUCTIVE and isinstance(read, Question)):
        return found
    if isinstance(read, Question):
        return found if read.code in ("not understood", "no goal") else read
    if (read.verb, read.what) == (found.verb, found.what):
        return found
    words = f"is this meant: {read.words}, or this: {found.words}?"
    return Question(code="not understood", question=words, choices=(read.words, found.words))


def _mentioned(names: Sequence[str], text: str, mentions: Sequence[Mention]) -> list[Mention] | Question:
    found: list[Mention] = []
    for name in names:
        at = fold(text).find(fold(name))
        hits = [m for m in mentions if m.start < at + len(name) and at < m.end]
        if len(hits) != 1:
            return Question(code="unknown element", question=f"which element is {name!r}?", words=name)
        found += hits
    return found


def _limits(statement: Statement, protected: tuple[str, ...]) -> Limits | Question:
    try:
        limits = Limits.model_validate(statement.model_dump(include=set(Limits.model_fields) - {"protected"}))
    except ValidationError as error:
        name = ".".join(map(str, error.errors()[0]["loc"]))
        return Question(code="contradiction", question=f"{name} cannot be limited to that: to what instead?")
    return merge([], protected) if limits == Limits() else limits.model_copy(update={"protected": protected})


def _invented(statement: Statement, text: str) -> str:
    """The first name or number that the text does not hold."""
    plain = fold(text)
    for name in (*statement.what, *statement.protected):
        if not name.strip() or fold(name) not in plain:
            return name
    stated = {number(hit.group()) for hit in re.finditer(rf"(?<![\w.]){NUMBER}", plain)}
    stated |= (
        {x / 100 for x in stated}
        | {1 + x / 100 for x in stated}
        | {x * 1e3 for x in stated}
        | {x * 1e6 for x in stated}
    )
    if re.search(r"\b(?:double|twice)", plain):
        stated.add(2.0)
    if re.search(r"\btripl", plain):
        stated.add(3.0)
    if re.search(r"\bsingle\b", plain):
        stated.add(1.0)
    given = (
        statement.max_utilisation,
        statement.max_failure_utilisation,
        statement.max_steps,
        statement.max_delay_stretch,
        statement.max_blast_radius,
        statement.value,
    )
    lacking = [x for x in given if x is not None and not any(abs(x - y) < 1e-9 for y in stated)]
    return f"{lacking[0]:g}" if lacking else ""


def _window(statement: Statement, now: datetime, zone: str) -> TimeWindow | Question | None:
    start, end = statement.start, statement.end
    if start is None and end is None:
        return None
    if start is None or end is None or start.tzinfo is None or end.tzinfo is None or end <= start:
        return Question(code="incomplete window", question="from when until when? write it as 02:00-04:00 UTC")
    if end <= now:
        return Question(code="past window", question=f"the window until {end:%Y-%m-%d %H:%M %Z} has passed: which one?")
    return TimeWindow(start=start, end=end, zone=zone)


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
