"""The server of a console: one address on this machine, until it is told to stop."""

import getpass

import uvicorn

from agents.serve.listening import bound
from agents.serve.room import Room

from .access import Sessions
from .addresses import ADDRESSES, metrics
from .app import Console, create_app


class Server:
    """The console of one room on a port of this machine. `address` lets one browser in, once."""

    def __init__(self, room: Room, *, port: int, names: tuple[str, ...] = ()) -> None:
        """Take the port. Raises `InputError` when somebody has it."""
        self._socket = bound("127.0.0.1", port, option="--port")
        self.port = int(self._socket.getsockname()[1])
        self.origin = f"http://localhost:{self.port}"
        hosts = frozenset({f"localhost:{self.port}", f"127.0.0.1:{self.port}", f"[::1]:{self.port}", *names})
        self.sessions = Sessions(room.settings, _account())
        self.console = Console(room, self.sessions, passkeys=True, origin=self.origin)
        app = create_app(self.console, ADDRESSES, hosts, metrics)
        config = uvicorn.Config(app, log_level="error", access_log=False, timeout_graceful_shutdown=1, lifespan="off")
        self._server = uvicorn.Server(config)

    def address(self) -> str:
        """Return an address that lets one browser in, once."""
        return f"{self.origin}/login?token={self.sessions.invite()}"

    def run(self) -> None:
        """Serve until `stop`. Not to be called on the main thread, whose signals the command answers."""
        self._server.run(sockets=[self._socket])

    def stop(self) -> None:
        """End: open pages lose their stream, and find the next server by themselves."""
        self._server.should_exit = True
        self._server.force_exit = True

    @property
    def started(self) -> bool:
        """Whether it answers."""
        return self._server.started


def _account() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "operator"
