"""Measured power of routers, by name: what `PowerModel.load` knows.

Figures in watts and joules as ETH Zurich measured them at the wall, two supplies connected (NetPowerBench, commit
db0ad1b; Jacob et al., "Fantastic Joules and Where to Find Them", IMC 2025). Each row: the rate of a port, Mbit/s; watts
when it is enabled, more for a plugged transceiver, more when the link is up; joules a bit and a packet.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

Row = tuple[float, float, float, float, float, float]


class Measured(NamedTuple):
    """One router: its watts without ports, its kinds of ports by rising rate, and where the figures are from."""

    base_watts: float
    ports: tuple[Row, ...]
    source: str


_BENCH = "NetPowerBench db0ad1b, measured"
_COPPER_100G: Row = (100_000, 0.935, 0.351, 0.207, 3.20e-12, 1.34e-8)

MEASURED: Mapping[str, Measured] = MappingProxyType(
    {
        "backbone": Measured(
            253.85,
            (
                (1_000, 0.054, 3.413, 0.005, 3.71e-11, 0.0),
                (10_000, 0.554, 0.0, -0.016, 2.15e-11, 5.50e-8),
                (100_000, 1.903, 2.791, -0.063, 8.97e-12, 2.48e-8),
                (400_000, 1.816, 5.428, -0.069, 3.20e-12, 1.34e-8),
            ),
            "NetPowerBench db0ad1b, measured on several routers: chassis of a Cisco 8201-32FH, the means of SFP and "
            "SFP+ ports, 100G LR of a Nexus 9336-FX2, 400G FR4 of an Arista 7280CR3K; what an SFP+ transceiver draws "
            "by being plugged was not measured and counts as nothing",
        ),
        "8201-32FH": Measured(253.85, (_COPPER_100G,), f"{_BENCH} on a Cisco 8201-32FH, passive copper"),
        "NCS-55A1-24H": Measured(
            319.82,
            (
                (25_000, 0.102, 0.019, 0.083, 2.15e-11, 5.50e-8),
                (50_000, 0.183, 0.019, 0.164, 2.18e-11, 5.72e-8),
                (100_000, 0.316, 0.019, 0.194, 2.15e-11, 5.83e-8),
            ),
            f"{_BENCH} on a Cisco NCS-55A1-24H, passive copper",
        ),
        "9336-FX2": Measured(
            285.31,
            ((100_000, 1.903, 2.791, -0.063, 8.97e-12, 2.48e-8),),
            f"{_BENCH} on a Cisco Nexus 9336-FX2, LR optics",
        ),
        "7280CR3K-32D4": Measured(
            266.75,
            ((100_000, 0.690, 0.224, 0.330, 1.21e-11, 9.34e-9), (400_000, 1.816, 5.428, -0.069, 0.0, 0.0)),
            f"{_BENCH} on an Arista 7280CR3K-32D4, 100G passive copper and 400G FR4, whose energy by load was not",
        ),
        "N540X-8Z16G": Measured(
            33.19, ((1_000, 0.0, 3.413, 0.004, 3.71e-11, 0.0),), f"{_BENCH} on a Cisco N540X-8Z16G, SFP copper"
        ),
    }
)
"""Routers by name; `backbone` is put together for networks of which nobody says what their routers are."""
