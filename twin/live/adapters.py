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


def is_adapter(name: str) -> bool:
    """Whether `NAME` or `NAME:WHICH` is a live network of some adapter, rather than a file."""
    kind = name.partition(":")[0]
    return kind == "lab" or kind in {x.name for x in metadata.entry_points(group=GROUP)}


def open_live(name: str) -> Lookable:
    """Open a live network. Raises `InputError` when there is no adapter of its name, and what that one raises."""
    kind, _, which = name.partition(":")
    if kind == "lab":
        from .lab.network import open_lab

        return open_lab(which)
    found = [x for x in metadata.entry_points(group=GROUP) if x.name == kind]
    if not found:
        raise InputError(f"no live network {kind!r}", fix=f"install a package that offers it under {GROUP}")
    return cast("Opener", found[0].load())(which)


def is_measurable(live: Lookable) -> bool:
    """Whether the routers of a network can be asked."""
    return isinstance(live, Measurable)
