"""How routers are reached by SSH: whose name, which key, which host keys are believed, all from the site's files.

Nothing is secret there: a key's passphrase or a password comes from the environment. A router whose host key is not in
the file of known hosts is not spoken to.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple, Protocol, cast

from twin.errors import ExecutionError, InputError
from twin.files import require_file

SECRET = "TWINOPS_ROUTER_PASSWORD"  # noqa: S105 - the name of the variable that holds it
"""Environment variable with the password, or with the passphrase of the key."""


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

    @property
    def secret(self) -> str | None:
        """What the environment holds of it."""
        return os.environ.get(SECRET) or None

    def place(self, router: str) -> Place:
        """Host and port of a router; one that is not named answers by its own name."""
        host, _, port = self.hosts.get(router, router).partition(":")
        return Place(host, int(port) if port.isdigit() else self.port)

    def host_key(self, router: str) -> str:
        """The key that a router has to show, as the file has it. Raises `ExecutionError` where it has none."""
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
            raise ExecutionError(
                f"{self.known_hosts} has no key of {name}", fix=f"ssh-keyscan -p {place.port} {place.host}"
            )
        return next(iter(found.values())).get_base64()
