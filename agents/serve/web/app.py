"""The console's addresses: each is one row of a table with the least role that may ask for it."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.resources import files
from typing import Literal, Protocol
from urllib.parse import parse_qs, urlsplit

from jinja2 import Environment
from opentelemetry.trace import NoOpTracer, Tracer
from pydantic import BaseModel, JsonValue
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from agents.record.charter import Register
from agents.serve.room import Room
from agents.serve.settings import Role
from agents.show.report.page import environment
from tools.box.tracing import HTTP_METHOD, HTTP_ROUTE, HTTP_STATUS, TRACEPARENT, joined, request_span
from twin.clock import utc_now
from twin.errors import InputError, RefusedError, RightsError, StoreBusyError, StoreError, TwinError
from twin.files import parse_json

from .access import FIELD, HEADER, Guard, Sessions, is_own, refuse
from .keyed import KEY, KeyedChanges
from .rights import Visitor
from .screens import Screens

Method = Literal["GET", "POST"]
_ASSETS = {"console.css": "text/css", "console.js": "text/javascript", "icon.svg": "image/svg+xml"}


@dataclass(frozen=True)
class Asked:
    """One request of somebody who may make it: by whom, with what in its path, its query and its body."""

    visitor: Visitor
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Mapping[str, JsonValue]
    request: Request

    def text(self, name: str, most: int = 2_000) -> str:
        """A text of the body. Raises `InputError` when it is none, or too long."""
        found = self.body.get(name, "")
        if not isinstance(found, str) or len(found) > most:
            raise InputError(f"{name} is a text of at most {most:,} characters", fix="correct it")
        return found

    def require(self, role: Role, elements: Iterable[str]) -> None:
        """Make sure that somebody may do what a role may on these elements. Raises `RightsError`."""
        if not self.visitor.holds(role, elements):
            words = f"{self.visitor.name} is {self.visitor.words}, and this is about more"
            raise RightsError(words, fix="ask somebody who has the role for it")


Work = Callable[["Console", Asked], Response]
Door = Callable[["Console", Request], Response]


@dataclass(frozen=True)
class Address:
    """One address: how it is asked, who may, what it does, and one line for the OpenAPI document."""

    path: str
    role: Role
    work: Work
    about: str
    method: Method = "GET"
    threaded: bool = True
    whole: bool = False  # whether it is about every element, and for nobody whose rights are within tags
    takes: tuple[str, ...] = ()  # names in its query, or in its body where it changes something


class Entrance(Protocol):
    """A single sign-on: where to send a browser, with a ticket of its own, and who it came back as."""

    def begin(self) -> tuple[str, str]:
        """Return the address to send it to, and its ticket. Raises `TransientError`."""
        ...

    def finish(self, name: str, answer: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
        """Return who came in, and of which groups they are. Raises `RightsError`, `TransientError`."""
        ...


class Console:
    """What the addresses work with."""

    def __init__(
        self,
        room: Room,
        sessions: Sessions,
        *,
        passkeys: bool,
        origin: str,
        sign_on: Entrance | None = None,
        tracer: Tracer | None = None,
    ) -> None:
        """`tracer` gets a span of every request; nobody does without one."""
        self.room, self.sessions, self.origin, self.sign_on = room, sessions, origin, sign_on
        self.tracer = tracer or NoOpTracer()
        self.rp = urlsplit(origin).hostname or "localhost"  # whom passkeys are made for: a name, no address
        self.keyed = KeyedChanges()
        self.screens = Screens(room, passkeys=passkeys)
        self.pages: Environment = environment()
        self.questions: object = None  # those of passkeys that wait for an answer

    def trace_of(self, run: str) -> str:
        """The first span of a run's trace, as a traceparent: what is asked of a run is a part of it; empty for none."""
        with suppress(StoreError):
            charter = Register(self.room.place.home, run).read()
            return charter.started.trace if charter else ""
        return ""

    def page(self, template: str, asked: Asked, title: str, **values: object) -> HTMLResponse:
        """Write a screen."""
        shell = self.screens.shell(template, title, asked.visitor, full=asked.query.get("full") == "1")
        names = {"what-if": "whatif"}
        times = {"machine": utc_now(), "network_now": self.room.now}
        page = self.pages.get_template(f"{names.get(template, template)}.html.j2")
        text = page.render(shell=shell, **times, **values)
        return HTMLResponse(text)


def routes_of(
    console: Console, addresses: tuple[Address, ...], doors: Mapping[str, Door], agents: ASGIApp | None = None
) -> list[Route]:
    """Return everything that can be asked: every address behind its role, and what has none.

    `doors` are open to anybody on an allowed host: coming in, and what programs without a session ask for. `agents` is
    what answers other people's agents, None where that is not installed.
    """
    routes = [Route(x.path, _endpoint(console, x), methods=[x.method]) for x in addresses]
    routes += [Route(path, _opened(console, door)) for path, door in doors.items()]
    return [*routes, Route("/static/{name}", _asset), Route("/mcp", agents or _no_agents)]


def create_app(routes: Iterable[Route], hosts: frozenset[str]) -> ASGIApp:
    """Make the application that a server runs: all of it behind the guard."""
    return Guard(Starlette(routes=list(routes)), hosts)


def _no_agents(_request: Request) -> Response:
    return PlainTextResponse("agents are served where the extra is installed: pip install 'twinops[mcp]'\n", 404)


def _opened(console: Console, door: Door) -> Callable[[Request], Response]:
    return lambda request: door(console, request)


def _endpoint(console: Console, address: Address) -> Callable[[Request], Awaitable[Response]]:
    async def traced(request: Request) -> Response:
        about = {HTTP_METHOD: address.method, HTTP_ROUTE: address.path}
        asker: Mapping[str, str] = request.headers
        if address.method == "POST" and "run" in request.path_params and TRACEPARENT not in asker:
            known = console.sessions.visitor(request) is not None
            asker = {TRACEPARENT: console.trace_of(str(request.path_params["run"]))} if known else {}
        with joined(asker), request_span(console.tracer, " ".join(about.values()), **about) as span:
            response = await answer(request)
            span.set_attribute(HTTP_STATUS, response.status_code)
            return response

    async def answer(request: Request) -> Response:
        visitor = console.sessions.visitor(request)
        refusal = refuse(request, visitor, address.role, whole=address.whole)
        if visitor is None:
            return refusal or PlainTextResponse("nobody", 401)
        if refusal is not None:
            return await _page_of(console, request, visitor, refusal)
        try:
            body: Mapping[str, JsonValue] = await _body(request) if address.method == "POST" else dict[str, JsonValue]()
            if address.method == "POST":
                _require_own(console, visitor, request, body)
            query = dict(request.query_params.items())
            asked = Asked(visitor, {k: str(v) for k, v in request.path_params.items()}, query, body, request)
            if not address.threaded:
                return address.work(console, asked)
            key = request.headers.get(KEY, "") if address.method == "POST" else ""
            with console.keyed.once(visitor.name, key, request.url.path, await request.body()) as change:
                if change.response is None:
                    change.response = await run_in_threadpool(address.work, console, asked)
                return change.response
        except TwinError as error:
            return await _page_of(console, request, visitor, _told(request, error))

    return traced


_FAILED = {403: "This is not yours to see or to do", 409: "It has moved", 422: "There is no such thing here"}


async def _page_of(console: Console, request: Request, visitor: Visitor, failed: Response) -> Response:
    """What failed as a page of the console where a browser asks; programs get the words alone."""
    if isinstance(failed, JSONResponse) or "text/html" not in request.headers.get("accept", ""):
        return failed
    words, title = bytes(failed.body).decode().strip(), _FAILED.get(failed.status_code, "This did not work")
    asked = Asked(visitor, {}, {}, {}, request)
    page = await run_in_threadpool(console.page, "failed", asked, title, words=words)
    page.status_code = failed.status_code
    return page


async def _body(request: Request) -> Mapping[str, JsonValue]:
    content = await request.body()
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        try:
            return {k: v[-1] for k, v in parse_qs(content.decode(), max_num_fields=50).items()}
        except ValueError as error:
            raise InputError("the form cannot be read", fix="use the page's own form") from error
    try:
        found = parse_json(content or b"{}")
    except ValueError as error:
        raise InputError("the body is no JSON", fix="send one JSON object") from error
    if not isinstance(found, dict):
        raise InputError("the body is no JSON object", fix="send one JSON object")
    return found


class _ForeignError(RefusedError):
    """A change that was not asked for by the console's own page."""


def _require_own(console: Console, visitor: Visitor, request: Request, body: Mapping[str, JsonValue]) -> None:
    given = request.headers.get(HEADER) or body.get(FIELD)
    if not visitor.program and (not isinstance(given, str) or not is_own(visitor, given)):
        raise _ForeignError("the request does not carry the token of this session", fix="load the page anew")
    if console.sessions.writes_too_often(visitor):
        raise StoreBusyError("too many changes in a minute", fix="wait a moment")


def _told(request: Request, error: TwinError) -> Response:
    status = 409 if isinstance(error, RefusedError) else 422 if isinstance(error, InputError) else 503
    status = 403 if isinstance(error, _ForeignError | RightsError) else status
    document: dict[str, JsonValue] = {"code": error.code, "message": str(error), "fix": error.fix}
    if request.url.path.startswith("/api/"):
        return JSONResponse({"error": document}, status)
    return PlainTextResponse(f"{error}{f' ({error.fix})' if error.fix else ''}\n", status)


def _asset(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in _ASSETS:
        return PlainTextResponse("there is no such file\n", 404)
    content = (files("agents") / "serve" / "web" / "static" / name).read_bytes()
    return Response(content, media_type=_ASSETS[name])


def as_json(value: BaseModel | Mapping[str, object], status: int = 200) -> JSONResponse:
    """Answer with JSON in the versioned form of the command line."""
    content = value.model_dump(mode="json") if isinstance(value, BaseModel) else dict(value)
    return JSONResponse({"format": "twinops/1", **content}, status)
