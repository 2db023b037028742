"""The one goal language: `read_goal` gives a `Goal`, or the one `Question` that its words leave open."""

from .types import LONGEST, Goal, Limits, Question, Statement, TimeWindow, Verb
from .written import read_goal

__all__ = ["LONGEST", "Goal", "Limits", "Question", "Statement", "TimeWindow", "Verb", "read_goal"]
