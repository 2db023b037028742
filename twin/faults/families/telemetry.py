"""The network is well, and the measurement or the records lie.

| kind | element (-> target), severity | what happens | not expressed |
|---|---|---|---|
| stuck_counter | interface | its octet counters stand still, and catch up in one jump when it ends | - |
| scaled_counter | interface, factor | its octet rates are this many times the true ones | - |
| missing_counters | interface, share of polls | its counters do not answer | - |
| swapped_counters | interface -> interface | two interfaces of one router report each other's counters | the jump at onset |
| stale_topology | circuit | it was drained on purpose, the inventory does not know | missing elements |
| wrong_inventory_capacity | circuit, factor | the inventory has this many times the true capacity | - |
| demand_input_error | node or network, factor | flow export (of the node, or of all) is this many times the truth | single pairs |
| stale_configuration | node | what is read back of its configuration stays as it was collected before the onset | - |
"""  # noqa: E501 - a table

from dataclasses import replace

from twin.faults.declaration import Counters, Declaration, register, unchanged
from twin.faults.fault import Fault, FaultKind
from twin.faults.log_lines import Log
from twin.faults.readings import Readings
from twin.faults.remedies import Advice, Remedy
from twin.faults.severities import ONE, POLLS, factor
from twin.model import Network

_K = FaultKind
_COUNTED_ALIKE = "both ends of {here} count the same again"


def _stuck(counters: Counters, fault: Fault, here: int, there: int | None) -> None:
    del fault, there
    counters.stuck[here] = True


def _scaled(counters: Counters, fault: Fault, here: int, there: int | None) -> None:
    del there
    counters.factor[here] *= fault.severity


def _unanswered(counters: Counters, fault: Fault, here: int, there: int | None) -> None:
    del there
    counters.missing[here] = 1 - (1 - counters.missing[here]) * (1 - fault.severity)


def _swapped(counters: Counters, fault: Fault, here: int, there: int | None) -> None:
    del fault
    if there is not None:
        counters.source[[here, there]] = counters.source[[there, here]]


def _missing(readings: Readings, network: Network, fault: Fault) -> Readings:
    """A rate needs two polls in a row, so that a share of missed polls costs nearly twice as many rates."""
    missing, link = readings.missing.copy(), network.link(fault.element)
    missing[link] = 1 - (1 - missing[link]) * (1 - fault.severity) ** 2
    return readings._replace(missing=missing)


def _as_built(network: Network, fault: Fault) -> Network:
    """The network with the capacity that the circuit really has."""
    links = list(network.links)
    for position in network.circuit(fault.element):
        links[position] = links[position]._replace(capacity=links[position].capacity / fault.severity)
    return replace(network, links=tuple(links))


register(
    Declaration(
        id=_K.STUCK_COUNTER,
        layer="telemetry",
        element="interface",
        severity=ONE,
        miscounts=_stuck,
        weighed=False,
        assumed=unchanged,
        remedy=Remedy(
            (),
            Advice(
                "reset counters",
                "reset the counters of {here}, or restart its line card: they stand still",
                _COUNTED_ALIKE,
            ),
        ),
    )
)
register(
    Declaration(
        id=_K.SCALED_COUNTER,
        layer="telemetry",
        element="interface",
        severity=factor("the factor on the counters", 0.125),
        miscounts=_scaled,
        weighed=False,
        assumed=unchanged,
        drawn=lambda rng: float(rng.choice([0.125, 0.5, 2.0, 8.0])),
        remedy=Remedy(
            (),
            Advice(
                "correct counter scale",
                "correct the unit in which {here} is counted: octets, bits, or a sampling factor",
                _COUNTED_ALIKE,
            ),
        ),
    )
)
register(
    Declaration(
        id=_K.MISSING_COUNTERS,
        layer="telemetry",
        element="interface",
        severity=POLLS,
        miscounts=_unanswered,
        weighed=False,
        assumed=unchanged,
        readings=_missing,
        drawn=lambda rng: rng.uniform(0.3, 1.0),
        remedy=Remedy(
            (),
            Advice(
                "restore polling",
                "have the counters of {here} polled again: they do not answer",
                "every poll of {here} is answered",
            ),
        ),
    )
)
register(
    Declaration(
        id=_K.SWAPPED_COUNTERS,
        layer="telemetry",
        element="interface",
        target="interface",
        severity=ONE,
        miscounts=_swapped,
        weighed=False,
        assumed=unchanged,
        remedy=Remedy(
            (),
            Advice(
                "correct interface mapping",
                "correct the interface index of {here} and {target}: each reports the other",
                _COUNTED_ALIKE,
            ),
        ),
    )
)
register(
    Declaration(
        id=_K.STALE_TOPOLOGY,
        layer="telemetry",
        element="circuit",
        severity=ONE,
        links=lambda link, _: link._replace(drained=True),
        weighed=False,
        setting="drained",
        log=Log(("commit",)),
        remedy=Remedy(
            ("undrain",),
            Advice(
                "correct inventory",
                "find out who drained {here} and why, and write it into the inventory",
                "the inventory has {here} as it is",
            ),
        ),
    )
)
register(
    Declaration(
        id=_K.WRONG_CAPACITY,
        layer="telemetry",
        element="circuit",
        severity=factor("the factor on the capacity", 4.0),
        weighed=False,
        assumed=_as_built,
        drawn=lambda rng: float(rng.choice([0.1, 0.25, 2.5, 4.0, 10.0])),
        remedy=Remedy(
            (),
            Advice(
                "correct inventory",
                "correct the capacity of {here} in the inventory",
                "the inventory has the capacity that {here} was built with",
            ),
        ),
    )
)
register(
    Declaration(
        id=_K.DEMAND_INPUT,
        layer="telemetry",
        element="node or network",
        severity=factor("the factor on the exported demands", 1.05),
        weighed=False,
        assumed=unchanged,
        drawn=lambda rng: 1 + float(rng.choice([-1, 1])) * rng.uniform(0.05, 0.3),
        remedy=Remedy(
            (),
            Advice(
                "correct flow export",
                "correct the sampling rate of the flow export of {here}",
                "the links carry what {here} exports",
            ),
        ),
    )
)
register(
    Declaration(
        id=_K.STALE_CONFIGURATION,
        layer="telemetry",
        element="node",
        severity=ONE,
        weighed=False,
        assumed=unchanged,
        remedy=Remedy(
            (),
            Advice(
                "collect configuration",
                "collect the configuration of {here} again: what is kept is old",
                "the configuration of {here} that is kept is its own",
            ),
        ),
    )
)
