"""Who is asking, and what they may: sessions, roles, and the checks that every request passes before anything else.

A session says who looks; it is never a signature. It begins with a one-time token that is printed where the console was
started, or with the name that a trusted proxy puts into a header. What changes anything also needs the session's own
token and an origin of the console itself.
"""

import hmac
import os
import secrets
import threading
import time
from collections.abc import Callable, Collection

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from agents.serve.settings import Grant, Program, Role, Settings
from twin.errors import InputError, RightsError

from .rights import Right, Tags, Visitor, require_tags, rights_of

COOKIE, FIELD, HEADER = "twinops_session", "csrf", "x-csrf-token"
PROGRAMS = ("/api/", "/mcp")
"""Where a program may ask with its token."""
MOST_BODY, MOST_SESSIONS = 256 << 10, 1_000
_HOURS, _WRITES, _LOGINS, _ASKS = 12.0, 120, 20, 600  # how long a session lasts; writes, logins, calls in a minute
_SECRET = 20  # characters of a program's token
_HEADERS = (
    (b"content-security-policy", b"default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),  # with none at all, browsers call the origin of our own forms null
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
)


class Sessions:
    """The sessions of a console, in memory: a restart asks everybody to come in again."""

    def __init__(
        self,
        settings: Settings,
        owner: str,
        *,
        tags: Tags,
        clock: Callable[[], float] = time.monotonic,
        cookie: str = COOKIE,
    ) -> None:
        """Raises `InputError` on a scope that is no tag, and on a program without a token that nobody guesses."""
        require_tags(settings, tags)
        self.cookie = cookie
        self._settings, self._owner, self._tags, self._clock = settings, owner, tags, clock
        self._lock = threading.Lock()
        self._known: dict[str, tuple[Visitor, float]] = {}
        self._once: set[str] = set()
        self._counted: dict[str, list[float]] = {}
        self._programs = tuple(
            (_secret(x), Visitor(x.name, rights_of((x,), tags), "", program=True)) for x in settings.programs
        )

    def invite(self) -> str:
        """Return a token that lets whoever started the console in, once."""
        token = secrets.token_urlsafe(24)
        with self._lock:
            self._once.add(token)
        return token

    def enter(self, token: str) -> str | None:
        """Return the id of a new session for a token that was not used yet, None for any other."""
        with self._lock:
            found = next((x for x in self._once if hmac.compare_digest(x, token)), None)
            if found is None or self._too_many("login", _LOGINS):
                return None
            self._once.discard(found)
            rights = self._rights(self._owner) or (Right("admin"),)
            return self._begin(Visitor(self._owner, rights, secrets.token_urlsafe(24)))

    def welcome(self, name: str, groups: Collection[str]) -> str:
        """Return the id of a new session for somebody whom the single sign-on knows. Raises `RightsError`."""
        rights = self._rights(name, groups)
        if not rights:
            raise RightsError(f"{name} is nobody here", fix="ask an admin for a role in room.toml")
        with self._lock:
            if self._too_many("login", _LOGINS):
                raise RightsError("too many people come in at once", fix="try again in a minute")
            return self._begin(Visitor(name, rights, secrets.token_urlsafe(24)))

    def leave(self, request: Request) -> None:
        """End the session of whoever asks."""
        with self._lock:
            self._known.pop(request.cookies.get(self.cookie, ""), None)

    def visitor(self, request: Request) -> Visitor | None:
        """Say who asks, None for a stranger."""
        scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and request.url.path.startswith(PROGRAMS):
            return next((x for secret, x in self._programs if hmac.compare_digest(secret, bearer.encode())), None)
        header = self._settings.proxy_header
        if header is not None and (name := request.headers.get(header)):
            return self._by_proxy(name)
        with self._lock:
            found = self._known.get(request.cookies.get(self.cookie, ""))
            return found[0] if found is not None and found[1] > self._clock() else None

    def writes_too_often(self, visitor: Visitor) -> bool:
        """Whether somebody changes things more often than a person does."""
        with self._lock:
            return self._too_many(visitor.token or f"program/{visitor.name}", _WRITES)

    def asks_too_often(self, visitor: Visitor) -> bool:
        """Whether a program asks more of the simulator than it may in a minute."""
        with self._lock:
            return self._too_many(f"asks/{visitor.name}", _ASKS)

    def _by_proxy(self, name: str) -> Visitor | None:
        rights = self._rights(name)
        if not rights:
            return None
        with self._lock:
            sid = f"proxy/{name}"
            found = self._known.get(sid)
            if found is None or found[0].rights != rights:
                self._known[sid] = (Visitor(name, rights, secrets.token_urlsafe(24)), float("inf"))
            return self._known[sid][0]

    def _rights(self, name: str, groups: Collection[str] = ()) -> tuple[Right, ...]:
        grants: tuple[Grant, ...] = self._settings.grants_of(name, groups)
        return rights_of(grants, self._tags)

    def _begin(self, visitor: Visitor) -> str:
        now = self._clock()
        self._known = {x: y for x, y in self._known.items() if y[1] > now}
        while len(self._known) >= MOST_SESSIONS:
            del self._known[next(iter(self._known))]
        sid = secrets.token_urlsafe(32)
        self._known[sid] = (visitor, now + _HOURS * 3600)
        return sid

    def _too_many(self, what: str, most: int) -> bool:
        now = self._clock()
        self._counted = {who: times for who, times in self._counted.items() if now - times[-1] < 60}
        recent = [x for x in self._counted.get(what, []) if now - x < 60]
        self._counted[what] = [*recent, now][-most - 1 :]
        return len(recent) >= most


def _secret(program: Program) -> bytes:
    found = os.environ.get(program.token_env, "")
    if len(found) < _SECRET:
        fix = f"set {program.token_env} to {_SECRET} characters or more, such as `openssl rand -hex 24` gives"
        raise InputError(f"the program {program.name} has no token that nobody guesses", fix=fix)
    return found.encode()


class Guard:
    """Refuses foreign hosts and origins and large bodies, and says on every answer what a browser may do with it."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str]) -> None:
        self._app, self._hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: dict[str, object]) -> None:
            if message["type"] == "http.response.start":
                known = list(message.get("headers", ()))  # pyright: ignore[reportArgumentType, reportUnknownVariableType, reportCallIssue] - ASGI's own form
                message = {**message, "headers": [*known, *_HEADERS]}
            await send(message)

        request = Request(scope)
        refusal = self._refusal(request)
        if refusal is not None:
            await refusal(scope, receive, with_headers)  # pyright: ignore[reportArgumentType] - as above
            return
        await self._app(scope, receive, with_headers)  # pyright: ignore[reportArgumentType] - as above

    def _refusal(self, request: Request) -> Response | None:
        host = request.headers.get("host", "").lower()
        if host not in self._hosts:
            return PlainTextResponse("this is another host's name", 400)
        if request.method not in ("GET", "HEAD"):
            origin = request.headers.get("origin")
            if origin is not None and origin.partition("://")[2].lower() not in self._hosts:
                return PlainTextResponse("this comes from another site", 403)
            length = request.headers.get("content-length", "")
            if not length.isdigit() or int(length) > MOST_BODY:
                return PlainTextResponse("say how long the body is: at most 256 KiB", 413)
        return None


def refuse(request: Request, visitor: Visitor | None, role: Role, *, whole: bool = False) -> Response | None:
    """Say why somebody may not do what a role may, on the whole network where it is about that; None when they may."""
    as_json = request.url.path.startswith(PROGRAMS)
    if visitor is None:
        words = "open the address that was printed where the console was started, or sign in"
        if as_json:
            return JSONResponse({"error": {"code": "login", "message": "nobody is signed in", "fix": words}}, 401)
        return RedirectResponse("/login", 303)
    if not visitor.may(role, everywhere=whole):
        where = " for the whole network" if visitor.may(role) else ""
        words = f"this needs the role {role}{where}, and {visitor.name} is {visitor.words}"
        if as_json:
            return JSONResponse({"error": {"code": "role", "message": words, "fix": "ask an admin"}}, 403)
        return PlainTextResponse(words, 403)
    return None


def is_own(visitor: Visitor, token: str) -> bool:
    """Whether a token is that of the visitor's session."""
    return bool(token) and hmac.compare_digest(visitor.token, token)
