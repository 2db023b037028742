"""What somebody wants of the network, as values: a goal with its limits, or the one question that is still open."""

from datetime import UTC, datetime
from typing import Literal, get_args

from pydantic import Field, model_validator

from twin.model import Frozen
from twin.optimise.preference import OBJECTIVES, Preference

Verb = Literal[
    "drain",
    "undrain",
    "relieve",
    "limit",
    "sleep",
    "wake",
    "upgrade",
    "grow",
    "restore",
    "reweight",
    "steer",
    "set_weight",
    "rate_limit",
]
"""What may be wanted. `limit` is relief with a limit in place of an element, `reweight` and `steer` name the means."""

VERBS: tuple[Verb, ...] = get_args(Verb)

DrainMode = Literal["cost_out"]
"""How a drain may be asked for: `cost_out` has it carry what has no other way, failures included."""

DRAIN_MODES: tuple[DrainMode, ...] = get_args(DrainMode)

Code = Literal[
    "plain words",
    "unknown word",
    "repeated word",
    "unknown element",
    "ambiguous element",
    "repeated element",
    "missing element",
    "missing value",
    "bad value",
    "does not fit",
    "contradiction",
    "past window",
    "incomplete window",
    "ambiguous time",
    "unknown zone",
    "not in the text",
    "not in the reading",
    "not understood",
]

LONGEST = 1_000
"""Characters of a goal."""


class Statement(Frozen):
    """A goal as it is stated, before its names, times and rates mean anything: what a written form or a model fills."""

    verb: Verb
    elements: tuple[str, ...] = Field(default=(), max_length=50, description="Elements, letter by letter as written.")
    start: str = Field(default="", max_length=26, description="02:00 or 2026-07-09T02:00, by the clock of the zone.")
    until: str = Field(default="", max_length=26, description="04:00 or 2026-07-09T04:00.")
    zone: str = Field(default="", max_length=64, description="Europe/Berlin, UTC or UTC+02:00; empty if none is named.")
    max_utilisation: float | None = Field(default=None, description="Most load of a link, as a share: 0.8 for 80 %.")
    max_failure_utilisation: float | None = Field(default=None, description="The same under any single failure.")
    max_steps: int | None = None
    max_delay_stretch: float | None = Field(default=None, description="1.2 for 20 % more delay.")
    max_blast_radius: float | None = Field(default=None, description="Most traffic moved, as a share.")
    protected: tuple[str, ...] = Field(default=(), max_length=50, description="What must not be touched, as written.")
    prefer: Preference = Field(
        default=(), max_length=len(OBJECTIVES), description="What counts among plans, the most important first."
    )
    factor: float | None = Field(default=None, description="Growth of the traffic: 1.3 for 30 % more.")
    weight: float | None = Field(default=None, description="IGP weight.")
    capacity: str = Field(default="", max_length=24, description="With its unit: 400G is 400 Gbit/s.")
    rate: str = Field(default="", max_length=24, description="With its unit: 500M is 500 Mbit/s.")
    mode: str = Field(default="", max_length=24, description="Of a drain: cost_out leaves it the last resort.")
    rehearse: bool = Field(default=False, description="Plan and judge, and change nothing.")


class TimeWindow(Frozen):
    """When it is wanted. `start` and `end` carry their offset from UTC; `zone` names the clock they were read by."""

    start: datetime
    end: datetime
    zone: str

    @model_validator(mode="after")
    def _ends_after_its_start(self) -> "TimeWindow":
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ValueError("a window needs a time zone")
        if self.end.astimezone(UTC) <= self.start.astimezone(UTC):
            raise ValueError("a window ends after its start")
        return self

    def lies_ahead(self, now: datetime) -> bool:
        """Whether it has not begun."""
        return now < self.start


class Limits(Frozen):
    """What must hold for the goal to be met; null where nothing was said. Shares are of capacity or of traffic."""

    max_utilisation: float | None = Field(default=None, gt=0, le=1)
    max_failure_utilisation: float | None = Field(default=None, gt=0, le=2)
    max_steps: int | None = Field(default=None, ge=1, le=50)
    max_delay_stretch: float | None = Field(default=None, ge=1, le=10)
    max_blast_radius: float | None = Field(default=None, gt=0, le=1)


class Goal(Frozen):
    """What somebody wants: what to do, to which elements, when, and within which limits."""

    verb: Verb
    elements: tuple[str, ...] = Field(
        default=(), description="Element ids; `A->B` for the link of a weight and for the demand of a rate limit."
    )
    network: str = Field(description="The network that the elements belong to.")
    window: TimeWindow | None = Field(default=None, description="Null: now.")
    limits: Limits = Limits()
    protected: tuple[str, ...] = Field(default=(), description="Ids of elements that no plan may touch.")
    factor: float | None = Field(default=None, gt=1, le=100, description="Growth of every demand.")
    weight: int | None = Field(default=None, ge=1, le=2**24, description="IGP weight.")
    capacity: float | None = Field(default=None, gt=0, description="Mbit/s.")
    rate: float | None = Field(default=None, gt=0, description="Mbit/s.")
    mode: DrainMode | None = Field(default=None, description="How a drain is made, if not as is usual.")
    prefer: Preference = Field(
        default=(), description="What counts among plans that serve the goal, the most important first."
    )
    rehearse: bool = Field(default=False, description="Plan and judge, and change nothing.")
    text: str = Field(default="", max_length=LONGEST, description="The words of whoever asked; untrusted.")

    @property
    def words(self) -> str:
        """Its written form, which reads back as this goal."""
        from .wording import written

        return written(self)


class Question(Frozen):
    """The one thing that has to be settled before anything is planned."""

    code: Code
    question: str
    choices: tuple[str, ...] = Field(default=(), description="What would settle it, in place of `words`; empty: any.")
    words: str = Field(default="", description="The words that it is about; empty: the whole text.")


class OpenError(Exception):
    """Something is left open while a goal is read: carries the question, and never leaves this room."""

    def __init__(self, code: Code, text: str, *, words: str = "", choices: tuple[str, ...] = ()) -> None:
        super().__init__(text)
        self.question = Question(code=code, question=text, words=words, choices=choices)
