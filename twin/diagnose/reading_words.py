"""What readings are called, and how their figures are written: in recommendations, and for those who ask for causes."""

from collections.abc import Mapping
from math import isfinite

from twin.printed import mbps, percent

from .diagnosis import Quantity

READINGS: Mapping[Quantity, tuple[str, str]] = {
    "load": ("load", "Mbit/s"),
    "drops": ("drops", "Mbit/s"),
    "wire_loss": ("loss between its counters", "share"),
    "errors": ("frames received broken", "share"),
    "oper_up": ("is up", "state"),
    "adjacent": ("has its neighbour", "state"),
    "counted": ("polls answered", "share"),
    "answers": ("answers", "state"),
    "probe_delay": ("delay", "ms"),
    "probe_loss": ("loss", "share"),
    "demand_factor": ("traffic towards it, times the usual", ""),
    "packet_factor": ("packets per Mbit towards it, times the usual", ""),
    "balance": ("leaves it less what comes in", "Mbit/s"),
    "configured": ("lines that the inventory does not have", ""),
    "peering": ("has a route by it", "state"),
}
"""What a quantity of a reading is called, and its unit."""


def figure(quantity: Quantity, value: float) -> str:
    """Write a reading with its unit; yes and no for a state."""
    if not isfinite(value):
        return "not measured"
    match READINGS[quantity][1]:
        case "state":
            return "yes" if value > 0.5 else "no"
        case "share":
            return percent(value)
        case "Mbit/s":
            return mbps(value)
        case unit:
            return f"{value:.4g} {unit}".rstrip()
