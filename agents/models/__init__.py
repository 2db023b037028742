"""Model clients, named `provider:model`."""

from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from autogen_core.models import ChatCompletionClient


STAND_IN = "runbook"


class Model(NamedTuple):
    """A client and what to call it in records and spans. `fallback` goes on when the client's provider stays down."""

    provider: str
    name: str
    client: "ChatCompletionClient"
    fallback: "ChatCompletionClient | None" = None


def _runbook(model: str) -> "ChatCompletionClient":
    from twin.errors import InputError

    from .runbook import RunbookClient

    if model:
        raise InputError(f"the runbook has no model {model!r}", fix="write just: runbook")
    return RunbookClient()


def _replay(run: str) -> "ChatCompletionClient":
    from .replay import ReplayClient

    return ReplayClient(run)


def _anthropic(model: str) -> "ChatCompletionClient":
    from .anthropic import make_client

    return make_client(model)


def _openai(model: str) -> "ChatCompletionClient":
    from twin.errors import InputError

    if find_spec("openai") is None:
        raise InputError("the openai package is not installed", fix="install the extra: pip install 'twinops[openai]'")
    from .openai import make_client

    return make_client(model)


_PROVIDERS: dict[str, Callable[[str], "ChatCompletionClient"]] = {
    "runbook": _runbook,
    "anthropic": _anthropic,
    "openai": _openai,
    "replay": _replay,
}
_NETWORK = frozenset({"anthropic", "openai"})


def offer(provider: str, make: Callable[[str], "ChatCompletionClient"]) -> None:
    """Let a provider that is no part of this package be named in `resolve`; `make` gets what follows the colon."""
    _PROVIDERS[provider] = make


def resolve(name: str) -> Model:
    """Make the client of a model named `provider:model`. Raises `InputError` when no provider has that name."""
    from twin.errors import InputError

    provider, _, model = name.partition(":")
    if provider not in _PROVIDERS:
        raise InputError(f"no model provider {provider!r}", fix=f"use one of: {', '.join(_PROVIDERS)}")
    client = _PROVIDERS[provider](model)
    return Model(provider, model or provider, client, _fallback() if provider in _NETWORK else None)


def _fallback() -> "ChatCompletionClient | None":
    from .settings import ModelSettings

    return _runbook("") if ModelSettings.from_environment().fallback else None
