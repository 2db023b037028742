"""Networks, traffic and plans in the formats that others write; `load_network` and `read_network` are the doors."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .load import load_network as load_network

__all__ = ["load_network"]


def __getattr__(name: str) -> object:
    if name == "load_network":
        from .load import load_network

        return load_network
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
