"""What a live network says of itself: how it measures, how wrong that can be, what it can read and what it can do."""

from typing import Literal, get_args

from pydantic import Field, field_serializer

from twin.model import Frozen
from twin.windows import SharesOfDay

Quantity = Literal["counters", "drops", "errors", "state", "adjacency", "demands", "flows", "probes", "log", "running"]
"""What may be read; `running` is the configuration that routers run, apart from the inventory."""
Operation = Literal[
    "set_weight",
    "drain_link",
    "undrain_link",
    "drain_node",
    "undrain_node",
    "set_tunnel",
    "remove_tunnel",
    "sleep_link",
    "wake_link",
    "limit_demand",
]
LogKind = Literal[
    "interface_down",
    "interface_up",
    "neighbour_down",  # at once: the interface or the routing on it ended
    "neighbour_timeout",  # the dead interval passed without a hello
    "neighbour_one_way",  # the neighbour no longer hears this router
    "neighbour_stuck",  # the databases could not be exchanged
    "neighbour_up",
    "mtu_refused",  # a packet larger than this interface takes
    "area_refused",  # a packet of another area
    "process_ended",  # the routing process
    "bgp_ended",  # that of BGP alone
    "session_down",  # of BGP, to the neighbour behind an exit; the next four say why
    "session_timeout",  # the hold time passed without a message
    "session_refused",  # the neighbour's AS is another than the one expected
    "session_limit",  # more prefixes than are allowed
    "session_closed",  # by configuration of either end
    "session_up",
    "commit",
]
"""What a line of a router's log may say."""
Confirmation = Literal["configuration", "loads", "probes"]
"""How it shows that a change is in force."""


class Declaration(Frozen):
    """The error model of a network's own instruments, and its abilities.

    Whoever reads its telemetry takes errors from here and from nowhere else. The defaults are for networks that declare
    nothing, such as tables in files: counters that routers refresh once a second, packets sampled one in 4,096.
    """

    interval_s: float | None = Field(
        default=None, gt=0, le=86_400, description="Time between samples; null: as the samples themselves tell."
    )
    skew_s: float = Field(
        default=1.2, ge=0, description="By how much at most a counter is read apart from the time it is given, seconds."
    )
    clocks_s: float = Field(
        default=60.0, ge=0, description="How far a sample may be ahead of the reader's clock, seconds: clocks differ."
    )
    sampling: int = Field(default=4096, ge=0, description="Flow export sees one packet in this many; 0 and 1 see all.")
    packet_bits: float = Field(default=8000.0, gt=0, description="A mean packet.")
    export_error: float = Field(
        default=0.02, ge=0, description="Relative standard error of flow export beyond that of sampling."
    )
    unexported_mbps: float = Field(
        default=0.5, gt=0, description="Load of a link that no flow export explains, such as the routers' own."
    )
    concentration: float = Field(
        default=0.15,
        gt=0,
        le=1,
        description="Sum of the squared shares of the flows of one demand: what hashing can move. 1 over the number of "
        "flows if all are equal, more if they are heavy-tailed.",
    )
    splits_told: bool = Field(
        default=False, description="Whether repeated samples may say how evenly flows split; else `concentration` does."
    )
    probe_packets: int = Field(default=100, ge=1, description="Packets behind one probe reading.")
    probe_ports: int = Field(default=1, ge=1, description="Ports that a prober goes through: paths it may see.")
    delay_error_ms: float = Field(
        default=0.15,
        gt=0,
        description="What a probe's delay is off by, however short the path: clocks, processing, ms.",
    )
    delay_share: float = Field(
        default=0.02, ge=0, description="Share by which the delay of a path may be off that distances or files give."
    )
    ordinary_loss: float = Field(
        default=1e-3, gt=0, lt=1, description="Share of packets that its healthy paths lose now and then at most."
    )
    ordinary_errors: float = Field(
        default=1e-4, gt=0, lt=1, description="Share of frames that arrive broken over its healthy links at most."
    )
    ordinary_missed: float = Field(
        default=2e-3,
        gt=0,
        lt=1,
        description="Share of polls of its interfaces that go unanswered now and then at most.",
    )
    drift: float = Field(
        default=0.03,
        gt=0,
        description="Log units by which traffic towards a node strays from the network's level within a dozen samples: "
        "daily profiles differ.",
    )
    pair_spread: float = Field(
        default=0.05,
        gt=0,
        description="Log units by which one pair's traffic strays from one sample to the next at least.",
    )
    day: SharesOfDay = Field(
        default=(),
        description="Traffic of each hour by the network's clock as a share of what is planned for, 24 from midnight "
        "on; empty: nobody says.",
    )
    sparse: bool = Field(
        default=False,
        description="Flow export has no row for a pair without traffic: at a time that has rows, it is 0.",
    )
    two_way: bool = Field(
        default=True,
        description="Whether routers leave out a circuit over which one end does not hear the other (ISO/IEC 10589 "
        "C.2.7, RFC 2328 16.1). IS-IS of FRR 8.4 keeps that neighbour, and all route over it.",
    )
    logs: frozenset[LogKind] = Field(
        default=frozenset(get_args(LogKind)),
        description="Lines that its routers write; one that is none tells nothing.",
    )
    reads: frozenset[Quantity] = frozenset(get_args(Quantity))
    makes: frozenset[Operation] = frozenset(get_args(Operation))
    confirms: frozenset[Confirmation] = frozenset({"configuration", "loads", "probes"})
    estimated: str = Field(
        default="", description="How its demands were estimated from its own loads; empty where they were not."
    )
    by_hand: bool = Field(default=False, description="Whether a person makes the changes: nothing here can.")
    handed_over: bool = Field(
        default=False, description="Whether that person is handed each step, and waited for until it is made."
    )
    trial_s: float | None = Field(
        default=None, gt=0, description="Seconds after which a change takes itself back unless it is kept; null: never."
    )

    @field_serializer("logs", "reads", "makes", "confirms", when_used="json")
    def _in_order(self, named: frozenset[str]) -> list[str]:
        return sorted(named)  # equal declarations are spelled alike, in every process

    @property
    def read_s(self) -> float:
        """Standard error of the time at which a counter is read, seconds: uniform up to the skew."""
        return self.skew_s / 12**0.5

    def mistimed(self, interval_s: float) -> float:
        """Largest share by which a rate over one interval is off because its counters are read late."""
        return self.skew_s / interval_s

    @property
    def sampled_mbit(self) -> float:
        """Traffic that one sampled packet stands for, Mbit; 0 where every packet is counted."""
        return self.sampling * self.packet_bits / 1e6 if self.sampling > 1 else 0.0

    def settle_s(self, interval_s: float) -> float:
        """Seconds after a change for which an interval still mixes in what was before it.

        0 where that share of an interval is less than flow export is off anyhow: then it is only an error of a reading.
        """
        return self.skew_s if self.skew_s > self.export_error * interval_s else 0.0
