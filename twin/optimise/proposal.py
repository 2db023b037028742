"""What a planner hands back: a plan or an honest none, and how far it is from the best that is possible."""

from dataclasses import dataclass
from typing import NamedTuple

from twin.plan import Plan


class Value(NamedTuple):
    """How bad a network state is: harm first, then the peak. Smaller is better."""

    harm: float  # Mbit/s lost, dropped, or above the limit
    max_utilisation: float  # share of capacity on the busiest link

    def beats(self, other: "Value", *, gain: float = 1e-6) -> bool:
        """Whether this is better: less harm, or as much harm and a peak lower by more than the share `gain`."""
        tolerance = 1e-6 + 1e-6 * other.harm
        if self.harm < other.harm - max(tolerance, gain * other.harm):
            return True
        return self.harm <= other.harm + tolerance and self.max_utilisation < other.max_utilisation * (1 - gain)


@dataclass(frozen=True)
class Proposal:
    """A planner's answer. Without a plan, `reason` says why in one sentence and `after` equals `before`."""

    method: str
    plan: Plan | None
    before: Value
    after: Value
    bound: float | None = None  # no routing of the network as it is has a lower peak utilisation
    reason: str = ""
    evaluations: int = 0  # network states that were evaluated on the way

    @property
    def gap(self) -> float | None:
        """Share by which the peak after the plan lies above the bound; None without a positive bound."""
        return self.after.max_utilisation / self.bound - 1 if self.bound else None

    @property
    def steps(self) -> int:
        """Number of steps of the plan, 0 without one."""
        return len(self.plan.steps) if self.plan else 0
