"""How a request to a provider can fail, in one form for all providers, with no secret in its words."""

import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal, cast

from twin.untrusted import clean

from .answer import plain

Kind = Literal["busy", "overloaded", "server", "connection", "timeout", "truncated", "malformed", "refused"]

_PASSING_TYPES = ("overloaded_error", "api_error", "rate_limit_error", "timeout_error", "server_error")
_PASSING_STATUS = (408, 409, 425, 429)
_MOST_WORDS = 300
_LOOKS_SECRET = re.compile(
    r"(?:sk|pk|rk|key|token)[-_][\w-]{6,}|\bBearer\s+\S+|(?:x-api-key|authorization)['\"\s:=]+(?:(?:bearer|basic)\s+)?\S+",
    re.I,
)


class CallError(Exception):
    """One request that failed. `passing` says that another may succeed, `retry_after` in how many seconds."""

    def __init__(self, kind: Kind, message: str, *, passing: bool = True, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.kind: Kind = kind
        self.passing, self.retry_after = passing, retry_after


def redact(text: str, secrets: Collection[str]) -> str:
    """Return one short line without control characters and without anything that is or looks like a key."""
    for secret in secrets:
        text = text.replace(secret, "[redacted]") if secret else text
    return clean(_LOOKS_SECRET.sub("[redacted]", plain(text)), _MOST_WORDS)


def from_error(error: Exception, *, now: datetime, secrets: Collection[str] = ()) -> CallError:
    """Read an error of a provider's SDK or of the transport below it.

    The SDKs of Anthropic and OpenAI have the same error classes, told apart by their names; both hide neither the
    response nor its headers. An error event after a 200 counts by its type. Everything that is no answer of the
    provider's is passing: a reset, silence, bytes that are no JSON.
    """
    words = redact(_words(error), secrets)
    names = {base.__name__ for base in type(error).__mro__}
    if names & {"APITimeoutError", "TimeoutException", "TimeoutError"}:
        return CallError("timeout", words)
    status = getattr(error, "status_code", None)
    if isinstance(status, int) and "APIStatusError" in names:
        return _from_status(status, error, words, now)
    if names & {"APIConnectionError", "TransportError", "OSError", "ConnectionError"}:
        return CallError("connection", words)
    kind = str(getattr(error, "type", "") or "")
    if "APIError" in names and "APIResponseValidationError" not in names:
        return CallError("server", words, passing=not kind or kind in _PASSING_TYPES)
    return CallError("malformed", words)


def _words(error: Exception) -> str:
    """Return status, kind and message of a provider's error without the JSON around them."""
    body = getattr(error, "body", None)
    inner = cast(dict[str, object], body) if isinstance(body, dict) else {}
    message = getattr(error, "api_message", None) or inner.get("message")
    if not isinstance(message, str):
        return f"{type(error).__name__}: {error}"
    parts = (getattr(error, "status_code", None), getattr(error, "type", None))
    return f"{' '.join(str(part) for part in parts if part) or type(error).__name__}: {message}"


def _from_status(status: int, error: Exception, words: str, now: datetime) -> CallError:
    headers: Mapping[str, str] = getattr(getattr(error, "response", None), "headers", {})
    wait = read_retry_after(headers.get("retry-after"), now=now)
    kind = str(getattr(error, "type", "") or "")
    if getattr(error, "code", None) == "insufficient_quota":
        return CallError("refused", words, passing=False)
    if status == 429 or kind == "rate_limit_error":
        return CallError("busy", words, retry_after=wait)
    if status == 529 or kind == "overloaded_error":
        return CallError("overloaded", words, retry_after=wait)
    if status >= 500 or status in _PASSING_STATUS or kind in _PASSING_TYPES:
        return CallError("server", words, retry_after=wait)
    return CallError("refused", words, passing=False)


def read_retry_after(value: str | None, *, now: datetime) -> float | None:
    """Return the seconds that a `retry-after` header asks for (RFC 9110 10.2.3: seconds or a date), None if unclear."""
    if value is None:
        return None
    text = value.strip()
    if re.fullmatch(r"\d{1,9}(?:\.\d+)?", text):
        return float(text)
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    date = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max(0.0, (date - now).total_seconds())
