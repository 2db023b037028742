"""Routers of FRRouting on Linux, by SSH: `vtysh` changes them, and a timer on the router itself takes changes back.

FRR has no confirmed commit. Before the first line is typed, the router gets a process that sleeps, and types the lines
back from a file, unless that is gone by then. Removing the file is how a change is kept; who is first has decided.
"""

import re
import shlex
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from typing import Protocol, cast

from twin.errors import ExecutionError, InputError
from twin.live.declared import Operation

from .hand import Order, RouterState
from .ssh_access import Access

MAKES: frozenset[Operation] = frozenset(("set_weight", "drain_link", "undrain_link", "drain_node", "undrain_node"))
_TIMEOUT_S = 20
_MOST_BYTES = 8 << 20
_DEFAULT = 10
"""The metric of an interface that says none, of FRR's IS-IS; of OSPF it depends on the rate, and is not assumed."""
_INTERFACE = re.compile(r"interface (\S{1,70})")
_OSPF_COST = re.compile(r"ip ospf cost (\d{1,8})")
_OVERLOADED = frozenset(("set-overload-bit", "max-metric router-lsa administrative"))


class _Transport(Protocol):
    def is_active(self) -> bool: ...
    def open_session(self) -> "_Channel": ...


class _Client(Protocol):
    """What is used of `paramiko.SSHClient`."""

    def get_transport(self) -> _Transport | None: ...
    def close(self) -> None: ...


class _Channel(Protocol):
    def settimeout(self, seconds: float) -> None: ...
    def exec_command(self, command: str) -> None: ...
    def recv(self, size: int) -> bytes: ...
    def recv_exit_status(self) -> int: ...
    def close(self) -> None: ...
    def set_combine_stderr(self, combine: bool) -> object: ...


class FrrHand:
    """Sets metrics and overload bits of FRR, over one connection to each router that stays open while in order."""

    def __init__(self, access: Access, igp: str, level: int = 2, vtysh: str = "vtysh") -> None:
        """`vtysh` is how it is called there, with its options."""
        self.access, self.igp, self.level, self.vtysh = access, igp, level, vtysh
        self._clients: dict[str, _Client] = {}

    @property
    def makes(self) -> frozenset[Operation]:
        """Weights, and drains of circuits and routers."""
        return MAKES

    def read(self, router: str, interfaces: Sequence[str]) -> RouterState:
        """Read what its daemons run."""
        return self._state(router, self._run(router, self._typed(("show running-config",))), interfaces)

    def rehearse(self, order: Order) -> None:
        """Have `vtysh` read the lines without typing them; the router must let us set a timer, too."""
        lines = "\n".join(x for x in order.lines if x.strip() not in ("configure terminal", "end"))
        check = (
            f"f=$(mktemp) && printf '%s\\n' {shlex.quote(lines)} > $f; {self.vtysh} -C -f $f; c=$?; rm -f $f; exit $c"
        )
        self._run(order.router, check)
        self._run(order.router, "command -v setsid sleep rm > /dev/null")

    def make(self, order: Order, token: str, seconds: int) -> None:
        """Set the timer, then type the lines."""
        guard, back = _guard(token), shlex.quote(self._typed(order.back))
        timer = shlex.quote(f"sleep {int(seconds)}; {_taken_back(guard)}")
        held = f"umask 077; set -C; printf '%s\\n' {back} > {guard}"  # not through a link that somebody laid there
        self._run(order.router, f"({held}) && (setsid sh -c {timer} >/dev/null 2>&1 </dev/null &)")
        self._run(order.router, self._typed(order.lines))

    def keep(self, router: str, token: str) -> None:
        """Take the timer's file away before it does."""
        self._run(router, f"rm {_guard(token)}")

    def take_back(self, router: str, token: str) -> None:
        """Type what the timer's file holds, if it is still there."""
        self._run(router, _taken_back(_guard(token)))

    def _state(self, router: str, text: str, interfaces: Sequence[str]) -> RouterState:
        found: dict[str, int] = {}
        inside, overloaded = "", False
        cost = _OSPF_COST if self.igp == "ospf" else re.compile(rf"isis metric (?:level-{self.level} )?(\d{{1,8}})")
        for line in text.splitlines():
            stripped = line.strip()
            if not line.startswith(" "):
                inside = stripped
            elif inside.startswith(f"router {self.igp}"):
                overloaded = overloaded or stripped in _OVERLOADED
            elif (at := _INTERFACE.fullmatch(inside)) and (metric := cost.fullmatch(stripped)):
                found[at[1]] = int(metric[1])
        missing = [x for x in interfaces if x not in found and (self.igp == "ospf" or f"interface {x}" not in text)]
        if missing:
            raise InputError(f"{router} says no metric of {missing[0]}", fix="correct the interface's name")
        return RouterState({x: found.get(x, _DEFAULT) for x in interfaces}, overloaded)

    def _typed(self, lines: Sequence[str]) -> str:
        return " ".join([self.vtysh, *(f"-c {shlex.quote(x.strip())}" for x in lines)])

    def _run(self, router: str, command: str) -> str:
        with self._channel(router) as channel:
            channel.settimeout(_TIMEOUT_S)
            channel.set_combine_stderr(True)
            channel.exec_command(command)
            said = bytearray()
            while part := channel.recv(1 << 16):
                said += part
                if len(said) > _MOST_BYTES:
                    raise ExecutionError(f"{router} says more than {_MOST_BYTES >> 20} MiB", fix="look at the router")
            code = channel.recv_exit_status()
        text = said.decode(errors="replace")
        if code:
            raise ExecutionError(
                f"{router} says no: {' '.join(text.split())[-200:] or f'exit code {code}'}", fix="look at it"
            )
        return text

    @contextmanager
    def _channel(self, router: str) -> Generator[_Channel]:
        client = self._clients.pop(router, None)
        try:
            transport = client.get_transport() if client else None
            if client is None or transport is None or not transport.is_active():
                client = _connected(self.access, router)
                transport = client.get_transport()
            with _closing(cast("_Transport", transport).open_session()) as channel:
                yield channel
        except (ExecutionError, InputError):
            raise
        except Exception as error:  # paramiko raises of many kinds
            words = " ".join(f"{type(error).__name__}: {error}".split())[:200]
            raise ExecutionError(f"{router} cannot be reached: {words}", fix="see `twinops doctor --site`") from error
        self._clients[router] = client

    def close(self) -> None:
        """Say goodbye to all routers."""
        while self._clients:
            self._clients.popitem()[1].close()


def _connected(access: Access, router: str) -> _Client:
    try:
        from paramiko import SSHClient
    except ImportError as error:
        raise InputError("SSH needs the extra `devices`", fix="pip install 'twinops[devices]'") from error
    place = access.place(router)
    access.host_key(router)  # said in our words where it is missing
    client = SSHClient()  # rejects every key that it does not know
    client.load_host_keys(str(access.known_hosts))
    client.connect(
        place.host,
        place.port,
        access.user,
        password=access.secret,
        key_filename=access.key,
        allow_agent=access.key is None,
        look_for_keys=False,
        timeout=_TIMEOUT_S,
    )
    return cast("_Client", client)


@contextmanager
def _closing(channel: _Channel) -> Generator[_Channel]:
    try:
        yield channel
    finally:
        with suppress(Exception):
            channel.close()


def _taken_back(guard: str) -> str:
    """Shell that types the lines back: whoever moves the file away first is the only one who does."""
    return f"! mv {guard} {guard}.now 2>/dev/null || {{ sh {guard}.now; c=$?; rm -f {guard}.now; exit $c; }}"


def _guard(token: str) -> str:
    if not token.isalnum():
        raise InputError(f"{token!r} is no token", fix="letters and digits")
    return f"/tmp/twinops-{token}"  # noqa: S108 - on the router, made with a name that nobody can foresee
