"""Electrical power of a network: chassis, ports, transceivers and traffic, awake and asleep, by measured models."""

from typing import Literal, NamedTuple

import numpy as np
from pydantic import Field

from twin.errors import InputError
from twin.model import Floats, Frozen, Network

from .power_models import MEASURED

Depth = Literal["shut", "unplugged"]
"""How deep a port sleeps: shut from afar, which leaves its transceiver drawing, or with the transceiver out."""


class PortPower(Frozen):
    """What one kind of port draws. A link that needs less than its rate has one of these, one that needs more several.

    `up_watts` may be a little below zero: some transceivers draw less with light than without.
    """

    mbps: float = Field(gt=0, description="Rate of the port, Mbit/s.")
    port_watts: float = Field(ge=0, description="More for a port that is enabled.")
    plugged_watts: float = Field(
        ge=0, description="More for a plugged transceiver, whether the port is enabled or not."
    )
    up_watts: float = Field(description="More once the link is up.")
    joules_per_bit: float = Field(default=0.0, ge=0)
    joules_per_packet: float = Field(default=0.0, ge=0)


class PowerModel(Frozen):
    """Watts of the routers of a network, all of one kind.

    P = (base + sum over ports of port, plugged and up) / efficiency, and for traffic a bit and a packet at each port
    that it passes (Jacob et al., IMC 2025). The measured models are figures at the wall: their `psu_efficiency` is 1.
    """

    name: str = Field(min_length=1, max_length=60)
    source: str = Field(max_length=400, description="Where the figures are from.")
    base_watts: float = Field(ge=0, description="One router that is up, without its ports.")
    ports: tuple[PortPower, ...] = Field(min_length=1, description="Kinds of ports, by rising rate.")
    packet_bytes: float = Field(default=800.0, gt=0, description="Mean packet.")
    psu_efficiency: float = Field(default=1.0, gt=0, le=1, description="What the supplies give of what they draw.")

    @classmethod
    def load(cls, name: str = "backbone") -> "PowerModel":
        """Return the measured model of a router. Raises `InputError` with the names that there are."""
        found = MEASURED.get(name)
        if found is None:
            raise InputError(f"no power model {name!r}", fix=f"models: {', '.join(MEASURED)}")
        keys = ("mbps", "port_watts", "plugged_watts", "up_watts", "joules_per_bit", "joules_per_packet")
        ports = tuple(PortPower.model_validate(dict(zip(keys, row, strict=True))) for row in found.ports)
        return cls(name=name, source=found.source, base_watts=found.base_watts, ports=ports)

    def ports_for(self, mbps: float, members: int = 1) -> tuple[int, PortPower]:
        """How many ports of which kind one end of a link has: for each member the smallest that carries it."""
        each = mbps / members
        port = next((x for x in self.ports if x.mbps >= each * (1 - 1e-9)), self.ports[-1])
        return members * max(1, int(np.ceil(each / port.mbps - 1e-9))), port


class PowerReport(NamedTuple):
    """Watts of one network state. m links."""

    total_watts: float
    chassis_watts: float
    port_watts: float
    traffic_watts: float  # 0 where no load was given
    saved_watts: float  # what the sleeping ports would draw more if awake
    plugged_watts: float  # what they draw all the same, and would not with their transceivers out
    link_watts: Floats  # [m] the ports that send on each link
    shut_watts: Floats  # [m] what shutting them would save


DEFAULT_POWER = PowerModel.load()


def power(
    network: Network, model: PowerModel = DEFAULT_POWER, *, load: Floats | None = None, depth: Depth = "shut"
) -> PowerReport:
    """Return what the network draws; with a `load` of its links, Mbit/s [m], that of the traffic as well.

    A router that is down draws nothing, nor do its ports. A link that is down has its ports enabled and their
    transceivers plugged; a drained one draws as before; one that sleeps has them shut, or unplugged by `depth`.
    """
    up = np.array([node.up for node in network.nodes], dtype=np.bool_)
    powered = up[[network.node_index[link.tail] for link in network.links]] / model.psu_efficiency
    fitted = [model.ports_for(link.capacity, link.members) for link in network.links]
    plugged = powered * np.array([n * kind.plugged_watts for n, kind in fitted], np.float64)
    enabled = powered * np.array([n * kind.port_watts for n, kind in fitted], np.float64)
    lit = powered * np.array([n * (kind.port_watts + kind.up_watts) for n, kind in fitted], np.float64)
    asleep = np.array([link.asleep for link in network.links], dtype=np.bool_)
    light = np.array([link.up for link in network.links], dtype=np.bool_)
    awake: Floats = plugged + np.where(light, lit, enabled)
    left: Floats = np.where(asleep & (depth == "shut"), plugged, 0.0)
    link_watts: Floats = np.where(asleep, left, awake)
    chassis, ports = float(up.sum()) * model.base_watts / model.psu_efficiency, float(link_watts.sum())
    traffic = _traffic(load, [kind for _, kind in fitted], model) if load is not None else 0.0
    return PowerReport(
        total_watts=chassis + ports + traffic,
        chassis_watts=chassis,
        port_watts=ports,
        traffic_watts=traffic,
        saved_watts=float((awake - link_watts)[asleep].sum()),
        plugged_watts=float(left.sum()),
        link_watts=link_watts,
        shut_watts=np.where(asleep, 0.0, awake - plugged),
    )


def _traffic(load: Floats, kinds: list[PortPower], model: PowerModel) -> float:
    """Watts of moving bits and packets, each through a port where it leaves a router and where it enters the next."""
    joules = [x.joules_per_bit + x.joules_per_packet / (8 * model.packet_bytes) for x in kinds]
    return float((2e6 * load * np.array(joules, np.float64)).sum()) / model.psu_efficiency
