"""Calendars that a server gives: fetched when the copy at hand has grown old, and kept in case it does not answer.

A copy stands in for a server that is away, and is said to; beyond `KEPT` it stands in for nothing.
"""

import hashlib
import os
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta
from http.client import HTTPException
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from platformdirs import user_cache_path

from twin.errors import InputError, TwinError
from twin.fetch import fetch
from twin.files import SMALL, exists, write_bytes

FRESH = timedelta(minutes=5)
"""How long a copy is used without asking again."""
KEPT = timedelta(hours=24)
"""How long a copy stands in for a server that does not answer."""
_MOST = 16 * SMALL
_TIMEOUT_S = 10.0
_SCHEMES = ("http://", "https://", "webcal://")


class FetchedCalendar(NamedTuple):
    """The copy of a calendar, when it was fetched, and why it could not be fetched now, if so."""

    path: Path
    fetched: datetime
    failed: str = ""


def is_feed(name: str) -> bool:
    """Whether a calendar is named by where a server gives it."""
    return name.startswith(_SCHEMES)


def feed_name(url: str) -> str:
    """Write where a calendar is without what may be a secret in it: the server, and the last part of the path."""
    parts = urlsplit(url)
    last = parts.path.rstrip("/").rpartition("/")[2]
    return f"{parts.scheme}://{parts.hostname or ''}/{'…/' if parts.path.count('/') > 1 else ''}{last[:40]}"


def copies_beside(folder: Path) -> Path:
    """Where copies are kept: beside a site file, or in the operator's home or cache where that may only be read."""
    if os.access(folder, os.W_OK):
        return folder / ".calendars"
    home = os.environ.get("TWINOPS_HOME")
    return (Path(home) if home else user_cache_path("twinops")) / "calendars"


def fetch_calendar(url: str, folder: Path, *, now: datetime, anew: bool = False) -> FetchedCalendar:
    """Return a copy of a calendar that is fresh, or the last one where its server does not answer.

    `folder` keeps the copies, `now` is the time of this machine, and `anew` asks whatever the copy's age is. Raises
    `InputError` where there is neither.
    """
    path = folder / f"{hashlib.sha256(url.encode()).hexdigest()[:16]}.ics"
    fetched = datetime.fromtimestamp(path.stat().st_mtime, UTC) if exists(path) else None
    if fetched is not None and not anew and timedelta() <= now - fetched < FRESH:
        return FetchedCalendar(path, fetched)
    try:
        content = _asked(url)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_bytes(path, content, mode=0o600)
    except (TwinError, OSError, ValueError, HTTPException) as error:
        words = f"{feed_name(url)} cannot be read: {_told(error)}"
        if fetched is None or now - fetched > KEPT:
            raise InputError(words, fix="check the address in [sources], and that its server is up") from error
        return FetchedCalendar(path, fetched, words)
    return FetchedCalendar(path, now)


def _asked(url: str) -> bytes:
    address = f"https://{url.removeprefix('webcal://')}" if url.startswith("webcal://") else url
    request = urllib.request.Request(address, headers={"Accept": "text/calendar"})  # noqa: S310 - http, https alone
    try:
        given = fetch(request, timeout_s=_TIMEOUT_S, most=_MOST)
    except urllib.error.HTTPError as error:
        with error:  # it holds the connection
            raise ValueError(f"it answers {error.code}") from error
    if not given.url.startswith(("http://", "https://")):
        raise ValueError("it leads to another kind of address")
    content = given.content
    if len(content) > _MOST:
        raise ValueError(f"it gives more than {_MOST >> 20} MiB")
    if b"BEGIN:VCALENDAR" not in content[:4096].upper():
        raise ValueError("it gives no iCalendar")
    return content


def _told(error: Exception) -> str:
    if isinstance(error, urllib.error.URLError):
        return str(error.reason)[:120]
    return str(error)[:120] if str(error) else type(error).__name__
