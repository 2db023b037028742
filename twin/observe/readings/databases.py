"""The link-state database of a site: the newest file that somebody drops, or what a router says over SSH when asked.

What is asked is fixed, by dialect and routing protocol: it only shows. A router that does not answer says nothing of
links; one that shows another host key than the known one is not spoken to, and that is said loudly.
"""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from pydantic import Field

from twin.errors import DistrustedError, ExecutionError, FormatError, InputError
from twin.formats.account import Account
from twin.formats.content import decoded
from twin.formats.lsdb.laid_over import DatabaseSays, neighbours_in, neighbours_part, read_neighbours
from twin.formats.measurements.part import Part, use
from twin.formats.node_names import Names
from twin.model import Frozen, Network
from twin.ssh import Connections, Limits
from twin.ssh_access import JUMP, Access

SCHEME = "ssh://"
_ADDRESS = re.compile(
    r"ssh://(?:(?P<user>[A-Za-z_][\w.-]{0,63})@)?(?P<place>[A-Za-z0-9][A-Za-z0-9.-]{0,252}|\[[0-9A-Fa-f:.]{2,45}\])"
    r"(?P<port>:\d{1,5})?/?",
    re.ASCII,
)
_PORT = 22
_WHOLE = 6
_SHARES = 5
"""A router is asked at most so often in an interval of the counters, and once a second where that is unknown."""

COMMANDS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("frr", "isis"): ("show isis database detail", "show isis hostname"),
    ("frr", "ospf"): ("show ip ospf database router", "show ip ospf database network"),
    ("iosxr", "isis"): ("show isis database verbose", "show isis hostname"),
    ("iosxr", "ospf"): ("show ospf database router", "show ospf database network"),
    ("junos", "isis"): ("show isis database extensive | display json | no-more",),
    ("junos", "ospf"): (
        "show ospf database router extensive | no-more",
        "show ospf database network extensive | no-more",
    ),
    ("sros", "isis"): ("show router isis database detail",),
    ("mdcli", "isis"): ("show router isis database detail",),
}
"""What is asked, by dialect and protocol: commands that show, whose output is read one after the other.

Some state neighbours by system id, so that the names of those are asked for, too."""


class ReadBySsh(Frozen):
    """`[ssh]` of a site file: how routers are reached that are only read."""

    key: str | None = Field(default=None, description="File of the SSH key; without one, an agent is asked.")
    known_hosts: str = Field(default="known_hosts", description="Host keys that are believed, as ssh-keyscan writes.")
    jump: str | None = Field(default=None, pattern=JUMP, description="[USER@]HOST[:PORT] that leads to all routers.")
    dialect: Literal["frr", "iosxr", "junos", "mdcli", "sros"] | None = Field(
        default=None, description="What they speak, where [routers] does not say."
    )
    vtysh: str = Field(default="vtysh", pattern=r"^[\w./ -]{1,200}$", description="How FRR's shell is called there.")
    timeout_s: float = Field(default=20.0, gt=0, le=120, description="Of one read; a whole answer has six times that.")
    most_mib: int = Field(default=64, ge=1, le=256, description="Most MiB of an answer.")


class AskedRouter(NamedTuple):
    """A router that is asked: its name for people, and the commands as they are run there."""

    name: str
    host: str
    access: Access
    commands: tuple[str, ...]


def asked_router(address: str, folder: Path, ssh: ReadBySsh, dialects: "Dialects") -> AskedRouter:
    """Read `ssh://[USER@]HOST[:PORT]` of a site in `folder`. Raises `InputError` on another."""
    known = _ADDRESS.fullmatch(address)
    if known is None or int((known["port"] or ":22")[1:]) not in range(1, 65_536):
        raise InputError(f"{address[:80]!r} is no router to ask", fix="ssh://USER@HOST, or ssh://USER@HOST:PORT")
    spoken, igp = ssh.dialect or dialects.dialect_of(known["place"]), dialects.igp
    commands = COMMANDS.get((spoken, igp))
    if commands is None:
        known_ones = ", ".join(sorted({x for x, _ in COMMANDS}))
        raise InputError(
            f"nothing is known to show the {igp} database of {spoken!r}", fix=f"say dialect under [ssh]: {known_ones}"
        )
    if spoken == "frr":
        commands = (" ".join((ssh.vtysh, *(f'-c "{x}"' for x in commands))),)
    key = str(folder / ssh.key) if ssh.key else None
    place = f"{known['place']}{known['port'] or ''}"
    access = Access(known["user"] or "twinops", folder / ssh.known_hosts, key, _PORT, {}, ssh.jump)
    return AskedRouter(f"{SCHEME}{place}", place, access, commands)


class Dialects(Protocol):
    """What is said of routers: the protocol, and what each speaks."""

    @property
    def igp(self) -> str:
        """The routing protocol, isis or ospf."""
        ...

    def dialect_of(self, router: str) -> str:
        """What a router speaks."""
        ...


class Databases:
    """Where a site's link-state database comes from; routers are asked over connections that stay open between looks.

    They stand in for each other: the first whose database is whole is believed.
    """

    def __init__(
        self,
        files: Callable[[], Sequence[Path]],
        routers: Sequence[AskedRouter],
        ssh: ReadBySsh,
        interval_s: float | None,
    ) -> None:
        """`files` gives those that are there now; `interval_s` is the time between two samples of the counters."""
        self._files = files
        limits = Limits(ssh.timeout_s, _WHOLE * ssh.timeout_s, ssh.most_mib << 20)
        self._routers = tuple((x, Connections(x.access, limits)) for x in routers)
        self._pause_s = interval_s / _SHARES if interval_s else 1.0
        self._known: tuple[float, bytes, str, float] | None = None

    def says(self, network: Network, names: Names | None) -> DatabaseSays | None:
        """What it says now of the links of an inventory; None where there is none.

        Raises what reading a file raises, `ExecutionError` where no router gives a database, `DistrustedError` where
        one is not the router that is known, and `InputError` without the library.
        """
        failed: ExecutionError | None = None
        try:
            asked = self._asked(network, names)
        except DistrustedError:
            raise
        except ExecutionError as error:
            asked, failed = None, error
        newest = max(self._files(), key=lambda x: x.stat().st_mtime, default=None)
        if asked is None and newest is None and failed is not None:
            raise failed
        return asked or (read_neighbours(newest, network, names) if newest else None)

    def part(self, network: Network, names: Names | None, *, once: bool = False) -> Part | None:
        """What it says, as a part of measurements; a router that does not answer is only named. Raises as `says`.

        With `once` nobody asks again, and connections are closed.
        """
        try:
            said = self.says(network, names)
        except DistrustedError:
            raise
        except ExecutionError as error:
            missing = use("adjacencies", "not modelled", 0, str(error))
            where = ", ".join(x.name for x, _ in self._routers)
            return Part(Account(file=where, format="link-state database", fields=(missing,)))
        finally:
            if once:
                self.close()
        return neighbours_part(said, network) if said else None

    def close(self) -> None:
        """Say goodbye to the routers."""
        for _, connections in self._routers:
            connections.close()

    def _asked(self, network: Network, names: Names | None) -> DatabaseSays | None:
        if self._known and time.monotonic() - self._known[0] < self._pause_s:
            _, data, name, at = self._known
            return neighbours_in(decoded(name, data), network, names, at)
        cut: tuple[DatabaseSays, bytes] | None = None
        failed: list[str] = []
        for router, connections in self._routers:
            try:
                data, at = _answer(router, connections), time.time()
                said = neighbours_in(decoded(router.name, data), network, names, at)
            except DistrustedError:
                raise
            except ExecutionError as error:
                failed.append(str(error))
            except FormatError as error:
                failed.append(f"what it answers is no database: {error}")
            else:
                cut = cut or (said, data)
                if not said.unheard:
                    cut = (said, data)
                    break
        if cut is None:
            if failed:
                raise ExecutionError("; ".join(failed)[:400], fix="look at the router, or name another under `lsdb`")
            return None
        said, data = cut
        self._known = time.monotonic(), data, said.name, said.time
        return said


def _answer(router: AskedRouter, connections: Connections) -> bytes:
    texts: list[str] = []
    for command in router.commands:
        said = connections.run(router.host, command)
        if said.code > 0:
            words = " ".join(f"{said.text} {said.errors}".split())[-200:]
            raise ExecutionError(f"{router.name} says no: {words or f'exit code {said.code}'}", fix="look at it")
        texts.append(said.text)
    return "\n".join(texts).encode()
