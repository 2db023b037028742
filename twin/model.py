"""What a network is: nodes, directed links, demands, tunnels and risk groups, all immutable.

Units everywhere: capacity, demand and load in Mbit/s, delay in milliseconds, utilisation as a share of capacity.
Element ids: `node/NAME`, `interface/NODE/IF`, `link/A:IF--B:IF` (the circuit); a directed link is written `A->B`,
its n-th parallel `A->B.n`. The interface of a link is named after the neighbour it leads to.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

from .drawn import Drawn
from .errors import UnknownElementError
from .frozen import Frozen as Frozen
from .network_rules import MOST_PREFERENCE, own_matrix, validate, validate_demands
from .numeric import Bools as Bools
from .numeric import Floats as Floats
from .numeric import Ints as Ints
from .numeric import np
from .shape import NetworkIndex, Shape, index_of
from .steering import Astray as Astray
from .steering import AstrayKind as AstrayKind
from .steering import DemandLimit as DemandLimit
from .steering import SegmentList as SegmentList
from .steering import Tunnel as Tunnel
from .traffic_classes import ClassShare, TrafficClass, shares_of, with_default
from .untrusted import NAME, clean

MAX_NODES = 8_000
"""Most nodes of a network: their matrix has to fit into memory."""

UNUSED_METRIC = 2**24 - 1
"""IS-IS leaves a link of this metric out of its shortest paths (RFC 5305, section 3)."""

NodeKind = Literal["router", "lan", "external", "exits"]
Igp = Literal["", "isis-narrow", "isis", "ospf"]
LocalRepair = Literal["ti-lfa", "rsvp-bypass"]
"""What routers next to a failure do until the network has converged."""
LARGEST_METRIC: Mapping[Igp, int] = {"isis-narrow": 63, "isis": UNUSED_METRIC - 1, "ospf": 65_535}
"""The largest metric that routing uses, by protocol: ISO 10589, RFC 5305 (section 3), RFC 2328 (LSInfinity)."""


class Node(NamedTuple):
    """A router. `drained` carries no transit traffic; `up=False` is a router that is down.

    One that is drained by `cost_out` advertises the largest metric on all its links instead of the overload bit, as the
    stub router of OSPF does (RFC 6987): transit takes it as the last resort.
    `kind` tells a shared segment (`lan`, which originates no traffic) and a router of somebody else (`external`) apart.
    `exits` is no router: it stands for what lies beyond a set of exits, such as the internet, and is where the demands
    end that may leave by any of them. A link into it is an exit (a peering, a BGP next hop), whose `weight` is its
    preference: of the exits that a router can reach those of the lowest preference count, of these the nearest by the
    IGP, several at equal distance share. A router that has such an exit itself uses it, also when it is drained.
    """

    name: str
    longitude: float
    latitude: float
    up: bool = True
    drained: bool = False
    kind: NodeKind = "router"
    cost_out: bool = False

    @property
    def id(self) -> str:
        """Element id, `node/NAME`."""
        return f"node/{self.name}"


class Link(NamedTuple):
    """One direction of a circuit.

    `capacity` Mbit/s, `weight` the IGP metric of the outgoing interface, `delay_ms` one-way propagation,
    `loss` the share of its traffic that the link loses silently (0 on a healthy link), `index` > 1 for parallels.
    `up=False` is a circuit without light; `adjacent=False` one whose ends are no routing neighbours over it, with or
    without light: its interfaces work and routing does not use it.
    One that is drained by `cost_out` has the largest metric instead of none: traffic takes it as the last resort.
    A bundle has `members` equal circuits, which `capacity` is the sum of. Below `min_members` it goes down; with a
    member missing its metric is `degraded_weight`, where that is not 0.
    """

    tail: str
    head: str
    capacity: float
    weight: int
    delay_ms: float = 0.0
    index: int = 1  # pyright: ignore[reportIncompatibleMethodOverride] - nobody searches a link as a tuple
    up: bool = True
    drained: bool = False
    asleep: bool = False
    loss: float = 0.0
    adjacent: bool = True
    members: int = 1
    min_members: int = 1
    degraded_weight: int = 0
    cost_out: bool = False

    @property
    def name(self) -> str:
        """Directed name, `A->B` or `A->B.2`."""
        return f"{self.tail}->{self.head}{self._suffix}"

    @property
    def interface(self) -> str:
        """Element id of the outgoing interface, `interface/A/B`."""
        return f"interface/{self.tail}/{self.head}{self._suffix}"

    @property
    def circuit(self) -> str:
        """Element id of the circuit this link is one direction of, `link/A:B--B:A`."""
        low, high = sorted((self.tail, self.head))
        return f"link/{low}:{high}{self._suffix}--{high}:{low}{self._suffix}"

    @property
    def is_heard(self) -> bool:
        """Whether its tail hears of its head: a router uses a link only while it is so in both directions."""
        return self.up and self.adjacent and not self.asleep

    @property
    def usable(self) -> bool:
        """Whether routing may use it, if the other direction is heard as well (two-way check of IS-IS and OSPF)."""
        up = self.up and self.adjacent and not self.asleep and (self.cost_out or not self.drained)
        return up and self.weight != UNUSED_METRIC

    def short_of_one(self) -> "Link":
        """The link once one of its members has failed: less capacity, or down below the least number of members."""
        left = self.members - 1
        if left < max(self.min_members, 1):
            return self._replace(up=False)
        share, weight = left / self.members, self.degraded_weight or self.weight
        least = min(self.min_members, left)
        return self._replace(capacity=self.capacity * share, weight=weight, members=left, min_members=least)

    @property
    def _suffix(self) -> str:
        return f".{self.index}" if self.index > 1 else ""


class RiskGroup(NamedTuple):
    """Circuits that fail together (SRLG); `circuits` holds circuit ids."""

    name: str
    circuits: tuple[str, ...]


_OF_TRAFFIC = ("demands", "offered", "id")


@dataclass(frozen=True, eq=False)
class Network(Drawn):
    """A validated network state; equal content has the same `id`.

    `demands[s, t]` is the offered Mbit/s from node s to node t, in the order of `nodes`, zero on the diagonal.
    `igp` is its routing protocol, where that is known, and `repair` how it repairs failures at once; `classes` which
    part of the traffic full links serve first, if there is more than one kind, and `class_shares` what part of single
    demands they are.
    Raises `TopologyError` on values that no network can have.
    """

    name: str
    nodes: tuple[Node, ...]
    links: tuple[Link, ...]
    demands: Floats
    tunnels: tuple[Tunnel, ...] = ()
    risk_groups: tuple[RiskGroup, ...] = ()
    limits: tuple[DemandLimit, ...] = ()
    astray: tuple[Astray, ...] = ()
    igp: Igp = ""
    repair: LocalRepair = "ti-lfa"
    classes: tuple[TrafficClass, ...] = ()
    class_shares: tuple[ClassShare, ...] = ()

    def __post_init__(self) -> None:
        self._take(self.demands)
        object.__setattr__(self, "name", clean(self.name, NAME))
        groups = tuple(x._replace(name=clean(x.name, NAME)) for x in self.risk_groups)
        object.__setattr__(self, "risk_groups", groups)
        object.__setattr__(self, "tunnels", tuple(sorted(self.tunnels, key=lambda tunnel: tunnel.name)))
        object.__setattr__(self, "limits", tuple(sorted(self.limits)))
        object.__setattr__(self, "astray", tuple(sorted(set(self.astray))))
        object.__setattr__(self, "classes", tuple(sorted(self.classes)))
        object.__setattr__(self, "class_shares", tuple(sorted(self.class_shares)))
        validate(self)

    def __eq__(self, other: object) -> bool:
        if self is other or not isinstance(other, Network):
            return self is other
        # most states that are compared differ here, and what hashes them reads all of both
        alike = self.links == other.links and self.tunnels == other.tunnels
        return alike and self.id == other.id

    def __hash__(self) -> int:
        return hash(self.id)

    def with_demands(self, demands: Floats) -> "Network":
        """Return the same network under another traffic matrix, Mbit/s [n, n]. Raises `TopologyError`.

        What is worked out of the nodes and links alone is shared.
        """
        shared = {"shape": self.shape, **vars(self)}
        other = object.__new__(type(self))
        vars(other).update((name, value) for name, value in shared.items() if name not in _OF_TRAFFIC)
        other._take(demands)
        validate_demands(other)
        return other

    def _take(self, demands: Floats) -> None:
        object.__setattr__(self, "demands", own_matrix(demands))

    @cached_property
    def shape(self) -> Shape:
        """The same for all networks that `with_demands` makes of this one."""
        return Shape()

    def node(self, name: str) -> int:
        """Index of a node by name or `node/NAME` id. Raises `UnknownElementError`."""
        return _find(self.node_index, "node", name.removeprefix("node/"))

    def link(self, name: str) -> int:
        """Index of a directed link by `A->B` name or `interface/A/B` id. Raises `UnknownElementError`."""
        if name.startswith("interface/") and name.count("/") == 2:
            return _find(self.interface_index, "interface", name)
        return _find(self.link_index, "link", name)

    def circuit(self, name: str) -> tuple[int, ...]:
        """Indices of the links of a circuit, by its `link/…` id. Raises `UnknownElementError`."""
        if name not in self.circuits:
            raise UnknownElementError("circuit", name, self.circuits)
        return self.circuits[name]

    @cached_property
    def index(self) -> NetworkIndex:
        """Where names are among its nodes and links."""
        return index_of(self.nodes, self.links)

    @property
    def node_index(self) -> dict[str, int]:
        """Position of each node name."""
        return self.index.node

    @property
    def link_index(self) -> dict[str, int]:
        """Position of each directed link name."""
        return self.index.link

    @property
    def interface_index(self) -> dict[str, int]:
        """Position of the link that leaves each interface."""
        return self.index.interface

    @property
    def circuits(self) -> dict[str, tuple[int, ...]]:
        """Link positions of each circuit id, in the order of first appearance."""
        return self.index.circuits

    @property
    def reverse(self) -> tuple[int, ...]:
        """Position of the other direction of each link, its own where the circuit has no other."""
        return self.index.reverse

    @property
    def exits(self) -> tuple[int, ...]:
        """Positions of the links that are exits: they lead into a group of exits, and their weight is a preference."""
        return self.index.exits

    @cached_property
    def largest_metric(self) -> int:
        """The largest metric that its routers use: that of its protocol, where that is known.

        Else OSPF's, or that of IS-IS with wide metrics where some link has more.
        """
        if self.igp:
            return LARGEST_METRIC[self.igp]
        wide = any(LARGEST_METRIC["ospf"] < link.weight < UNUSED_METRIC for link in self.links)
        return LARGEST_METRIC["isis" if wide else "ospf"]

    def is_router(self, name: str) -> bool:
        """Whether a node of this name is there and routes."""
        return name in self.node_index and self.nodes[self.node_index[name]].kind == "router"

    def is_stub(self, node: Node) -> bool:
        """Whether a drained node is the last resort of transit traffic: costed out, as OSPF has no other way."""
        return node.drained and (node.cost_out or self.igp == "ospf")

    @cached_property
    def metrics(self) -> Ints:
        """The metric that each link is advertised with: the largest where it, or its router, is costed out [m]."""
        return np.fromiter(map(self.advertised, range(len(self.links)), self.links), np.int64, len(self.links))

    def advertised(self, position: int, link: Link) -> int:
        """The metric that a link is advertised with in the place of the one at this position, or an exit's preference.

        An exit that is costed out comes after all that are preferred at all.
        """
        last = link.cost_out and link.drained
        if position in self._exits:
            return MOST_PREFERENCE + 1 if last else link.weight
        return max(link.weight, self.largest_metric) if last or link.tail in self._stubs else link.weight

    @cached_property
    def _stubs(self) -> frozenset[str]:
        return frozenset(node.name for node in self.nodes if self.is_stub(node))

    @cached_property
    def _exits(self) -> frozenset[int]:
        return frozenset(self.exits)

    @cached_property
    def offered(self) -> Floats:
        """The demands after the rate limits, Mbit/s [n, n]."""
        if not self.limits:
            return self.demands
        offered = self.demands.copy()
        for limit in self.limits:
            s, t = self.node_index[limit.source], self.node_index[limit.target]
            offered[s, t] = min(offered[s, t], limit.limit)
        offered.setflags(write=False)
        return offered

    @cached_property
    def served(self) -> tuple[TrafficClass, ...]:
        """Its classes, the default one among them, in the order in which links serve them; none where it has none."""
        return with_default(self.classes) if self.classes else ()

    @property
    def class_share(self) -> Floats:
        """Part of each demand that is of each of the `served` classes [C, n, n]."""
        return shares_of(self.classes, self.class_shares, tuple(self.node_index))

    @cached_property
    def id(self) -> str:
        """Content hash, 16 hex digits: the name of the snapshot that holds this state."""
        return self.shape.digest(self)


def _find(index: dict[str, int], kind: str, name: str) -> int:
    if name not in index:
        raise UnknownElementError(kind, name, index)
    return index[name]
