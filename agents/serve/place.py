"""Where a room is, which network it is about, and who may serve it."""

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from twin.clock import utc_now
from twin.errors import StoreError
from twin.files import open_lock
from twin.live.adapters import EMULATED, is_adapter, open_live
from twin.live.watched import Lookable
from twin.site import OpenSite, read_site

from .emulated import LivingNetwork
from .turns import Among

_LEASE = "lease"


class Place(NamedTuple):
    """Where a room is: its own folder, the folder of runs, the operator's home, and the network's name or site file.

    `among` is its place among the sites that are served together.
    """

    folder: Path
    runs: Path
    home: Path
    site: str
    among: Among | None = None

    @property
    def emulated(self) -> bool:
        """Whether its network lives in its folder alone."""
        return self.site.startswith(f"{EMULATED}:")

    def site_file(self) -> OpenSite | None:
        """The site file that a room is about; none of an emulated network or one of an adapter."""
        return None if self.emulated or is_adapter(self.site) else read_site(self.site)

    def opened(self) -> Lookable:
        """Open the network. Raises what the emulated network, the adapter or the site raises."""
        if self.emulated:
            return LivingNetwork.open(self.site, self.folder)
        if is_adapter(self.site):
            return open_live(self.site)
        return read_site(self.site).network(utc_now)


def advance(live: Lookable) -> None:
    """Have the network measured anew: time passes in an emulated one only when it is told to."""
    if isinstance(live, LivingNetwork):
        live.wait(1)
    else:
        live.look_again()


@contextlib.contextmanager
def lease(folder: Path, *, standby: Callable[[], None] | None = None):  # noqa: ANN201 - a context manager
    """Hold a room's folder: one process writes, whoever comes second is told. Raises `StoreError`.

    With `standby`, which is called when another process holds it, wait until that one is gone: the kernel takes the
    lease from a process that ends, however it ends, and gives it to nobody twice.
    """
    import fcntl

    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StoreError(f"cannot use {folder}: {error.strerror}", fix="name another folder with --room") from error
    with open_lock(folder / _LEASE) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if standby is not None:
                standby()
                fcntl.flock(file, fcntl.LOCK_EX)
                yield
                return
            raise StoreError(
                f"another process serves {folder}", fix="stop it, or give this room another folder"
            ) from None
        yield
