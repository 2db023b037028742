"""What a check of the measured state says: scores, and the data that are doubted, with reasons."""

from datetime import datetime

from twin.model import Frozen

from .plausible import CheckName, Doubt


class DemandInput(Frozen):
    """Whether the measured matrix explains the loads. `factor` is what the links carry over what was exported."""

    judged: bool
    factor: float
    error: float  # standard error of the factor, relative
    detectable: float  # smallest relative error of the whole matrix that would have been reported
    off: bool
    nodes: tuple[str, ...]  # element ids of nodes whose own exports are off


class QualityReport(Frozen):
    """Data quality of one snapshot. Scores are 0..1, 1 for complete and consistent data."""

    network: str
    time: datetime
    age_s: float
    samples: int
    score: float
    parts: dict[str, float]  # what the score is the product of
    demand: DemandInput
    counters: int
    repaired: int
    unrepaired: int
    failed: dict[CheckName, int]  # doubts by check
    doubts: tuple[Doubt, ...]  # the least trusted first
    doubted: int
    limits: tuple[str, ...]  # what could not be checked, and why

    @property
    def lines(self) -> tuple[str, ...]:
        """The report as short lines of text."""
        demand = self.demand
        told = (
            f"x{demand.factor:.3f} ± {demand.error:.3f}{' OFF' if demand.off else ''}" if demand.judged else "unknown"
        )
        head = f"quality {self.score:.2f} of {self.network}: {self.repaired} of {self.counters} counters repaired, "
        return (
            f"{head}{self.unrepaired} lost; demands explain loads {told}",
            *(f"exports of {name} are off" for name in demand.nodes),
            *(f"{x.trust:.2f} {x.element} {x.reading}: {x.reason}" for x in self.doubts),
            *([f"and {self.doubted - len(self.doubts)} more"] if self.doubted > len(self.doubts) else []),
            *self.limits,
        )
