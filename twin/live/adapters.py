"""Live networks by name: the lab, and whatever other packages offer under the entry point `twinops.live`."""

from collections.abc import Callable
from importlib import metadata
from typing import cast

from twin.errors import InputError

from .network import Measurable
from .watched import Lookable

GROUP = "twinops.live"
Opener = Callable[[str], Lookable]
"""Opens a network; what it is given is what stands behind the colon in its name, or nothing."""


EMULATED = "emulated"
"""The adapter of emulated networks, which live in the process that holds them and nowhere else."""
_held: dict[str, Lookable] = {}


def hold(name: str, live: Lookable) -> None:
    """Let this process's other parts open an emulated network by its name, for as long as the process lives."""
    _held[name] = live


def is_adapter(name: str) -> bool:
    """Whether `NAME` or `NAME:WHICH` is a live network of some adapter, rather than a file."""
    kind = name.partition(":")[0]
    return kind in ("lab", EMULATED) or kind in {x.name for x in metadata.entry_points(group=GROUP)}


def open_live(name: str) -> Lookable:
    """Open a live network. Raises `InputError` when there is no adapter of its name, and what that one raises."""
    kind, _, which = name.partition(":")
    if kind == "lab":
        from .lab.network import open_lab

        return open_lab(which)
    if kind == EMULATED:
        if name not in _held:
            raise InputError(
                f"the network {name} lives in the process that emulates it", fix="decide in the console of that process"
            )
        return _held[name]
    found = [x for x in metadata.entry_points(group=GROUP) if x.name == kind]
    if not found:
        raise InputError(f"no live network {kind!r}", fix=f"install a package that offers it under {GROUP}")
    return cast("Opener", found[0].load())(which)


def is_measurable(live: Lookable) -> bool:
    """Whether the routers of a network can be asked."""
    return isinstance(live, Measurable)
