"""A model provider on loopback, over real HTTP and server-sent events, that answers or misbehaves as it is told.

`answer` is asked for each request, in order, with the request as it came; it returns what to say or do.
"""

import asyncio
import json
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Json = dict[str, Any]


class Reply(NamedTuple):
    """What goes back: a status, headers, the chunks of a body, seconds between them, and how it ends."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = (("content-type", "text/event-stream"),)
    chunks: tuple[bytes, ...] = ()
    pause: float = 0.0
    before: float = 0.0
    ending: str = "whole"  # whole, reset, or closed: the connection without the end of the body


class Asked(NamedTuple):
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: Json


@dataclass
class Loopback:
    """A running server: its address and what it was asked."""

    answer: Callable[[Json], Reply]
    asked: list[Asked] = field(default_factory=list)
    address: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._one(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        body = json.loads(await reader.readexactly(int(headers.get("content-length", 0))) or b"{}")
        self.asked.append(Asked(head[0].split()[1], headers, body))
        reply = self.answer(body)
        await asyncio.sleep(reply.before)
        if reply.ending == "reset" and not reply.chunks:
            writer.transport.abort()
            return False
        lines = [f"HTTP/1.1 {reply.status} X", *(f"{name}: {value}" for name, value in reply.headers)]
        writer.write("\r\n".join([*lines, "transfer-encoding: chunked", "", ""]).encode())
        for chunk in reply.chunks:
            writer.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
            await writer.drain()
            await asyncio.sleep(reply.pause)
        if reply.ending == "reset":
            writer.transport.abort()
            return False
        if reply.ending == "closed":
            return False
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True


@contextmanager
def loopback(answer: Callable[[Json], Reply]) -> Generator[Loopback]:
    """Serve in a thread of its own for as long as the block lasts."""
    server, loop = Loopback(answer), asyncio.new_event_loop()
    ready = threading.Event()

    stop = asyncio.Event()

    async def main() -> None:
        listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
        server.address = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        ready.set()
        await stop.wait()
        listening.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(0)

    def run() -> None:
        loop.run_until_complete(main())
        loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(5)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(5)


def status(code: int, *headers: tuple[str, str], kind: str = "api_error", words: str = "no") -> Reply:
    """An error instead of an answer, in the form that both providers use."""
    body = json.dumps({"type": "error", "error": {"type": kind, "message": words}}).encode()
    return Reply(code, (("content-type", "application/json"), *headers), (body,))
