"""A case: one incident on one network, fixed by its seed; the ground truth is the case's own fault."""

from pydantic import Field

from twin.faults import Fault
from twin.model import Frozen


class Case(Frozen):
    """What to run. `fault` null lets the seed draw one; `healthy` runs without any."""

    suite: str = Field(min_length=1, max_length=40)
    network: str = Field(min_length=1, max_length=200)
    seed: int = Field(ge=0)
    model: str = "runbook"
    fault: Fault | None = None
    healthy: bool = False

    @property
    def id(self) -> str:
        """Readable and unique within the suite."""
        return f"{self.suite}/{self.network.replace('/', '-')}/{self.seed}"
