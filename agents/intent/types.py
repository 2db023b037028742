"""What somebody wants of the network, as values: a goal with its limits, or the one question that is still open."""

from datetime import datetime
from typing import Literal

from pydantic import Field, model_validator

from twin.model import Frozen

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
    "set weight",
    "rate limit",
]
"""What may be wanted. `limit` is relief with a limit in place of an element, `reweight` and `steer` name the means."""

Objective = Literal["utilisation", "delay", "energy", "changes"]
"""The words of `twin.optimise.goals`, which is slow to import."""

DESTRUCTIVE: frozenset[Verb] = frozenset(
    {"drain", "undrain", "sleep", "wake", "restore", "upgrade", "set weight", "rate limit"}
)
"""Verbs that change exactly what is named: nothing about their words is ever guessed."""

Code = Literal[
    "no goal",
    "several goals",
    "negated goal",
    "unknown element",
    "ambiguous element",
    "similar element",
    "missing element",
    "missing value",
    "contradiction",
    "past window",
    "incomplete window",
    "ambiguous time",
    "not understood",
    "another network",
]


class Origin(Frozen):
    """Which words a field came from: `text[start:end]`."""

    field: str
    start: int = Field(ge=0)
    end: int = Field(ge=0)
    words: str


class TimeWindow(Frozen):
    """When it is wanted, by the clock of `zone`."""

    start: datetime
    end: datetime
    zone: str

    @model_validator(mode="after")
    def _ends_after_its_start(self) -> "TimeWindow":
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ValueError("a window needs a time zone")
        if self.end <= self.start:
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
    protected: tuple[str, ...] = ()


class Intent(Frozen):
    """What somebody wants: what to do, to which elements, when, and within which limits."""

    verb: Verb
    what: tuple[str, ...] = Field(default=(), description="Element ids, or directed links for a weight.")
    where: str = Field(description="The network that the elements belong to.")
    when: TimeWindow | None = Field(default=None, description="Null: now.")
    limits: Limits = Limits()
    value: float | None = Field(
        default=None, description="Growth factor, IGP weight, or Mbit/s of a capacity or rate limit."
    )
    objective: Objective | None = Field(default=None, description="What counts among plans that serve the goal.")
    only_rehearse: bool = Field(default=False, description="Plan and judge, and change nothing.")
    text: str = Field(max_length=1_000)
    origins: tuple[Origin, ...] = ()

    @property
    def words(self) -> str:
        """One line that says how the text was understood."""
        from .wording import intent_words

        return intent_words(self)


class Question(Frozen):
    """The one thing that has to be settled before anything is planned."""

    code: Code
    question: str
    choices: tuple[str, ...] = Field(default=(), description="Answers that would settle it; empty: any.")
    words: str = Field(default="", description="The words that it is about.")
    start: int = Field(default=0, ge=0)
    end: int = Field(default=0, ge=0)
