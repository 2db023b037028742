"""A receiver of syslog: what routers send by UDP, TCP or TLS lies in files of an hour each, and old ones go.

Datagrams are a line each (RFC 5426). Streams count octets or end lines (RFC 6587); TLS counts octets (RFC 5425). Text
from routers is data: control characters are taken out, lines are cut, and a flood is counted and not written.
"""

import asyncio
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO, NamedTuple

from twin.errors import InputError
from twin.files import extend
from twin.untrusted import clean

Clock = Callable[[], datetime]
MOST_LINE = 8_192
_MOST_AN_HOUR = 256 << 20
_MOST_STREAMS = 256
_IDLE_S = 3_600.0
_NAME = "%Y-%m-%dT%H.log"


class Endpoint(NamedTuple):
    """Where something listens."""

    host: str
    port: int


class Listening(NamedTuple):
    """The addresses of each transport; None is one that is not offered."""

    udp: Endpoint | None = None
    tcp: Endpoint | None = None
    tls: Endpoint | None = None


class TlsFiles(NamedTuple):
    """Certificate and key of the receiver; with `clients`, only senders whose certificate that authority signed."""

    certificate: Path
    key: Path
    clients: Path | None = None


def address(text: str) -> Endpoint:
    """Read HOST:PORT or [HOST]:PORT; a port alone is one of this machine. Raises `InputError`."""
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or not 0 <= int(port) < 65_536:
        raise InputError(f"{text!r} is no address", fix="give HOST:PORT, such as 0.0.0.0:5514")
    return Endpoint(host.strip("[]") or "127.0.0.1", int(port))


class LogFolder:
    """Files of an hour each, of which those within `keep` stay."""

    def __init__(self, folder: Path, keep: timedelta, clock: Clock, *, most: int = _MOST_AN_HOUR) -> None:
        """Make the folder where it is not there. Raises `InputError` where it cannot be written."""
        self._folder, self._keep, self._clock, self._most = folder, keep, clock, most
        self._name, self._file, self._size = "", None, 0
        self.written = self.dropped = 0
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{folder} cannot be written: {error.strerror}", fix="name another folder") from error

    def add(self, line: str) -> None:
        """Write a line; one beyond what an hour may hold is counted and dropped. Raises `OSError` on a full disk."""
        now = self._clock().astimezone(UTC)
        file = self._open(now)
        content = line.encode() + b"\n"
        if self._size + len(content) > self._most:
            self.dropped += 1
            return
        file.write(content)
        self._size += len(content)
        self.written += 1

    def close(self) -> None:
        """Close the file of this hour."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self, now: datetime) -> BinaryIO:
        name = now.strftime(_NAME)
        if self._file is None or name != self._name:
            self.close()
            path = self._folder / name
            self._file = extend(path, new=not path.exists(), below=self._folder)
            self._name, self._size = name, path.stat().st_size
            self._forget(now)
        return self._file

    def _forget(self, now: datetime) -> None:
        oldest = (now - self._keep).strftime(_NAME)
        for path in self._folder.glob("????-??-??T??.log"):
            if path.name < oldest and path.is_file() and not path.is_symlink():
                with suppress(OSError):
                    path.unlink()


class LogReceiver:
    """Listens, and writes what comes. `senders` names routers by address, where their lines do not."""

    def __init__(
        self, listening: Listening, into: LogFolder, senders: Mapping[str, str], tls: TlsFiles | None = None
    ) -> None:
        """Raises `InputError` where TLS is asked for and its files are missing or wrong."""
        self._listening, self._into, self._senders = listening, into, senders
        self._tls = _context(tls) if listening.tls else None
        self._streams = 0
        self._ends: list[Callable[[], None]] = []

    async def start(self) -> Listening:
        """Begin to listen; returns the addresses in use. Raises `InputError` where one cannot be had."""
        loop, at = asyncio.get_running_loop(), self._listening
        found: dict[str, Endpoint | None] = {"udp": None, "tcp": None, "tls": None}
        try:
            if at.udp:
                transport, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self._take), local_addr=at.udp)
                self._ends.append(transport.close)
                found["udp"] = _at(transport.get_extra_info("sockname"))
            for kind, where, context in (("tcp", at.tcp, None), ("tls", at.tls, self._tls)):
                if where:
                    server = await asyncio.start_server(self._stream, *where, ssl=context, limit=2 * MOST_LINE)
                    self._ends.append(server.close)
                    found[kind] = _at(server.sockets[0].getsockname())
        except OSError as error:
            self.close()
            raise InputError(f"the address cannot be had: {error.strerror or error}", fix="choose another") from error
        return Listening(**found)

    def close(self) -> None:
        """Listen no more."""
        while self._ends:
            self._ends.pop()()
        self._into.close()

    async def _stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sender = _at(writer.get_extra_info("peername")).host
        self._streams += 1
        try:
            while self._streams <= _MOST_STREAMS:
                line = await asyncio.wait_for(_frame(reader), _IDLE_S)
                if line is None:
                    break
                self._take(line, sender)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError, ValueError):
            pass  # a stream that is no syslog, or has ended within a line, ends
        except asyncio.CancelledError:
            pass  # nobody listens any more
        finally:
            self._streams -= 1
            with suppress(OSError):
                writer.close()

    def _take(self, content: bytes, sender: str) -> None:
        line = stamped(content, self._senders.get(sender, ""), datetime.now(UTC))
        if line:
            self._into.add(line)


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, take: Callable[[bytes, str], None]) -> None:
        self._take = take

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._take(data, addr[0])


def stamped(content: bytes, sender: str, now: datetime) -> str:
    """A line as it is written: as it came, behind the time and the name of who sent it where that one is known.

    Lines of RFC 5424 say both themselves. Empty where nothing is left of it.
    """
    text = clean(content[:MOST_LINE].decode(errors="replace"), MOST_LINE).strip()
    close = text.find(">", 1, 5) if text.startswith("<") else -1
    priority, rest = (text[: close + 1], text[close + 1 :]) if close > 0 else ("", text)
    if not rest or not sender or rest.startswith("1 "):
        return text if rest else ""
    return f"{priority}{now:%Y-%m-%dT%H:%M:%SZ} {sender} {rest}"


async def _frame(reader: asyncio.StreamReader) -> bytes | None:
    """The next message of a stream: counted in octets, or up to the end of the line; None at its end."""
    first = await reader.read(1)
    if not first:
        return None
    if not first.isdigit():
        return first + await reader.readline()
    count = first + await reader.readuntil(b" ")
    size = int(count)
    if not 0 < size <= MOST_LINE:
        raise ValueError(size)
    return await reader.readexactly(size)


def _at(name: tuple[object, ...]) -> Endpoint:
    return Endpoint(str(name[0]), int(str(name[1])))


def _context(files: TlsFiles | None) -> ssl.SSLContext:
    if files is None:
        raise InputError("TLS needs a certificate and its key", fix="name both")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(files.certificate, files.key)
        if files.clients is not None:
            context.load_verify_locations(files.clients)
            context.verify_mode = ssl.CERT_REQUIRED
    except (OSError, ssl.SSLError) as error:
        raise InputError(
            f"the certificate cannot be used: {error}", fix="give PEM files that belong together"
        ) from error
    return context
