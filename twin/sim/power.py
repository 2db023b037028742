"""Electrical power of a network: chassis and ports, awake and asleep."""

from typing import NamedTuple

import numpy as np
from pydantic import Field

from twin.model import Floats, Frozen, Network


class PowerModel(Frozen):
    """Watts of the equipment. The defaults are assumptions of the order of published data sheets, not measurements.

    A port draws the same at any load (Chabarek et al., INFOCOM 2008, found load to matter little), so that only
    sleeping saves. Its watts are interpolated between `port_watts`, and grow in proportion beyond the last entry.
    """

    chassis_watts: float = Field(default=1500.0, ge=0, description="One router that is up, without its ports.")
    port_watts: tuple[tuple[float, float], ...] = Field(
        default=((1_000, 10), (10_000, 35), (40_000, 110), (100_000, 220), (400_000, 600)),
        min_length=1,
        description="Mbit/s and watts of one port with its optics and its share of the line card, by rising capacity.",
    )
    asleep_share: float = Field(default=0.1, ge=0, le=1, description="Share of its watts that a sleeping port draws.")


class PowerReport(NamedTuple):
    """Watts of one network state. m links."""

    total_watts: float
    chassis_watts: float
    port_watts: float
    saved_watts: float  # what the sleeping ports would draw more if awake
    link_watts: Floats  # [m] the port that sends on each link


DEFAULT_POWER = PowerModel()


def power(network: Network, model: PowerModel = DEFAULT_POWER) -> PowerReport:
    """Return what the network draws. A node or link that is down draws nothing; a drained one draws as before."""
    up = np.array([node.up for node in network.nodes])
    tails = np.array([network.node_index[link.tail] for link in network.links], dtype=np.int64)
    lit = np.array([link.up for link in network.links], dtype=np.bool_) & up[tails]
    asleep = np.array([link.asleep for link in network.links], dtype=np.bool_)
    awake_watts = np.where(lit, _port_watts(np.array([x.capacity for x in network.links], np.float64), model), 0.0)
    link_watts = np.where(asleep, model.asleep_share, 1.0) * awake_watts
    chassis, ports = float(up.sum()) * model.chassis_watts, float(link_watts.sum())
    return PowerReport(chassis + ports, chassis, ports, float((awake_watts - link_watts).sum()), link_watts)


def _port_watts(capacity: Floats, model: PowerModel) -> Floats:
    table = np.array(model.port_watts, dtype=np.float64)
    within = np.interp(capacity, table[:, 0], table[:, 1])
    return np.where(capacity > table[-1, 0], capacity / table[-1, 0] * table[-1, 1], within)
