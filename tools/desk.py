"""What the tools of one run work on. Models never see it, and nothing on it can change the network."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from opentelemetry.trace import NoOpTracer, Tracer

from twin.live.network import Telemetry
from twin.model import Network
from twin.policy import Policy


class Reader(Protocol):
    """The read side of a live network."""

    @property
    def now(self) -> datetime:
        """The network's clock, UTC."""
        ...

    def read_topology(self) -> Network:
        """Return what is configured."""
        ...

    def read_telemetry(self, since: datetime) -> Telemetry:
        """Return everything measured after `since`."""
        ...


class ReadSide:
    """A live network of which only reading is left."""

    def __init__(self, live: Reader) -> None:
        self._live = live

    @property
    def now(self) -> datetime:
        """The network's clock, UTC."""
        return self._live.now

    def read_topology(self) -> Network:
        """Return what is configured."""
        return self._live.read_topology()

    def read_telemetry(self, since: datetime) -> Telemetry:
        """Return everything measured after `since`."""
        return self._live.read_telemetry(since)


@dataclass
class Desk:
    """The state of one run."""

    inventory: Network
    policy: Policy
    live: ReadSide
    since: datetime
    seed: int = 0
    tracer: Tracer = field(default_factory=NoOpTracer)
