"""The server of a console: one address on this machine, until it is told to stop."""

import asyncio
import getpass
import logging
from contextlib import nullcontext
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import uvicorn

from agents.record.tracing import RequestTracing
from agents.serve.listening import bound
from agents.serve.room import Room
from agents.serve.settings import Settings
from twin.errors import InputError
from twin.version import version

if TYPE_CHECKING:  # only where its extra is installed
    from .mcp_mount import McpMount
from .access import COOKIE, Sessions
from .addresses import ADDRESSES, DOORS
from .app import Console, Entrance, create_app, routes_of


class Server:
    """The console of one room on a port of this machine. `address` lets one browser in, once."""

    def __init__(self, room: Room, *, port: int) -> None:
        """Take the port. Raises `InputError` when somebody has it, and on settings that cannot be kept."""
        self._socket = bound("127.0.0.1", port, option="--port")
        self.port = int(self._socket.getsockname()[1])
        here = f"http://localhost:{self.port}"
        self.origin = room.settings.origin or here
        names = (f"localhost:{self.port}", f"127.0.0.1:{self.port}", f"[::1]:{self.port}", urlsplit(self.origin).netloc)
        hosts = frozenset(x.lower() for x in names)
        try:
            cookie = f"{COOKIE}_{self.port}" if room.place.among else COOKIE  # browsers tell no ports apart
            self.sessions = Sessions(room.settings, _account(), tags=room.policy.tags, cookie=cookie)
            sign_on = _sign_on(room.settings, self.origin)
        except BaseException:
            self._socket.close()
            raise
        self._tracing = RequestTracing(version=version())
        self.console = Console(
            room, self.sessions, passkeys=True, origin=self.origin, sign_on=sign_on, tracer=self._tracing.tracer
        )
        self._agents = _agents(room, self.sessions)
        self.routes = tuple(routes_of(self.console, ADDRESSES, DOORS, self._agents))
        app = create_app(self.routes, hosts)
        config = uvicorn.Config(app, log_level="error", access_log=False, timeout_graceful_shutdown=1, lifespan="off")
        self._server = uvicorn.Server(config)
        logging.getLogger("uvicorn.error").addFilter(_is_no_end)

    def address(self) -> str:
        """Return an address that lets one browser in, once."""
        return f"{self.origin}/login?token={self.sessions.invite()}"

    def run(self) -> None:
        """Serve until `stop`. Not to be called on the main thread, whose signals the command answers."""
        asyncio.run(self._serve())
        self._tracing.close()

    async def _serve(self) -> None:
        async with self._agents.alive() if self._agents else nullcontext():
            await self._server.serve(sockets=[self._socket])

    def stop(self) -> None:
        """End: open pages lose their stream, and find the next server by themselves."""
        self._server.should_exit = True
        self._server.force_exit = True

    @property
    def started(self) -> bool:
        """Whether it answers."""
        return self._server.started


def _is_no_end(record: logging.LogRecord) -> bool:
    """Whether a line of the server's log is worth saying: that pages lose their answers when it ends is not."""
    return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))


def _agents(room: Room, sessions: Sessions) -> "McpMount | None":
    try:
        from .mcp_mount import McpMount
    except ImportError:  # without the extra there is nothing for agents here
        return None
    return McpMount(room, sessions)


def _sign_on(settings: Settings, origin: str) -> Entrance | None:
    if settings.openid is None:
        return None
    try:
        from .openid import SignOn
    except ImportError as error:
        raise InputError(f"the single sign-on needs {error.name}", fix="pip install 'twinops[console,oidc]'") from error
    return SignOn(settings.openid, origin)


def _account() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "operator"
