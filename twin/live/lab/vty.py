"""The line protocol of routing daemons on their own UNIX socket: a command and NUL; text, three NULs and a code."""

import socket
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from twin.errors import ExecutionError

_MOST = 32 << 20
"""Bytes of an answer: a whole database of a large network is some megabytes."""
_WARNING = 1


class Vty:
    """One session with a daemon. Raises `ExecutionError` when it does not answer in time, or not at all."""

    def __init__(self, path: Path, *, timeout_s: float = 5.0) -> None:
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(timeout_s)
        try:
            self._socket.connect(str(path))
            self.ask("enable")
        except (OSError, ExecutionError) as error:
            self._socket.close()
            raise self._silent(error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._socket.close()

    def ask(self, command: str) -> tuple[int, str]:
        """Send one line; return the daemon's code (0 is well) and its text."""
        received = bytearray()
        try:
            self._socket.sendall(command.encode() + b"\0")
            while not (len(received) >= 4 and received[:-1].endswith(b"\0\0\0")):
                part = self._socket.recv(1 << 16)
                if not part:
                    raise self._silent(EOFError("it hung up"))
                received += part
                if len(received) > _MOST:
                    raise self._silent(OSError("it does not stop talking"))
        except OSError as error:
            raise self._silent(error) from error
        return received[-1], received[:-4].decode(errors="replace")

    def show(self, command: str) -> str:
        """Ask for something to read. Raises `ExecutionError` when the daemon does not know it."""
        code, text = self.ask(command)
        if code:
            raise ExecutionError(f"{self._name} does not answer {command!r}: {_first(text)}", fix="look at its log")
        return text

    def configure(self, lines: Iterable[str]) -> None:
        """Enter configuration lines one by one. Raises `ExecutionError` at the first that the daemon refuses.

        What was entered before it stays: whoever asked reads the configuration back.
        """
        for line in ("configure terminal", *lines, "end"):
            code, text = self.ask(line)
            if code > _WARNING:
                self.ask("end")
                raise ExecutionError(
                    f"{self._name} refuses {line!r}: {_first(text) or f'code {code}'}", fix="roll back"
                )

    @property
    def _name(self) -> str:
        return f"{self._path.stem} of {self._path.parent.name}"

    def _silent(self, error: Exception) -> ExecutionError:
        why = str(error) if not isinstance(error, OSError) else (error.strerror or str(error))
        return ExecutionError(f"{self._name} does not answer: {why}", fix="see whether the daemon runs")


def _first(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")[:200]
