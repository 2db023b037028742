"""What a site file may say: where one's own network is described and measured, and how its routers are spoken to.

Paths are relative to the folder of the site file, and may be patterns such as `counters/*.csv`.
"""

from typing import Annotated, Literal
from zoneinfo import available_timezones

from pydantic import BeforeValidator, Field, field_validator

from .execute.actuators.actuator import Actuator
from .execute.routers import Routers
from .formats.exits import UNLIMITED
from .live.declared import Declaration
from .model import Frozen, Igp, LocalRepair
from .observe.readings.databases import ReadBySsh
from .traffic_classes import LAST

SITE = "site.toml"
MeasurementKind = Literal["counters", "flows", "probes", "logs"]
OF_PROMETHEUS: tuple[MeasurementKind, ...] = ("counters", "probes")


def _listed(value: object) -> object:
    return (value,) if isinstance(value, str) else value


Paths = Annotated[tuple[str, ...], BeforeValidator(_listed)]
"""One path or pattern, or several."""


class SiteSources(Frozen):
    """Which files say what of the network."""

    topology: str = Field(min_length=1, description="The inventory: any file that `twinops import` reads.")
    network_id: str | None = Field(default=None, description="Which network of a topology file that holds several.")
    capacities: Paths = Field(default=(), description="Tables of links laid over it: capacities, delays, risk groups.")
    places: Paths = Field(default=(), description="Tables of nodes laid over it: places, kinds, states.")
    traffic: str | None = Field(default=None, description="The traffic matrix that was planned for: CSV or Parquet.")
    interfaces: Paths = Field(default=(), description="What routers call their interfaces: CSV of link, interface.")
    peers: Paths = Field(
        default=(),
        description="Addresses by which routers log the neighbours behind their exits: CSV of link, address.",
    )
    counters: Paths = Field(default=(), description="Rates, counters or states of links, interfaces and nodes.")
    prometheus: str | None = Field(default=None, description="URL of a Prometheus API with counters or probes.")
    matchers: str = Field(default="", max_length=1000, description='Label matchers of its series, as `job="snmp"`.')
    minutes: float = Field(default=30.0, gt=0, le=1440, description="How far back it is asked.")
    lsdb: Paths = Field(
        default=(),
        description="Link-state databases, as one router prints them, or ssh://USER@ROUTER: what is gone is down.",
    )
    flows: Paths = Field(default=(), description="Traffic between nodes over time, or flows of nfdump or pmacct.")
    prefixes: str | None = Field(default=None, description="Which addresses are behind which node, for flows.")
    probes: Paths = Field(default=(), description="Probes between nodes.")
    logs: Paths = Field(default=(), description="Syslog files.")
    calendar: Paths = Field(
        default=(), description="Work that others plan: iCalendar files or addresses, mails with one, CSV tables."
    )
    objects: str | None = Field(default=None, description="What providers call circuits: CSV of object, element.")
    documents: Paths = Field(default=(), description="Tickets, calendar entries, commits and notes: lists in JSON.")


class SiteExits(Frozen):
    """What lies beyond some exits, such as the internet, and where it is reached."""

    name: str = Field(min_length=1, max_length=64, description="What traffic files call it as a target.")
    at: dict[str, int] = Field(min_length=1, description="Preference by router, 1 is the best: { P = 1, Q = 2 }.")
    capacity: float = Field(default=UNLIMITED, gt=0, description="Mbit/s of each exit; none: it limits nothing.")


class SiteClass(Frozen):
    """A class of traffic, and how full links serve it."""

    name: str = Field(min_length=1, max_length=40, description="What traffic files call it; default is the rest.")
    priority: int = Field(default=LAST, ge=1, le=LAST, description="1 is served first.")
    weight: float = Field(default=1.0, gt=0, le=1e6, description="Its part among classes of one priority.")
    share: float = Field(default=0.0, ge=0, le=1, description="Its part of every demand that no file says more of.")


class Site(Frozen):
    """One's own network, as its people describe it."""

    zone: str = Field(default="UTC", description="Time zone of goals and of measurements that name none.")
    policy: str | None = Field(default=None, description="TOML file with the limits to keep.")
    igp: Igp = Field(default="", description="The routing protocol, for its largest metric and its kind of drain.")
    repair: LocalRepair | None = Field(default=None, description="What routers do until the network has converged.")
    twin: str = Field(default="twin.duckdb", description="The twin file that commands hand each other results in.")
    clock: Literal["wall", "newest"] = Field(
        default="wall", description="What time it is: now, or that of the newest sample, to look at the past."
    )
    sources: SiteSources
    exits: tuple[SiteExits, ...] = Field(default=(), description="Groups of exits that demands may leave by.")
    reflectors: tuple[str, ...] = Field(
        default=(),
        max_length=64,
        description="Routers that tell all others of exits, of their own choice alone: reflectors without add-path.",
    )
    classes: tuple[SiteClass, ...] = Field(default=(), max_length=8, description="Classes of traffic.")
    units: dict[str, str] = Field(default={}, description="Units that files leave open, such as capacity = gbps.")
    columns: dict[str, str] = Field(default={}, description="What columns are: out = ifHCOutOctets.")
    instruments: Declaration = Field(default=Declaration(), description="How the measurements come about.")
    routers: Routers = Field(default=Routers(), description="What routers speak, for the lines to type.")
    ssh: ReadBySsh = Field(default=ReadBySsh(), description="How routers are reached that are asked and not changed.")
    actuator: Actuator | None = Field(default=None, description="Who makes the changes; none: a person, on advice.")

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        if zone != "UTC" and zone not in available_timezones():
            raise ValueError("a time zone such as UTC or Europe/Berlin")
        return zone
