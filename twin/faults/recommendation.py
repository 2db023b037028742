"""What a person should do: frozen and typed, so that records hold it and programs read it."""

from typing import Literal

from pydantic import Field

from twin.model import Frozen

from .fault import FaultKind
from .remedies import Action

Urgency = Literal["now", "soon", "routine"]


class Recommendation(Frozen):
    """Something that is a person's to do.

    Urgency: `now` while users are harmed, `soon` where the network does without something that failed, `routine` where
    the measurement or the records are wrong and the network is well.
    """

    action: Action
    element: str = Field(description="Element id.")
    target: str | None = Field(default=None, description="Element id of the fault's target, if it has one.")
    fault: FaultKind | None = Field(default=None, description="The kind of fault that it ends.")
    words: str = Field(description="What to do, in one sentence.")
    evidence: tuple[str, ...] = Field(description="What speaks for it, the strongest first.")
    urgency: Urgency
    confirmed_by: str = Field(description="What shows that it was done.")
