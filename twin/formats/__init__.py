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
    from .repetita import write_repetita as write_repetita
    from .traffic import read_traffic as read_traffic
    from .traffic import write_traffic as write_traffic
    from .tunnels import read_tunnels as read_tunnels

_ROOMS = {
    "load_network": "load",
    "read_network": "load",
    "read_plan": "plan",
    "read_traffic": "traffic",
    "read_tunnels": "tunnels",
    "write_ietf": "ietf",
    "write_node_link": "nodelink",
    "write_plan": "plan",
    "write_repetita": "repetita",
    "write_traffic": "traffic",
}
__all__ = [  # noqa: PLE0604, RUF100 - imported on first use, so that a command pays only for the format it reads
    "load_network",
    "read_network",
    "read_plan",
    "read_traffic",
    "read_tunnels",
    "write_ietf",
    "write_node_link",
    "write_plan",
    "write_repetita",
    "write_traffic",
]


def __getattr__(name: str) -> object:
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_ROOMS[name]}"), name)
