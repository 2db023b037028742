"""What the gate may be told beyond plan, snapshot and policy."""

from dataclasses import dataclass
from typing import NamedTuple

from pydantic import Field

from twin.model import Floats, Frozen


class Evidence(Frozen):
    """What vouches for a snapshot; a figure that is not there is not judged."""

    age_s: float | None = Field(default=None, ge=0, description="Seconds since the newest measurement behind it.")
    quality: float | None = Field(default=None, ge=0, le=1, description="Data-quality score of those measurements.")
    fidelity: float | None = Field(
        default=None, ge=0, le=1, description="How well the twin has predicted loads, 1 best."
    )


class Scenario(NamedTuple):
    """Another traffic matrix that may come: Mbit/s [n, n], in the order of the nodes."""

    name: str
    demands: Floats


@dataclass(frozen=True)
class Context:
    """What is known beyond plan, snapshot and policy. Without scenarios, those of the policy count."""

    evidence: Evidence | None = None
    scenarios: tuple[Scenario, ...] = ()
