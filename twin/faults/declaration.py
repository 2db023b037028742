"""What a kind of fault is: everything that is known of it, declared once and registered.

A kind is declared in one file of this folder: those of a family together, or a new one in a file of its own that is
found because it is there. The emulated network, diagnosis, planning and recommendations all read the declaration, none
keeps a table of kinds.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from twin.model import AstrayKind, Bools, Floats, Ints, Link, Network
from twin.numeric import np

from .fault import Fault, FaultKind
from .log_lines import SILENT, Log
from .readings import Readings
from .remedies import Remedy

ElementKind = Literal["circuit", "interface", "node", "node or network", "exit"]
"""An exit is the interface of a router towards a group of exits."""
Form = Literal["circuit", "interface", "node", "risk group"]
Layer = Literal["physical", "control", "forwarding", "traffic", "telemetry", "exits"]
Setting = Literal["weight", "drained", "route", "filter", "routing", "area", "mtu"]
"""Lines of configuration that a fault can be."""


class Range(NamedTuple):
    """Which severities a kind can have, in code and in words, the usual one, and how one is told."""

    holds: Callable[[float], bool]
    words: str
    usual: float
    told: str | Mapping[float, str] = ""  # `{:.0%} lost`, or words for each; empty where there is one severity

    def tell(self, severity: float) -> str:
        """Say a severity that a kind has, in its words; nothing where there is one."""
        return self.told.format(severity).replace("%", " %") if isinstance(self.told, str) else self.told[severity]


class Counters(NamedTuple):
    """What one column of counters really reports; one entry per link, m links."""

    source: Ints  # [m] link whose counter is read in the place of this one
    factor: Floats  # [m]
    stuck: Bools  # [m]
    missing: Floats  # [m] share of polls without an answer


class Measured(NamedTuple):
    """What was measured in a window: what the trace of a fault can be looked for in. t intervals, m links.

    Rates in Mbit/s, NaN where nothing was read; a share comes with its standard error.
    """

    inventory: Network
    sent: Floats  # [t, m] at the tails
    dropped: Floats  # [t, m] by the queues at the tails
    errors_per_s: Floats  # [t, m] frames that arrived broken
    received: Floats  # [m] mean at the heads
    wire_loss: Floats  # [m] share of what is sent that the far counter does not see
    wire_error: Floats  # [m]
    broken: Floats  # [m] frames counted as receive errors, as a share of those received whole
    broken_error: Floats  # [m]
    mistimed: float  # largest share by which a rate is off because its counters are read late


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """Everything that is known of one kind of fault.

    `forms` are the other sorts of element that it can have: a mistake made at one interface is also made at all
    interfaces of a router, at both ends of a circuit, or the other way round; a conduit or a line card takes circuits
    of a risk group with it.
    """

    id: FaultKind | str
    layer: Layer
    element: ElementKind
    remedy: Remedy
    label: str = ""  # in words, where that is not just its id
    severity: Range
    target: Literal["node", "interface"] | None = None
    forms: tuple[Form, ...] = ()
    aliases: tuple[str, ...] = ()  # other published ids of the same fault

    reach: Literal["element", "circuit", "sent"] = "element"
    """Links that it strikes: those of its element, at an interface both ways of its circuit, at a node only what it sends."""  # noqa: E501
    links: Callable[[Link, float], Link] | None = None
    """Effect on the state: what it makes of each link that it strikes, by its severity."""
    nodes_down: bool = False
    network: Callable[[Network, Fault], Network] | None = None
    """Effect on the state where it is more than that on the links that it strikes."""
    astray: AstrayKind | None = None
    """What a router does otherwise than its routes say."""
    demands: Callable[[Network, Fault], Floats] | None = None
    """The demands [n, n] under it, Mbit/s."""

    assumed: Callable[[Network, Fault], Network] | None = None
    """The state that a hypothesis simulates, where it is not the one with the fault in it."""
    readings: Callable[[Readings, Network, Fault], Readings] | None = None
    """Effect on the readings beyond what follows from the state, given the simulated state."""
    miscounts: Callable[[Counters, Fault, int, int | None], None] | None = None
    """How counters lie: changes them at the link of its element, and of its target."""
    breaks_frames: bool = False  # what it loses on the wire arrives broken and is counted as errors
    packet_bits: float | None = None  # the size of the packets that it adds, where they are not of the usual size

    trace: Callable[[Measured, Readings], Iterator[Fault]] | None = None
    """Faults of this kind whose own trace is in what was measured and not in what is explained, with their severities.

    Kinds that are found by simulation or from more than this have a family in `twin/diagnose/candidates/`.
    """
    plain: bool = False  # it has a reading of its own: a state, an adjacency, errors, a wire that loses
    drawn: "Callable[[np.random.Generator], float] | None" = None  # severities that operators meet
    weighed: bool = True  # whether the simulator tells its harm; else it is drawn where it concerns traffic
    setting: Setting | None = None  # the line of configuration that it is
    deaf: Literal["to hellos", "to large packets"] | None = None
    """What does not get in at its interfaces: the other ends hear, and go on where no circuit is checked both ways."""
    log: Log = SILENT


_DECLARED: dict[FaultKind, Declaration] = {}


def register(declaration: Declaration) -> None:
    """Make a kind known, to the names of kinds as well. A kind is declared once: raises `ValueError` on the second."""
    kind = FaultKind.named(declaration.id)
    if kind in _DECLARED:
        raise ValueError(f"the kind of fault {kind} is declared twice")
    _DECLARED[kind] = declaration


def declared(kind: FaultKind) -> Declaration:
    """What is declared of a kind."""
    return _DECLARED[kind]


def all_declared() -> dict[FaultKind, Declaration]:
    """Every kind that has been declared so far, in the order of their names."""
    return {kind: _DECLARED[kind] for kind in FaultKind}


def unchanged(network: Network, fault: Fault) -> Network:
    """The network as it is: the fault is not one that the simulator follows."""
    del fault
    return network
