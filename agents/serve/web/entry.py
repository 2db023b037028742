"""Coming in and going: by a token that was printed, by the team's single sign-on, and out again."""

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from twin.errors import RightsError, TwinError

from .app import Asked, Console

_TICKET = "twinops_ticket"


def enter(console: Console, request: Request) -> Response:
    """Let a browser in by a token that was printed, or say how to come in."""
    token = request.query_params.get("token", "")
    sid = console.sessions.enter(token) if token else None
    if sid is None:
        return _page(console, 403 if token else 200)
    answer = RedirectResponse("/", 303)
    _remember(console, answer, sid)
    return answer


def start_sign_on(console: Console, request: Request) -> Response:
    """Send a browser to the single sign-on, with a ticket by which it is known again."""
    del request
    if console.sign_on is None:
        return _page(console, 404)
    try:
        url, ticket = console.sign_on.begin()
    except (TwinError, ValueError) as error:
        return _page(console, 503, error)
    answer = RedirectResponse(url, 303)
    secure = console.origin.startswith("https:")  # lax: it has to be there when the provider sends the browser back
    answer.set_cookie(_TICKET, ticket, max_age=600, httponly=True, samesite="lax", secure=secure, path="/login")
    return answer


def finish_sign_on(console: Console, request: Request) -> Response:
    """Begin a session for whom the single sign-on sends back."""
    if console.sign_on is None:
        return _page(console, 404)
    try:
        answer = {k: v for k, v in request.query_params.items() if len(v) < 4_000}
        name, groups = console.sign_on.finish(request.cookies.get(_TICKET, ""), answer)
        sid = console.sessions.welcome(name, groups)
    except (TwinError, ValueError) as error:
        return _page(console, 403 if isinstance(error, RightsError) else 503, error)
    console.room.audit(name, "came in by the single sign-on")
    # A page of our own goes on, not the provider's redirect: browsers keep a strict cookie from that.
    welcome = HTMLResponse(console.pages.get_template("entered.html.j2").render())
    welcome.delete_cookie(_TICKET, path="/login")
    _remember(console, welcome, sid)
    return welcome


def leave(console: Console, asked: Asked) -> Response:
    """End the session of whoever asks."""
    console.sessions.leave(asked.request)
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(console.sessions.cookie, path="/")
    return answer


def _remember(console: Console, answer: Response, sid: str) -> None:
    secure = console.origin.startswith("https:")
    answer.set_cookie(console.sessions.cookie, sid, httponly=True, samesite="strict", secure=secure, path="/")


def _page(console: Console, status: int, error: Exception | None = None) -> Response:
    words = ""
    if error is not None:
        fix = getattr(error, "fix", "")
        words = f"{error}{f' ({fix})' if fix else ''}"
    page = console.pages.get_template("login.html.j2").render(sign_on=console.sign_on is not None, error=words)
    return HTMLResponse(page, status)
