"""Circuits, interfaces and routers that fail, and wires that lose, break or delay what they carry.

| kind | element (-> target), severity | what happens | not expressed |
|---|---|---|---|
| link_down | circuit | both interfaces lose light, routing goes round | loss while routing converges |
| link_detach | interface | as link_down; the interface is gone: its counters do not answer | why it was removed |
| link_flap | circuit, share of time down | down and up every 97 s, a log line each time; rates are means | dampening |
| device_down | node | silent, its circuits dark | - |
| link_capacity_bottleneck | circuit, share of capacity lost | a lower plateau, drops, full queues | starved hellos |
| silent_egress_packet_loss | interface, share | lost between the two counters, no error is counted | - |
| link_packet_corruption | circuit, share of frames | lost on the wire both ways, receive errors rise | retransmissions |
| device_forwarding_packet_corruption | node, share of frames | the same on everything the node sends | broken payloads that arrive |
| high_latency | circuit, ms | propagation takes longer both ways; routing does not care | jitter |
"""  # noqa: E501 - a table

from collections.abc import Iterator

from twin.faults.declaration import Declaration, Measured, register, unchanged
from twin.faults.fault import Fault, FaultKind
from twin.faults.link_effects import lossy, lost
from twin.faults.readings import Readings
from twin.faults.remedies import AROUND, Advice, Remedy
from twin.faults.severities import LATER, LOST, ONE, share
from twin.faults.struck import interfaces, struck_links
from twin.model import Floats, Ints, Network
from twin.numeric import np

_K = FaultKind
_TOLERANCE = 4.0  # standard errors
_LEAST_LOSS, _LEAST_BROKEN = 0.002, 0.001
_LEAST_SHORTFALL = 0.01
_LEAST_DROP = 0.0005
_DROPS_MBPS, _DROPS_SHARE = 1.0, 0.002  # of a large link; of the capacity of one that is small


def _broken(readings: Readings, network: Network, fault: Fault) -> Readings:
    """Frames that arrive broken are lost between the two counters, and counted as errors."""
    broken = readings.broken.copy()
    broken[list(struck_links(network, fault))] += fault.severity / max(1 - fault.severity, 1e-3)
    return readings._replace(broken=broken)


def _detached(readings: Readings, network: Network, fault: Fault) -> Readings:
    missing = readings.missing.copy()
    missing[[network.link(x) for x in interfaces(network, fault)]] = 1.0
    return readings._replace(missing=missing)


def _degraded(seen: Measured, explained: Readings) -> Iterator[Fault]:
    """A link that drops while it sends less than it was built for: what it sends is its capacity."""
    del explained
    network = seen.inventory
    least = np.minimum(_DROPS_MBPS, _DROPS_SHARE * np.array([link.capacity for link in network.links]))
    dropping = np.nan_to_num(seen.dropped) > least + _LEAST_DROP * np.nan_to_num(seen.sent)
    for circuit, positions in network.circuits.items():
        plateaus = [float(seen.sent[dropping[:, i], i].mean()) for i in positions if dropping[:, i].any()]
        built = min(network.links[i].capacity for i in positions)
        if plateaus and 0 < max(plateaus) < (1 - max(_LEAST_SHORTFALL, seen.mistimed)) * built:
            yield Fault(kind=_K.CAPACITY, element=circuit, severity=1 - max(plateaus) / built)


def _lost(seen: Measured, explained: Readings) -> Floats:
    """Share of what is sent over each wire that arrives nowhere and is not explained yet [m]; 0 where not clear."""
    excess = np.nan_to_num(seen.wire_loss - explained.wire_loss)
    return np.where(excess > np.maximum(_LEAST_LOSS, _TOLERANCE * seen.wire_error), excess, 0.0)


def _lossy(seen: Measured, explained: Readings) -> Iterator[Fault]:
    lost_share = _lost(seen, explained)
    for position in np.flatnonzero(lost_share):
        interface = seen.inventory.links[position].interface
        yield Fault(kind=_K.SILENT_LOSS, element=interface, severity=float(min(lost_share[position], 1.0)))


def _breaking_circuits(seen: Measured, explained: Readings) -> Iterator[Fault]:
    """Circuits whose frames arrive broken; the share is that of what was sent."""
    excess = _broken_share(seen, explained)
    breaking = excess > np.maximum(_LEAST_BROKEN, _TOLERANCE * seen.broken_error)
    for circuit, positions in seen.inventory.circuits.items():
        if breaking[list(positions)].any():
            yield Fault(kind=_K.CORRUPTION, element=circuit, severity=_share(seen, excess, np.array(positions)))


def _breaking_routers(seen: Measured, explained: Readings) -> Iterator[Fault]:
    """Routers on all whose sent frames the neighbours count errors."""
    network, excess = seen.inventory, _broken_share(seen, explained)
    breaking = excess > np.maximum(_LEAST_BROKEN, _TOLERANCE * seen.broken_error)
    tails = np.array([network.node_index[link.tail] for link in network.links], dtype=np.int64)
    for position in map(int, np.unique(tails[breaking])):
        element, severity = network.nodes[position].id, _share(seen, excess, np.flatnonzero(tails == position))
        yield Fault(kind=_K.DEVICE_CORRUPTION, element=element, severity=severity)


def _broken_share(seen: Measured, explained: Readings) -> Floats:
    """Frames that arrive broken as a share of those received, beyond what is explained [m].

    Where no errors are reported at all, whatever the wire loses may have been broken.
    """
    unreported = np.isnan(seen.errors_per_s).all(axis=0)
    lost_share = np.minimum(_lost(seen, explained), 1 - 1e-6)
    beyond = np.nan_to_num(seen.broken - explained.broken)
    return np.where(unreported, lost_share / (1 - lost_share), beyond)


def _share(seen: Measured, broken: Floats, links: Ints) -> float:
    """Frames that arrive broken as a share of those sent, over some links together, by what each receives."""
    received = np.nan_to_num(seen.received)[links]
    errors = float((np.maximum(broken[links], 0.0) * received).sum())
    return float(np.clip(errors / max(errors + float(received.sum()), 1e-9), 1e-6, 1 - 1e-6))


register(
    Declaration(
        id=_K.LINK_DOWN,
        label="circuit down",
        layer="physical",
        element="circuit",
        forms=("risk group",),
        severity=ONE,
        plain=True,
        links=lost,
        remedy=Remedy(
            ("steer around",),
            Advice(
                "repair circuit",
                "have {here} repaired: fibre, optics and ports at both ends",
                "both interfaces of {here} come up and stay up",
            ),
        ),
    )
)
register(
    Declaration(
        id=_K.DETACH,
        layer="physical",
        element="interface",
        forms=("risk group",),
        severity=ONE,
        plain=True,
        reach="circuit",
        links=lost,
        readings=_detached,
        remedy=Remedy(
            ("steer around",),
            Advice(
                "restore interface",
                "put the interface {here} back: it is gone from its router",
                "{here} answers its polls and comes up",
            ),
        ),
    )
)
register(
    Declaration(
        id=_K.FLAP,
        layer="physical",
        element="circuit",
        severity=share("the share of time that it is down", 0.4),
        aliases=("link_flapping",),
        plain=True,
        links=lost,
        assumed=unchanged,
        drawn=lambda rng: rng.uniform(0.2, 0.8),
        remedy=Remedy(
            AROUND,
            Advice(
                "repair circuit",
                "find out why {here} keeps going down: optics, connectors, the carrier's line",
                "no interface of {here} is logged to go down for an hour",
            ),
        ),
    )
)
register(
    Declaration(
        id=_K.DEVICE_DOWN,
        label="node down",
        layer="physical",
        element="node",
        severity=ONE,
        plain=True,
        nodes_down=True,
        remedy=Remedy(
            ("steer around",),
            Advice("restore router", "bring {here} back: power, console, hardware", "{here} answers its polls"),
        ),
    )
)
register(
    Declaration(
        id=_K.CAPACITY,
        label="capacity degraded",
        layer="physical",
        element="circuit",
        severity=share("the share of capacity lost", 0.5, "{:.0%} lost"),
        links=lambda link, gone: link._replace(capacity=link.capacity * (1 - gone)),
        trace=_degraded,
        drawn=lambda rng: rng.uniform(0.3, 0.95),
        remedy=Remedy(
            AROUND,
            Advice(
                "restore capacity",
                "find what takes capacity from {here}: a member of a bundle, a policer, a radio hop",
                "{here} sends what it was built for without drops",
            ),
        ),
    )
)
register(
    Declaration(
        id=_K.SILENT_LOSS,
        label="silent loss",
        layer="physical",
        element="interface",
        severity=LOST,
        aliases=("packet_loss",),
        plain=True,
        links=lossy,
        trace=_lossy,
        drawn=lambda rng: 10 ** rng.uniform(-2, -0.5),
        remedy=Remedy(
            AROUND,
            Advice(
                "replace optic",
                "replace the optic or the line card of {here}: it loses what it has counted as sent",
                "both ends of {here} count the same, and probes lose nothing",
            ),
        ),
    )
)
register(
    Declaration(
        id=_K.CORRUPTION,
        layer="physical",
        element="circuit",
        severity=share("the share of frames that arrive broken", 0.05),
        aliases=("packet_corruption",),
        plain=True,
        links=lossy,
        breaks_frames=True,
        readings=_broken,
        trace=_breaking_circuits,
        drawn=lambda rng: 10 ** rng.uniform(-2, -0.5),
        remedy=Remedy(
            AROUND,
            Advice(
                "replace optic",
                "clean or replace the optics and the fibre of {here}: frames arrive broken",
                "no more receive errors are counted on {here}",
            ),
        ),
    )
)
register(
    Declaration(
        id=_K.DEVICE_CORRUPTION,
        layer="forwarding",
        element="node",
        severity=share("the share of frames that arrive broken", 0.05),
        plain=True,
        reach="sent",
        links=lossy,
        breaks_frames=True,
        readings=_broken,
        trace=_breaking_routers,
        weighed=False,
        drawn=lambda rng: 10 ** rng.uniform(-2, -0.5),
        remedy=Remedy(
            AROUND,
            Advice(
                "replace line card",
                "replace the line card or the fabric of {here}: what it sends arrives broken",
                "its neighbours count no more receive errors from {here}",
            ),
        ),
    )
)
register(
    Declaration(
        id=_K.LATENCY,
        layer="physical",
        element="circuit",
        severity=LATER,
        links=lambda link, more: link._replace(delay_ms=link.delay_ms + more),
        weighed=False,
        drawn=lambda rng: rng.uniform(5, 60),
        remedy=Remedy(
            (),
            Advice(
                "check path delay",
                "ask the carrier of {here} what way it takes now: it has become longer",
                "probes over {here} take as long as before",
            ),
        ),
    )
)
