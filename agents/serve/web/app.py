"""The console's addresses: each is one row of a table with the least role that may ask for it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Literal
from urllib.parse import parse_qs

from jinja2 import Environment
from pydantic import BaseModel, JsonValue
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from agents.serve.room import Room
from agents.serve.settings import Role
from agents.show.report.page import environment
from twin.errors import InputError, RefusedError, StoreBusyError, TwinError
from twin.files import parse_json

from .access import FIELD, HEADER, Guard, Sessions, Visitor, is_own, refuse
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


Work = Callable[["Console", Asked], Response]
Figures = Callable[["Console"], str]


@dataclass(frozen=True)
class Address:
    """One address: how it is asked, who may, what it does, and one line for the OpenAPI document."""

    path: str
    role: Role
    work: Work
    about: str
    method: Method = "GET"
    threaded: bool = True


class Console:
    """What the addresses work with."""

    def __init__(self, room: Room, sessions: Sessions, *, passkeys: bool, origin: str) -> None:
        self.room, self.sessions, self.origin = room, sessions, origin
        self.screens = Screens(room, passkeys=passkeys)
        self.pages: Environment = environment()
        self.questions: object = None  # those of passkeys that wait for an answer

    def page(self, template: str, asked: Asked, title: str, **values: object) -> HTMLResponse:
        """Write a screen."""
        shell = self.screens.shell(template, title, asked.visitor, full=asked.query.get("full") == "1")
        names = {"what-if": "whatif"}
        text = self.pages.get_template(f"{names.get(template, template)}.html.j2").render(shell=shell, **values)
        return HTMLResponse(text)


def create_app(console: Console, addresses: tuple[Address, ...], hosts: frozenset[str], figures: Figures) -> ASGIApp:
    """Make the application that a server runs: every address behind its role, all of it behind the guard.

    Whether it is well, and `figures` of it, may be asked by anybody on an allowed host: programs have no session.
    """
    routes = [Route(x.path, _endpoint(console, x), methods=[x.method]) for x in addresses]

    def login(request: Request) -> Response:
        return _login(console, request)

    def healthz(_request: Request) -> Response:
        return PlainTextResponse("ok\n")

    def metrics(_request: Request) -> Response:
        return PlainTextResponse(figures(console), media_type="text/plain; version=0.0.4")

    routes += [
        Route("/login", login),
        Route("/static/{name}", _asset),
        Route("/healthz", healthz),
        Route("/metrics", metrics),
    ]
    return Guard(Starlette(routes=routes), hosts)


def _endpoint(console: Console, address: Address) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        visitor = console.sessions.visitor(request)
        refusal = refuse(request, visitor, address.role)
        if refusal is not None or visitor is None:
            return refusal or PlainTextResponse("nobody", 401)
        try:
            body: Mapping[str, JsonValue] = await _body(request) if address.method == "POST" else dict[str, JsonValue]()
            if address.method == "POST":
                _require_own(console, visitor, request, body)
            query = dict(request.query_params.items())
            asked = Asked(visitor, {k: str(v) for k, v in request.path_params.items()}, query, body, request)
            if address.threaded:
                return await run_in_threadpool(address.work, console, asked)
            return address.work(console, asked)
        except TwinError as error:
            return _told(request, error)

    return answer


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
    status = 403 if isinstance(error, _ForeignError) else status
    document: dict[str, JsonValue] = {"code": error.code, "message": str(error), "fix": error.fix}
    if request.url.path.startswith("/api/"):
        return JSONResponse({"error": document}, status)
    return PlainTextResponse(f"{error}{f' ({error.fix})' if error.fix else ''}\n", status)


def _login(console: Console, request: Request) -> Response:
    token = request.query_params.get("token", "")
    sid = console.sessions.enter(token) if token else None
    if sid is None:
        page = console.pages.get_template("login.html.j2").render()
        return HTMLResponse(page, 403 if token else 200)
    answer = RedirectResponse("/", 303)
    answer.set_cookie("twinops_session", sid, httponly=True, samesite="strict", path="/")
    return answer


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
