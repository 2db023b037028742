"""The ways in to the twin for other people's agents: the pipes of the process that started it, or a port here."""

import asyncio

import uvicorn
from mcp.server.stdio import stdio_server
from mcp.server.transport_security import TransportSecuritySettings

from twin.errors import InputError
from twin.untrusted import clean

from .listening import bound
from .mcp_server import McpDoor

MOST_BODY = 256 * 1024  # bytes of one request


def serve_stdio(door: McpDoor) -> None:
    """Serve the process that started this one, until it closes its end."""

    async def work() -> None:
        async with stdio_server() as (reading, writing):
            await door.server.run(reading, writing, door.server.create_initialization_options())

    try:
        asyncio.run(work())
    finally:
        door.close()


class HttpDoor:
    """The server on a port of this machine, under `/mcp`. Nobody logs in, so it answers no other machine."""

    def __init__(self, door: McpDoor, address: str) -> None:
        """Take the port of HOST:PORT. Raises `InputError` on an address that is not this machine's, or taken."""
        host, port = _address(address)
        self._door = door
        self._socket = bound(host, port, option="--http")
        self.port = int(self._socket.getsockname()[1])
        self.url = f"http://{f'[{host}]' if ':' in host else host}:{self.port}/mcp"
        names = [f"{name}:{self.port}" for name in ("127.0.0.1", "localhost", "[::1]")]
        security = TransportSecuritySettings(allowed_hosts=names, allowed_origins=[f"http://{x}" for x in names])
        app = door.server.streamable_http_app(
            stateless_http=True,
            json_response=True,
            max_request_body_size=MOST_BODY,
            transport_security=security,
            host=host,
        )
        config = uvicorn.Config(
            app, log_level="error", access_log=False, limit_concurrency=32, timeout_graceful_shutdown=1
        )
        self._server = uvicorn.Server(config)

    def run(self) -> None:
        """Serve until `stop`, or until the process is asked to end."""
        try:
            self._server.run(sockets=[self._socket])
        finally:
            self._door.close()

    def stop(self) -> None:
        """End."""
        self._server.should_exit = True

    @property
    def started(self) -> bool:
        """Whether it answers."""
        return self._server.started


def _address(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    host = host.strip("[]")
    if not colon or not port.isdecimal() or int(port) > 65_535:
        raise InputError(f"{clean(text)!r} is no address", fix="write --http 127.0.0.1:8472")
    if host not in ("127.0.0.1", "localhost", "::1"):
        fix = "write 127.0.0.1, and let a proxy that knows your people stand before it"
        raise InputError(f"{clean(host)!r} is not this machine alone, and nobody logs in here", fix=fix)
    return host, int(port)
