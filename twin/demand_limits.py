"""What single demands are promised: how long they may take, with everything up and under a failure."""

from collections.abc import Mapping
from typing import Annotated, TypeVar

from pydantic import Field

from .frozen import Frozen

ANY = "*"
_MOST_FACTOR, _MOST_MS = 1e6, 1e9

DemandName = Annotated[
    str, Field(pattern=r"^.+->.+$", max_length=140, description="A demand, A->B; `*` for any node at either end.")
]


Limits = TypeVar("Limits", bound=Frozen)


class DemandLimits(Frozen):
    """Limits on the propagation delay of a demand, by each of its ways. Without a figure nothing of it is judged."""

    max_stretch: float | None = Field(
        default=None, ge=1, le=_MOST_FACTOR, description="Most that its delay may grow, factor."
    )
    max_delay_ms: float | None = Field(
        default=None, gt=0, le=_MOST_MS, description="Longest delay of any of its ways, ms."
    )
    max_failure_stretch: float | None = Field(
        default=None,
        ge=1,
        le=_MOST_FACTOR,
        description="Most that it may take under a single failure, of what it takes with everything up, factor.",
    )
    max_failure_delay_ms: float | None = Field(
        default=None, gt=0, le=_MOST_MS, description="Longest delay under a single failure, ms."
    )


def promises_less(mine: Mapping[str, Limits], theirs: Mapping[str, Limits]) -> bool:
    """Whether something of a name is promised less than by other limits, of which a lower one is stricter."""
    for name, limits in theirs.items():
        for key in type(limits).model_fields:
            has, wanted = getattr(mine.get(name), key, None), getattr(limits, key)
            if wanted is not None and (has is None or has > wanted):
                return True
    return False
