"""How exact the instruments of a lab are, and what it can be told to do."""

from twin.live.declared import Declaration

from .frr import LOGS, SESSION_LOGS
from .launch import Lab
from .traffic import OVERHEAD


def declaration(lab: Lab) -> Declaration:
    """What the instruments of a lab are: every packet is counted, counters are read some milliseconds apart."""
    rates, igp = lab.design.rates, lab.design.igp
    return Declaration(
        interval_s=rates.interval_s,
        skew_s=0.03,
        sampling=0,
        packet_bits=8.0 * (rates.payload + OVERHEAD),
        export_error=0.01,
        unexported_mbps=0.06,
        concentration=min(1.0, 1.3 / rates.flows),
        probe_packets=rates.probe_packets,
        probe_ports=rates.probe_ports,
        two_way=igp != "isis",
        logs=LOGS[igp] | SESSION_LOGS if lab.design.groups else LOGS[igp],
        makes=frozenset({"set_weight", "drain_link", "undrain_link", "drain_node", "undrain_node"}),
    )
