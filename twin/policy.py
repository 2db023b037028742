"""The limits a plan must keep: code reads them, models only see them."""

import hashlib
from collections.abc import Set
from datetime import datetime
from math import inf
from typing import Annotated, Literal

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)

from .demand_limits import DemandLimits, DemandName, promises_less
from .model import Frozen
from .windows import SharesOfDay, read_either, read_span, read_weekly

RiskTier = Literal["low", "medium", "high"]
Autonomy = Literal["observe", "suggest", "approve", "act"]
PowerModelName = Literal["backbone", "8201-32FH", "NCS-55A1-24H", "9336-FX2", "7280CR3K-32D4", "N540X-8Z16G"]
EVERY_CIRCUIT = "*"
MOST_FACTOR = 1e6
"""Limits above this allow anything, and are beyond computing."""
TIERS: tuple[RiskTier, ...] = ("low", "medium", "high")
_LEVELS: tuple[Autonomy, ...] = ("observe", "suggest", "approve", "act")


class ClassLimits(Frozen):
    """What one class of traffic is promised. Without a figure nothing of it is judged."""

    max_utilisation: float | None = Field(
        default=None, gt=0, le=MOST_FACTOR, description="Most of a link that it and all served before it may fill."
    )
    max_failure_utilisation: float | None = Field(
        default=None, gt=0, le=MOST_FACTOR, description="The same under a single failure."
    )
    max_loss: float | None = Field(
        default=None, ge=0, le=1, description="Most of its traffic that may be lost, also under a single failure."
    )
    max_delay_ms: float | None = Field(
        default=None, gt=0, le=1e9, description="Longest delay of any of its demands by any way, waiting included, ms."
    )
    max_failure_delay_ms: float | None = Field(
        default=None, gt=0, le=1e9, description="The same under a single failure, ms."
    )


class Policy(Frozen):
    """What the operator allows. Shares are of capacity or of traffic, 0..1."""

    max_utilisation: float = Field(default=0.8, gt=0, le=1, description="Limit on every link with everything up.")
    max_failure_utilisation: float = Field(
        default=1.0, gt=0, le=MOST_FACTOR, description="Limit on every link under a single failure."
    )
    max_maintenance_loss: float = Field(
        default=0.0, ge=0, le=1, description="Most traffic that a single failure may newly cut off during a drain."
    )
    max_steps: int = Field(default=12, ge=1, le=50, description="Most steps in one plan.")
    max_loop_share: float | None = Field(
        default=None, ge=0, le=1, description="Most traffic that may loop while routers change over; none: only told."
    )
    max_blast_radius: float = Field(default=0.35, gt=0, le=1, description="Most traffic that a plan may move.")
    max_delay_stretch: float = Field(
        default=1.5, ge=1, le=MOST_FACTOR, description="Most that mean propagation delay may grow, factor."
    )
    max_repair_utilisation: float | None = Field(
        default=None,
        gt=0,
        le=MOST_FACTOR,
        description="Limit on every link while failures are repaired locally; none: only told.",
    )
    max_demand_stretch: float | None = Field(
        default=None,
        ge=1,
        le=MOST_FACTOR,
        description="Most that any demand's own delay may grow by its longest way, and in the mean, factor.",
    )
    max_demand_delay_ms: float | None = Field(
        default=None, gt=0, le=1e9, description="Longest propagation delay of any way that a demand takes, ms."
    )
    max_failure_delay_ms: float | None = Field(
        default=None, gt=0, le=1e9, description="The same under a single failure, ms."
    )
    max_failure_stretch: float | None = Field(
        default=None,
        ge=1,
        le=MOST_FACTOR,
        description="Most that a demand may take under a single failure, of what it takes with everything up.",
    )
    demands: dict[DemandName, DemandLimits] = Field(
        default={}, max_length=10_000, description="What single demands are promised, by A->B, A->*, *->B or *->*."
    )
    min_gain: float = Field(
        default=0.05, ge=0, lt=1, description="Least share of harm, or of peak utilisation, removed."
    )
    power_model: PowerModelName = Field(default="backbone", description="Which measured router watts are counted by.")
    min_watts_saved: float = Field(
        default=0.0, ge=0, le=1e9, description="Least that a plan which puts circuits to sleep must save, W."
    )
    windows: tuple[str, ...] = Field(
        default=(),
        max_length=50,
        description="When plans may be made: Tue-Thu 01:00-05:00 Europe/Zurich; none: always.",
    )
    freeze: tuple[str, ...] = Field(
        default=(), max_length=50, description="When none may: 2026-12-20/2027-01-04 Europe/Zurich."
    )
    tags: dict[str, tuple[str, ...]] = Field(default={}, description="Element ids by a name for them.")
    blackouts: tuple[Annotated[str, Field(max_length=400)], ...] = Field(
        default=(), max_length=200, description="When no plan may touch a tag or element: core Mon-Fri 08:00-18:00 UTC."
    )
    upgrade_costs: dict[str, Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False)]] = Field(
        default={}, max_length=10_000, description="Price of a Gbit/s more by circuit id or tag; `*` for every circuit."
    )
    currency: str = Field(default="", max_length=8, pattern=r"^[A-Za-z€$£ ]*$", description="What prices are in: EUR.")
    max_weight: int | None = Field(
        default=None,
        ge=1,
        le=2**24 - 2,
        description="Largest IGP weight that a plan may set; none: 65,535, or 16,777,214 where links have more.",
    )
    protected: tuple[str, ...] = Field(default=(), description="Element ids that no plan may touch.")
    allow_rate_limits: bool = Field(default=False, description="Whether a plan may rate-limit demands.")
    max_age_s: float = Field(
        default=3600, gt=0, description="Oldest that the measurements behind a snapshot may be, s."
    )
    min_quality: float = Field(default=0.8, ge=0, le=1, description="Least data-quality score of the measurements.")
    min_fidelity: float = Field(default=0.9, ge=0, le=1, description="Least fidelity of the twin.")
    require_evidence: bool = Field(
        default=False, description="Whether a plan fails when nobody vouches for its snapshot."
    )
    refuse_unmodelled: bool = Field(
        default=False,
        description="Whether a plan fails where the network's file holds what decides routing and is not modelled.",
    )
    refuse_estimated: bool = Field(
        default=False,
        description="Whether a plan fails where nobody measured the traffic and it is estimated from loads.",
    )
    demand_factors: tuple[Annotated[float, Field(gt=0, le=10)], ...] = Field(
        default=(0.9, 1.0, 1.1, 1.2), max_length=50, description="Scenarios: all demands times each of these."
    )
    cvar_alpha: float = Field(
        default=0.8, ge=0, lt=1, description="The mean of the worst 1 - alpha of scenarios counts."
    )
    max_uncertain_utilisation: float = Field(
        default=1.0, gt=0, le=MOST_FACTOR, description="Limit on that mean of the peak utilisation."
    )
    classes: dict[str, ClassLimits] = Field(default={}, description="What classes of traffic are promised, by name.")
    horizon_hours: float = Field(
        default=24, ge=0, le=168, description="How far ahead a plan that stays is judged, hours; 0 is not at all."
    )
    day: SharesOfDay = Field(
        default=(),
        max_length=24,
        description="24 shares of the planned traffic, midnight first, for networks that declare and measure no day.",
    )
    low_risk_blast_radius: float = Field(default=0.05, ge=0, le=1, description="Most traffic moved at low risk.")
    low_risk_steps: int = Field(default=4, ge=0, le=50, description="Most steps at low risk.")
    person_from: RiskTier | Literal["never"] = Field(
        default="never", description="Lowest risk tier whose plans a person must approve."
    )
    two_people_from: RiskTier | Literal["never"] = Field(
        default="high", description="Lowest risk tier for which a second person must, where the first one must."
    )
    approval_hours: float = Field(default=24, gt=0, le=8_760, description="How long a plan may wait for people, hours.")
    autonomy: Autonomy = Field(
        default="act", description="Most that a run may do: observe, suggest a plan, act once a person approved, act."
    )
    fidelity_for_act: float = Field(default=0.95, ge=0, le=1, description="Least fidelity to act without a person.")
    fidelity_for_approve: float = Field(
        default=0.92, ge=0, le=1, description="Least fidelity to act at all; below it a plan is only suggested."
    )

    @field_validator("windows")
    @classmethod
    def _are_windows(cls, windows: tuple[str, ...]) -> tuple[str, ...]:
        for text in windows:
            read_weekly(text)
        return windows

    @field_validator("freeze")
    @classmethod
    def _are_spans(cls, spans: tuple[str, ...]) -> tuple[str, ...]:
        for text in spans:
            read_span(text)
        return spans

    @model_serializer(mode="wrap")
    def _without_blanks(self, handler: SerializerFunctionWrapHandler) -> dict[str, object]:
        written: dict[str, object] = handler(self)
        for key in ("day", "demands", "max_failure_stretch"):  # records from before these are spelled as they were
            if not getattr(self, key):
                written.pop(key, None)
        return written

    @model_validator(mode="after")
    def _prices_what_is_named(self) -> "Policy":
        for name in self.upgrade_costs:
            if name != EVERY_CIRCUIT and name not in self.tags and not name.startswith("link/"):
                raise ValueError(f"upgrade_costs: {name!r} is neither a tag nor a circuit id nor {EVERY_CIRCUIT}")
        return self

    @model_validator(mode="after")
    def _blacks_out_what_is_named(self) -> "Policy":
        for text in self.blackouts:
            name, _, when = text.partition(" ")
            if name not in self.tags and "/" not in name:
                raise ValueError(f"blackouts: {name!r} is neither a tag nor an element id")
            read_either(when)
        return self

    @property
    def growth(self) -> float:
        """How far demands may grow under which every single failure counts: the largest of the factors, 1 or more.

        A network that is busier than planned does not wait for its failures until the traffic is back to normal.
        """
        return max(1.0, *self.demand_factors) if self.demand_factors else 1.0

    def closed(self, moment: datetime) -> str:
        """Say why no plan may be made at a moment, by its windows and freezes; nothing where one may."""
        for text in self.freeze:
            if read_span(text).holds(moment):
                return f"in the freeze {text}"
        if self.windows and not any(read_weekly(x).holds(moment) for x in self.windows):
            return f"outside the windows {', '.join(self.windows)}"
        return ""

    @property
    def blackout_elements(self) -> tuple[str, ...]:
        """The elements that some blackout is about, those of tags included."""
        names = (text.partition(" ")[0] for text in self.blackouts)
        return tuple(dict.fromkeys(x for name in names for x in self.tags.get(name, (name,))))

    def blacked_out(self, elements: Set[str], moment: datetime) -> tuple[str, str] | None:
        """Return the first of these elements that must not be touched at a moment, and the blackout; None for none."""
        for text in self.blackouts:
            name, _, when = text.partition(" ")
            meant = set(self.tags.get(name, (name,))) & elements
            if meant and read_either(when).holds(moment):
                return min(meant), text
        return None

    def asks_for_a_person(self, tier: RiskTier) -> bool:
        """Whether a person has to approve plans of this risk tier."""
        return self.person_from != "never" and TIERS.index(tier) >= TIERS.index(self.person_from)

    def people_for(self, tier: RiskTier) -> int:
        """How many people have to approve a plan of this risk tier: none, one, or two different ones."""
        if not self.asks_for_a_person(tier):
            return 0
        two = self.two_people_from != "never" and TIERS.index(tier) >= TIERS.index(self.two_people_from)
        return 2 if two else 1

    def autonomy_at(self, fidelity: float | None) -> Autonomy:
        """Return what a run may do at this fidelity of the twin, 0..1; None, where it is not known, lowers nothing."""
        if fidelity is None:
            return self.autonomy
        allowed: Autonomy = "act" if fidelity >= self.fidelity_for_act else "approve"
        allowed = allowed if fidelity >= self.fidelity_for_approve else "suggest"
        allowed = allowed if fidelity >= self.min_fidelity else "observe"
        return _LEVELS[min(_LEVELS.index(self.autonomy), _LEVELS.index(allowed))]

    def looser_than(self, other: "Policy") -> tuple[str, ...]:
        """Return the keys in which this policy allows what the other one forbids; none when it is at least as strict.

        Of scenarios nothing can be said but that they are the same ones, or that the other policy asks for none. A key
        that nothing is known of is looser by any other value.
        """
        mine, theirs = _freedom(self), _freedom(other)
        prices = {"upgrade_costs", "currency"}  # they allow and forbid nothing
        known = {*mine, *prices, "protected", "demand_factors", "windows", "freeze", "blackouts", "classes", "demands"}
        looser = {
            key for key in type(self).model_fields if key not in known and getattr(self, key) != getattr(other, key)
        }
        looser |= {key for key, allowed in mine.items() if allowed > theirs[key]}
        looser |= {"protected"} if set(other.protected) - set(self.protected) else set()
        other_scenarios = other.demand_factors and sorted(self.demand_factors) != sorted(other.demand_factors)
        looser |= {"demand_factors"} if other_scenarios else set()
        looser |= {key for key in ("freeze", "blackouts") if set(getattr(other, key)) - set(getattr(self, key))}
        looser |= {"classes"} if promises_less(self.classes, other.classes) else set()
        looser |= {"demands"} if promises_less(self.demands, other.demands) else set()
        wider = other.windows and (not self.windows or set(self.windows) - set(other.windows))
        looser |= {"windows"} if wider else set()
        return tuple(key for key in type(self).model_fields if key in looser)

    @property
    def hash(self) -> str:
        """Canonical content hash, 16 hex digits."""
        content = self.model_dump_json(exclude=None if self.classes else {"classes"})
        return hashlib.sha256(content.encode()).hexdigest()[:16]


def _freedom(policy: Policy) -> dict[str, float]:
    """How much each key allows, where one number can say it: the larger, the more."""
    people: tuple[str, ...] = (*TIERS, "never")
    more_is_stricter = (
        "min_gain", "min_watts_saved", "min_quality", "min_fidelity", "require_evidence", "refuse_unmodelled",
        "refuse_estimated", "cvar_alpha", "horizon_hours", "fidelity_for_act", "fidelity_for_approve",
    )  # fmt: skip
    more_is_looser = (
        "max_utilisation", "max_failure_utilisation", "max_maintenance_loss", "max_steps", "max_blast_radius",
        "max_delay_stretch", "allow_rate_limits", "max_age_s", "max_uncertain_utilisation", "low_risk_blast_radius",
        "low_risk_steps", "approval_hours",
    )  # fmt: skip
    unlimited = (
        "max_repair_utilisation", "max_demand_stretch", "max_demand_delay_ms", "max_failure_delay_ms",
        "max_failure_stretch",
    )  # fmt: skip
    return {
        **{key: -float(getattr(policy, key)) for key in more_is_stricter},
        **{key: float(getattr(policy, key)) for key in more_is_looser},
        "max_loop_share": inf if policy.max_loop_share is None else policy.max_loop_share,
        **{key: inf if getattr(policy, key) is None else getattr(policy, key) for key in unlimited},
        "max_weight": inf if policy.max_weight is None else policy.max_weight,
        "person_from": people.index(policy.person_from),
        "two_people_from": people.index(policy.two_people_from),
        "autonomy": _LEVELS.index(policy.autonomy),
    }
