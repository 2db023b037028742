"""How a run can end."""

from typing import Literal

Outcome = Literal[
    "healthy",
    "resolved",
    "relieved",
    "needs a person",
    "no safe plan",
    "no action needed",
    "awaiting approval",
    "awaiting answer",
    "rejected",
    "done",
    "scheduled",
    "rehearsed",
    "rolled back",
    "failed",
    "out of budget",
    "interrupted",
]
