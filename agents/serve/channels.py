"""How a message is handed to one receiver: the bodies that each expects, and what its answers mean."""

import hashlib
import hmac
import json
import os
import smtplib
import urllib.error
import urllib.request
from collections.abc import Mapping
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from http.client import HTTPException

from pydantic import JsonValue

from twin.errors import InputError, TransientError, TwinError
from twin.printed import utc
from twin.untrusted import clean

from .record import Queued
from .settings import Alertmanager, Channel, Mail, PagerDuty, Webhook

TIMEOUT_S = 10.0
_FIRING = timedelta(days=7)  # Alertmanager ends an alert by itself unless it is told when it would
_LATER = frozenset({408, 425, 429, 500, 502, 503, 504})


class RefusedMessageError(TwinError):
    """A receiver will never take this message as it is."""


def _straight() -> urllib.request.OpenerDirector:
    """What follows no redirect: a message that is sent on loses its body, and the page at the end of it says `200`."""
    opener, known = urllib.request.OpenerDirector(), urllib.request
    for handler in (known.ProxyHandler, known.HTTPHandler, known.HTTPSHandler):
        opener.add_handler(handler())
    opener.add_handler(known.HTTPDefaultErrorHandler())
    opener.add_handler(known.HTTPErrorProcessor())
    return opener


_STRAIGHT = _straight()


def hand_over(channel: Channel, message: Queued, now: datetime) -> None:
    """Give a message to its receiver.

    Raises `TransientError` when it may be tried again, `RefusedMessageError` when that is of no use.
    """
    match channel:
        case Alertmanager():
            headers = _bearer(channel.token_env)
            _post(f"{channel.url.rstrip('/')}/api/v2/alerts", alertmanager_body(message), headers)
        case PagerDuty():
            _post(channel.url, pagerduty_body(message, _secret(channel.key_env)), {})
        case Webhook():
            _signed(channel, message, now)
        case Mail():
            _mail(channel, message)


def alertmanager_body(message: Queued) -> JsonValue:
    """The alert of an incident as `POST /api/v2/alerts` takes it."""
    ended = message.moment == "resolved"
    return [
        {
            "labels": {
                "alertname": f"twinops_{message.family}",
                "network": message.network,
                "source": message.source,
                "kind": message.kind,
                "incident": message.incident,
                "severity": "critical" if message.family == "state" else "warning",
            },
            "annotations": {"summary": message.summary},
            "startsAt": message.began.isoformat(),
            "endsAt": (message.time if ended else message.time + _FIRING).isoformat(),
        }
    ]


def pagerduty_body(message: Queued, key: str) -> JsonValue:
    """The event of an incident as the Events API v2 takes it; all events of one incident share their key."""
    action = {"opened": "trigger", "acknowledged": "acknowledge", "resolved": "resolve"}[message.moment]
    body: dict[str, JsonValue] = {"routing_key": key, "event_action": action, "dedup_key": _key(message)}
    if action == "trigger":
        body["payload"] = {
            "summary": message.summary[:1024],
            "source": message.source,
            "severity": "critical" if message.family == "state" else "warning",
            "timestamp": message.began.isoformat(),
            "component": message.source,
            "group": message.network,
            "class": message.kind,
        }
    return body


def webhook_body(message: Queued) -> bytes:
    """The body that a webhook gets: the message as it is on the room's log."""
    return json.dumps(message.model_dump(mode="json", exclude={"did"}), sort_keys=True).encode()


def signature(secret: str, stamp: str, body: bytes) -> str:
    """HMAC-SHA-256 over `STAMP.BODY` (RFC 2104), as in `X-Twinops-Signature`."""
    return "sha256=" + hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()


def _signed(channel: Webhook, message: Queued, now: datetime) -> None:
    body, stamp = webhook_body(message), str(int(now.timestamp()))
    headers = {"X-Twinops-Message": f"{_key(message)}/{message.number}", "X-Twinops-Timestamp": stamp}
    if channel.secret_env:
        headers["X-Twinops-Signature"] = signature(_secret(channel.secret_env), stamp, body)
    _send(channel.url, body, headers)


def _mail(channel: Mail, message: Queued) -> None:
    mail = EmailMessage()
    mail["Subject"] = f"[{clean(message.network)}] {clean(message.summary)}"[:200].replace("\n", " ")
    mail["From"], mail["To"] = channel.sender, ", ".join(channel.to)
    mail["Date"] = format_datetime(message.time)
    mail["Message-ID"] = f"<{_key(message)}.{message.number}@twinops.invalid>".replace("/", ".")
    mail.set_content(f"{message.summary}\n\nincident {message.incident}, {message.moment}, {utc(message.time)}\n")
    try:
        with smtplib.SMTP(channel.host, channel.port, timeout=TIMEOUT_S) as server:
            if channel.starttls:
                server.starttls()
            if channel.user:
                server.login(channel.user, _secret(channel.password_env or ""))
            server.send_message(mail)
    except smtplib.SMTPRecipientsRefused as error:
        codes = {code for code, _ in error.recipients.values()}
        if all(code >= 500 for code in codes):
            raise RefusedMessageError(f"{channel.host} refuses every recipient", fix="correct `to`") from error
        raise TransientError(f"{channel.host} does not take mail for them now") from error
    except smtplib.SMTPResponseException as error:
        words = f"{channel.host} answers {error.smtp_code}"
        if error.smtp_code >= 500:
            raise RefusedMessageError(words, fix="check sender, user and password") from error
        raise TransientError(words) from error
    except (OSError, smtplib.SMTPException) as error:
        raise TransientError(f"{channel.host} does not answer: {error}") from error


def _post(url: str, body: JsonValue, headers: Mapping[str, str]) -> None:
    _send(url, json.dumps(body).encode(), headers)


def _send(url: str, body: bytes, headers: Mapping[str, str]) -> None:
    request = urllib.request.Request(  # noqa: S310 - the scheme is http or https by the settings
        url, data=body, headers={"Content-Type": "application/json", "User-Agent": "twinops", **headers}, method="POST"
    )
    try:
        with _STRAIGHT.open(request, timeout=TIMEOUT_S):
            return
    except urllib.error.HTTPError as error:
        with error:
            words = f"{_host(url)} answers {error.code}"
        if error.code in _LATER or error.code // 100 == 3:
            raise TransientError(words) from error
        raise RefusedMessageError(words, fix="check its URL and key") from error
    except (OSError, ValueError, HTTPException) as error:
        told = " ".join(str(error).split())[:200] or type(error).__name__
        raise TransientError(f"{_host(url)} does not answer: {told}") from error


def _host(url: str) -> str:
    """The host alone: the rest of an address may be a secret."""
    return url.split("/", 3)[2].rpartition("@")[2]


def _key(message: Queued) -> str:
    return f"{message.network}/{message.incident}"


def _bearer(variable: str | None) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {_secret(variable)}"} if variable else {}


def _secret(variable: str) -> str:
    found = os.environ.get(variable, "")
    if not found:
        raise TransientError(f"{variable} is not set", fix="give the secret in the environment, and start again")
    return found


def require_secrets(channels: tuple[Channel, ...]) -> None:
    """Make sure, before a room begins, that every secret is in the environment. Raises `InputError`."""
    for channel in channels:
        named = {name: getattr(channel, name, None) for name in ("token_env", "key_env", "secret_env", "password_env")}
        for variable in named.values():
            if variable and not os.environ.get(variable):
                raise InputError(f"channel {channel.name}: {variable} is not set", fix="give it in the environment")
