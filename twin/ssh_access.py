"""How routers are reached by SSH: whose name, which key, which host keys are believed, all from the site's files.

Nothing is secret there: a key's passphrase or a password comes from the environment. A router whose host key is not in
the file of known hosts is not spoken to.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple, Protocol, cast

from .errors import DistrustedError, InputError
from .files import require_file

SECRET = "TWINOPS_ROUTER_PASSWORD"  # noqa: S105 - the name of the variable that holds it
"""Environment variable with the password, or with the passphrase of the key."""


JUMP = r"^(?:[A-Za-z_][A-Za-z0-9_.-]{0,63}@)?(?:\[[0-9A-Fa-f:]{2,45}\]|[A-Za-z0-9_.-]{1,253})(?::[0-9]{1,5})?$"
"""What a jump host may look like in a site file."""


class Place(NamedTuple):
    """Where a router answers."""

    host: str
    port: int


class _HostKey(Protocol):
    def get_base64(self) -> str: ...


class Access(NamedTuple):
    """Who speaks, and with which routers."""

    user: str
    known_hosts: Path
    key: str | None
    port: int
    hosts: Mapping[str, str]
    jump: str | None = None
    """`[USER@]HOST[:PORT]` of the host through which all of them are reached, None where they are reached directly."""

    @property
    def to_jump_host(self) -> "tuple[Access, str] | None":
        """How the jump host itself is spoken to, and what it is called: with the same key and known hosts."""
        if self.jump is None:
            return None
        user, _, host = self.jump.rpartition("@")
        return self._replace(user=user or self.user, port=22, hosts={}, jump=None), host

    @property
    def secret(self) -> str | None:
        """What the environment holds of it."""
        return os.environ.get(SECRET) or None

    def place(self, router: str) -> Place:
        """Host and port of a router; one that is not named answers by its own name."""
        named = self.hosts.get(router, router)
        if named.startswith("["):  # [2001:db8::1]:22
            host, _, port = named[1:].partition("]")
        else:
            host, _, port = (named, "", "") if named.count(":") > 1 else named.partition(":")
        port = port.removeprefix(":")
        return Place(host, int(port) if port.isdigit() else self.port)

    def host_key(self, router: str) -> str:
        """The key that a router has to show, as the file has it. Raises `DistrustedError` where it has none."""
        try:
            from paramiko import HostKeys
        except ImportError as error:
            raise InputError("SSH needs the extra `devices`", fix="pip install 'twinops[devices]'") from error
        file, place = require_file(self.known_hosts), self.place(router)
        known = cast("Callable[[str], object]", HostKeys)(str(file))
        look = cast("Callable[[str], Mapping[str, _HostKey] | None]", known.lookup)  # type: ignore[attr-defined]
        name = place.host if place.port == 22 else f"[{place.host}]:{place.port}"
        found = look(name) or look(place.host)
        if not found:
            raise DistrustedError(f"{self.known_hosts} has no key of {name}: it is not spoken to", fix=_scan(place))
        return next(iter(found.values())).get_base64()


def refusals(access: Access, router: str, error: Exception) -> DistrustedError | None:
    """What no second try mends: another host key than the one that is known, a login that is refused; None else."""
    place = access.place(router)
    match type(error).__name__:
        case "BadHostKeyException":
            return DistrustedError(
                f"{router} shows another host key than {access.known_hosts} has: it is not spoken to",
                fix=f"find out why; where it is right: {_scan(place)}",
            )
        case "AuthenticationException" | "BadAuthenticationType" | "PasswordRequiredException":
            return DistrustedError(
                f"{router} refuses the login of {access.user}", fix=f"check `user` and `key`, or set {SECRET}"
            )
        case "FileNotFoundError":  # of connecting, only the key is a file
            return DistrustedError(f"there is no key file {access.key}", fix="correct `key`")
        case _:
            return None


def _scan(place: Place) -> str:
    return f"ssh-keyscan -p {place.port} {place.host}, compared with what the router shows"
