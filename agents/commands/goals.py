"""`ask`, and the goals of `run` and `plan`: words in, values out, and a question where words leave something open."""

import sys
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from .options import Json, MaybeNetwork, PolicyFile, SiteFile, place
from .output import USAGE, emit, say, tell

if TYPE_CHECKING:
    from agents.goals import Goal, Question
    from agents.show.answers_in_words import Reply
    from tools.box.run_state import RunState
    from twin.model import Network as Loaded

T = TypeVar("T")


def complete(context: typer.Context, incomplete: str) -> list[str]:
    """What may stand next in a goal, for the completion of a shell."""
    from agents.goals.completion import completions
    from twin.errors import TwinError
    from twin.formats import load_network

    try:
        return completions(incomplete, load_network(str(context.params.get("network") or "sndlib/germany50")))
    except TwinError:
        return []


def complete_elements(context: typer.Context, incomplete: str) -> list[str]:
    """Nodes and circuits of the network, one or several with commas, for the completion of a shell."""
    goal = "limit protect:"
    return [x.removeprefix(goal) for x in complete(context, goal + incomplete)]


def complete_questions(context: typer.Context, incomplete: str) -> list[str]:
    """Written questions, and the elements that they are about, for the completion of a shell."""
    about = ("what_if fail:", "what_if drain:", "what_if sleep:", "busiest at:")
    for head in about:
        if incomplete.startswith(head):
            return [head + x for x in complete_elements(context, incomplete.removeprefix(head))]
    return [
        x for x in (*about, "worst", "headroom", "growth:", "path ", "busiest", "power") if x.startswith(incomplete)
    ]


def complete_faults(context: typer.Context, incomplete: str) -> list[str]:
    """Kinds of faults, and behind an `@` where they may lie, for the completion of a shell."""
    from twin.faults import TRAITS

    kind, at, element = incomplete.partition("@")
    if not at:
        return [x.value for x in TRAITS if x.value.startswith(kind)]
    where = next((trait.element for x, trait in TRAITS.items() if x.value == kind), "")
    if where == "interface":
        goal = "set_weight:"
        return [f"{kind}@{x.removeprefix(goal)}" for x in complete(context, goal + element)]
    found = complete_elements(context, element)
    return [f"{kind}@{x}" for x in found if where in ("node", "circuit") and ("--" in x) == (where == "circuit")]


_HELP = "drain:A, relieve, sleep, grow:1.3 ..., with from: until: zone: max_utilisation: protect: rehearse"
GoalText = Annotated[str, typer.Option("--goal", "-g", help=_HELP, autocompletion=complete)]
MaybeGoal = Annotated[
    str | None, typer.Option("--goal", "-g", help=f"{_HELP}; nothing goes wrong then.", autocompletion=complete)
]
Zone = Annotated[str, typer.Option("--zone", help="Time zone of times that name none, such as Europe/Berlin.")]


def ask(
    question: Annotated[
        str,
        typer.Argument(
            help="Such as: what_if fail:Berlin; none lists them.", show_default=False, autocompletion=complete_questions
        ),
    ] = "",
    network: MaybeNetwork = None,
    site: SiteFile = None,
    model: Annotated[str, typer.Option("--model", "-m", help="provider:model, or runbook for none.")] = "runbook",
    policy: PolicyFile = None,
    zone: Zone = "UTC",
    as_json: Json = False,
) -> None:
    """Answer a question about a network with figures of the twin's tools alone.

    Without a model: what_if fail:A-B, what_if drain:X, worst, headroom, growth:1.3, path A B, busiest, power. Exit code
    2 means that no tool answers it, or that something in it has to be settled first.
    """
    from agents.goals.questions import read_question
    from agents.show.answers_in_words import answer, run_state_for
    from twin.formats import load_network

    at = place(network, site, policy, zone)
    loaded = load_network(at.network)
    planned, day = (at.site.reading().network, at.site.site.instruments.day) if at.site else (None, ())
    run_state = run_state_for(loaded, at.policy, at.now, planned=planned, day=day)
    if model != "runbook":
        reply = _answer_of(model, question, run_state)
    else:
        found = settled(
            "ask", question, lambda text: read_question(text, loaded, now=at.now, zone=at.zone), as_json=as_json
        )
        reply = answer(found, run_state)
    if as_json:
        emit("ask", {"network": loaded.name, "snapshot": loaded.id, **reply.document(question)})
        return
    for text in (*reply.sentences, *(f"unsupported: {x.words} (no tool gave this number)" for x in reply.unsupported)):
        say(text)


def _answer_of(model: str, question: str, run_state: "RunState") -> "Reply":
    """Let a model answer with the tools of the twin."""
    import asyncio

    from agents.models import resolve
    from agents.roles.analyst import answer_with

    return asyncio.run(answer_with(resolve(model).client, question, run_state))


def read(
    text: str, command: str, network: "Loaded", *, now: datetime, zone: str, model: str = "runbook", as_json: bool
) -> "Goal":
    """Read a goal, by the clock of its network.

    Ends the command with exit code 2 and the question where one is left open.
    """
    from agents.goals import LONGEST
    from agents.goals.written import read_goal

    def understand(words: str) -> "Goal | Question":
        if model == "runbook":
            return read_goal(words, network, now=now, zone=zone)
        import asyncio

        from agents.goals.by_model import read_goal_with
        from agents.models import resolve

        return asyncio.run(read_goal_with(resolve(model).client, words, network, now=now, zone=zone))

    goal = settled(command, text, understand, as_json=as_json)
    return goal.model_copy(update={"text": text[:LONGEST]})  # an answer to a question stands in the goal itself


def settled(command: str, text: str, read: "Callable[[str], T | Question]", *, as_json: bool) -> T:
    """Read a text, with one question to a person at a terminal; without, the question is the answer."""
    from agents.goals import Question
    from agents.goals.clarify import settle

    at_terminal = sys.stdin.isatty() and sys.stderr.isatty() and not as_json
    found = settle(text, read, _put if at_terminal else None)
    if isinstance(found, Question):
        document: dict[str, Any] = {"question": found.model_dump(mode="json")}
        if as_json:
            emit(command, document)
        tell(f"question: {' '.join(found.question.split())}")
        raise typer.Exit(USAGE)
    return found


def _put(question: str) -> str:
    return str(typer.prompt(question, default="", show_default=False, err=True))
