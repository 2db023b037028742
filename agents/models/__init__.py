"""Model clients, named `provider:model`."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from twin.errors import InputError

if TYPE_CHECKING:
    from autogen_core.models import ChatCompletionClient


class Model(NamedTuple):
    """A client and what to call it in records and spans."""

    provider: str
    name: str
    client: "ChatCompletionClient"


def _runbook(model: str) -> "ChatCompletionClient":
    from .runbook import RunbookClient

    if model:
        raise InputError(f"the runbook has no model {model!r}", fix="write just: runbook")
    return RunbookClient()


def _adversary(persona: str) -> "ChatCompletionClient":
    from .adversary import AdversaryClient

    return AdversaryClient(persona)


def _local(model: str) -> "ChatCompletionClient":
    from .local import LocalClient

    return LocalClient(model)


_PROVIDERS: Mapping[str, Callable[[str], "ChatCompletionClient"]] = MappingProxyType(
    {"runbook": _runbook, "adversary": _adversary, "local": _local}
)


def resolve(name: str) -> Model:
    """Make the client of a model named `provider:model`. Raises `InputError` when no provider has that name."""
    provider, _, model = name.partition(":")
    if provider not in _PROVIDERS:
        raise InputError(f"no model provider {provider!r}", fix=f"use one of: {', '.join(_PROVIDERS)}")
    return Model(provider, model or provider, _PROVIDERS[provider](model))
