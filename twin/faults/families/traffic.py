"""Traffic that grows towards one node: users and attacks alike, bursts from every source, floods of small packets.

| kind | element (-> target), severity | what happens | not expressed |
|---|---|---|---|
| demand_surge | node, factor | all demands towards the node grow alike | - |
| web_dos_attack | node, factor | as demand_surge: requests look like users | requests, server load |
| incast_traffic_network_limitation | node, factor on the total | every source adds the same amount | bursts under a sample |
| tcp_syn_flood_attack | node, factor on packets | 64-byte packets on top, a new flow each | half-open connections |
"""  # noqa: E501 - a table

from twin.faults.declaration import Declaration, register, unchanged
from twin.faults.fault import Fault, FaultKind
from twin.faults.readings import Readings
from twin.faults.remedies import Advice, Remedy
from twin.faults.severities import above_one
from twin.model import Floats, Network
from twin.numeric import np

_K = FaultKind
SYN_BITS, PACKET_BITS = 512.0, 8000.0
"""A SYN packet and a mean packet, bits."""


def _surge(network: Network, fault: Fault) -> Floats:
    demands = network.demands.copy()
    demands[:, network.node(fault.element)] *= fault.severity
    return demands


def _incast(network: Network, fault: Fault) -> Floats:
    """The same amount more from every source that has traffic for the node."""
    demands, node = network.demands.copy(), network.node(fault.element)
    sources = demands[:, node] > 0
    demands[sources, node] += (fault.severity - 1) * demands[:, node].sum() / max(int(sources.sum()), 1)
    return demands


def _flood(network: Network, fault: Fault) -> Floats:
    return _surge(network, fault.model_copy(update={"severity": _flood_factor(fault)}))


def _flood_factor(fault: Fault) -> float:
    """Growth of the traffic when the packets grow by the severity: those on top have 64 bytes."""
    return 1 + (fault.severity - 1) * SYN_BITS / PACKET_BITS


def _grown(readings: Readings, node: int, factor: float) -> Readings:
    """The measured matrix holds the growth already: what is predicted is that the demands have grown."""
    log_factor = readings.log_factor.copy()
    log_factor[node] += np.log(factor)
    return readings._replace(log_factor=log_factor)


def _surged(readings: Readings, network: Network, fault: Fault) -> Readings:
    return _grown(readings, network.node(fault.element), fault.severity)


def _flooded(readings: Readings, network: Network, fault: Fault) -> Readings:
    node, growth = network.node(fault.element), _flood_factor(fault)
    log_packets = readings.log_packets.copy()
    log_packets[node] += np.log(fault.severity / growth)
    return _grown(readings, node, growth)._replace(log_packets=log_packets)


register(
    Declaration(
        id=_K.SURGE,
        layer="traffic",
        element="node",
        severity=above_one("the factor on the demands", 3.0),
        demands=_surge,
        assumed=unchanged,
        readings=_surged,
        drawn=lambda rng: rng.uniform(1.5, 4.0),
        remedy=Remedy(
            ("steer around",),
            Advice(
                "find the senders",
                "find out who sends so much to {here}, and for how long; order capacity if it stays",
                "the traffic towards {here} is as usual",
            ),
        ),
    )
)
register(
    Declaration(
        id=_K.WEB_DOS,
        label="web denial of service",
        layer="traffic",
        element="node",
        severity=above_one("the factor on the demands", 3.0),
        demands=_surge,
        assumed=unchanged,
        readings=_surged,
        drawn=lambda rng: rng.uniform(1.5, 4.0),
        remedy=Remedy(
            ("steer around",),
            Advice(
                "filter the attack",
                "have the requests to {here} filtered at the edge: it is attacked",
                "the traffic towards {here} is as usual",
            ),
        ),
    )
)
register(
    Declaration(
        id=_K.INCAST,
        label="incast traffic",
        layer="traffic",
        element="node",
        severity=above_one("the factor on all that goes to the node", 3.0),
        demands=_incast,
        assumed=unchanged,
        drawn=lambda rng: rng.uniform(1.5, 4.0),
        remedy=Remedy(
            ("steer around",),
            Advice(
                "find the senders",
                "find out what makes so many send to {here} at once, and spread it",
                "the traffic towards {here} is as usual",
            ),
        ),
    )
)
register(
    Declaration(
        id=_K.SYN_FLOOD,
        label="TCP SYN flood",
        layer="traffic",
        element="node",
        severity=above_one("the factor on the packets towards the node", 30.0),
        demands=_flood,
        packet_bits=SYN_BITS,
        assumed=unchanged,
        readings=_flooded,
        drawn=lambda rng: rng.uniform(10, 60),
        remedy=Remedy(
            ("steer around",),
            Advice(
                "filter the attack",
                "have the SYN packets to {here} filtered at the edge: it is attacked",
                "packets towards {here} are as large as usual",
            ),
        ),
    )
)
