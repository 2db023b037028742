"""The worst models there could be, for evaluations and tests: no part of what an operator's run is made of."""

from typing import TYPE_CHECKING

from agents.models import offer

if TYPE_CHECKING:
    from autogen_core.models import ChatCompletionClient


def offer_models() -> None:
    """Let `adversary` and `local` be named like any other model: each is imported when it is asked for."""
    offer("adversary", _adversary)
    offer("local", _local)


def _adversary(persona: str) -> "ChatCompletionClient":
    from .adversary import AdversaryClient

    return AdversaryClient(persona)


def _local(model: str) -> "ChatCompletionClient":
    from .local import LocalClient

    return LocalClient(model)
