"""What routers say over SSH: one command at a time, bounded in size and in the time of the whole answer.

A router that sends a byte now and then reaches no limit of a read, and one that says nothing to a request is waited for
without any: so each command has one time in all, after which its connection ends. Commands are run without a terminal:
there is no pager, no prompt and no banner in an answer.
"""

from collections.abc import Generator
from contextlib import contextmanager, suppress
from socket import socket
from typing import NamedTuple, Protocol, cast

from .errors import ExecutionError, InputError
from .ssh_access import Access, refusals
from .time_limit import TimeLimit


class Limits(NamedTuple):
    """How long one read, and a whole answer, may take in seconds, and the most bytes of an answer."""

    read_s: float = 20.0
    whole_s: float = 120.0
    most: int = 64 << 20


class CommandAnswer(NamedTuple):
    """The answer to a command, what came beside it as errors, and its exit code: -1 where none was given."""

    text: str
    errors: str
    code: int


class _Channel(Protocol):
    """What is used of `paramiko.Channel`."""

    def settimeout(self, timeout: float) -> None: ...
    def exec_command(self, command: str) -> None: ...
    def get_pty(self, term: str = ..., width: int = ..., height: int = ...) -> None: ...
    def invoke_shell(self) -> None: ...
    def recv(self, nbytes: int) -> bytes: ...
    def recv_ready(self) -> bool: ...
    def recv_stderr(self, nbytes: int) -> bytes: ...
    def recv_stderr_ready(self) -> bool: ...
    def sendall(self, s: bytes) -> None: ...
    def recv_exit_status(self) -> int: ...
    def get_transport(self) -> "_Transport": ...
    def close(self) -> None: ...


class _Transport(Protocol):
    def open_channel(
        self, kind: str, dest_addr: tuple[str, int], src_addr: tuple[str, int], *, timeout: float
    ) -> _Channel: ...
    def is_active(self) -> bool: ...
    def open_session(self, *, timeout: float) -> _Channel: ...
    def close(self) -> None: ...


class _Client(Protocol):
    """What is used of `paramiko.SSHClient`."""

    def get_transport(self) -> _Transport | None: ...
    def close(self) -> None: ...


class Connections:
    """Connections to routers, one each, that stay open while they are in order."""

    def __init__(self, access: Access, limits: Limits = Limits()) -> None:  # a tuple, which nobody can change
        """`access` says who speaks, and whose host keys are believed."""
        self.access, self.limits = access, limits
        self._clients: dict[str, _Client] = {}

    def run(self, router: str, command: str) -> CommandAnswer:
        """Run one command.

        Raises `InputError` without the library, `DistrustedError` on a host key that is unknown or
        another and on a login that is refused, and `ExecutionError` when there is no whole answer.
        """
        with self.session(router) as channel:
            channel.exec_command(command)
            said = bytearray()
            while part := channel.recv(1 << 16):
                said += part
                if len(said) > self.limits.most:
                    raise ExecutionError(
                        f"{router} says more than {self.limits.most >> 20} MiB", fix="look at the router"
                    )
            errors = channel.recv_stderr(4096) if channel.recv_stderr_ready() else b""
            code = channel.recv_exit_status()
            if code < 0 and not channel.get_transport().is_active():
                raise EOFError("its connection ended in the middle of an answer")
        return CommandAnswer(said.decode(errors="replace"), errors.decode(errors="replace"), code)

    @contextmanager
    def session(self, router: str) -> Generator[_Channel]:
        """Open a channel to a router, for at most the time of a whole answer. Raises as `run` does."""
        client = self._clients.pop(router, None)
        limit = TimeLimit(self.limits.whole_s)
        try:
            transport = client.get_transport() if client else None
            if client is None or transport is None or not transport.is_active():
                client = _connected(self.access, router, self.limits.read_s)
                transport = cast("_Transport", client.get_transport())
            limit.holds(client.close)
            with _closing(transport.open_session(timeout=self.limits.read_s)) as channel:
                channel.settimeout(self.limits.read_s)
                yield channel
            if limit.passed:
                raise TimeoutError
        except Exception as error:  # paramiko raises of many kinds
            if client is not None:
                client.close()
            if limit.passed:
                raise ExecutionError(f"{router}: {limit.words}", fix="look at the router") from error
            if isinstance(error, ExecutionError | InputError):
                raise
            raise _unreachable(router, error) from error
        finally:
            limit.end()
        self._clients[router] = client

    def close(self) -> None:
        """Say goodbye to all routers."""
        while self._clients:
            self._clients.popitem()[1].close()


class TypedSession:
    """A terminal of a router, as a person has one: what is typed, and what comes."""

    def __init__(self, access: Access, router: str, limits: Limits = Limits()) -> None:
        """Log in and open it. Raises `InputError`, `DistrustedError` and `ExecutionError` as `Connections.run` does."""
        self.router, self.limits = router, limits
        self._client = _connected(access, router, limits.read_s)
        limit = TimeLimit(limits.whole_s)
        limit.holds(self._client.close)
        try:
            transport = cast("_Transport", self._client.get_transport())
            self._channel = transport.open_session(timeout=limits.read_s)
            self._channel.get_pty("vt100", 511, 200)
            self._channel.invoke_shell()
        except Exception as error:
            self._client.close()
            raise _unreachable(router, error) from error
        finally:
            limit.end()

    def send(self, text: str) -> None:
        """Type something. Raises `ExecutionError` when the connection is gone."""
        try:
            self._channel.settimeout(self.limits.read_s)
            self._channel.sendall(text.encode())
        except Exception as error:
            raise _unreachable(self.router, error) from error

    def receive(self, within_s: float) -> str:
        """Return what comes next, as soon as anything does. Raises `ExecutionError` when nothing does in that time."""
        try:
            self._channel.settimeout(max(within_s, 0.01))
            part = self._channel.recv(1 << 16)
        except TimeoutError as error:
            raise ExecutionError(f"{self.router} does not come to a prompt", fix="look at the router") from error
        except Exception as error:
            raise _unreachable(self.router, error) from error
        if not part:
            raise ExecutionError(f"{self.router} has ended the session", fix="look at the router")
        return part.decode("latin-1")

    def waiting(self) -> bool:
        """Whether something is there already."""
        return self._channel.recv_ready()

    def close(self) -> None:
        """Hang up."""
        with suppress(Exception):
            self._client.close()


def _connected(access: Access, router: str, timeout_s: float) -> _Client:
    """Log in to a router whose host key is known.

    Raises `InputError` without the library, `DistrustedError` on a host key that is unknown or another and on a login
    that is refused, and `ExecutionError` where it cannot be reached.
    """
    try:
        from paramiko import SSHClient
    except ImportError as error:
        raise InputError("SSH needs the extra `devices`", fix="pip install 'twinops[devices]'") from error
    place = access.place(router)
    access.host_key(router)  # said in our words where it is missing
    way = way_through(access, router, timeout_s)
    client = SSHClient()  # rejects every key that it does not know
    client.load_host_keys(str(access.known_hosts))
    try:
        client.connect(
            place.host,
            place.port,
            access.user,
            password=access.secret,
            key_filename=access.key,
            allow_agent=access.key is None,
            look_for_keys=False,
            timeout=timeout_s,
            banner_timeout=timeout_s,
            auth_timeout=timeout_s,
            channel_timeout=timeout_s,
            sock=cast("socket | None", way),
        )
    except Exception as error:
        client.close()
        if way is not None:
            way.close()
        raise refusals(access, router, error) or _unreachable(router, error) from error
    return cast("_Client", client)


class JumpWay:
    """A way to a router through a jump host, for a library that takes an open socket; it ends with that."""

    def __init__(self, channel: _Channel, carrier: _Client) -> None:
        self._channel, self._carrier = channel, carrier

    def __getattr__(self, name: str) -> object:
        """Everything else is the channel's."""
        return getattr(self._channel, name)

    def close(self) -> None:
        """Hang up at the router, and at the jump host."""
        for one in (self._channel, self._carrier):
            with suppress(Exception):
                one.close()


def way_through(access: Access, router: str, timeout_s: float) -> JumpWay | None:
    """Open a way to a router through the jump host that is named, None where none is.

    The router's host key is looked at all the same, by its own name. Raises as `Connections.run` does, also of the jump
    host, and `ExecutionError` where that lets nothing through.
    """
    jump = access.to_jump_host
    if jump is None:
        return None
    carrier, place = _connected(*jump, timeout_s), access.place(router)
    try:
        transport = cast("_Transport", carrier.get_transport())
        to, from_ = (place.host, place.port), ("127.0.0.1", 0)
        return JumpWay(transport.open_channel("direct-tcpip", to, from_, timeout=timeout_s), carrier)
    except Exception as error:
        carrier.close()
        words = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        fix = f"let {jump[1]} forward to {place.host}:{place.port} (AllowTcpForwarding), or look at the router"
        raise ExecutionError(f"{router} cannot be reached through {jump[1]}: {words}", fix=fix) from error


def _unreachable(router: str, error: Exception) -> ExecutionError:
    """What is said of a router that does not answer, or not as it should."""
    words = " ".join(f"{type(error).__name__}: {error}".split())[:200]
    return ExecutionError(f"{router} cannot be reached: {words}", fix="see `twinops doctor --site`")


@contextmanager
def _closing(channel: _Channel) -> Generator[_Channel]:
    try:
        yield channel
    finally:
        with suppress(Exception):
            channel.close()
