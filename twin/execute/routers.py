"""What has to be known of routers to write configuration for them, beyond the network that the twin simulates."""

from ipaddress import IPv4Address
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from twin.model import Frozen

Dialect = Literal["frr", "iosxr", "junos", "mdcli", "sros", "text"]
Process = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")]


class Router(Frozen):
    """One router; what is left out is as for all of them."""

    dialect: Dialect | None = None
    process: Process | None = Field(default=None, description="Name or number of its IGP process.")
    loopback: IPv4Address | None = Field(default=None, description="Address that SR policies end at.")
    sid: int | None = Field(default=None, ge=16, le=2**20 - 1, description="MPLS label of its node segment.")


class Routers(Frozen):
    """What all routers speak, and the exceptions by node name."""

    dialect: Dialect = Field(default="text", description="Whose configuration they take.")
    igp: Literal["isis", "ospf"] = "isis"
    process: Process | None = Field(default=None, description="Name or number of the IGP process.")
    level: Literal[1, 2] = Field(default=2, description="Level of IS-IS.")
    area: str = Field(default="0.0.0.0", pattern=r"^\d{1,10}$|^(\d{1,3}\.){3}\d{1,3}$", description="Area of OSPF.")  # noqa: S104 - the backbone area
    color: int | None = Field(default=None, ge=1, le=2**32 - 1, description="Color of the first SR policy.")
    named: dict[str, Router] = Field(default={}, description="Routers that differ, by node name.")

    def dialect_of(self, router: str) -> Dialect:
        """What a router speaks."""
        own = self.named.get(router)
        return own.dialect if own and own.dialect else self.dialect


class Speech(NamedTuple):
    """How one router is spoken to."""

    dialect: Dialect
    igp: Literal["isis", "ospf"]
    process: str | None
    level: int
    area: str
    loopback: str | None
    sid: int | None


def speech_of(routers: Routers, node: str, dialect: Dialect | None = None) -> Speech:
    """Return how a router is spoken to; `dialect` is what somebody asks for, whatever the router speaks."""
    own = routers.named.get(node, Router())
    return Speech(
        dialect or routers.dialect_of(node),
        routers.igp,
        own.process or routers.process,
        routers.level,
        routers.area,
        str(own.loopback) if own.loopback else None,
        own.sid,
    )
