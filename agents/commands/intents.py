"""`ask`, and the goal of `run`: plain words in, values out, and a question where words leave something open."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from .options import Json, Network, PolicyFile, limits
from .output import USAGE, emit, say

if TYPE_CHECKING:
    from agents.intent import Intent, Question

T = TypeVar("T")

Zone = Annotated[str, typer.Option("--zone", help="Time zone of hours that name none, such as Europe/Berlin.")]


def ask(
    question: Annotated[str, typer.Argument(help="Such as: what if Berlin fails?", show_default=False)],
    network: Network = "sndlib/germany50",
    model: Annotated[str, typer.Option("--model", "-m", help="provider:model, or runbook for none.")] = "runbook",
    policy: PolicyFile = None,
    zone: Zone = "UTC",
    as_json: Json = False,
) -> None:
    """Answer a question about a network with figures of the twin's tools alone.

    Exit code 2 means that no tool answers it, or that something in it has to be settled first.
    """
    from agents.asking import answer, desk_for
    from agents.intent.inquiry import read_inquiry
    from twin.formats import load_network

    loaded, now = load_network(network), datetime.now(UTC)
    desk = desk_for(loaded, limits(policy), now)
    if model != "runbook":
        import asyncio

        from agents.analyst import answer_with
        from agents.models import resolve

        reply = asyncio.run(answer_with(resolve(model).client, question, desk))
    else:
        inquiry = settled("ask", question, lambda text: read_inquiry(text, loaded, now=now, zone=zone), as_json=as_json)
        reply = answer(inquiry, desk)
    if as_json:
        emit("ask", {"network": loaded.name, "snapshot": loaded.id, **reply.document(question)})
        return
    for sentence in reply.sentences:
        say(sentence)
    for claim in reply.unsupported:
        say(f"unsupported: {claim.words} (no tool gave this number)")


def read_goal(text: str, network: str, *, seed: int, model: str, zone: str, as_json: bool) -> "Intent":
    """Read the goal of a run, by the clock of its network.

    Ends the command with exit code 2 and the question where one is left open.
    """
    from agents.intent import read_intent
    from agents.scene import begin_of
    from twin.formats import load_network

    loaded = load_network(network)
    now = begin_of(loaded, seed)

    def read(words: str) -> "Intent | Question":
        if model == "runbook":
            return read_intent(words, loaded, now=now, zone=zone)
        import asyncio

        from agents.intent.dictation import dictate
        from agents.models import resolve

        return asyncio.run(dictate(words, loaded, resolve(model).client, now=now, zone=zone))

    return settled("run", text, read, as_json=as_json)


def settled(command: str, text: str, read: "Callable[[str], T | Question]", *, as_json: bool) -> T:
    """Read a text, with one question to a person at a terminal; without, the question is the answer."""
    from agents.intent.clarify import settle
    from agents.intent.types import Question

    at_terminal = sys.stdin.isatty() and sys.stderr.isatty() and not as_json
    found = settle(text, read, _put if at_terminal else None)
    if isinstance(found, Question):
        document: dict[str, Any] = {"question": found.model_dump(mode="json")}
        if as_json:
            emit(command, document)
        sys.stderr.write(f"question: {found.question}\n")
        raise typer.Exit(USAGE)
    return found


def _put(question: str) -> str:
    return str(typer.prompt(question, default="", show_default=False, err=True))
