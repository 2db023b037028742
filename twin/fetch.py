"""What a server gives over HTTP, bounded in size, in the time of each read, and in the time of the whole answer.

A server that sends a byte now and then reaches no limit of a read, and would keep whoever asks for ever.
"""

import ssl
import urllib.error
import urllib.request
from contextlib import suppress
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from io import BytesIO
from socket import SHUT_RDWR, socket
from typing import NamedTuple

from .time_limit import TimeLimit

WHOLE = 12
"""How many times the limit of one read a whole answer may take."""
_MOST_SAID = 65_536  # of what an error says


class Fetched(NamedTuple):
    """What was given, and from where in the end."""

    url: str
    content: bytes


def fetch(request: urllib.request.Request, *, timeout_s: float, most: int) -> Fetched:
    """Ask for at most `most` bytes; one more is given where there are more.

    Raises `urllib.error.HTTPError`, whose text can be read, `TimeoutError`, and other `OSError` or `HTTPException`.
    """
    limit = TimeLimit(WHOLE * timeout_s)
    try:
        with urllib.request.build_opener(_Http(limit), _Https(limit)).open(request, timeout=timeout_s) as answer:
            given = Fetched(str(answer.url), answer.read(most + 1))
    except urllib.error.HTTPError as error:
        said = b""
        with error, suppress(OSError, HTTPException):
            said = error.read(_MOST_SAID)
        raise urllib.error.HTTPError(error.url, error.code, error.reason, error.headers, BytesIO(said)) from error
    except (OSError, HTTPException, ValueError) as error:
        if limit.passed:
            raise TimeoutError(limit.words) from error
        raise
    finally:
        limit.end()
    if limit.passed:
        raise TimeoutError(limit.words)
    return given


class _Http(urllib.request.HTTPHandler):
    def __init__(self, limit: TimeLimit) -> None:
        super().__init__()
        self._limit = limit

    def http_open(self, req: urllib.request.Request) -> HTTPResponse:
        return self.do_open(_limited(HTTPConnection, self._limit), req)


class _Https(urllib.request.HTTPSHandler):
    def __init__(self, limit: TimeLimit) -> None:
        super().__init__()
        self._limit = limit

    def https_open(self, req: urllib.request.Request) -> HTTPResponse:
        return self.do_open(_limited(HTTPSConnection, self._limit), req, context=ssl.create_default_context())


def _limited(kind: type[HTTPConnection], limit: TimeLimit) -> type[HTTPConnection]:
    class Limited(kind):
        def connect(self) -> None:
            super().connect()
            # what TLS would say first might wait as well
            limit.holds(partial(socket.shutdown, self.sock, SHUT_RDWR))

    return Limited
