"""The one goal language: `written.read_goal` gives a `Goal`, or the one `Question` that its words leave open."""

from .types import LONGEST, Goal, Limits, Question, Statement, TimeWindow, Verb

__all__ = ["LONGEST", "Goal", "Limits", "Question", "Statement", "TimeWindow", "Verb"]
