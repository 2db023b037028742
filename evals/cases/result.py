"""What one system made of one case."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import Field

from twin.model import Frozen

_DIGITS = 9


@dataclass(frozen=True)
class Measures:
    """Figures of one answer. `values` are the same on every machine; `spent` (seconds, watt-hours) is not compared.

    `passed` is the case's own yes or no. `answer` and `truth` are for people who look at a failure.
    """

    passed: bool
    values: Mapping[str, float] = field(default_factory=dict[str, float])
    answer: str = ""
    truth: str = ""
    spent: Mapping[str, float] = field(default_factory=dict[str, float])
    run: str = ""
    trace: str = ""


class Result(Frozen):
    """One row of a run: a case, who answered, and the figures. `error` is what made the product crash, if it did."""

    case: str
    suite: str
    kind: str
    network: str
    seed: int
    system: str
    repeat: int = 1
    passed: bool
    values: dict[str, float] = Field(default_factory=dict[str, float])
    answer: str = ""
    truth: str = ""
    seconds: float = 0.0
    spent: dict[str, float] = Field(default_factory=dict[str, float])
    run: str = Field(default="", description="Folder of the agents' run with its journal, when agents answered.")
    trace: str = Field(default="", description="Trace id of that run.")
    error: str | None = None
    void: bool = Field(default=False, description="Whether the case itself could not be set up: nothing was asked.")

    @property
    def key(self) -> tuple[str, str, int]:
        """Case, system and repeat: what a run holds once."""
        return self.case, self.system, self.repeat


def steady(value: float) -> float:
    """Round to nine significant digits: the last ones differ between machines."""
    return float(f"{value:.{_DIGITS}g}")
