"""Chunks of work on a Ray cluster: one that is there, or one of this machine's processes.

Ray keeps what all chunks share once per machine and gives it to tasks as read-only arrays. Its token authentication
stays as it is: who may use a cluster is for those to say who run it. Every machine needs this same version of twinops.
"""

import os
import signal
import socket
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from twin.abandoned import go_on
from twin.errors import InputError, TransientError, TwinError, first_line_of

from .local import available
from .processes import ATTEMPTS
from .seam import LOOKS_S, Chunk, Done, Shared, Task, failed_chunk, named_chunk

_STDERR = 2
_PATIENCE_S = 10.0


class Cluster:
    """Does chunks as Ray tasks. Raises `InputError` where Ray is not installed or the cluster not reached."""

    def __init__(self, address: str | None = None, workers: int | None = None) -> None:
        self._address, self._here = address, workers or available()
        self._ray: Any = _ray()

    @property
    def workers(self) -> int:
        """How many chunks are done at once: the cluster's processors, once it is reached."""
        if self._address is None:
            return self._here
        self._connect()
        return max(1, int(self._ray.cluster_resources().get("CPU", 1)))

    def map(
        self, task: Task[Shared, Chunk, Done], shared: Shared, chunks: Sequence[Chunk]
    ) -> Generator[tuple[int, Done], None, None]:
        """Yield each position and what its chunk gives, as soon as it is there."""
        ray = self._connect()
        kept, run = ray.put(shared), ray.remote(max_retries=ATTEMPTS - 1)(task)
        waiting = {run.remote(kept, chunk): position for position, chunk in enumerate(chunks)}
        try:
            while waiting:
                go_on()
                ready, _ = ray.wait(list(waiting), num_returns=1, timeout=LOOKS_S)
                for reference in ready:
                    position = waiting.pop(reference)
                    yield position, self._result(reference, position, chunks)
        except KeyboardInterrupt:
            if self._address is not None:
                ray.shutdown()  # all that it asked for ends with it; each by itself, and at the exit, takes longer
            raise
        finally:
            if self._address is None:
                _end_own(ray)
            elif ray.is_initialized():
                for reference in waiting:
                    ray.cancel(reference, force=True)

    def _result(self, reference: Any, position: int, chunks: Sequence[object]) -> Any:  # noqa: ANN401 - Ray is untyped
        failures: Any = self._ray.exceptions
        try:
            return self._ray.get(reference)
        except failures.RayTaskError as error:
            cause = error.cause
            if isinstance(cause, TwinError):
                raise cause from None
            raise failed_chunk(position, chunks, f"{type(cause).__name__}: {cause}") from None
        except failures.RayError as error:
            raise TransientError(
                f"workers of the cluster died of {named_chunk(position, chunks)}: {type(error).__name__}",
                fix="see whether memory runs out on its machines, and run again",
            ) from error

    def _connect(self) -> Any:  # noqa: ANN401 - Ray is untyped
        ray = self._ray
        if ray.is_initialized():
            return ray
        options: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
        if self._address is None:
            options |= {"num_cpus": self._here, "include_dashboard": False}
            os.environ.setdefault("RAY_worker_niceness", "0")  # else its workers yield to all else that runs here
        else:
            options["address"] = self._address
        with TemporaryFile() as said:
            try:
                _require_somebody(self._address or "")
                with _written_to(said) if self._address else nullcontext():
                    ray.init(**options)
            except Exception as error:  # Ray raises nothing more special when a cluster does not come up
                said.seek(0)
                raise self._unreached(said.read(), error) from error
        return ray

    def _unreached(self, said: bytes, error: Exception) -> InputError:
        place = self._address or "this machine"
        if b"InvalidAuthToken" in said or "no authentication token" in str(error):
            return InputError(
                f"the Ray cluster at {place} does not let this token in, or there is none",
                fix="give RAY_AUTH_MODE=token and the cluster's RAY_AUTH_TOKEN",
            )
        return InputError(
            f"no Ray cluster at {place}: {first_line_of(error)}",
            fix="see that it runs, that RAY_AUTH_TOKEN is that of the cluster, and that versions are the same",
        )


def _require_somebody(address: str) -> None:
    """Raise `OSError` where nobody listens at HOST:PORT: Ray asks for minutes."""
    host, _, port = address.rpartition(":")
    if host and port.isdecimal() and "/" not in host:
        socket.create_connection((host.strip("[]"), int(port)), _PATIENCE_S).close()


@contextmanager
def _written_to(file: IO[bytes]) -> Generator[None]:
    """Keep in a file what this process writes to stderr: Ray's library tells each attempt there, whatever it is told.

    Nothing else of what it says tells a token that is refused from a cluster that is gone.
    """
    sys.stderr.flush()
    kept = os.dup(_STDERR)
    os.dup2(file.fileno(), _STDERR)
    try:
        yield
    finally:
        os.dup2(kept, _STDERR)
        os.close(kept)


def _end_own(ray: Any) -> None:  # noqa: ANN401 - Ray is untyped
    """End the cluster that this process started, and no other.

    Ray ends one process after the other and gives each a second to go by itself, which those that only watch the
    cluster need and more on a busy machine: they are ended first. Workers go with their machine's own one.
    """
    folder = os.fsencode(Path(ray.__file__).parent)
    for process in _children(os.getpid()):
        said = _command(process)
        if folder in said and not said.startswith(folder):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
    ray.shutdown()


def _children(process: int) -> list[int]:
    """Processes that a process has started, where the system tells."""
    with suppress(OSError):
        tasks = Path(f"/proc/{process}/task").iterdir()
        return [int(x) for task in tasks for x in (task / "children").read_text().split()]
    return []


def _command(process: int) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{process}/cmdline").read_bytes()
    return b""


def _ray() -> Any:  # noqa: ANN401 - Ray is untyped
    try:
        return import_module("ray")
    except ImportError as error:
        raise InputError("Ray is not installed", fix="pip install 'twinops[ray]'") from error
