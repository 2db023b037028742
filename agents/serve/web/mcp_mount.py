"""`/mcp` in the console: the room's network for other people's agents, for programs with a token of their own."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from agents.serve.mcp_room import RoomStates, incident_tools, incidents_page
from agents.serve.mcp_server import McpDoor, Served
from agents.serve.room import Room
from tools.box.provenance import labelled

from .access import MOST_BODY, Sessions, refuse


class McpMount:
    """Streamable HTTP without sessions. A browser's session opens nothing here: only a program's token does."""

    def __init__(self, room: Room, sessions: Sessions) -> None:
        self._room, self._sessions = room, sessions
        resources = {
            "incidents": Served("What is wrong in the network now.", lambda: labelled(incidents_page(room))),
        }
        self._door = McpDoor(RoomStates(room), runs=room.place.runs, tools=incident_tools(room), resources=resources)
        self._manager = StreamableHTTPSessionManager(
            app=self._door.server, json_response=True, stateless=True, max_request_body_size=MOST_BODY
        )

    @asynccontextmanager
    async def alive(self) -> AsyncGenerator[None]:
        """Hold what requests are worked in, for as long as the server runs."""
        async with self._manager.run():
            yield
        self._door.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request of a program that may look at the whole network."""
        request = Request(scope)
        visitor = self._sessions.visitor(request)
        refusal = refuse(request, visitor if visitor and visitor.program else None, "viewer", whole=True)
        if refusal is None and visitor is not None and self._sessions.asks_too_often(visitor):
            words = {"error": {"code": "busy", "message": "too many questions in a minute", "fix": "wait a moment"}}
            refusal = JSONResponse(words, 429)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        await self._manager.handle_request(scope, receive, send)
