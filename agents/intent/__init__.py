"""Goals in plain words, read into values: `read_intent` gives an `Intent`, or the one `Question` that is open."""

from .grammar import read_intent
from .types import DESTRUCTIVE, Intent, Limits, Origin, Question, TimeWindow, Verb

__all__ = ["DESTRUCTIVE", "Intent", "Limits", "Origin", "Question", "TimeWindow", "Verb", "read_intent"]
