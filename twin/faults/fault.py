"""A fault as ground truth: what is wrong, where, how badly, towards what, since when."""

from datetime import datetime
from enum import StrEnum
from typing import Self

from pydantic import AwareDatetime, Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from twin.model import Frozen


class FaultKind(StrEnum):
    """What can go wrong, by id. `twin/faults/families/` says of each what its element, severity and target mean.

    Kinds that code speaks of by name are written out here; a family may declare others, which are members like these.
    """

    LINK_DOWN = "link_down"
    DEVICE_DOWN = "device_down"
    CAPACITY = "link_capacity_bottleneck"
    SURGE = "demand_surge"
    WEIGHT = "wrong_igp_weight"
    SILENT_LOSS = "silent_egress_packet_loss"

    DETACH = "link_detach"
    FLAP = "link_flap"
    CORRUPTION = "link_packet_corruption"
    DEVICE_CORRUPTION = "device_forwarding_packet_corruption"
    LATENCY = "high_latency"
    ROUTING_DOWN = "frr_service_down"
    AREA = "ospf_area_misconfiguration"
    NEIGHBOUR_MISSING = "ospf_neighbor_missing"
    ACL_BLOCK = "ospf_acl_block"
    MTU = "mtu_mismatch"
    HOST_BLACKHOLE = "host_static_blackhole"
    BLACKHOLE = "blackhole_route"
    STATIC_ROUTE = "static_route_misconfig"
    DATA_ACL = "acl_misconfig"
    ONE_WAY = "one_way_data_loss"
    ECMP_MISSING = "ecmp_member_missing"
    ECMP_STALE = "stale_ecmp_group"
    INCAST = "incast_traffic_network_limitation"
    WEB_DOS = "web_dos_attack"
    SYN_FLOOD = "tcp_syn_flood_attack"

    STUCK_COUNTER = "stuck_counter"
    SCALED_COUNTER = "scaled_counter"
    MISSING_COUNTERS = "missing_counters"
    SWAPPED_COUNTERS = "swapped_counters"
    STALE_TOPOLOGY = "stale_topology"
    WRONG_CAPACITY = "wrong_inventory_capacity"
    DEMAND_INPUT = "demand_input_error"
    STALE_CONFIGURATION = "stale_configuration"
    BGP_SESSION = "bgp_session"
    BGP_ADVERTISEMENT = "bgp_advertisement"
    BGP_FILTER = "bgp_filter"
    BGP_NEXT_HOP = "bgp_next_hop"
    BGP_DISCARD = "bgp_discard"
    BGP_PREFERENCE = "bgp_preference"
    BGP_LONGER_PATH = "bgp_longer_path"
    BGP_HIJACK = "bgp_hijack"
    BGP_ORIGIN = "bgp_origin"
    BGP_PROCESS = "bgp_process"
    PROBE_FILTER = "probe_filter"

    @classmethod
    def named(cls, name: str) -> "FaultKind":
        """The kind with this id, which becomes one if it is none yet: what declaring a kind does."""
        if name not in cls._value2member_map_:
            member = str.__new__(cls, name)
            member._name_, member._value_ = name.upper(), name
            cls._member_map_[member._name_] = cls._value2member_map_[name] = member
            cls._member_names_.append(member._name_)
        return cls(name)


class Fault(Frozen):
    """One fault. `element` and `target` are `node/…`, `interface/…/…`, `link/…--…`, or `network/…` for all of it.

    `target` belongs to the kinds that strike only what goes somewhere; `onset` None means from when it is injected.
    Two interfaces whose counters are swapped are kept in alphabetical order: it does not matter which is named first.
    """

    kind: FaultKind
    element: str = Field(min_length=1, max_length=300)
    severity: float = Field(default=1.0, gt=0)
    target: str | None = Field(default=None, min_length=1, max_length=300)
    onset: AwareDatetime | None = None

    def __str__(self) -> str:
        return f"{self.kind} at {self.element}" + (f" towards {self.target}" if self.target else "")

    def since(self, onset: datetime) -> "Fault":
        """The same fault, striking then."""
        return self.model_copy(update={"onset": onset})

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.kind is FaultKind.SWAPPED_COUNTERS and self.target is not None and self.target < self.element:
            ends = self.target, self.element
            for name, end in zip(("element", "target"), ends, strict=True):
                object.__setattr__(self, name, end)  # the model is frozen from here on
        return self

    @model_serializer(mode="wrap")
    def _without_blanks(self, handler: SerializerFunctionWrapHandler) -> dict[str, object]:
        written: dict[str, object] = handler(self)
        return {name: value for name, value in written.items() if value is not None}
