"""Networks, traffic and plans in the formats that others write; `load_network` and `read_network` are the doors."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .ietf import write_ietf as write_ietf
    from .load import load_network as load_network
    from .load import read_network as read_network
    from .nodelink import write_node_link as write_node_link
    from .plan import read_plan as read_plan
    from .plan import write_plan as write_plan
    from .traffic import read_traffic as read_traffic

_ROOMS = {
    "load_network": "load",
    "read_network": "load",
    "read_plan": "plan",
    "read_traffic": "traffic",
    "write_ietf": "ietf",
    "write_node_link": "nodelink",
    "write_plan": "plan",
}
__all__ = [  # noqa: PLE0604, RUF100 - imported on first use, so that a command pays only for the format it reads
    "load_network",
    "read_network",
    "read_plan",
    "read_traffic",
    "write_ietf",
    "write_node_link",
    "write_plan",
]


def __getattr__(name: str) -> object:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_ROOMS[name]}"), name)
